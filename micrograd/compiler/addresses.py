"""Addresses: guards as comparisons of addresses, which C makes in one call.

Objects that are the very same have not changed; where they are not, sameness.py looks more closely.
"""

from __future__ import annotations

import ctypes
import functools
import operator
import sys
from collections.abc import Callable
from importlib import resources
from itertools import chain

import numpy as np

from . import emit
from .build import library
from .errors import JitError
from .guards import Guards
from .reachable import namespace_of, own_attributes
from .sameness import same, same_container
from .trace import MISSING

END, LIST, DICT, NAMES, CELL, TYPE, FUNCTION = range(7)  # as in python.c
IN_C = [resources.files(emit) / name for name in ("library.c", "python.c")]
FUNCTIONS = (  # in the order of python.c
    *("PyDict_Next", "PyDict_Size", "PyDict_GetItemWithError", "PyCell_Get"),
    *("PyFunction_GetCode", "PyFunction_GetDefaults", "PyFunction_GetKwDefaults"),
    *("Py_IncRef", "Py_DecRef", "PyErr_Occurred", "PyErr_Clear", "PyLong_AsVoidPtr"),
    *("PyFloat_AsDouble", "PyFloat_FromDouble", "PyBool_FromLong", "PyObject_SetAttr"),
    *("PyEval_SaveThread", "PyEval_RestoreThread"),
)


class Addresses:
    """What guards have found, as `words` for C, and what C cannot look at, which is read."""

    def __init__(self, guards: Guards) -> None:
        self.kept: list = [guards]  # and with it all that has an address here
        containers = list(zip(guards.containers, guards.copies))
        words = [words_of_container(now, then) for now, then in containers if is_plain(now)]
        self.containers = [pair for pair in containers if not is_plain(pair[0])]
        self.reads = [(read, then) for (_, read), then in zip(guards.readers, guards.read_before)]
        for source, (_, read), then in zip(guards.sources, guards.lists, guards.listed_before):
            if (found := self.words_of_list(source, then)) is None:
                self.reads.append((read, then))
            else:
                words.append(found)
        self.guards = guards
        self.has_rest = bool(self.containers or self.reads or guards.arrays)
        self.words = np.array([*chain(*words), END, END], np.uintp)

    def rest_holds(self) -> bool:
        """Whether all that C cannot look at is as it was, item by item."""
        return (
            all(same_container(*pair) for pair in self.containers)
            and self.guards.written() == self.guards.written_before
            and all(same(read(), then) for read, then in self.reads)
        )

    def words_of_list(self, source, then):
        """What was found in a list of the guards, if C can look where it came from."""
        match source:
            case "types", instances:
                return chain(*((TYPE, id(x), id(y)) for x, y in zip(instances, then)))
            case "functions", functions:
                return chain(*((FUNCTION, id(f), *map(id, x)) for f, x in zip(functions, then)))
            case "cells", cells:
                return chain(*((CELL, id(cell), place(x)) for cell, x in zip(cells, then)))
            case "names", namespace, names if type(namespace) is dict:
                pairs = zip(map(id, names), map(place, then))
                return NAMES, id(namespace), len(names), *chain(*pairs)
            case "class", cls:
                return self.words_of_class(cls, then)
        return None

    def words_of_class(self, cls, then):
        """All that is in the dict of a class, if it holds what was found."""
        if type(inside := namespace_of(cls)) is not dict:
            return None
        copy = inside.copy()
        own = [item for _, item in own_attributes(copy)]
        if len(own) != len(then) or not all(map(operator.is_, own, then)):
            return None
        self.kept.append(copy)
        return words_of_container(inside, copy)


def is_plain(container):
    return type(container) in (list, dict)


def words_of_container(now, then):
    if type(now) is list:
        return LIST, id(now), len(then), *map(id, then)
    return DICT, id(now), len(then), *in_pairs(then.keys(), then.values())


def in_pairs(xs, ys):
    return map(id, chain(*zip(xs, ys)))


def place(x):
    return 0 if x is MISSING else id(x)


def bound(name: str, where: int) -> Callable:
    """A function of python.c, which is loaded, that finds its data `where` it is told."""
    built = loaded()
    assert built is not None
    method = ctypes.c_char.in_dll(built, f"micrograd_{name}")
    return new_method()(ctypes.addressof(method), where, None)


@functools.cache
def new_method():
    """The function of Python that makes them: once, since each PYFUNCTYPE is a class in a cycle."""
    make = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)
    return make(("PyCFunction_NewEx", ctypes.pythonapi))


@functools.cache
def loaded() -> ctypes.CDLL | None:
    """python.c, built; None where objects are not what it takes them for, or nothing builds it."""
    if sys.implementation.name != "cpython" or not are_as_expected():
        return None
    try:
        built = library("\n".join(path.read_text(encoding="ascii") for path in IN_C)).library
    except JitError:
        return None
    pointers = [
        ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value for name in FUNCTIONS
    ]
    built.micrograd_python((ctypes.c_void_p * (len(pointers) + 1))(id(None), *pointers))
    return built


def are_as_expected():
    """Whether lists lie in memory as python.c takes it: references, class, size, items."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)() or list.__basicsize__ != 5 * WORD:
        return False
    for xs in ([], [object()], [*map(str, range(100, 109))]):
        words = (ctypes.c_size_t * 5).from_address(id(xs))
        if words[1] != id(list) or words[2] != len(xs):
            return False
        if xs and [*(ctypes.c_size_t * len(xs)).from_address(words[3])] != [*map(id, xs)]:
            return False
    return True


WORD = ctypes.sizeof(ctypes.c_void_p)
