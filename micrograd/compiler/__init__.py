"""`jit`: a function of Values recorded once, regrouped, and replayed as a NumPy program."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

from ..engine import Value, tape
from ..optim import Optimizer
from .arguments import Arguments, as_value, replaced, results
from .reading import recorded
from .recording import JitError, TooDeepError
from .replay import Replay
from .report import explanation, listing
from .surroundings import Surroundings
from .taping import Input, refuse_reading, taped
from .training import Training

__all__ = ["Jit", "JitError", "Training", "jit"]

P = ParamSpec("P")
R = TypeVar("R")
MOST_SIGNATURES, MOST_BRANCHES, MOST_MISSES = 64, 8, 128


def jit(function: Callable[P, R]) -> Jit[P, R]:
    """The function, made fast: it gives the same Values, and they pass the same gradients back.

    The first call with arguments of some shapes is recorded and compiled; later ones replay it.
    Floats in the arguments may differ from call to call, and are Values inside the function; ints,
    bools and strings belong to the shapes. Leaves from before the call are read at each call.
    Where a comparison comes out otherwise, or something that the function can see has changed, it
    is recorded again. Raises JitError for what a replay could not do.
    """
    return Jit(function)


class Recordings:
    """What is known of one signature: a replay for each way through the function's branches."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.replays: list[Replay] = []
        self.too_deep = False


class Jit(Generic[P, R]):
    """A jitted function."""

    def __init__(self, function: Callable[P, R]) -> None:
        if not callable(function):
            raise TypeError(f"jit() needs a function, got {type(function).__name__} {function!r}")
        functools.update_wrapper(self, function)
        self.function = function
        self.lock = threading.RLock()
        self.forget()

    def forget(self) -> None:
        """Drop all recordings."""
        self.known: OrderedDict[tuple, Recordings] = OrderedDict()
        self.recordings = self.replays = 0
        self.latest: Replay | TooDeepError | None = None

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if tape.get() is not None:  # inside another one: part of its recording
            args, kwargs = replaced((args, kwargs), as_value)
            return self.function(*args, **kwargs)
        with self.lock, np.errstate(all="ignore"):
            arguments = Arguments(args, kwargs)
            replay = self.replay(arguments)
            if replay:
                return replay.result(arguments)
        args, kwargs = replaced((args, kwargs), as_value)
        return self.function(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """A jitted method."""
        return self if instance is None else functools.partial(self, instance)

    def training(self, optimizer: Optimizer) -> Training:
        """A whole step of training at once, to be used in a `with` statement:

            with f.training(optimizer) as step:
                loss = step(X, y)

        step(…) takes the arguments of the function, lets the optimizer make one step against the
        gradients of what it returns, and gives that back as a float; of several Values, the first
        is the loss. The parameters' data and gradients are up to date whenever they are read.
        """
        return Training(self, optimizer)

    @property
    def program(self) -> str:
        """The NumPy program of the last call, as source code."""
        return listing(self.last())

    def explain(self) -> str:
        """What became of the recording of the last call, as a table: each pass, each group."""
        return explanation(self.last())

    def last(self):
        if self.latest is None:
            raise JitError(f"{self.name} was not called yet: there is no recording of it")
        if isinstance(self.latest, TooDeepError):
            raise self.latest
        return self.latest.program

    @property
    def name(self) -> str:
        return getattr(self.function, "__name__", "a jitted function")

    def __repr__(self):
        return f"<jit of {self.name}>"

    def replay(self, arguments: Arguments, fill: Callable = Replay.fill) -> Replay | None:
        """The replay for these arguments, its forward pass done; None if there can be none.

        `fill` sets the leaves of a replay, given the arguments.
        """
        known = self.known.get(arguments.signature)
        if known is None or not known.surroundings.are_the_same():
            known = Recordings(Surroundings([self.function, *arguments.objects]))
            self.known[arguments.signature] = known
            while len(self.known) > MOST_SIGNATURES:
                self.known.popitem(last=False)
        self.known.move_to_end(arguments.signature)
        for replay in known.replays:
            fill(replay, arguments)
            if replay.run(arguments):
                self.latest = replay
                self.replays += 1
                return replay
        return None if known.too_deep else self.recorded(arguments, known, fill)

    def recorded(self, arguments, known, fill):
        """A replay of one more way through the function, or None."""
        self.recordings += 1
        if self.recordings > MOST_MISSES + self.replays:
            self.latest = TooDeepError(
                f"{self.name} was recorded {MOST_MISSES} times more often than replayed, as its "
                "comparisons, integers or surroundings differ: it runs in the engine"
            )
            return None
        stand_ins = {v: Value(v.data, label=v.label) for v in arguments.values}
        inputs: list[Value] = []

        def stand_in(x):
            if isinstance(x, Value):
                return stand_ins[x]
            inputs.append(Input(x))
            return inputs[-1]

        args, kwargs = replaced((arguments.args, arguments.kwargs), stand_in)
        answer, events, code = taped(lambda: self.function(*args, **kwargs))
        if changed := known.surroundings.changed():
            raise JitError(
                f"{self.name} changed {changed} while it was recorded; a replay would not: "
                "do it outside the jitted function, and pass or return what is needed"
            )
        leaves = list(stand_ins.values())
        recording = recorded(results(answer), events, leaves, inputs)
        refuse_reading(known.surroundings.codes() if code is None else code)
        try:
            made = Replay(recording, answer, leaves, self.lock)
        except TooDeepError as error:
            known.too_deep, self.latest = True, error
            return None
        known.replays.insert(0, made)
        del known.replays[MOST_BRANCHES:]
        self.latest = made
        fill(made, arguments)
        # Its last digits may decide a comparison otherwise than the engine's: then let that run.
        return made if made.run(arguments) else None
