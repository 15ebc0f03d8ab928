"""Arguments and results: nested lists, tuples, dicts, arrays and Tensors of numbers and Values.

Floats and Values differ from call to call; everything else belongs to the signature of a call.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import Value
from ..tensor import Tensor

PLAIN = (int, str, bytes, complex, type(None), np.generic)  # told apart by what they equal


class Arguments:
    """The signature of a call, its floats (as arrays and lists), its Values, and other objects."""

    def __init__(self, args: tuple, kwargs: dict) -> None:
        self.floats: list = []
        self.values: list[Value] = []
        self.index: dict[Value, int] = {}
        self.objects: list = []
        self.args, self.kwargs = args, kwargs
        spec: list = []
        for x in args:
            self.read(x, spec)
        if kwargs:
            self.read(kwargs, spec)
        self.signature = (len(args), *spec)

    def read(self, x, spec):
        kind = type(x)
        if isinstance(x, (float, np.floating)):
            spec.append(float)
            self.floats.append((x,))
        elif isinstance(x, Value):
            spec += (Value, self.place(x))
        elif isinstance(x, Tensor):
            spec += (Tensor, x.shape, *map(self.place, x.values.flat))
        elif isinstance(x, np.ndarray):
            self.read_array(x, spec)
        elif isinstance(x, (list, tuple)):
            kinds = set(map(type, x))
            if kinds == {float}:
                spec += (kind, len(x), float)
                self.floats.append(x)
            elif kinds == {int}:
                spec += (kind, int, *x)
            else:
                spec += (kind, len(x))
                for item in x:
                    self.read(item, spec)
        elif isinstance(x, dict):
            spec += (kind, tuple(x))
            for item in x.values():
                self.read(item, spec)
        else:
            spec += (kind, hashable(x) if isinstance(x, PLAIN) else id(hashable(x)))
            self.objects.append(x)

    def place(self, x):
        """Which of the different Values x is."""
        i = self.index.setdefault(x, len(self.values))
        if i == len(self.values):
            self.values.append(x)
        return i

    def read_array(self, x, spec):
        if x.dtype.kind == "f":
            spec += (np.ndarray, x.shape)
            self.floats.append(x.ravel())
        elif x.dtype == object:
            spec += (object, x.shape)
            for item in x.flat:
                self.read(item, spec)
        else:
            spec += (np.ndarray, x.shape, x.dtype.str, x.tobytes())


def hashable(x):
    try:
        hash(x)
    except TypeError:
        raise TypeError(
            "a jitted function takes numbers, Values, lists, tuples, dicts, arrays and Tensors of "
            f"them, or what can be hashed; got a {type(x).__name__}"
        ) from None
    return x


def replaced(x: Any, replace: Callable) -> Any:
    """x with every float and Value replaced, in the order in which Arguments reads them."""
    if isinstance(x, (float, np.floating, Value)):
        return replace(x)
    if isinstance(x, Tensor):
        return Tensor(replaced(x.values, replace))
    if isinstance(x, np.ndarray) and x.dtype.kind in "fO":
        array = np.empty(x.size, object)
        array[:] = [replaced(item, replace) for item in x.ravel().tolist()]
        return array.reshape(x.shape)
    if isinstance(x, (list, tuple)):
        items = [replaced(item, replace) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    if isinstance(x, dict):
        return {key: replaced(item, replace) for key, item in x.items()}
    return x


def as_value(x: Any) -> Value:
    return x if isinstance(x, Value) else Value(x)


def results(x: Any) -> list[Value]:
    """The Values in what a function returned. Raises TypeError for anything else, and for none."""
    found = values_in(x)
    if not found:
        raise TypeError(f"a jitted function returns Values, got none in {reprlib.repr(x)}")
    return found


def values_in(x):
    if isinstance(x, Value):
        return [x]
    if isinstance(x, Tensor):
        return list(x.values.flat)
    if isinstance(x, np.ndarray) and x.dtype == object:
        return values_in(list(x.flat))
    if isinstance(x, (list, tuple)):
        return [v for item in x for v in values_in(item)]
    if isinstance(x, dict):
        return values_in(list(x.values()))
    raise TypeError(
        "a jitted function returns Values, alone or in lists, tuples, dicts, arrays or Tensors; "
        f"got {type(x).__name__} {reprlib.repr(x)}: compute it from floats, which are Values here, "
        "or make it a Value"
    )
