"""What a function sees beside its arguments: all that can be reached from it.

These are the variables of enclosing functions, globals by the names used, and what is in the
lists, dicts, arrays, Modules and other objects there. Of objects of other libraries these are
attributes by the names used, of classes of this package methods.
"""

from __future__ import annotations

import argparse
import array
import configparser
import ctypes
import functools
import gc
import io
import operator
import random
import sys
import threading
import types
import weakref
from collections import (
    ChainMap,
    Counter,
    OrderedDict,
    UserDict,
    UserList,
    UserString,
    defaultdict,
    deque,
)
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from itertools import repeat
from typing import Any

import numpy as np

from ..engine import Value
from ..nn import ACTIVATIONS, MLP, Layer, Module, Neuron
from ..optim import Optimizer
from ..tensor import Tensor
from ..text import visible
from .errors import JitError
from .sameness import PLAIN
from .trace import HOUSE, MISSING, class_of, from_library

HOLDERS = (
    Module,
    Optimizer,
    types.SimpleNamespace,
    argparse.Namespace,
    UserDict,
    UserList,
    UserString,
    ChainMap,
    weakref.WeakKeyDictionary,
    weakref.WeakValueDictionary,
    weakref.WeakSet,
    configparser.RawConfigParser,
)
CONTAINERS = (list, tuple, set, frozenset, deque, dict, OrderedDict, defaultdict, Counter)
ARRAYS = (np.ndarray, np.memmap, Tensor)
PATCHED = (Value, Tensor, Module, Neuron, Layer, MLP)  # which learners give other methods
CALLED = {"__call__", *ACTIVATIONS}  # by neurons
BUFFERS = (array.array, bytearray, memoryview, ctypes.Array)
GENERATORS = (random.Random, np.random.RandomState, np.random.Generator)
BOUND = (types.BuiltinMethodType, types.MethodWrapperType)
PARTS_OF_A_FUNCTION = operator.attrgetter("__code__", "__defaults__", "__kwdefaults__")


class Reachable:
    """All that can be reached from some roots, by name, and how to look at it again."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self.values: dict[int, Value] = {}  # all Values among it
        self.seen: set[int] = set()
        self.kept: list = []  # alive, so that no other object takes its place in `seen`
        self.names: list[str] = []
        self.containers: list = []  # lists and dicts, and copies of them
        self.copies: list = []
        self.readers: list[tuple[str, Callable[[], Any]]] = []
        self.lists: list[tuple[str, Callable[[], list]]] = []  # whose items stay the very same
        self.arrays: list[np.ndarray] = []  # of numbers, and their names
        self.names_of_arrays: list[str] = []
        self.sources: list[tuple] = []  # of each of these lists: a kind of addresses.py, and what
        self.generators: list = [random, np.random]
        self.instances: list = []
        self.functions: list = []
        self.strangers: list[tuple[str, Any]] = []  # objects of other libraries
        self.names_used: set[str] = set()  # by functions
        self.look_at([("", root) for root in roots])
        for name, x in self.strangers:
            self.look_at(self.stranger(name, x))
        for cls in PATCHED:
            self.look_at(self.methods(cls))
        types_of = functools.partial(mapped, type, self.instances)
        self.follow("a class", types_of, "types", self.instances)

    def look_at(self, found: Iterable[tuple[str, Any]]) -> None:
        """Takes note of what was found, and of all that can be reached from it."""
        stack = list(found)
        while stack:
            name, x = stack.pop()
            if not isinstance(x, PLAIN) and id(x) not in self.seen:
                self.seen.add(id(x))
                self.kept.append(x)
                stack += self.look_into(name, x)

    def follow(self, name, read, *source):
        self.lists.append((name, read))
        self.sources.append(source)

    def watch(self, name, container):
        self.names.append(name)
        self.containers.append(container)
        self.copies.append(container.copy())

    def look_into(self, name: str, x: Any) -> Iterator[tuple[str, Any]]:
        """What can be reached from x in one step, by name; how to look again is kept."""
        if isinstance(x, Value):
            yield from self.value(name, x)
            return
        if callable(inner := (attributes_of(x) or {}).get("__wrapped__")):
            yield name, inner  # of a jitted function, too
        look = next((look for kind, look in LOOKS if isinstance(x, kind)), Reachable.otherwise)
        yield from look(self, name, x)

    # Kinds

    def value(self, name, x):
        self.values[id(x)] = x
        if x.__dict__:
            yield from self.attributes(name, x)
        if type(x) is not Value:
            yield from classes(class_of(x))

    def method(self, name, x):
        return (name, x.__self__), (name, x.__func__)

    def builtin_method(self, name, x):
        return () if isinstance(x.__self__, (types.ModuleType, type)) else [(name, x.__self__)]

    def partial(self, name, x):
        return (name, x.func), (name, x.args), (name, x.keywords)

    def sequence(self, name, x):
        if isinstance(x, list):
            self.watch(name, x)
        yield from ((f"{name}[{i}]", item) for i, item in enumerate(x))
        yield from self.more(name, x, CONTAINERS)

    def mapping(self, name, x):
        self.watch(name, x)
        yield from ((f"{name}[{key!r}]", item) for key, item in dict.items(x))
        yield from ((name, key) for key in x)
        yield from self.more(name, x, CONTAINERS)

    def elements(self, name, x):
        if not isinstance(x, frozenset):
            self.watch(name, x)
        yield from ((name, item) for item in x)
        yield from self.more(name, x, CONTAINERS)

    def mapping_proxy(self, name, x):
        self.readers.append((name, functools.partial(dict, x)))
        return ((name, item) for item in x.values())

    def array(self, name, x):
        found = x.values if isinstance(x, Tensor) else x
        if found.dtype != object:
            self.arrays.append(found)
            self.names_of_arrays.append(name)
        else:
            self.follow(name, functools.partial(list_of, found))
            yield from ((name, item) for item in found.flat)
        yield from self.more(name, x, ARRAYS)

    def buffer(self, name, x):
        self.readers.append((name, functools.partial(bytes, x)))
        return ()

    def generator(self, name, x):
        self.generators.append(x)
        return ()

    def context(self, name, x):
        self.readers.append((name, functools.partial(x.get, None)))
        return [(name, x.get(None))]

    def reference(self, name, x):
        self.readers.append((name, x))
        return [(name, x())]

    def of_a_thread(self, name, x):
        self.readers.append((name, lambda: list(vars(x).items())))
        return vars(x).items()

    def whole_module(self, name, x):
        """One in a list: elsewhere only the names used are looked at."""
        return self.attributes(name, x) if is_own_module(x) else ()

    def otherwise(self, name, x):
        """Of all other objects; of this house, HOLDERS are all there is to see."""
        if isinstance(x, HOLDERS) or not from_library(type(x).__module__):
            self.instances.append(x)
            return self.instance(name, x)
        if isinstance(x, weakref.ProxyTypes):
            return [(name, x.__getattribute__.__self__)]
        if isinstance(x, Iterator) and not isinstance(x, io.IOBase):
            name = visible(str(name or "an argument"))
            raise JitError(f"a jitted function reads from an iterator, {name}: pass what it yields")
        if is_user_part(attributes_of(x) or {}):
            return self.attributes(name, x)
        if attributes_of(x) is not None and not type(x).__module__.startswith(f"{HOUSE}."):
            self.strangers.append((name, x))
        return ()

    # What they hold

    def more(self, name, x, kinds):
        """What an object holds that is a container of one's own, beside its items."""
        return self.instance(name, x) if type(x) not in kinds else iter(())

    def stranger(self, name, x):
        """Of an object of another library: its attributes by the names that functions use."""
        found = attributes_of(x)
        for key in sorted(self.names_used):
            now = attribute(x, key)
            if key in found or (isinstance(now, PLAIN) and now is not MISSING):
                self.readers.append((f"{name}.{key}", functools.partial(attribute, x, key)))
                yield f"{name}.{key}", now

    def methods(self, cls):
        """Those of a class of this package that functions name, or that others call for them."""
        own = namespace_of(cls)
        names = [name for name in own if name in self.names_used or name in CALLED]
        if names:
            read = functools.partial(items, own, names)
            self.follow(f"{' or '.join(names)} of {cls.__name__}", read, "names", own, names)
            yield from ((cls.__name__, own[name]) for name in names if is_of_a_user(own[name]))

    def function(self, _, f):
        if from_library(f.__module__):
            return
        if from_library(f.__globals__.get("__name__")):  # a decorator's, of a user's function
            bound = types.MethodType  # of its caches
            yield from ((name, x) for name, x in vars(f).items() if not isinstance(x, bound))
            return
        self.functions.append(f)
        self.watch(f"{f.__name__}()", vars(f))
        yield from vars(f).items()
        yield from self.cells(f)
        names = sorted(names_in(f.__code__))
        self.names_used.update(names)
        yield from self.variables(f"{f.__name__}()", f.__globals__, names)
        yield from ((f.__name__, x) for x in (f.__defaults__, f.__kwdefaults__) if x)
        for module in filter(is_own_module, map(sys.modules.get, names)):  # imported inside
            yield from self.module(module, names)

    def cells(self, f):
        cells = dict(zip(f.__code__.co_freevars, f.__closure__ or ()))
        if cells:
            read = functools.partial(cell_contents, tuple(cells.values()))
            where = f"{' or '.join(sorted(cells))} in {f.__name__}()"
            self.follow(where, read, "cells", read.args[0])
            for name, x in zip(cells, read()):
                if is_own_module(x):
                    yield from self.module(x, sorted(names_in(f.__code__)))
                else:
                    yield name, x

    def variables(self, where, namespace, names):
        """What a namespace has by these names, also in the modules among it."""
        read = functools.partial(items, namespace, names)
        found = {name: namespace[name] for name in names if name in namespace}
        self.follow(f"{' or '.join(found)} in {where}", read, "names", namespace, names)
        for name, x in found.items():
            if is_own_module(x):
                yield from self.module(x, names)
            else:
                yield name, x

    def module(self, module, names):
        if id(module) not in self.seen:
            self.seen.add(id(module))
            self.kept.append(module)
            yield from self.variables(module.__name__, vars(module), names)

    def instance(self, name, x):
        yield from classes(type(x))
        for cls in type(x).__mro__:
            slots = [mangled(cls, s) for s in slots_of(cls) if s not in ("__dict__", "__weakref__")]
            if slots and not from_library(cls.__module__):
                read = functools.partial(slotted, x, slots)
                self.follow(name, read)
                yield from zip((f"{name}.{key}" for key in slots), read())
        yield from self.attributes(name, x)

    def attributes(self, name, x):
        found = attributes_of(x)
        if found is not None and found is not x:
            self.watch(name or type(x).__name__, found)
            yield from ((f"{name}.{key}", item) for key, item in found.items())

    def cls(self, _, x):
        """The attributes of a class of the user's, and its methods and properties."""
        if from_library(x.__module__):
            return
        yield from ((cls.__name__, cls) for cls in (type(x), *x.__mro__[1:]))
        self.follow(x.__name__, functools.partial(class_attributes, x), "class", x)
        own = own_attributes(vars(x))
        yield from ((f"{x.__name__}.{name}", behind(item)) for name, item in own)


LOOKS = (  # the first that fits
    (types.FunctionType, Reachable.function),
    (types.MethodType, Reachable.method),
    (BOUND, Reachable.builtin_method),
    (functools.partial, Reachable.partial),
    ((list, tuple), Reachable.sequence),
    (dict, Reachable.mapping),
    ((set, frozenset, deque), Reachable.elements),
    (types.MappingProxyType, Reachable.mapping_proxy),
    (ARRAYS, Reachable.array),
    (BUFFERS, Reachable.buffer),
    (GENERATORS, Reachable.generator),
    (ContextVar, Reachable.context),
    (weakref.ref, Reachable.reference),
    (threading.local, Reachable.of_a_thread),
    (types.ModuleType, Reachable.whole_module),
    (type, Reachable.cls),
)


def classes(cls):
    return ((base.__name__, base) for base in cls.__mro__)


def mangled(cls, name):
    """The name of a slot that is private by two underscores."""
    is_mangled = name.startswith("__") and not name.endswith("__")
    return f"_{cls.__name__.lstrip('_')}{name}" if is_mangled else name


def is_of_a_user(x):
    return isinstance(x, types.FunctionType) and not from_library(x.__module__)


def attribute(x, name):
    """An attribute of an object of another library, whatever happens there."""
    try:
        return getattr(x, name, MISSING)
    except Exception:
        return MISSING


def namespace_of(cls):
    """The dict of a class itself where it can be had, which C can look into."""
    inside = [x for x in gc.get_referents(vars(cls)) if type(x) is dict]
    return inside[0] if len(inside) == 1 else vars(cls)


def behind(item):
    """The function of a method or property in a class."""
    if isinstance(item, (classmethod, staticmethod)):
        return item.__func__
    return item.fget if isinstance(item, property) else item


def is_own_module(x):
    return isinstance(x, types.ModuleType) and not from_library(x.__name__)


def attributes_of(x):
    """The attributes that an object itself holds, or None, whatever its class says to that."""
    try:
        found = object.__getattribute__(x, "__dict__")
    except AttributeError:
        return None
    return found if isinstance(found, dict) else None


def is_user_part(attributes):
    """Whether there are objects of the user's classes, or functions, among attributes."""
    return any(
        not from_library((x if isinstance(x, types.FunctionType) else type(x)).__module__)
        for x in attributes.values()
    )


def class_attributes(cls):
    return [item for _, item in own_attributes(vars(cls))]


def own_attributes(attributes):
    """What a class holds, by name, but for what Python keeps there."""
    return [
        (name, item)
        for name, item in attributes.items()
        if not name.startswith("__") or isinstance(item, types.FunctionType)
    ]


def slots_of(cls):
    slots = vars(cls).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else slots


def slotted(x, slots):
    return [getattr(x, name, MISSING) for name in slots]


def cell_contents(cells):
    """What variables of enclosing functions hold."""
    return [cell.cell_contents if cell != EMPTY else MISSING for cell in cells]


EMPTY = types.CellType()


def items(namespace, names):
    return list(map(namespace.get, names, repeat(MISSING)))


def mapped(function, xs):
    return list(map(function, xs))


def parts_of(functions):
    """New tuples at each reading, of what is itself looked at or cannot change."""
    return list(map(PARTS_OF_A_FUNCTION, functions))


def list_of(array):
    return list(array.flat)


def names_in(code):
    """The names that code uses, and the functions inside it."""
    inner = (c for c in code.co_consts if isinstance(c, types.CodeType))
    return {*code.co_names, *(name for c in inner for name in names_in(c))}
