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


class Arguments:
    """The signature of a call, its floats (as arrays and lists), its Values, and other objects."""

    def __init__(self, args: tuple, kwargs: dict) -> None:
        self.floats: list = []
        self.values: list[Value] = []
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
            spec.append(Value)
            self.values.append(x)
        elif isinstance(x, Tensor):
            spec += (Tensor, x.shape)
            self.values += x.values.flat
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
            spec += (kind, hashable(x))
            self.objects.append(x)

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
    """The Values in what a function returned. Raises TypeError where there is anything else."""
    if isinstance(x, Value):
        return [x]
    if isinstance(x, Tensor):
        return list(x.values.flat)
    if isinstance(x, np.ndarray) and x.dtype == object:
        return results(list(x.flat))
    if isinstance(x, (list, tuple)):
        return [v for item in x for v in results(item)]
    if isinstance(x, dict):
        return results(list(x.values()))
    raise TypeError(
        "a jitted function returns Values, alone or in lists, tuples, dicts, arrays or Tensors; "
        f"got {type(x).__name__} {reprlib.repr(x)}: compute it from floats, which are Values here, "
        "or make it a Value"
    )
