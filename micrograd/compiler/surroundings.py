"""The surroundings of a function: what it sees beside its arguments, so that a change is noticed.

A recording holds only as long as they stay the same: the variables of enclosing functions, globals
by the names used, and what is in the lists, dicts, arrays, Modules and other objects there.
"""

from __future__ import annotations

import functools
import random
import types
from collections import UserDict, UserList, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..engine import Value
from ..nn import Module
from ..optim import Optimizer
from ..tensor import Tensor
from .recording import JitError
from .taping import from_library

PLAIN = (int, float, complex, str, bytes, type(None), Value, np.generic)
HOLDERS = (Module, Optimizer, types.SimpleNamespace, UserDict, UserList)
GENERATORS = (random.Random, np.random.RandomState, np.random.Generator)


class Surroundings:
    """What is reachable from some roots, as it was."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self.seen: set[int] = set()
        self.kept: list = []  # alive, so that no other object takes its place in `seen`
        self.names: list[str] = []
        self.containers: list = []  # lists and dicts, and copies of them
        self.copies: list = []
        self.readers: list[tuple[str, Callable[[], Any]]] = []
        self.generators: list = [random, np.random]
        stack = [("", root) for root in roots]
        while stack:
            name, x = stack.pop()
            if not isinstance(x, PLAIN) and id(x) not in self.seen:
                self.seen.add(id(x))
                self.kept.append(x)
                stack += self.look_into(name, x)
        self.read_before = self.read()
        self.drawn_before = self.drawn()

    def are_the_same(self) -> bool:
        return same(self.containers, self.copies) and all(map(same, self.read(), self.read_before))

    def changed(self) -> str:
        """The name of the first that is not as it was, or nothing."""
        before = zip(self.names, self.containers, self.copies)
        names = [name for name, now, then in before if not same(now, then)]
        rows = zip(self.readers, self.read(), self.read_before)
        names += [name for (name, _), now, then in rows if not same(now, then)]
        if self.drawn() != self.drawn_before:
            names.append("the state of a random number generator")
        return next(iter(names), "")

    def read(self):
        return [read() for _, read in self.readers]

    def codes(self) -> list[types.CodeType]:
        """The code of all functions of the user's that were seen."""
        functions = (x for x in self.kept if isinstance(x, types.FunctionType))
        return [f.__code__ for f in functions if not from_library(f.__module__)]

    def drawn(self):
        return list(map(state, self.generators))

    def watch(self, name, container):
        self.names.append(name)
        self.containers.append(container)
        self.copies.append(container.copy())

    def look_into(self, name: str, x: Any) -> Iterator[tuple[str, Any]]:
        """What can be reached from x in one step, by name; how to look again is kept."""
        if hasattr(x, "__wrapped__"):  # a jitted function among them
            yield name, x.__wrapped__
        if isinstance(x, types.FunctionType):
            yield from self.function(x)
        elif isinstance(x, types.MethodType):
            yield from ((name, x.__self__), (name, x.__func__))
        elif isinstance(x, functools.partial):
            yield from ((name, x.func), (name, x.args), (name, x.keywords))
        elif isinstance(x, (list, tuple)):
            if isinstance(x, list):
                self.watch(name, x)
            yield from ((f"{name}[{i}]", item) for i, item in enumerate(x))
        elif isinstance(x, dict):
            self.watch(name, x)
            yield from ((f"{name}[{key!r}]", item) for key, item in x.items())
        elif isinstance(x, (set, deque)):
            self.watch(name, x)
            yield from ((name, item) for item in x)
        elif isinstance(x, (np.ndarray, Tensor)):
            array = x.values if isinstance(x, Tensor) else x
            self.readers.append((name, array.copy if array.dtype != object else array.tolist))
        elif isinstance(x, GENERATORS):
            self.generators.append(x)
        elif isinstance(x, type):
            yield from self.cls(x)
        elif isinstance(x, HOLDERS) or not from_library(type(x).__module__):
            yield from self.instance(name, x)
        elif isinstance(x, Iterator):
            raise JitError(f"a jitted function reads from an iterator, {name}: pass what it yields")

    def function(self, f):
        if from_library(f.__module__):
            return
        cells = dict(zip(f.__code__.co_freevars, f.__closure__ or ()))
        yield from self.variables(f"{f.__name__}()", functools.partial(contents, cells))
        names = names_in(f.__code__)
        modules = [m for m in picked(f.__globals__, names).values() if is_own_module(m)]
        for namespace in (f.__globals__, *map(vars, modules)):
            yield from self.variables(
                f"{f.__name__}()", functools.partial(picked, namespace, names)
            )
        yield from ((f.__name__, x) for x in (f.__defaults__, f.__kwdefaults__) if x)

    def variables(self, where, read):
        found = read()
        if found:
            self.readers.append((f"{' or '.join(sorted(found))} in {where}", read))
        return found.items()

    def instance(self, name, x):
        for cls in type(x).__mro__:
            yield cls.__name__, cls
            slots = [s for s in vars(cls).get("__slots__", ()) if not s.startswith("__")]
            if slots and not from_library(cls.__module__):
                self.readers.append((name, functools.partial(slotted, x, slots)))
                yield from ((f"{name}.{key}", item) for key, item in slotted(x, slots).items())
        if hasattr(x, "__dict__"):
            self.watch(name or type(x).__name__, vars(x))
            yield from ((f"{name}.{key}", item) for key, item in vars(x).items())

    def cls(self, x):
        """The attributes of a class of the user's, and its methods and properties."""
        if from_library(x.__module__):
            return
        self.readers.append((x.__name__, functools.partial(attributes, x)))
        for name, item in vars(x).items():
            found = getattr(item, "__func__", getattr(item, "fget", item))
            if not name.startswith("__") or isinstance(found, types.FunctionType):
                yield f"{x.__name__}.{name}", found


def is_own_module(x):
    return isinstance(x, types.ModuleType) and not from_library(x.__name__)


def attributes(cls):
    """What a class holds, but for what Python keeps there."""
    return {name: item for name, item in vars(cls).items() if not name.startswith("__")}


def slotted(x, slots):
    return {name: getattr(x, name) for name in slots if hasattr(x, name)}


def contents(cells):
    """What variables of enclosing functions hold."""
    return {name: cell.cell_contents for name, cell in cells.items() if cell != types.CellType()}


def picked(namespace, names):
    return {name: namespace[name] for name in names if name in namespace}


def names_in(code):
    """The names that code uses, and the functions inside it."""
    inner = (c for c in code.co_consts if isinstance(c, types.CodeType))
    return {*code.co_names, *(name for c in inner for name in names_in(c))}


def state(generator):
    if generator is np.random or isinstance(generator, np.random.RandomState):
        return repr(generator.get_state(legacy=False))
    if isinstance(generator, np.random.Generator):
        return repr(generator.bit_generator.state)
    return generator.getstate()


def same(now, before):
    """Whether nothing was put in the place of anything."""
    if isinstance(now, np.ndarray):
        return now.shape == before.shape and now.tobytes() == before.tobytes()
    try:
        return bool(now == before)
    except ValueError:  # an array in another's place
        return False
