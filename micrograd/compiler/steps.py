"""Steps of a training in C: forward, backward and the optimizer's update in one call.

They do what training.py does with NumPy, operation by operation.
"""

from __future__ import annotations

import ctypes
import math
import time
import types
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ..optim import SGD, Adam, Optimizer, within
from .backends import C

if TYPE_CHECKING:
    from .run import Executable

LONG, POINTER = ctypes.c_long, ctypes.c_void_p
FIRST_BLOCK, BLOCK_SECONDS = 8, 0.002
Rates = ctypes.c_double * 7


class State(ctypes.Structure):
    """As `training` in steps.c."""

    _fields_ = (
        *((name, LONG) for name in ("size", "rows", "outputs", "seeds")),
        *((name, POINTER) for name in ("gradients", "leaves", "results", "grads", "room")),
    )


class Steps:
    """The steps of one program and one optimizer."""

    def __init__(
        self,
        replay: Executable,
        leaves: Sequence[int],
        tables: Sequence[np.ndarray],
        grads: np.ndarray,
    ) -> None:
        """`leaves` has for each parameter which leaf it is of the program, or -1.

        A step leads from one of two `tables`, of the data and of what the optimizer keeps, to the
        other.
        """
        program, code = replay.program, replay.program.code
        assert isinstance(code, C)
        at, nothing = np.array(leaves, int), program.layout.size  # places that nobody else uses
        arrays = (
            np.where(at < 0, nothing, program.layout.gradients.start + at).astype(np.int32),
            np.where(at < 0, nothing + 1, at).astype(np.int32),
            program.outputs.astype(np.int32),
            grads,
            np.empty(2 * tables[0].size),
        )
        self.outputs, self.block = len(program.outputs), FIRST_BLOCK
        seeds, pointers = program.layout.seeds.start, (x.ctypes.data for x in arrays)
        self.state = State(len(at), tables[0].size // len(at), self.outputs, seeds, *pointers)
        self.rates, self.in_use = Rates(), ()
        self.pointers = {id(table): pointer(table) for table in tables}
        self.kept = arrays, code
        self.given = (*code.given, ctypes.byref(self.state))
        library = code.built.library
        self.one, self.several = library.micrograd_step, library.micrograd_steps
        self.whole = library.micrograd_whole_step
        self.several.restype = LONG

    def begin(self, now: np.ndarray, optimizer: Optimizer, lr: float) -> None:
        """Lets the next forward pass be a whole step, where that saves anything."""

    def step(self, now: np.ndarray, new: np.ndarray, optimizer: Optimizer, lr: float) -> int:
        """Whether a step led from `now` to `new`; else something is infinite or nan."""
        rates = RATES[type(optimizer)](optimizer, lr, optimizer.steps + 1)
        if rates != self.in_use:
            self.rates[: len(rates)] = self.in_use = rates
        return self.one(*self.given, self.pointers[id(now)], self.pointers[id(new)], self.rates)

    def steps(
        self, now: np.ndarray, new: np.ndarray, optimizer: Optimizer, most: int
    ) -> list[list[float]]:
        """What each of some steps computed, which lead from `now` to `new`; perhaps none."""
        count, start = min(most, self.block), optimizer.steps
        of, steps = RATES[type(optimizer)], range(start, start + count)
        rows = [of(optimizer, rate(optimizer, step), step + 1) for step in steps]
        rates = np.fromiter(chain.from_iterable(rows), float)
        results = np.empty((count, self.outputs))
        began = time.monotonic()
        tables = self.pointers[id(now)], self.pointers[id(new)]
        sizes = LONG(len(rows[0])), LONG(count)
        done = self.several(*self.given, *tables, pointer(rates), *sizes, pointer(results))
        if time.monotonic() - began < BLOCK_SECONDS / 2 and done == self.block:
            self.block *= 2
        return results[:done].tolist()


def pointer(x):
    return POINTER(x.ctypes.data)


def rate(optimizer: Optimizer, step: int) -> float:
    """The learning rate of a step, the number of which begins with 0."""
    lr = optimizer.lr
    return within("lr", lr(step), 0, math.inf) if callable(lr) else lr


def is_ours(lr: Any) -> bool:
    """Whether a learning rate is a number, or one of our schedules."""
    schedule = isinstance(lr, types.FunctionType) and lr.__module__ == Optimizer.__module__
    return schedule or not callable(lr)


def rates_of_sgd(optimizer, lr, t):
    return lr, optimizer.momentum, optimizer.weight_decay


def rates_of_adam(optimizer, lr, t):
    (b1, b2), eps = optimizer.betas, optimizer.eps
    return b1, 1 - b1, b2, 1 - b2, 1 / (1 - b2**t), eps, lr / (1 - b1**t)


def is_as_usual(optimizer: Optimizer) -> bool:
    """Whether it makes its steps as our own class does, whatever was put in the place of that."""
    return USUAL.get(type(optimizer)) == (
        getattr(optimizer.step, "__func__", None),
        getattr(optimizer.update, "__func__", None),
    )


RATES = {SGD: rates_of_sgd, Adam: rates_of_adam}
USUAL: dict[type, tuple] = {kind: (kind.step, kind.update) for kind in (SGD, Adam)}
