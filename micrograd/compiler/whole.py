"""Whole arrays: of a large array in the arguments, a trace has a stand-in for each column only.

`batched` takes the rows of such an array as one, which stands for all of them. Who looks at its
elements raises ElementsError, and the function is traced anew with a Value for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..engine import tape
from .errors import ElementsError
from .indices import elements, stand_ins
from .trace import Input, Trace

if TYPE_CHECKING:
    from .pytree import Taken

MANY = 1000  # numbers in an array, from which it is taken as a whole


class Whole(np.ndarray):
    """An array of the shape of array `number` of the arguments, but without its elements.

    `columns` are what stands for the numbers of a row, whichever it is.
    """

    number: int
    columns: list[Input]
    cell: np.ndarray
    was_asked = False

    def __getattribute__(self, name):
        return object.__getattribute__(self, name) if name in OPEN else self.refuse()

    def refuse(self, *args, **kwargs):
        """Raises ElementsError, once more at the end of the trace if it is caught on the way."""
        object.__setattr__(self, "was_asked", True)
        error = ElementsError(frozenset([self.number]))
        if isinstance(trace := tape.get(), Trace):
            trace.refusal = error
        raise error

    def is_touched(self) -> bool:
        """Whether somebody asked for elements, on any thread, or wrote to them."""
        return self.was_asked or type(self.cell[()]) is not Element


class Element(Input):
    """What is at all places of a whole array, for those that do not ask it."""

    __slots__ = ("whole",)

    def __getattribute__(self, name):
        return type(self) if name == "__class__" else Element.whole.__get__(self).refuse()


OPEN = {
    *("shape", "ndim", "size", "__class__", "__len__", "__array_finalize__"),
    *("number", "columns", "cell", "was_asked", "refuse", "is_touched"),
}
MADE = {"__new__", "__init__", "__getattribute__", "__init_subclass__", "__subclasshook__"}
for name in dir(np.ndarray):
    if name.startswith("__") and name not in OPEN | MADE | {"__doc__", "__hash__"}:
        setattr(Whole, name, Whole.refuse)


def can_be_whole(array: np.ndarray) -> bool:
    """Whether it is an array of numbers, so many that a Value for each would take long."""
    return array.size >= MANY and array.ndim > 0 and type(array) in (np.ndarray, np.memmap)


def whole(array: np.ndarray, number: int) -> Whole:
    """What stands for array `number` of the arguments as a whole."""
    cell, element = np.empty((), object), Element.__new__(Element)
    made = np.lib.stride_tricks.as_strided(cell, array.shape, (0,) * array.ndim).view(Whole)
    attributes = {"number": number, "columns": stand_ins(array[0], number), "cell": cell}
    for name, x in attributes.items():
        object.__setattr__(made, name, x)
    Element.whole.__set__(element, made)  # type: ignore[attr-defined]
    cell[()] = element
    return made


def stand_in_for(array: np.ndarray, number: int, taken: Taken) -> np.ndarray:
    """What stands for array `number` of the arguments in a trace."""
    if number in taken.static:
        return array
    return whole(array, number) if number in taken.whole else elements(array, number)


def inputs_of(stand_in: np.ndarray) -> Sequence[Input]:
    """The inputs in what stands for an array."""
    if isinstance(stand_in, Whole):
        return stand_in.columns
    return stand_in.ravel().tolist() if stand_in.dtype == object else []
