"""Training: forward, backward and the optimizer's step on flat arrays, lent by the parameters."""

from __future__ import annotations

import math
import reprlib
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..atomic import set_attributes
from ..engine import Value, real
from ..optim import SGD, Adam, Optimizer
from .addresses import loaded
from .backends import C
from .errors import JitError
from .mesh import OnMesh
from .pytree import Arguments, replaced, results, with_values
from .run import Executable, is_finite
from .shortcut import NumPyShortcut, Shortcut, XlaShortcut
from .steps import RATES, Steps, is_as_usual, is_ours, rate
from .trace import class_of
from .xla import XLA
from .xla_steps import XlaSteps

if TYPE_CHECKING:
    from . import Jit

DATA, GRAD = Value.__dict__["data"], Value.__dict__["grad"]  # what a Lent keeps there is a place


class Lent(Value):
    """A parameter during its training: its numbers are in the arrays of the training."""

    __slots__ = ()

    @property
    def data(self) -> float:  # type: ignore[override]
        training, i = DATA.__get__(self)
        return training.used.all.item(i)

    @data.setter
    def data(self, x: float) -> None:
        training, i = DATA.__get__(self)
        training.used.all[i] = real(x, "the data of a parameter in training")

    @property
    def grad(self) -> float:  # type: ignore[override]
        training, i = GRAD.__get__(self)
        return training.grads.item(i)

    @grad.setter
    def grad(self, x: float) -> None:
        training, i = GRAD.__get__(self)
        training.grads[i] = real(x, "the gradient of a parameter in training")

    def __reduce__(self):
        return Value, (self.data,), (self.__dict__, {"grad": self.grad, "label": self.label})


class Training:
    """See Jit.training()."""

    def __init__(self, jitted: Jit, optimizer: Optimizer, *bound: Any) -> None:
        """`bound` is what comes before the arguments of each step: the object of a method."""
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                "training() needs an optimizer, such as optim.SGD(model.parameters()), got "
                f"{type(optimizer).__name__} {reprlib.repr(optimizer)}"
            )
        self.jitted, self.optimizer, self.bound = jitted, optimizer, bound
        self.fills: dict[Executable, Fill] = {}
        self.shortcut: Shortcut | None = None
        self.found: list[list[float]] = []  # by each step of the latest many()
        self.inside = self.has_warned = False

    def __enter__(self) -> Training:
        for p in self.optimizer.parameters:
            if class_of(p) is Lent:  # another training ends, also one that Ctrl-C kept from ending
                DATA.__get__(p)[0].end()
        self.prepare()
        self.lend()
        return self

    def prepare(self):
        self.list = self.optimizer.parameters
        self.parameters = tuple(self.list)
        self.size = n = len(self.parameters)
        if any(len(numbers) != n for numbers in self.optimizer.state):
            raise ValueError(
                f"the optimizer has {n} parameters, and kept numbers for another count: make a new "
                "one when they change"
            )
        self.grads = np.zeros(n)
        rows = len(self.optimizer.state) + 1  # the data, then what the optimizer keeps
        tables = [np.zeros((rows, n)) for _ in range(2)]
        self.buffers = [Buffers(table.ravel(), tuple(table), tuple(table[1:])) for table in tables]
        self.used = self.buffers[0]

    def lend(self):
        """Takes the parameters' numbers and the optimizer's state into the arrays."""
        parameters = self.parameters
        for i, p in enumerate(parameters):
            if class_of(p) is Lent:  # to one that has begun since
                self.inside = False
                raise JitError(NOT_INSIDE)
            if class_of(p) is not Value or p._prev:
                kind = "computed Value" if isinstance(p, Value) and p._prev else type(p).__name__
                raise TypeError(f"training() needs leaf Values to train, parameter {i} is a {kind}")
        self.used.rows[0][:] = [p.data for p in parameters]
        self.grads[:] = [p.grad for p in parameters]
        self.take_state()
        places = [(self, i) for i in range(self.size)]
        self.inside = True
        try:
            assign(parameters, data=places, grad=places, __class__=[Lent] * self.size)
            self.optimizer.parameters = self.parameters  # that nobody changes meanwhile
        except BaseException:  # Ctrl-C, when the with statement does not hold yet
            self.end()
            raise

    def __exit__(self, *error: Any) -> None:
        try:
            self.end()
        except KeyboardInterrupt:
            self.end()
            raise
        self.forget_shortcut()
        self.fills.clear()  # which refer back to this

    def give_back(self):
        """Gives the parameters and the optimizer their own numbers back, if they are lent."""
        if not self.has_numbers():
            return
        data, grads = self.used.rows[0].tolist(), self.grads.tolist()
        self.optimizer.state = tuple(list(map(float, xs)) for xs in self.optimizer.state)
        kinds = [Value] * self.size
        assign(self.parameters, __class__=kinds, data=data, grad=grads)

    def end(self):
        self.give_back()
        if self.optimizer.parameters is self.parameters:
            self.optimizer.parameters = self.list
        self.inside = False

    def has_numbers(self):
        """Whether the parameters are lent to this training. All are, or none."""
        p = self.parameters[0]
        return class_of(p) is Lent and DATA.__get__(p)[0] is self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        shortcut = self.shortcut
        if shortcut and not kwargs and (answer := shortcut(args)) is not None:
            return answer
        found: list[list[float]] = []
        answer = self.steps([args], 0, kwargs, found)
        numbers = iter(found[0])
        return replaced(answer, lambda v: next(numbers))

    def many(self, steps: Any, *args: Any, **kwargs: Any) -> list[float]:
        """The losses of many steps, which together take less time than as many calls.

        step.many(n, …) makes the step n times. step.many(indices, X, y) makes one for each row of
        an array of integers (steps, batch size): on these rows of X and y, which are arrays.
        Keyword arguments are the same in all steps: no rows of them are taken.

        It is as if step were called again and again, but that what the function sees is looked at
        some hundred times a second: what another thread changes meanwhile is seen so much later.
        Ctrl-C and errors leave the parameters as they were after a whole step; `step.losses` has
        the losses until then. Raises IndexError where there is no such row, and ValueError for a
        keyword argument with as many rows as X.
        """
        self.found = []
        batches = Batches(steps, args, kwargs)
        while len(self.found) < len(batches):
            self.steps(batches, len(self.found), kwargs, self.found)
        return self.losses

    @property
    def losses(self) -> list[float]:
        """Those of the steps that the latest many() has made."""
        return [outputs[0] for outputs in self.found]

    def steps(self, batches: Sequence[tuple], start: int, kwargs: dict, found: list) -> Any:
        """Makes one step or more, with the arguments in `batches` from `start` on.

        What they gave is added to `found`, as flat lists of numbers; returns how it is nested.
        """
        if not self.inside:
            raise JitError(NOT_INSIDE)
        if self.optimizer.parameters is not self.parameters:
            raise JitError(
                "the optimizer has other parameters than when its training began: end the with "
                "statement, and begin another one"
            )
        if self.jitted.lock.is_held_here():
            raise JitError("a step of training began, by a signal, in the middle of another call")
        self.forget_shortcut()

        def use(way, arguments):
            way.slow_steps += 1
            found.append(self.step(way.replay, arguments))
            self.shortcut = self.shortcut_of(way, arguments)
            # Guards once more: the function may look at the optimizer, which a step has changed.
            if start + 1 < len(batches) and self.is_closed(way.replay) and way.fits(arguments, {}):
                self.loop(way.replay, arguments, batches, start + 1, kwargs, found)
            return way.replay

        args = (*self.bound, *batches[start])
        if not self.jitted.sleeps():
            if not self.has_numbers():
                self.lend()
            arguments = Arguments(args, kwargs)
            replay = self.jitted.run(arguments, self.fill, use, self)
            if replay is not None:
                self.warn_of_nothing(self.fills[replay], arguments)
                return replay.answer
        with self.jitted.lock.held:
            answer, outputs = self.step_of_the_engine(args, kwargs)
        found.append([v.data for v in outputs])
        return answer

    def warn_of_nothing(self, fill, arguments):
        """Says once if a step trains nothing. As with PyTorch, some unused parameters are usual."""
        if not (self.has_warned or len(fill.own) or fill.gets_parameters(arguments)):
            self.has_warned = True
            warnings.warn(
                f"{self.jitted.name} depends on none of the optimizer's parameters, so that steps "
                "train nothing: let it compute with these Values themselves, not with copies",
                stacklevel=4,
            )

    def step(self, replay, arguments):
        """What the function returned; the optimizer's step against its gradients is made."""
        outputs, fill = replay.outputs(), self.fills[replay]
        if fill.steps and is_as_usual(self.optimizer):
            new = self.spare()
            if fill.steps.step(self.used.all, new.all, self.optimizer, self.lr()):
                self.use(new)
                return outputs
        gradients = replay.backward(fill.seeds)
        fill.spread(gradients, self.grads)
        fill.collect(gradients, arguments)
        if getattr(self.optimizer.step, "__func__", None) is STEP:
            new = self.moved()
            if not is_finite(new.all):
                self.check(new)
            self.use(new)
        else:  # a step of one's own, which reads and sets the parameters
            self.optimizer.step()
        return outputs

    def forget_shortcut(self):
        if (shortcut := self.shortcut) is not None:
            shortcut.settle()
            self.shortcut = None

    def shortcut_of(self, way, arguments):
        """How to make the next steps, if they are like this one."""
        fill = self.fills[way.replay]
        is_like_others = self.is_closed(way.replay) and not (fill.others or arguments.kwargs)
        if not (is_like_others and self.jitted.is_settled(way)) or (fill.steps and not loaded()):
            return None
        if fill.shortcut is None:
            known = self.jitted._known[arguments.signature]
            fill.shortcut = SHORTCUTS[type(fill.steps)](self, way, known, arguments)
        fill.shortcut.until = self.jitted.next_audit(way)
        return fill.shortcut

    def loop(self, replay, arguments, batches, start, kwargs, found):
        """Makes more steps, as long as nothing but their numbers can differ: see `many`."""
        fill, at, args = self.fills[replay], start, batches[start - 1]
        # By the processor's time, which is dearer to ask for, where the machine does other things.
        until, spent = time.monotonic() + LOOP_SECONDS, time.process_time() + LOOP_SECONDS
        while at < len(batches) and (
            self.jitted.in_step or time.monotonic() < until or time.process_time() < spent
        ):
            if (batch := batches[at]) is not args:
                args, given = batch, arguments.alike((*self.bound, *batch), kwargs)
                if given is None:
                    break
                arguments = given
                replay.feed(arguments)
            if fill.steps:
                made = self.some_steps(fill, arguments, batches, at)
            else:
                made = self.one_step(replay, arguments, fill)
            if not made:
                break  # a step that asks why begins anew
            found += made
            at += len(made)
        self.jitted.looped(at - start)

    def one_step(self, replay, arguments, fill):
        """What a step computed, in a list; none where that is infinite, nan or of another way."""
        program = replay.program
        fill(self.used.all, arguments)
        if not program.forward():
            return []
        outputs = replay.outputs()
        program.backward()  # from the seeds of the step before
        if fill.others and not is_finite(program.gradients):
            return []
        fill.spread(program.gradients, self.grads)
        before = fill.collect(program.gradients, arguments)
        new = self.moved()  # where a gradient is not finite, neither is what it leads to
        if not is_finite(new.all):
            for leaf, grad in before:
                leaf.grad = grad
            return []
        self.use(new)
        return [outputs]

    def some_steps(self, fill, arguments, batches, at):
        """The same for several steps: with the same arguments, or in XLA with rows of arrays."""
        new, steps = self.spare(), fill.steps
        given = self.used.all, new.all, self.optimizer
        if isinstance(steps, XlaSteps) and steps.gathers(arguments, batches):
            made = steps.steps_on_rows(*given, batches.rows[at:])
        else:
            made = steps.steps(*given, in_a_row(batches, at, steps.block))
        if made:
            self.use(new, len(made))
        return made

    def is_closed(self, replay):
        """Whether a step runs no code but ours."""
        return self.is_known() and not self.fills[replay].calls_functions

    def is_known(self):
        """Whether the optimizer runs no code but ours."""
        return is_as_usual(self.optimizer) and is_ours(self.optimizer.lr)

    def step_of_the_engine(self, args, kwargs):
        """A step without a replay; until the next one the parameters have their own numbers."""
        args, kwargs = with_values(args, kwargs)
        self.give_back()
        answer = self.jitted.function(*args, **kwargs)
        outputs = results(answer)
        self.optimizer.zero_grad()
        outputs[0].backward()
        self.optimizer.step()
        return answer, outputs

    def fill(self, replay, arguments):
        """Sets the leaves of a replay."""
        if replay not in self.fills:
            if len(self.fills) >= MOST_FILLS:
                self.fills.clear()
            self.fills[replay] = Fill(replay, self)
        fill = self.fills[replay]
        fill(self.used.all, arguments)
        if fill.steps and self.is_closed(replay):
            self.spare()
            fill.steps.begin(self.used.all, self.optimizer, self.lr())

    def take_state(self):
        """Copies the optimizer's state into the buffers, after somebody has set it."""
        for row, numbers in zip(self.used.state, self.optimizer.state):
            row[:] = numbers
        self.optimizer.state = self.used.state

    def moved(self):
        """The buffers that are not in use, filled with what the optimizer's step leads to."""
        optimizer, new = self.optimizer, self.spare()
        update = UPDATES[type(optimizer)] if is_as_usual(optimizer) else update_by_lists
        update(optimizer, self.lr(), self.grads, self.used.rows, new.rows)
        return new

    def steps_of_arrays(self, replay, gradients):
        """For an audit: gradients, and data and state after a step, which is not made; flat.

        In C of a single step, and of the first of several. Nan where a step is not finite.
        """
        fill, kept = self.fills[replay], self.grads.copy()
        fill.spread(gradients, self.grads)
        found = self.grads.tolist()
        for stepped in self.known_steps(fill, gradients) if self.is_known() else ():
            found += stepped()
        self.grads[:] = kept
        return found

    def known_steps(self, fill, gradients=()):
        """The ways in which a step is made, as functions that return what it leads to."""
        args = self.used.all, self.spare().all, self.optimizer

        def moved(made):
            if not made:  # in C, it has left gradients of its own
                fill.spread(gradients, self.grads)
            new = self.spare().all if made else self.moved().all
            return new.tolist() if is_finite(new) else [math.nan] * len(new)

        if not fill.steps:
            return [lambda: moved(False)]
        return [
            lambda: moved(fill.steps.step(*args, self.lr())),
            lambda: moved(fill.steps.steps(*args, 1)),
        ]

    def steps_of_lists(self, replay, grads):
        """The same by the optimizer's own update, from the gradients of the parameters."""
        optimizer, new = self.optimizer, [math.nan] * len(self.used.all)
        if not self.is_known():
            return grads
        with suppress(ArithmeticError):
            optimizer.check("gradient", grads)
            data, state = optimizer.update(self.lr(), self.used.rows[0].tolist(), grads)
            if all(map(math.isfinite, found := list(chain(data, *state)))):
                new = found
        return grads + new * len(self.known_steps(self.fills[replay]))

    def spare(self):
        """The buffers that are not in use; the others have the optimizer's state."""
        if self.optimizer.state is not self.used.state:
            self.take_state()
        return self.buffers[self.used is self.buffers[0]]

    def lr(self):
        """The learning rate of the next step."""
        return rate(self.optimizer, self.optimizer.steps)

    def check(self, new):
        """Raises NonFiniteError for a step that is infinite or nan."""
        for what, numbers in (("gradient", self.grads), *(("step", row) for row in new.rows)):
            self.optimizer.check(what, numbers.tolist())

    def use(self, new, made=1):
        """Changes the buffers: the step is made, or some."""
        owners = self, self.optimizer, self.optimizer
        set_attributes(owners, ATTRIBUTES, (new, new.state, self.optimizer.steps + made))


NOT_INSIDE = (
    "a training is used in a with statement, with f.training(…) as step: …, and ends when another "
    "one of the same parameters begins"
)
STEP = Optimizer.step
MOST_FILLS = 64  # kept for replays, which may long be forgotten
LOOP_SECONDS = 0.01  # of CPU, after which a loop looks again at what the function sees
ATTRIBUTES = ("used", "state", "steps")


class Buffers(NamedTuple):
    """A table of the parameters' data and of what the optimizer keeps, as one array and as rows."""

    all: np.ndarray
    rows: tuple[np.ndarray, ...]
    state: tuple[np.ndarray, ...]  # the rows without the data


class Fill:
    """Which leaf of a replay is which parameter."""

    def __init__(self, replay: Executable, training: Training) -> None:
        parameters = training.parameters
        leaves, index = replay.program.leaves, {p: i for i, p in enumerate(parameters)}
        slots = {leaf: slot for slot, leaf in enumerate(leaves)}
        self.replay = replay
        self.own = np.array([slot for leaf, slot in slots.items() if leaf in index], int)
        self.at = np.array([index[leaf] for leaf in leaves if leaf in index], int)
        self.others = [slot for leaf, slot in slots.items() if leaf not in index]
        self.back = np.array([slots.get(p, 0) for p in parameters], int)
        self.unused = np.array([i for p, i in index.items() if p not in slots], int)
        self.v = replay.v[: len(leaves)]
        self.seeds = np.full(len(replay.program.outputs), -0.0)  # of the loss, which comes first
        self.seeds[0] = 1.0
        self.calls_functions = any(op.kind == "function" for op in replay.program.graph.ops)
        self.steps: Steps | XlaSteps | None = None
        self.shortcut: Shortcut | None = None
        kind = KINDS.get(type(replay.program.code)) if type(training.optimizer) in RATES else None
        if kind and not (self.others or self.calls_functions):
            at = [slots.get(p, -1) for p in parameters]
            tables = [buffers.all for buffers in training.buffers]
            self.steps = kind(replay, at, tables, training.grads)

    def __call__(self, now, arguments):
        """Sets the leaves to their data."""
        if not self.others:
            now.take(self.at, out=self.v, mode="clip")
            return
        self.v[self.own] = now[self.at]
        leaves = self.replay.leaves(arguments.values)
        self.v[self.others] = [leaves[i].data for i in self.others]

    def spread(self, found, grads):
        """Brings the gradients found to the parameters; it is zero where a loss uses none."""
        if len(found):
            found.take(self.back, out=grads, mode="clip")
        if len(self.unused):
            grads[self.unused] = 0.0

    def collect(self, found, arguments):
        """Adds gradients to those of the other leaves, which may be parameters among the arguments.

        Returns these leaves, and what their gradients were.
        """
        leaves = self.replay.leaves(arguments.values) if self.others else []
        before = [(leaves[i], leaves[i].grad) for i in self.others]
        for i in self.others:
            leaves[i].grad += found.item(i)
        return before

    def gets_parameters(self, arguments):
        """Whether some come as arguments."""
        leaves = self.replay.leaves(arguments.values) if self.others else []
        return any(class_of(leaves[i]) is Lent for i in self.others)


KINDS: dict[type, type[Steps] | type[XlaSteps]] = {  # of backends
    C: Steps,
    XLA: XlaSteps,
    OnMesh: XlaSteps,
}
SHORTCUTS: dict[type, type[Shortcut]] = {
    Steps: Shortcut,
    XlaSteps: XlaShortcut,
    type(None): NumPyShortcut,
}


def in_a_row(batches, start, most):
    """How many of the batches from `start` on, at most so many, are one and the same."""
    first, end = batches[start], min(start + most, len(batches))
    others = (i for i in range(start + 1, end) if batches[i] is not first)
    return next(others, end) - start


class Batches(Sequence):
    """The arguments of each of many steps."""

    def __init__(self, steps: Any, args: tuple, kwargs: dict) -> None:
        self.args, self.rows, self.latest = args, None, (-1, args)
        if not is_a_number(steps):
            self.rows = checked_rows(steps, args)
            check_shared(kwargs, len(args[0]))
        self.size = int(steps) if self.rows is None else len(self.rows)

    def __len__(self):
        return self.size

    def __getitem__(self, i):
        if i >= self.size:  # here a loop over them ends
            raise IndexError(i)
        if self.rows is not None and i != self.latest[0]:
            self.latest = i, tuple(x[self.rows[i]] for x in self.args)
        return self.latest[1]


def is_a_number(steps):
    if isinstance(steps, (int, np.integer)) and steps < 0:
        raise ValueError(f"many() needs a number of steps from 0, got {steps}")
    return isinstance(steps, (int, np.integer)) and not isinstance(steps, bool)


def checked_rows(indices, arrays):
    """Indices (steps, batch size) of rows of each of the arrays."""
    try:
        found = np.asarray(indices)
    except ValueError:  # rows of different lengths
        found = np.array(None)
    if found.ndim != 2 or found.dtype.kind not in "iu":
        raise TypeError(
            "many() needs a number of steps, or an array of integers (steps, batch size), got "
            f"{type(indices).__name__} {reprlib.repr(indices)}"
        )
    if not arrays or not all(isinstance(x, np.ndarray) and x.ndim for x in arrays):
        kinds = ", ".join(type(x).__name__ for x in arrays) or "none"
        raise TypeError(f"many() with indices needs arrays to take rows of, got {kinds}")
    (n, *others) = sorted(set(map(len, arrays)))
    if others:
        raise ValueError(f"many() needs arrays of one length, got {[n, *others]}")
    if found.size and not -n <= found.min() <= found.max() < n:
        ends = f"from {-n} to {n - 1}" if n else "of rows, of which the arrays have none"
        wrong = found.max() if found.max() >= n else found.min()
        raise IndexError(f"many() needs indices {ends}, got {wrong}")
    return found


def check_shared(kwargs, n):
    """Raises ValueError for a keyword argument that seems to be meant as rows, too."""
    for name, x in kwargs.items():
        if row_count(x) == n:
            raise ValueError(
                f"many() with indices takes rows of what is passed by position, got {name}= with "
                f"as many rows, {n}: pass it by position, as an array"
            )


def row_count(x):
    if isinstance(x, np.ndarray):
        return len(x) if x.ndim else None
    return len(x) if isinstance(x, list) else None


def update_sgd(optimizer, lr, grads, now, new):
    """As SGD.update, on arrays (data, velocity)."""
    data, velocity = new
    np.copyto(velocity, grads)
    if optimizer.weight_decay:
        np.multiply(now[0], optimizer.weight_decay, out=data)
        np.add(grads, data, out=velocity)
    if optimizer.momentum:
        np.multiply(now[1], optimizer.momentum, out=data)
        np.add(data, velocity, out=velocity)
    np.multiply(velocity, lr, out=data)
    np.subtract(now[0], data, out=data)


def update_adam(optimizer, lr, grads, now, new):
    """As Adam.update, on arrays (data, means, squares), but for the order of what is constant."""
    (b1, b2), t = optimizer.betas, optimizer.steps + 1
    data, means, squares = new
    np.multiply(now[1], b1, out=means)
    np.multiply(grads, 1 - b1, out=data)
    np.add(means, data, out=means)
    np.multiply(grads, 1 - b2, out=data)
    np.multiply(data, grads, out=data)
    np.multiply(now[2], b2, out=squares)
    np.add(squares, data, out=squares)
    np.multiply(squares, 1 / (1 - b2**t), out=data)
    np.sqrt(data, out=data)
    np.add(data, optimizer.eps, out=data)
    np.divide(means, data, out=data)
    np.multiply(data, lr / (1 - b1**t), out=data)
    np.subtract(now[0], data, out=data)


def update_by_lists(optimizer, lr, grads, now, new):
    """Any other optimizer's own update."""
    optimizer.check("gradient", grads.tolist())
    data, state = optimizer.update(lr, now[0].tolist(), grads.tolist())
    for row, numbers in zip(new, (data, *state)):
        row[:] = numbers


UPDATES = {SGD: update_sgd, Adam: update_adam}


def assign(objects, **columns):
    """Sets attributes of all objects, given as columns."""
    rows = [(x, name, y) for name, values in columns.items() for x, y in zip(objects, values)]
    set_attributes(*zip(*rows))
