"""Shortcuts: a step of a training like an earlier one; in C, guards and all are one call."""

from __future__ import annotations

import ctypes
import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine import Value
from .addresses import Addresses, bound
from .pytree import Arguments, replaced
from .steps import RATES, is_as_usual, is_ours, rate

if TYPE_CHECKING:
    from . import Recorded, Signature
    from .run import Executable
    from .training import Training

USED, STATE, STEPS = "used", "state", "steps"
FIELDS = (
    *("guards", "step", "v", "t", "training", "now", "loss", "new"),
    *("owner", "used", "new_used", "optimizer", "state", "new_state", "counter", "count"),
)


class Call(ctypes.Structure):
    """As `call` in python.c."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in FIELDS)


class Shortcut:
    """Steps whose arguments have a signature, and which go one way through the function."""

    def __init__(
        self, training: Training, way: Recorded, known: Signature, arguments: Arguments
    ) -> None:
        """`arguments` are those of an earlier step, of a signature with this way."""
        self.training, self.way, self.account, self.like = training, way, known.account, arguments
        self.jitted, self.replay, self.made = training.jitted, way.replay, 0
        self.recordings, self.until = self.jitted._known, 0.0
        self.optimizer = training.optimizer
        self.rates = RATES[type(self.optimizer)]
        self.is_one_number = isinstance(way.replay.answer, Value)
        self.guards = Addresses(way.guards)
        self.readers = readers(arguments, way.replay, training.bound)
        self.prepare()

    def prepare(self):
        first, second = self.training.buffers
        self.kept = [self.call(first, second), self.call(second, first)]
        self.calls = [bound("stepped", ctypes.addressof(call)) for call in self.kept]

    def call(self, now, new):
        """What C is to know of a step from one table to the other."""
        training, program = self.training, self.replay.program
        steps = training.fills[self.replay].steps
        v, t, _ = program.code.given
        return Call(
            *(self.guards.words.ctypes.data, ctypes.cast(steps.whole, ctypes.c_void_p), v, t),
            *(ctypes.addressof(steps.state), now.all.ctypes.data),
            *(program.v[program.outputs[0] :].ctypes.data, new.all.ctypes.data),
            *map(id, (training, USED, new, self.optimizer, STATE, new.state)),
            *map(id, (self.optimizer, STEPS)),
        )

    def __call__(self, args: tuple) -> Any:
        """What the function returned, as numbers; None for a step that cannot be made so."""
        training, jitted, optimizer = self.training, self.jitted, self.optimizer
        start, lock = time.monotonic(), jitted.lock.held
        if lock._is_owned():  # type: ignore[attr-defined] # by a call that a signal came into
            return None
        with lock:
            self.replay.point = b""
            used, lr = training.used, optimizer.lr
            if (
                jitted._seconds > self.until
                or jitted._known is not self.recordings
                or jitted._costs.nap
                or not training.inside
                or optimizer.state is not used.state
                or optimizer.parameters is not training.parameters
                or not is_as_usual(optimizer)
                or not (type(lr) is float or is_ours(lr))
                or not ((not args and not self.readers) or self.takes(args))
                or (self.guards.has_rest and not self.guards.rest_holds())
            ):
                return None
            done = optimizer.steps
            lr = lr if type(lr) is float else rate(optimizer, done)
            loss = self.stepped(used, lr, done)
            if loss is None:
                return None
            self.made += 1
            answer = loss if self.is_one_number else self.answer()
            jitted._latest = self.replay
            jitted._seconds += time.monotonic() - start
        return answer

    def stepped(self, used, lr, done):
        """The loss before a step, which is made; None where it cannot be."""
        call = self.calls[used is not self.training.buffers[0]]
        return call(done + 1, *self.rates(self.optimizer, lr, done + 1))

    def takes(self, args):
        """Whether arguments have the signature; then they are fed to the program."""
        if self.readers is not None:
            arrays = [x for x in args if type(x) is np.ndarray] if len(args) > 1 else ()
            return (
                len(args) == len(self.readers)
                and len(set(map(id, arrays))) == len(arrays)
                and all(reads(x) for reads, x in zip(self.readers, args))
            )
        given = self.like.alike((*self.training.bound, *args), {})
        if given is not None:
            self.replay.feed(given)
        return given is not None

    def answer(self):
        numbers = iter(self.replay.outputs())
        return replaced(self.replay.answer, lambda v: next(numbers))

    def settle(self) -> None:
        """Takes note of the steps made so."""
        if self.made:
            self.jitted.looped(self.made)
            self.account.hit(self.made * (1.0 - self.way.step_cost))
            self.made = self.way.slow_steps = 0


class XlaShortcut(Shortcut):
    """The same where guards alone are for C."""

    def prepare(self):
        self.hold = bound("hold", self.guards.words.ctypes.data)
        self.steps = self.training.fills[self.replay].steps

    def stepped(self, used, lr, done):
        training, code = self.training, self.replay.program.code
        new = training.buffers[used is training.buffers[0]]
        if not self.hold() or not self.steps.steps_to(used.all, new.all, self.optimizer, lr):
            return None
        training.use(new)
        return code.v.item(self.replay.program.outputs[0])


class NumPyShortcut(Shortcut):
    """The same without C."""

    def prepare(self):
        self.guards.has_rest = False

    def stepped(self, used, lr, done):
        if not self.way.guards.hold():
            return None
        fill = self.training.fills[self.replay]  # which keeps this: no cycle
        with np.errstate(all="ignore"):
            self.replay.program.seeds[:] = fill.seeds
            made = self.training.one_step(self.replay, self.like, fill)
        return made[0][0] if made else None


def readers(arguments: Arguments, replay: Executable, bound: tuple) -> list[Callable] | None:
    """For each argument what tells if another one is of its shape, and feeds it if so.

    None where that is not all: of lists, and of integers that belong to the signature.
    """
    if arguments.taken.static or not all(any(x is y for y in arguments.objects) for x in bound):
        return None
    args = arguments.args[len(bound) :]
    given = [id(x) for x in args if type(x) is np.ndarray]
    if len(set(given)) < len(given):  # one array twice has one place
        return None
    floats = replay.size  # where they begin; behind them are the arrays
    arrays = floats + sum(type(x) is float for x in args)
    found: list[Callable] = []
    for x in args:
        if type(x) is np.ndarray and x.dtype.kind in "fiu":
            room = replay.v[arrays : arrays + x.size].reshape(x.shape)
            found.append(functools.partial(reads_array, room, x.dtype))
            arrays += x.size
        elif type(x) is float:
            found.append(functools.partial(reads_float, replay.v, floats))
            floats += 1
        elif type(x) in (int, bool, str, type(None)):
            found.append(functools.partial(is_equal, x))
        else:
            return None
    return found


def reads_array(room, dtype, x):
    if type(x) is not np.ndarray or x.dtype is not dtype or x.shape != room.shape:
        return False
    room[...] = x
    return True


def reads_float(v, i, x):
    if type(x) is not float:
        return False
    v[i] = x
    return True


def is_equal(x, other):
    return type(x) is type(other) and x == other
