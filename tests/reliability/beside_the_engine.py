"""What stands for `jit` in the engine, and what becomes of a program under the jit beside it."""

from __future__ import annotations

import contextlib
import functools
import itertools
import math

from micrograd.compiler import JitError
from micrograd.compiler.pytree import as_value, replaced


class engine:
    """The function as it is, with the training of a jitted one; numbers it returns are Values."""

    def __init__(self, function):
        functools.update_wrapper(self, function, updated=())
        self.function = function

    def __call__(self, *args, **kwargs):
        return replaced(self.function(*args, **kwargs), as_value)

    def __get__(self, instance, owner=None):
        return self if instance is None else engine(functools.partial(self, instance))

    @contextlib.contextmanager
    def training(self, optimizer):
        yield Step(self.function, optimizer)


class Step:
    """A step of training in the engine."""

    def __init__(self, function, optimizer):
        self.function, self.optimizer = function, optimizer

    def __call__(self, *args, **kwargs):
        loss = self.function(*args, **kwargs)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.data

    def many(self, steps, *args):
        if isinstance(steps, int):
            return [self(*args) for _ in range(steps)]
        return [self(*(x[rows] for x in args)) for rows in steps]


def outcome(program, jit, calls):
    """What becomes of a program: "same"; "JitError at 3"; "silent at 3", where numbers differ.

    Another error counts by its name, unless the engine has it too.
    """
    expected, failed = seen(program, engine, calls)
    if failed is not None:
        raise ValueError("the program fails in the engine") from failed
    found, error = seen(program, jit, calls)
    wrong = next((i for i, (a, b) in enumerate(zip(expected, found), 1) if not close(a, b)), None)
    if error is not None:
        late = f", wrong from {wrong}" if wrong else ""
        return f"{type(error).__name__} at {len(found) + 1}{late}: {error}"
    if wrong or len(found) != len(expected):
        return f"silent at {wrong or len(found)}"
    return "same"


def seen(program, jit, calls):
    """What a program yields, number for number, and the error that ended it."""
    found: list = []
    try:
        found.extend(numbers(x) for x in itertools.islice(program(jit), calls))
    except Exception as error:
        # what came before it is in the list already
        return found, error
    return found, None


def numbers(x):
    return [float(y) for y in x] if isinstance(x, (list, tuple)) else [float(x)]


def close(xs, ys):
    return len(xs) == len(ys) and all(
        math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-9) or (x != x and y != y)
        for x, y in zip(xs, ys)
    )


def refusal(error):
    """Whether an error is the jit's own."""
    return isinstance(error, JitError)
