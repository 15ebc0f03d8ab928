"""Arguments and results: nested lists, tuples, dicts, arrays and Tensors of numbers and Values.

Floats, Values and integers of arrays differ from call to call; everything else belongs to the
signature of a call.
"""

from __future__ import annotations

import copy
import reprlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..engine import Value
from ..tensor import Tensor
from .reachable import attributes_of
from .sameness import alike
from .trace import Input, class_of, from_library, is_hidden
from .whole import Whole, can_be_whole

PLAIN = (int, str, bytes, type(None), range)  # told apart by what they equal
BY_TEXT = (complex, np.generic)  # minus zero is not zero
NUMPYS = (np.ndarray, np.memmap)
PYTHONS = (list, tuple, dict)


FEW = 8  # large arrays among arguments, of each of which it may have to be found out
NONE: frozenset[int] = frozenset()


class Taken(NamedTuple):
    """How the arrays of numbers among arguments are taken in a trace, by their numbers.

    The integers of `static` ones belong to the signature; `whole` ones have no elements. If it
    takes `one_example`, that may stand for all of a batch.
    """

    static: frozenset[int]
    one_example: bool
    whole: frozenset[int]


class Arguments:
    """The signature of a call, its floats (in lists), its arrays, its Values, and other objects.

    `taken` is how the arrays are taken, those of floats and of integers.
    """

    def __init__(self, args: tuple, kwargs: dict) -> None:
        self.floats: list = []
        self.arrays: list[np.ndarray] = []
        self.values: list[Value] = []
        self.index: dict[Value, int] = {}
        self.objects: list = []
        self.containers: dict[int, int] = {}  # which of the different ones it is, by id
        self.args, self.kwargs = args, kwargs
        spec: list = []
        for x in args:
            self.read(x, spec)
        if kwargs:
            self.read(kwargs, spec)
        self.shapes = self.signature = (len(args), *spec)
        whole = [i for i, x in enumerate(self.arrays) if can_be_whole(x)]
        self.taken = Taken(NONE, True, frozenset(whole if len(whole) <= FEW else ()))

    def take(self, taken: Taken) -> None:
        """Lets the arrays be taken in another way, which belongs to the signature."""
        if taken != self.taken:
            self.taken = taken
            static = ((i, self.arrays[i].tobytes()) for i in sorted(taken.static))
            self.signature = (*self.shapes, taken, *static)

    def integers(self) -> frozenset[int]:
        """The numbers of the arrays of integers."""
        return frozenset(i for i, x in enumerate(self.arrays) if x.dtype.kind in "iu")

    def feed(self, v: np.ndarray) -> None:
        """Sets the first places of v to all numbers but static ones."""
        i = 0
        for xs in self.floats:
            v[i : i + len(xs)] = xs
            i += len(xs)
        for number, x in enumerate(self.arrays):
            if number not in self.taken.static:
                v[i : i + x.size].reshape(x.shape)[...] = x
                i += x.size

    def alike(self, args: tuple, kwargs: dict) -> Arguments | None:
        """Others, if they have this signature."""
        found = Arguments(args, kwargs)
        found.take(self.taken)
        return found if found.signature == self.signature else None

    def read(self, x, spec):
        kind = type(x)
        if isinstance(x, (float, np.floating)):
            spec.append(float)
            self.floats.append((x,))
        elif isinstance(x, Value):
            spec += (class_of(x), self.place(x))
        elif id(x) in self.containers:
            spec += ("again", self.containers[id(x)])
        elif isinstance(x, Tensor):
            self.containers[id(x)] = len(self.containers)
            spec += (Tensor, x.shape, *map(self.place, x.values.flat))
        elif isinstance(x, np.ndarray):
            if kind not in NUMPYS:
                raise TypeError(
                    "a jitted function takes arrays of NumPy's own class, which it makes arrays of "
                    f"Values, got a {kind.__name__}: pass np.asarray(x), and what else it holds"
                )
            self.containers[id(x)] = len(self.containers)
            self.read_array(x, spec)
        elif isinstance(x, (list, tuple)):
            if kind is not tuple:
                self.containers[id(x)] = len(self.containers)
            if kind not in PYTHONS:
                self.read_more(x, spec)
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
            self.containers[id(x)] = len(self.containers)
            spec += (kind, len(x), *x, *map(type, x))
            if kind not in PYTHONS:
                self.read_more(x, spec)
            for item in x.values():
                self.read(item, spec)
        elif isinstance(x, BY_TEXT):
            spec += (kind, repr(x))
        else:
            spec += (kind, x if isinstance(x, PLAIN) else id(identified(x)))
            self.objects.append(x)

    def read_more(self, x, spec):
        """What there is to a container of one's own: its class, and attributes that it holds."""
        if not from_library(type(x).__module__):
            self.objects.append(type(x))
            found = attributes_of(x)
            if found and found is not x:
                spec.append(id(found))
                self.objects.append(found)

    def place(self, x):
        """Which of the different Values x is."""
        i = self.index.setdefault(x, len(self.values))
        if i == len(self.values):
            self.values.append(x)
        return i

    def read_array(self, x, spec):
        if x.dtype.kind == "f":
            spec += (np.ndarray, x.shape)
            self.arrays.append(x)
        elif x.dtype.kind in "iu":
            spec += (np.ndarray, x.shape, x.dtype.str)
            self.arrays.append(x)
        elif x.dtype == object:
            spec += (object, x.shape)
            for item in x.flat:
                self.read(item, spec)
        else:
            spec += (np.ndarray, x.shape, x.dtype.str, x.tobytes())


CONTAINERS = (list, dict, np.ndarray, Tensor)  # what could be changed in place, being one thing


def identified(x):
    """x, if it can be told from others by which object it is."""
    if type(x).__hash__ is None and type(x).__module__ in ("builtins", "collections", "array"):
        raise TypeError(
            "a jitted function takes numbers, Values, lists, tuples, dicts, arrays and Tensors of "
            f"them, or what can be hashed; got a {type(x).__name__}"
        )
    return x


def replaced(x: Any, replace: Callable, made: dict | None = None) -> Any:
    """x with every float, Value and array of integers replaced, in the order of Arguments.

    What was one list, dict or array is one afterwards; `made` are those that are done.
    """
    made = {} if made is None else made
    if isinstance(x, (float, np.floating, Value)):
        return replace(x)
    if isinstance(x, CONTAINERS):
        if id(x) not in made:
            made[id(x)] = container(x, replace, made)
        return made[id(x)]
    if isinstance(x, tuple):
        items = [replaced(item, replace, made) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    return x


def container(x, replace, made):
    if isinstance(x, Tensor):
        return Tensor(array(x.values, replace, made))
    if isinstance(x, np.ndarray):
        if x.dtype.kind in "iu":
            return replace(x)
        return array(x, replace, made) if x.dtype.kind in "fO" else x
    new = made[id(x)] = copy.copy(x)
    if isinstance(x, list):
        new[:] = [replaced(item, replace, made) for item in x]
    else:
        for key, item in x.items():
            new[key] = replaced(item, replace, made)
        if attributes_of(x) is x:  # its items are its attributes
            object.__setattr__(new, "__dict__", new)
    return new


def array(x, replace, made):
    new = np.empty(x.size, object)
    new[:] = [replaced(item, replace, made) for item in x.ravel().tolist()]
    return new.reshape(x.shape)


def as_value(x: Any) -> Any:
    """A float as a Value; Values and arrays of integers as they are."""
    return x if isinstance(x, (Value, np.ndarray)) else Input(x)


def with_values(args: tuple, kwargs: dict) -> tuple[list, dict]:
    """Arguments with Values in place of floats."""
    made: dict = {}
    new = [
        Input(x) if type(x) is float else x if has_no_floats(x) else replaced(x, as_value, made)
        for x in args
    ]
    return new, kwargs and {key: replaced(x, as_value, made) for key, x in kwargs.items()}


def has_no_floats(x):
    return type(x) in SIMPLE or (type(x) in (list, tuple) and all(map(has_no_floats, x)))


SIMPLE = {int, bool, str, Value, type(None)}


def items_of(x: Any, seen: frozenset = frozenset()) -> list:
    """All that is in nested lists, tuples, dicts, arrays and Tensors, and how it is nested."""
    if id(x) in seen:  # it holds itself
        return [x]
    if isinstance(x, (list, tuple)):
        inside = seen | {id(x)}
        return [type(x), len(x), *(y for item in x for y in items_of(item, inside))]
    if isinstance(x, dict):
        inside = seen | {id(x)}
        return [*x, *(y for item in x.values() for y in items_of(item, inside))]
    if isinstance(x, Tensor):
        return items_of(x.values)
    if isinstance(x, Whole):
        return [x]
    if isinstance(x, np.ndarray):
        return [x.shape, *(x.flat if x.dtype == object else [x.tobytes()])]
    return [x]


def are_the_same(items: list, others: list) -> bool:
    """Whether two lists hold the same objects, or equal plain ones."""
    return len(items) == len(others) and all(map(alike, items, others))


def results(x: Any) -> list[Value]:
    """The Values in what a function returned, in the order in which `replaced` meets them.

    Raises TypeError for anything else but None, and for none.
    """
    found = list(values_in(x, set()))
    if not found:
        raise TypeError(f"a jitted function returns Values, got none in {reprlib.repr(x)}")
    return found


def values_in(x, seen):
    if isinstance(x, Value):
        yield x
    elif x is None or (isinstance(x, CONTAINERS) and id(x) in seen):
        pass
    elif isinstance(x, (list, tuple, dict, Tensor)) or is_of_objects(x):
        seen.add(id(x))
        if isinstance(x, dict) and any(map(is_hidden, x)):
            raise TypeError(
                "a jitted function returned a dict with a key that is a Value of its arguments, or "
                "one that it has computed: use names or places as keys"
            )
        x = x.values.flat if isinstance(x, Tensor) else x.flat if is_of_objects(x) else x
        for item in x.values() if isinstance(x, dict) else x:
            yield from values_in(item, seen)
    else:
        raise TypeError(
            "a jitted function returns Values, alone or in lists, tuples, dicts, arrays or "
            f"Tensors; got {type(x).__name__} {reprlib.repr(x)}: compute it from floats, which "
            "are Values here, or make it a Value"
        )


def is_of_objects(x):
    return isinstance(x, np.ndarray) and x.dtype == object
