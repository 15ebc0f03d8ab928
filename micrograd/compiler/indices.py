"""Indices: the integers of arrays in the arguments, inputs which select, and compute as numbers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine import Value, is_real, tape
from .errors import PlainIntError
from .trace import Input, Trace, from_library, hidden

EXACT = 2**53  # the integers up to it are floats


class Index(Input):
    """An integer of an array. Where only a plain int would do, it raises PlainIntError.

    `arrays` are the numbers of the arrays that it came from, `within` the integers it may be.
    """

    __slots__ = ()
    arrays: frozenset[int]
    within: tuple[int, int]

    def plain(self, *others):
        """Raises PlainIntError, once more at the end of the trace if it is caught on the way."""
        error = PlainIntError(self.arrays)
        if isinstance(trace := tape.get(), Trace):
            trace.refusal = error
        raise error

    def check(self):
        """Makes sure that it is exact and overflows nothing, by comparisons, as of any Values."""
        low, high = self.within
        if not (Value.__ge__(self, low) and Value.__le__(self, high)):
            self.plain()

    def whole(self, operation, *integers):
        """The result of integers, an integer again."""
        y = operation(*(x if isinstance(x, Index) else constant(x, self) for x in integers))
        sources = [x for x in integers if isinstance(x, Index)]
        y.arrays = of_arrays(sources)
        y.within = max(x.within[0] for x in sources), min(x.within[1] for x in sources)
        y.__class__ = hidden(Index)
        for x in (*sources, y):
            x.check()
        return y

    def __neg__(self):
        return self.whole(lambda x: Value.__sub__(Value(0.0), x), self)

    def __abs__(self):
        return self.whole(Value.__abs__, self)

    def __truediv__(self, other):
        if isinstance(other, Index) or (is_real(other) and other == 0):
            self.plain()
        return Value.__truediv__(self, other)

    def __rtruediv__(self, other):
        return Value.__truediv__(other, self) if isinstance(other, Value) else self.plain()

    def __pow__(self, other):
        if not isinstance(other, Value) or isinstance(other, Index):
            self.plain()
        return self._power(other)

    def __rpow__(self, other):
        return other._power(self) if isinstance(other, Value) else self.plain()

    def __hash__(self):
        return self.plain() if isinstance(tape.get(), Trace) else object.__hash__(self)


def constant(x, index):
    """An int as a Value, if there is one among the integers that `index` may be."""
    return Value(int(x)) if index.within[0] <= x <= index.within[1] else index.plain()


def product(x, y):
    """The product of two integers, which is never -0.0."""
    return Value.__sub__(Value(0.0), Value.__mul__(Value.__sub__(Value(0.0), x), y))


def arithmetic(operation, of_integers):
    """An operator of an Index and another number."""

    def operator(self, x, y):
        other = y if x is self else x
        if isinstance(other, (Index, int, np.integer)):
            return self.whole(of_integers, x, y)
        if isinstance(other, (Value, float)):
            return operation(*(v if isinstance(v, Value) else Value(v) for v in (x, y)))
        return self.plain() if is_real(other) else NotImplemented

    return operator


def comparison(compare):
    def compared(self, other):
        if isinstance(other, Index):
            self.check()
            other.check()
        return compare(self, other)

    return compared


for name, of_integers in {"add": Value.__add__, "sub": Value.__sub__, "mul": product}.items():
    operator = arithmetic(getattr(Value, f"__{name}__"), of_integers)
    setattr(Index, f"__{name}__", lambda x, y, operator=operator: operator(x, x, y))
    setattr(Index, f"__r{name}__", lambda y, x, operator=operator: operator(y, x, y))
for name in ("lt", "le", "gt", "ge"):
    setattr(Index, f"__{name}__", comparison(getattr(Value, f"__{name}__")))
for name in (
    *("bool", "eq", "index", "int", "float", "round", "trunc", "floor", "ceil"),
    *("mod", "rmod", "floordiv", "rfloordiv", "divmod", "rdivmod"),
):
    setattr(Index, f"__{name}__", Index.plain)
for name in ("exp", "log", "sqrt", "sin", "cos", "tanh"):  # NumPy's functions call these
    setattr(Index, name, Index.plain)


class Indices(np.ndarray):
    """An array of Index, or of what was computed with one: what its type is, it does not say."""

    arrays: frozenset[int] = frozenset()

    def __array_finalize__(self, source):
        self.arrays = getattr(source, "arrays", Indices.arrays)

    def __array_wrap__(self, array, context=None, return_scalar=False):
        made = array.view(Indices)
        made.arrays = self.arrays
        return made if array.shape else array.item()

    plain = Index.plain


def watched(name, found):
    """An attribute that has to do with a type, which to all but libraries would be another one."""

    def attribute(self):
        if from_library(sys._getframe(1).f_globals.get("__name__")):
            return found(self)
        return self.plain()

    return property(attribute)


def no_attribute(name):
    def found(self):
        raise AttributeError(f"'Value' object has no attribute '{name}'")

    return found


for name in ("dtype", "itemsize", "nbytes", "strides", "data", "real", "imag"):
    setattr(Indices, name, watched(name, getattr(np.ndarray, name).__get__))
for name in ("tobytes", "tofile", "dump", "dumps", "byteswap", "getfield"):
    setattr(Indices, name, Indices.plain)
for name in {*dir(np.int64), *dir(int)} - {*dir(Value), *dir(object)}:
    if not name.startswith("_"):
        setattr(Index, name, watched(name, no_attribute(name)))


def elements(array: np.ndarray, number: int) -> np.ndarray:
    """What stands for array `number` of the arguments in a trace: an array of Input or Index."""
    made = np.empty(array.size, object)
    made[:] = stand_ins(array, number)
    if array.dtype.kind == "f":
        return made.reshape(array.shape)
    found = made.reshape(array.shape).view(Indices)
    found.arrays = frozenset([number])
    return found


def stand_ins(array: np.ndarray, number: int) -> list[Input]:
    """What stands for numbers of array `number` of the arguments, one after the other."""
    numbers = array.ravel().tolist()
    if array.dtype.kind == "f":
        return list(map(Input, numbers))
    info = np.iinfo(array.dtype)
    within = max(info.min, -EXACT), min(info.max, EXACT)
    return [index(x, frozenset([number]), within) for x in numbers]


def index(x: int, arrays: frozenset[int], within: tuple[int, int]) -> Index:
    made = Index(x)
    made.arrays, made.within = arrays, within
    return made


def of_arrays(values: Sequence[Any]) -> frozenset[int]:
    """The numbers of the arrays from which the integers among some Values came."""
    none: frozenset[int] = frozenset()
    return none.union(*(v.arrays for v in values if isinstance(v, Index)))
