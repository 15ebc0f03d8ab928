"""Probes: functions of which something changes, or is read or kept, where a jit might not look.

A probe takes `jit`, or what stands for it in the engine, and yields what comes out of each call.
"""

# ruff: noqa: PLW0108, PLW0603 - as people write it

import argparse
import array
import collections
import configparser
import contextlib
import contextvars
import copy
import ctypes
import datetime
import enum
import functools
import itertools
import math
import operator
import os
import pickle
import random
import secrets
import sys
import tempfile
import textwrap
import threading
import time
import types
import uuid
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

import micrograd.functional as F
from micrograd import Value, nn, optim
from micrograd.compiler import batched
from micrograd.function import Function
from micrograd.tensor import Tensor

PROBES = {}


def probe(program):
    PROBES[program.__name__] = program
    return program


def holder(kind, hold, change):
    """A probe of a number kept in `hold()`, read by `kind`, and changed after some calls."""

    def program(jit):
        held = hold()
        f = jit(lambda x: x * kind(held))
        for i in range(9):
            if i in (4, 6):
                change(held, float(i))
            yield f(1.5).data

    return program


HELD, KEPT = [1.0], []


class Plain:
    def __init__(self):
        self.k = 1.0


class Slotted:
    __slots__ = ("k",)

    def __init__(self):
        self.k = 1.0


class Property:
    def __init__(self):
        self._k = [1.0]

    @property
    def k(self):
        return self._k[0]


class Described:
    class Number:
        def __init__(self):
            self.held = {}

        def __get__(self, instance, owner):
            return self.held.get(instance, 1.0)

        def __set__(self, instance, x):
            self.held[instance] = x

    k = Number()


class Dynamic:
    def __init__(self):
        self.__dict__["inner"] = {"k": 1.0}

    def __getattr__(self, name):
        try:
            return self.inner[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name, x):
        self.inner[name] = x


class Items(list):
    k = 1.0


class Names(dict):
    k = 1.0


class Image(np.ndarray):
    k = 1.0


class Pair(NamedTuple):
    w: float

    @property
    def k(self):
        return HELD[0]


class Private:
    __slots__ = ("__k",)

    def __init__(self):
        self.k = 1.0

    @property
    def k(self):
        return self.__k

    @k.setter
    def k(self, x):
        self.__k = x


def of_more(alive, x):
    KEPT.append(Plain())
    alive.add(KEPT[-1])


class Mode(enum.Enum):
    FAST, SLOW = 1.0, 2.0


def set_k(held, x):
    held.k = x


def set_item(held, x):
    held[0] = x


def set_key(held, x):
    held["k"] = x


def k(held):
    return held.k


def first(held):
    return held[0]


def by_key(held):
    return held["k"]


def nested():
    return {"a": [{"b": (Plain(),)}]}


PLACES = {
    "an attribute": (k, Plain, set_k),
    "a slot": (k, Slotted, set_k),
    "a property": (k, Property, lambda h, x: h._k.__setitem__(0, x)),
    "a descriptor": (k, Described, set_k),
    "a __getattr__": (k, Dynamic, set_k),
    "a Namespace": (k, lambda: argparse.Namespace(k=1.0), set_k),
    "a SimpleNamespace": (k, lambda: types.SimpleNamespace(k=1.0), set_k),
    "threading.local": (
        k,
        lambda: (lambda h: (set_k(h, 1.0), h)[1])(threading.local()),
        set_k,
    ),
    "a list": (first, lambda: [1.0], set_item),
    "a list in a tuple": (lambda h: h[0][0], lambda: ([1.0],), lambda h, x: set_item(h[0], x)),
    "a UserList": (first, lambda: collections.UserList([1.0]), set_item),
    "a deque": (first, lambda: collections.deque([1.0]), set_item),
    "an array of NumPy": (lambda h: float(h[0]), lambda: np.ones(2), set_item),
    "an array of integers": (lambda h: int(h[0]), lambda: np.ones(2, int), set_item),
    "an array of objects": (first, lambda: np.array([1.0, None], object), set_item),
    "array.array": (first, lambda: array.array("d", [1.0]), set_item),
    "a bytearray": (first, lambda: bytearray(b"\1"), lambda h, x: set_item(h, int(x))),
    "a memoryview": (
        first,
        lambda: memoryview(bytearray(b"\1")),
        lambda h, x: set_item(h, int(x)),
    ),
    "an array of ctypes": (first, lambda: (ctypes.c_double * 1)(1.0), set_item),
    "a dict": (by_key, lambda: {"k": 1.0}, set_key),
    "a UserDict": (by_key, lambda: collections.UserDict(k=1.0), set_key),
    "a defaultdict": (by_key, lambda: collections.defaultdict(float, k=1.0), set_key),
    "a Counter": (by_key, lambda: collections.Counter(k=1), set_key),
    "an OrderedDict": (by_key, lambda: collections.OrderedDict(k=1.0), set_key),
    "a ChainMap": (by_key, lambda: collections.ChainMap({"k": 1.0}), set_key),
    "a set": (lambda h: float(len(h)), lambda: {1, 2}, lambda h, x: h.add(x)),
    "far inside": (lambda h: h["a"][0]["b"][0].k, nested, lambda h, x: set_k(h["a"][0]["b"][0], x)),
    "a key of a dict": (
        lambda h: next(iter(h)).k,
        lambda: {Plain(): 1},
        lambda h, x: set_k(next(iter(h)), x),
    ),
    "a Value's attribute": (
        lambda h: getattr(h, "k", 1.0),
        lambda: Value(1.0),
        set_k,
    ),
    "a Value's attribute, set before": (
        k,
        lambda: (lambda h: (set_k(h, 1.0), h)[1])(Value(1.0)),
        set_k,
    ),
    "a Value's label": (
        lambda h: float(len(h.label)),
        lambda: Value(1.0, label="a"),
        lambda h, x: setattr(h, "label", "a" * int(x)),
    ),
    "a Value's data": (lambda h: h * 1.0, lambda: Value(1.0), lambda h, x: setattr(h, "data", x)),
    "a weak reference": (
        lambda h: h[1]().k,
        lambda: (lambda p: (p, weakref.ref(p)))(Plain()),
        lambda h, x: set_k(h[0], x),
    ),
    "a weak dict": (
        lambda h: next(iter(h[1].values())),
        lambda: (lambda p: (p, weakref.WeakKeyDictionary({p: 1.0})))(Plain()),
        lambda h, x: h[1].__setitem__(h[0], x),
    ),
    "a context variable": (
        lambda h: h.get(),
        lambda: (lambda v: (v.set(1.0), v)[1])(contextvars.ContextVar("k")),
        lambda h, x: h.set(x),
    ),
    "a partial": (
        lambda h: h(),
        lambda: functools.partial(lambda k: k[0], [1.0]),
        lambda h, x: set_item(h.args[0], x),
    ),
    "a bound method": (
        lambda h: h(),
        lambda: (lambda xs: xs.__len__)([1]),
        lambda h, x: h.__self__.append(x),
    ),
    "a method of an object": (
        lambda h: h(0),
        lambda: [1.0].__getitem__,
        lambda h, x: set_item(h.__self__, x),
    ),
    "a Module": (
        lambda h: h.act == "relu" or 2.0,
        lambda: nn.Neuron(1, seed=0),
        lambda h, x: setattr(h, "act", "tanh"),
    ),
    "zero made minus zero": (
        lambda h: math.copysign(1.0, h[0]),
        lambda: [0.0],
        lambda h, x: set_item(h, -0.0),
    ),
    "a number made a bool": (
        lambda h: 2.0 if h[0] is True else 1.0,
        lambda: [1],
        lambda h, x: set_item(h, True),
    ),
    "an attribute of a list": (k, Items, set_k),
    "an attribute of a dict": (k, Names, set_k),
    "an attribute of an array": (k, lambda: np.ones(2).view(Image), set_k),
    "the mask of an array": (
        lambda h: float(h.mean()),
        lambda: np.ma.masked_array([1.0, 5.0], mask=[False, True]),
        lambda h, x: h.mask.__setitem__(1, False),
    ),
    "what a method of a tuple sees": (
        k,
        lambda: (set_item(HELD, 1.0), Pair(1.0))[1],
        lambda h, x: set_item(HELD, x),
    ),
    "a private slot": (k, Private, set_k),
    "a weak set": (lambda h: len(h) + 1.0, weakref.WeakSet, of_more),
    "a weak proxy": (
        lambda h: h[1].k,
        lambda: (lambda p: (p, weakref.proxy(p)))(Plain()),
        lambda h, x: set_k(h[0], x),
    ),
    "a ConfigParser": (
        lambda h: h.getfloat("a", "k"),
        lambda: (lambda c: (c.read_dict({"a": {"k": "1"}}), c)[1])(configparser.ConfigParser()),
        lambda h, x: h.set("a", "k", str(x)),
    ),
    "an object of a library": (
        lambda h: float(h.width),
        lambda: textwrap.TextWrapper(1),
        lambda h, x: setattr(h, "width", x),
    ),
    "an equal object": (
        lambda h: h[0].k[0],
        lambda: [Frozen((1.0,), [1.0])],
        lambda h, x: (set_item(h, Frozen((1.0,), [x])),),
    ),
}


@dataclass
class Frozen:
    same: tuple
    k: list

    def __eq__(self, other):
        return self.same == other.same

    __hash__ = None


for name, place in PLACES.items():
    PROBES[f"a number in {name}"] = holder(*place)


# Code that changes


@probe
def a_method_replaced_on_the_instance(jit):
    p = Plain()
    p.double = lambda x: x * 2
    f = jit(lambda x: p.double(x))
    for i in range(8):
        if i == 4:
            p.double = lambda x: x * 3
        yield f(1.0).data


@probe
def a_call_replaced_on_the_class(jit):
    class Model:
        def __call__(self, x):
            return x * 2

    model = Model()
    f = jit(lambda x: model(x))
    for i in range(8):
        if i == 4:
            Model.__call__ = lambda self, x: x * 3
        yield f(1.0).data


@probe
def a_number_of_the_class(jit):
    class Base:
        k = 1.0

    class Model(Base):
        pass

    f = jit(lambda x: x * Model().k)
    for i in range(8):
        if i == 4:
            Base.k = 2.0
        if i == 6:
            Model.k = 3.0
        yield f(1.0).data


@probe
def a_number_of_the_metaclass(jit):
    class Meta(type):
        k = 1.0

    class Model(metaclass=Meta):
        pass

    f = jit(lambda x: x * Model.k)
    for i in range(8):
        if i == 4:
            Meta.k = 2.0
        yield f(1.0).data


@probe
def another_class_of_an_object(jit):
    class One:
        k = 1.0

    class Two:
        k = 2.0

    p = One()
    f = jit(lambda x: x * p.k)
    for i in range(8):
        if i == 4:
            p.__class__ = Two
        yield f(1.0).data


@probe
def the_code_of_a_function_replaced(jit):
    def scale():
        return 1.0

    f = jit(lambda x: x * scale())
    for i in range(8):
        if i == 4:
            scale.__code__ = (lambda: 2.0).__code__
        yield f(1.0).data


@probe
def defaults_replaced(jit):
    def scaled(x, k=1.0, *, j=1.0):
        return x * k * j

    f = jit(lambda x: scaled(x))
    for i in range(9):
        if i == 4:
            scaled.__defaults__ = (2.0,)
        if i == 6:
            scaled.__kwdefaults__ = {"j": 3.0}
        yield f(1.0).data


@probe
def an_attribute_of_a_function(jit):
    def scaled(x):
        return x * getattr(scaled, "k", 1.0)

    f = jit(scaled)
    for i in range(9):
        if i in (4, 6):
            scaled.k = float(i)
        yield f(1.0).data


@probe
def a_decorator_with_a_number(jit):
    settings = [1.0]

    def scaled(function):
        @functools.wraps(function)
        def wrapper(x):
            return function(x) * settings[0]

        return wrapper

    f = jit(scaled(lambda x: x * 2))
    for i in range(8):
        if i == 4:
            settings[0] = 2.0
        yield f(1.0).data


@probe
def a_method_given_to_values_anew(jit):
    def swish(beta):
        return lambda self: self * (beta * self).sigmoid()

    Value.swish = swish(1.0)
    w = Value(0.5)
    f = jit(lambda x: (x * w).swish())
    for i in range(8):
        if i in (4, 6):
            Value.swish = swish(1.0 + i)
        yield f(1.5).data
    del Value.swish


@probe
def a_call_of_neurons_replaced(jit):
    model, before = nn.MLP(2, [3, 1], seed=0), nn.Neuron.__call__
    f = jit(lambda x: model([x, 1.0]))
    for i in range(8):
        if i == 4:
            nn.Neuron.__call__ = lambda self, x: F.dot(self.w, x, self.b).tanh()
        yield f(1.5).data
    nn.Neuron.__call__ = before


@probe
def an_activation_of_neurons_replaced(jit):
    model, before = nn.MLP(2, [3, 1], seed=0), Value.relu
    f = jit(lambda x: model([x, 1.0]))
    for i in range(8):
        if i == 4:
            Value.relu = lambda self: self.tanh() + 0.1 * self
        yield f(1.5).data
    Value.relu = before


@probe
def a_function_by_the_type_of_what_it_gets(jit):
    slope = [0.1]

    @functools.singledispatch
    def act(x):
        return [act(v) for v in x]

    @act.register
    def _(x: Value):
        return x.relu() - slope[0] * x

    w = Value(0.5)
    f = jit(lambda x: F.sum(act([w * x, -w])))
    for i in range(8):
        if i == 4:
            slope[0] = 0.5
        yield f(1.5).data


GLOBAL = [1.0]
NUMBER = 1.0


@probe
def a_global(jit):
    global NUMBER
    NUMBER = 1.0
    f = jit(lambda x: x * NUMBER)
    for i in range(8):
        if i == 4:
            NUMBER = 2.0
        yield f(1.0).data


@probe
def a_global_by_its_name(jit):
    global NUMBER
    NUMBER = 1.0
    f = jit(lambda x: x * globals()["NUMBER"])
    for i in range(8):
        if i == 1:
            NUMBER = 2.0
        yield f(1.0).data


@probe
def a_global_by_eval(jit):
    global NUMBER
    NUMBER = 1.0
    f = jit(lambda x: x * eval("NUMBER"))
    for i in range(8):
        if i == 1:
            NUMBER = 2.0
        yield f(1.0).data


@probe
def an_attribute_by_a_computed_name(jit):
    p = Plain()
    f = jit(lambda x: x * getattr(p, "".join(["k"])))
    for i in range(8):
        if i == 4:
            p.k = 2.0
        yield f(1.0).data


def module(name, **names):
    made = sys.modules[name] = types.ModuleType(name)
    vars(made).update(names)
    return made


@probe
def a_module_in_a_module(jit):
    inner = module("hiding_outer.inner", k=1.0)
    outer = module("hiding_outer", inner=inner)
    f = jit(lambda x: x * outer.inner.k)
    for i in range(8):
        if i == 4:
            inner.k = 2.0
        yield f(1.0).data


@probe
def a_name_imported_inside(jit):
    settings = module("hiding_settings", k=1.0)

    def scaled(x):
        from hiding_settings import k

        return x * k

    f = jit(scaled)
    for i in range(8):
        if i == 4:
            settings.k = 2.0
        yield f(1.0).data


@probe
def a_module_imported_inside_for_the_first_time(jit):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "hiding_first.py").write_text("k = 1.0\n", encoding="utf-8")
        sys.path.insert(0, folder)
        sys.modules.pop("hiding_first", None)

        def scaled(x):
            import hiding_first

            return x * hiding_first.k

        f = jit(scaled)
        for i in range(8):
            if i == 4:
                sys.modules["hiding_first"].k = 2.0
            yield f(1.0).data
        sys.path.remove(folder)


# What changes by itself


def fresh(number):
    """A probe of a number that is another one at each call."""

    def program(jit):
        f = jit(lambda x: x * number())
        before = f(1.0).data
        yield 0.0
        for _ in range(8):
            time.sleep(1e-4)
            now = f(1.0).data
            yield float(now != before)
            before = now

    return program


tick = itertools.count()
endless = (i for i in itertools.count())
CLOCKS = {
    "time.time": time.time,
    "time.perf_counter": time.perf_counter,
    "datetime.now": lambda: datetime.datetime.now().timestamp(),
    "os.urandom": lambda: float(int.from_bytes(os.urandom(4), "big")),
    "secrets": lambda: float(secrets.randbelow(1 << 40)),
    "uuid4": lambda: float(uuid.uuid4().int >> 80),
    "SystemRandom": lambda: random.SystemRandom().random(),
    "random.random": random.random,
    "numpy.random": lambda: float(np.random.rand()),
    "default_rng inside": lambda: float(np.random.default_rng().random()),
    "RandomState inside": lambda: float(np.random.RandomState().rand()),
    "Random inside": lambda: random.Random().random(),
    "a counter": lambda: float(next(tick)),
    "a generator": lambda: float(next(endless)),
    "the number of a new object": lambda: float(next(Numbered.numbers)),
}


class Numbered:
    numbers = itertools.count()


for name, number in CLOCKS.items():
    PROBES[f"a number from {name}"] = fresh(number)


@probe
def a_variable_of_the_environment(jit):
    f = jit(lambda x: x * float(os.environ.get("HIDING", "1")))
    for i in range(6):
        if i == 1:
            os.environ["HIDING"] = "2"
        yield f(1.0).data
    del os.environ["HIDING"]


@probe
def a_file_within_many_steps(jit):
    w = Value(1.0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "k")

        def lr(step):
            path.write_text(str(step), encoding="utf-8")
            return 0.01

        lr(1)
        f = jit(lambda: w * float(path.read_text(encoding="utf-8")))
        with f.training(optim.SGD([w], lr=lr)) as step:
            for _ in range(3):
                yield [*step.many(4), w.data]


@probe
def a_list_that_a_schedule_changes_within_many_steps(jit):
    w, k = Value(1.0), [1.0]

    def lr(step):
        k.append(k[-1] * 1.1)
        return 0.01

    f = jit(lambda: w * k[-1])
    with f.training(optim.SGD([w], lr=lr)) as step:
        for _ in range(6):
            yield [*step.many(4), w.data]


@probe
def a_file(jit):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "k")
        path.write_text("1", encoding="utf-8")
        f = jit(lambda x: x * float(path.read_text(encoding="utf-8")))
        for i in range(6):
            if i == 1:
                path.write_text("2", encoding="utf-8")
            yield f(1.0).data


@probe
def a_seed_drawn_from(jit):
    rng = np.random.default_rng(0)
    f = jit(lambda x: x * float(rng.normal()))
    for _ in range(6):
        yield f(1.0).data


@probe
def an_iterator_that_is_held(jit):
    held = [iter([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])]
    f = jit(lambda x: x * next(held[0]))
    for _ in range(6):
        yield f(1.0).data


@probe
def a_generator_behind_a_closure_of_the_library(jit):
    numbers = (float(i) for i in range(9))
    f = jit(lambda x: x * functools.partial(next, numbers)())
    for _ in range(6):
        yield f(1.0).data


# Numbers taken out, numbers put in


W = Value(2.0)


def reading(read, kind):
    """A probe of a function that gets at the data of a Value, or of a float of the arguments."""

    def program(jit):
        w = Value(2.0)
        f = jit(lambda x: x * read(w, x))
        for i in range(5):
            w.data = 2.0 + i
            yield f(kind(1.0 + i)).data

    return program


def matched(x):
    match x:
        case Value(data=number):
            return number


def in_a_thread(x):
    found = []

    def work():
        with contextlib.suppress(RuntimeError):
            found.append(x.data)

    t = threading.Thread(target=work)
    t.start()
    t.join()
    return found[0]


def by_a_list(x):
    return Tensor([x]).data[0]


number_of = operator.attrgetter("data")
descriptor = Value.__dict__["data"]


class Peek(Function):
    @staticmethod
    def forward(ctx, x):
        return x * W.data

    @staticmethod
    def backward(ctx, grad):
        return grad * W.data


READINGS = {
    ".data of a parameter": lambda w, x: w.data,
    ".data of an argument": lambda w, x: (x * 1).data,
    ".data of what was computed": lambda w, x: (w * x).data,
    ".grad of a parameter": lambda w, x: w.grad + 1.0,
    "getattr": lambda w, x: getattr(w, "da" + "ta"),
    "attrgetter": lambda w, x: number_of(w * 1),
    "map of attrgetter": lambda w, x: sum(map(number_of, [w, w])),
    "object.__getattribute__": lambda w, x: object.__getattribute__(w, "data"),
    "a descriptor taken before": lambda w, x: descriptor.__get__(w),
    "repr": lambda w, x: float(repr(w)[11:].split(",")[0]),
    "str": lambda w, x: float(str(w * 1)[11:].split(",")[0]),
    "an f-string": lambda w, x: float(f"{w}"[11:].split(",")[0]),
    "a format": lambda w, x: float("{0.data}".format(w)),  # noqa: UP030, UP032
    "copy": lambda w, x: copy.copy(w).data,
    "deepcopy": lambda w, x: copy.deepcopy([w])[0],
    "pickle": lambda w, x: pickle.loads(pickle.dumps(w)),
    "match": lambda w, x: matched(w),
    "exec": lambda w, x: eval("w.data", {}, {"w": w}),
    "a thread": lambda w, x: in_a_thread(w * x),
    "Tensor.data": lambda w, x: by_a_list(w),
    "Tensor.tolist": lambda w, x: Tensor([w, x]).tolist()[0],
    "Tensor's repr": lambda w, x: float(repr(Tensor([w])).strip("Tensor([])")),
    "accuracy of scores": lambda w, x: F.accuracy([w - 4], [1]) + 1,
    "accuracy of rows": lambda w, x: F.accuracy([[w, Value(4.0)]], [0]) + 1,
    "state_dict": lambda w, x: next(iter(nn_of(w).state_dict().values())),
    "sorted": lambda w, x: sorted([w, x, Value(3.5)])[1],
    "argmax": lambda w, x: float(np.argmax([w, Value(3.5)])) + 1,
    "a comparison of arrays": lambda w, x: float((Tensor([w, x]) > 3.0).sum()) + 1,
    "a Function that reads a parameter": lambda w, x: Peek.apply(x),
    "setting data": lambda w, x: (setattr(w, "data", 3.0), w)[1],
    "setting grad": lambda w, x: (setattr(w, "grad", 3.0), w)[1],
    "zero_grad": lambda w, x: (nn_of(w).zero_grad(), w)[1],
    "backward": lambda w, x: ((w * x).backward(), w)[1],
    "hasattr": lambda w, x: w if hasattr(x, "shape") else w * 1,
    "the clipped target of a loss": lambda w, x: F.hinge_loss([w], [x / x]),
}

FLOATS = {
    "float": lambda w, x: float(x),
    "int": lambda w, x: int(x),
    "round": lambda w, x: round(x),
    "math.exp": lambda w, x: math.exp(x),
    "numpy.exp": lambda w, x: np.exp(x),
    "numpy.array of floats": lambda w, x: np.array([x], dtype=float)[0],
    "the truth": lambda w, x: 2.0 if x else 1.0,
    "a set": lambda w, x: float(len({x, 1.0})),
    "in": lambda w, x: 2.0 if x in [1.0, 3.0] else 1.0,
    "isinstance float": lambda w, x: w if isinstance(x, float) else w * 1,
}


def nn_of(w):
    module = nn.Module()
    module.w = w
    return module


for name, read in READINGS.items():
    PROBES[f"read by {name}"] = reading(read, Value)
for name, read in FLOATS.items():
    PROBES[f"a float read by {name}"] = reading(read, float)


# Values that are kept


@probe
def a_computed_value_kept_in_a_hidden_place(jit):
    hidden = weakref.WeakValueDictionary()

    def scaled(x):
        y = x * 2
        hidden["y"] = y
        return y + 1

    f = jit(scaled)
    for i in range(5):
        yield f(Value(float(i))).data


@probe
def a_computed_value_read_later(jit):
    class Store:
        __slots__ = ("y",)

    store = Store()
    hidden = ctypes.py_object(store)

    def scaled(x):
        hidden.value.y = x * 2
        return hidden.value.y + 1

    f = jit(scaled)
    for i in range(5):
        out = f(Value(float(i)))
        yield out.data + store.y.data


@probe
def a_state_in_a_hidden_place(jit):
    hidden = ctypes.py_object([0.5])

    def step(x):
        hidden.value[0] = hidden.value[0] * 0.9 + x
        return hidden.value[0] * 1.0

    f = jit(step)
    for i in range(6):
        yield f(float(i)).data


@probe
def a_constant_value_in_a_cache(jit):
    @functools.lru_cache
    def constant(n):
        return Value(1.0 / n)

    f = jit(lambda x, n: x * constant(n))
    for i in range(12):
        yield f(float(i), 1 + i % 2).data


@probe
def a_computed_value_in_a_cache(jit):
    @functools.lru_cache
    def position(n):
        return Value(float(n)).sin()

    f = jit(lambda x, n: x * position(n))
    for i in range(12):
        yield f(float(i), 1 + i % 2).data


@probe
def a_value_computed_before(jit):
    w = Value(2.0)
    h = w * 3
    f = jit(lambda x: x * h)
    for i in range(6):
        y = f(float(i))
        w.grad = 0.0
        y.backward()
        yield y.data + w.grad


@probe
def a_value_computed_in_another_thread(jit):
    w = Value(2.0)

    def doubled(x):
        found = []
        t = threading.Thread(target=lambda: found.append(w * 2))
        t.start()
        t.join()
        return found[0] * x

    f = jit(doubled)
    for i in range(5):
        w.data = float(i)
        yield f(1.0).data


@probe
def a_value_computed_in_another_context(jit):
    w = Value(2.0)
    f = jit(lambda x: contextvars.Context().run(lambda: w * x) + 1)
    for i in range(5):
        w.data = float(i)
        yield f(1.0 + i).data


@probe
def the_answer_itself_from_another_thread(jit):
    w = Value(2.0)

    def doubled(x):
        found = []
        t = threading.Thread(target=lambda: found.append(w * x))
        t.start()
        t.join()
        return found[0]

    f = jit(doubled)
    for i in range(5):
        yield f(1.0 + i).data


# Arguments


@probe
def an_argument_changed_inside(jit):
    def total(xs):
        xs[0] = xs[0] * 2
        return F.sum(xs)

    f, xs = jit(total), [1.0, 2.0]
    for _ in range(5):
        yield f(xs).data


@probe
def an_argument_sorted_inside(jit):
    def largest(xs):
        xs.sort()
        return xs[-1] * 2

    f, xs = jit(largest), [3.0, 1.0, 2.0]
    for _ in range(5):
        yield f(xs).data + xs[0]


@probe
def an_array_changed_inside(jit):
    def total(xs):
        xs *= 2
        return Tensor(xs).sum()

    f, xs = jit(total), np.ones(3)
    for _ in range(5):
        yield f(xs).data + xs[0]


@probe
def an_array_of_integers_changed_inside(jit):
    def total(x, xs):
        xs += 1
        return x * int(xs.sum())

    f, xs = jit(total), np.ones(3, int)
    for _ in range(5):
        yield f(1.0, xs).data


@probe
def an_object_changed_inside(jit):
    def total(p, x):
        p.k += 1.0
        return x * p.k

    f, p = jit(total), Plain()
    for _ in range(5):
        yield f(p, 1.0).data


@probe
def a_tensor_changed_inside(jit):
    def total(t):
        t.values[0] = t.values[0] * 2
        return t.sum()

    f, t = jit(total), Tensor([1.0, 2.0])
    for _ in range(5):
        yield f(t).data


@probe
def parameters_told_from_others_among_arguments(jit):
    w, b = Value(0.5), Value(0.25)
    biases, rates, last = {b}, {w: 0.1, b: 0.2}, b
    in_a_set = jit(lambda ps: sum(p * p for p in ps if p not in biases))
    in_a_list = jit(lambda ps: sum(p * p for p in ps if p not in [b]))
    by_key = jit(lambda ps: sum(p * p * rates.get(p, 0.5) for p in ps))
    by_is = jit(lambda p: p * w if p is last else p * p)
    for i in range(8):
        other = Value(0.5 + i)
        for f in (in_a_set, in_a_list, by_key):
            for ps in ([w, b], [b, w], [w, other]):
                (y := f(ps)).backward()
                yield [y.data, w.grad, b.grad, other.grad]
        for p in (w, b, other):
            (y := by_is(p)).backward()
            yield [y.data, w.grad, b.grad, other.grad]


@probe
def parameters_told_from_others_in_a_training(jit):
    w, b = Value(0.5), Value(0.25)
    biases = {b}
    f = jit(lambda ps, x: (w * x + b - 1) ** 2 + sum(p * p for p in ps if p not in biases))
    with f.training(optim.SGD([w, b], lr=0.1)) as step:
        for i in range(12):
            yield [step([w, b] if i % 4 else [b, Value(0.1)], 0.5), w.data, b.data, w.grad]


class Double(Value):
    def __mul__(self, other):
        return Value.__mul__(self, other) * 2

    def square(self):
        return Value.__mul__(self, self)


@probe
def values_of_a_class_of_ones_own_as_arguments(jit):
    f = jit(lambda v, x: v * x)
    g = jit(lambda v: v.square() * 3)
    for i in range(6):
        v = Value(1.0 + i) if i == 3 else Double(1.0 + i)
        (y := f(v, 0.5)).backward()
        yield [y.data, v.grad, g(Double(2.0 + i)).data]


class Settings(dict):
    def __init__(self, **settings):
        super().__init__(settings)
        self.__dict__ = self


@probe
def settings_that_are_their_own_attributes_as_an_argument(jit):
    settings = Settings(scale=1.0)
    f = jit(lambda settings, x: x * settings.scale + settings["scale"])
    for _ in range(8):
        settings.scale += 0.5
        yield f(settings, 1.5).data


@probe
def attributes_of_containers_as_arguments(jit):
    f = jit(lambda held, x: x * held.k + len(held))
    for kind in (Items, Names):
        one = kind()
        for i in range(8):
            held = kind() if i == 6 else one
            if i % 3:
                held.k = float(i)
            yield f(held, 1.5).data


@probe
def methods_of_containers_as_arguments(jit):
    f = jit(lambda pair: pair.w * pair.k)
    for i in range(8):
        HELD[0] = 1.0 + i // 4
        yield f(Pair(1.5 + i)).data


@probe
def attributes_of_an_argument(jit):
    f = jit(lambda v: v * (2.0 if getattr(v, "frozen", False) else 1.0))
    for i in range(8):
        v = Value(1.5)
        if i % 3 == 2:
            v.frozen = True
        yield f(v).data


@probe
def a_label_of_an_argument(jit):
    f = jit(lambda v: v * (2.0 if v.label == "b" else 1.0))
    for i in range(8):
        yield f(Value(1.5, label="ab"[i % 3 == 2])).data


@probe
def arguments_that_are_one_and_the_same(jit):
    f = jit(lambda a, b: a * 3 if a is b else a * b)
    x = [1.0, 2.0]
    g = jit(lambda a, b: a[0] * (3.0 if a is b else 1.0))
    for i in range(6):
        v = Value(1.0 + i)
        yield f(v, v if i % 2 else Value(2.0)).data
        yield g(x, x if i % 3 == 2 else [1.0, 2.0]).data


@probe
def arguments_that_are_equal_but_not_alike(jit):
    f = jit(lambda x, n: x * (3.0 if n is True else 2.0) * (1.0 if isinstance(n, int) else 5.0))
    for n in (1, True, np.int64(1), 1, True, False, 0, np.bool_(1)):
        yield f(1.5, n).data


@probe
def complex_zeros_as_arguments(jit):
    f = jit(lambda x, z: x * math.copysign(1.0, z.real))
    for z in (0j, -0j, complex(-0.0, 0.0), 0j):
        yield f(1.5, z).data


@probe
def an_enum_as_an_argument(jit):
    f = jit(lambda x, mode: x * mode.value)
    for i in range(6):
        yield f(1.5, Mode.SLOW if i % 2 else Mode.FAST).data


@probe
def a_function_as_an_argument(jit):
    f = jit(lambda x, function: function(x))
    for i in range(6):
        yield f(Value(1.5), Value.tanh if i % 2 else Value.exp).data


# Gradients


@probe
def the_gradient_of_what_is_returned_beside(jit):
    w = Value(2.0)

    def both(x):
        h = w * x
        return h.tanh() + h * h, h, x * 3

    f = jit(both)
    for i in range(6):
        y, h, other = f(0.1 * i)
        y.backward()
        yield h.grad
        yield other.grad
        (y * 2 + h + other).backward()
        yield h.grad + w.grad
        yield other.grad


@probe
def the_gradient_of_an_answer_used_twice(jit):
    w = Value(2.0)
    f = jit(lambda x: [w * x, w.exp()])
    for i in range(5):
        a, b = f(float(i))
        w.grad = 0.0
        (a * a * b + a).backward()
        yield [a.grad, b.grad, w.grad]


@probe
def data_changed_before_going_back(jit):
    w = Value(2.0)
    f = jit(lambda x: (w * x).sin() * w)
    for i in range(5):
        y = f(float(i))
        w.data += 0.5
        w.grad = 0.0
        y.backward()
        yield w.grad


@probe
def data_of_an_argument_changed_before_going_back(jit):
    f = jit(lambda x: x * x * x)
    for i in range(5):
        x = Value(1.0 + i)
        y = f(x)
        x.data = 0.5
        y.backward()
        yield x.grad


@probe
def several_answers_before_going_back(jit):
    w = Value(0.5)
    f = jit(lambda x: (w * x).tanh())
    for i in range(4):
        answers = [f(0.1 * j + i) for j in range(3)]
        w.grad = 0.0
        for y in answers:
            y.backward()
        (answers[0] * answers[1]).backward()
        yield w.grad


@probe
def the_gradient_of_an_argument(jit):
    f = jit(lambda xs: F.softmax(xs)[0])
    for i in range(5):
        xs = [Value(0.1 * i), Value(0.2)]
        f(xs).backward()
        yield [x.grad for x in xs]


# Integers of arrays


def integers(name, function, counts=range(9)):
    """A probe of what a function makes of an array of integers, another one at each call."""

    def program(jit):
        f = jit(function)
        for i in counts:
            yield f(np.arange(4) * i % 5, 1.5).data

    program.__name__ = f"integers: {name}"
    probe(program)


for name, function in {
    "a type": lambda t, x: x * (2 if isinstance(t[0], np.integer) else 2.0) * t[1],
    "a type of the array": lambda t, x: x * t.itemsize * t.ndim * len(t) * t[1],
    "its type by name": lambda t, x: x * len(t.dtype.name) * t[1],
    "the kind of its type": lambda t, x: x * (t[1] if t.dtype.kind == "i" else 9),
    "a type of what is computed": lambda t, x: x * len((t * 0.5).dtype.name) * t[1],
    "a part": lambda t, x: x * (t.real.sum() + t[1].real),
    "a cast": lambda t, x: x * float(t.astype(float).sum()),
    "a sum": lambda t, x: x * t.sum() + t.max() - t.min(),
    "a cumulative sum": lambda t, x: F.dot(t.cumsum(), [x, x, 1, 2]),
    "an order": lambda t, x: F.dot(np.argsort(t, kind="stable"), [x, x, 1, 2]),
    "unique ones": lambda t, x: x * len(np.unique(t)),
    "unique ones in a set": lambda t, x: x * len(set(t.tolist())),
    "text": lambda t, x: x * len(str(t)),
    "bytes": lambda t, x: x * sum(t.tobytes()),
    "bits": lambda t, x: x * (int(t[1]) << 2 | 1),
    "a mask": lambda t, x: x * F.sum(t[t > 1]),
    "where": lambda t, x: x * F.sum(np.where(t > 1, t, 0)),
    "where in the array": lambda t, x: x * (np.flatnonzero(t == 0).size + 1),
    "any": lambda t, x: x * (2 if (t > 3).any() else 3),
    "all": lambda t, x: x * (2 if np.all(t) else 3),
    "a matrix product": lambda t, x: x * (t @ t),
    "a picture": lambda t, x: x * F.sum(t.reshape(2, 2).T[0]),
    "a copy": lambda t, x: x * t.copy()[1],
    "a view": lambda t, x: x * t.view()[::-1][1],
    "an array of it": lambda t, x: x * np.asarray(t, int)[1],
    "a list": lambda t, x: x * [10, 20, 30, 40, 50][t.tolist()[1]],
    "a formula": lambda t, x: x * (3 * t[1] - t[2] * t[3] + 7),
    "a quotient": lambda t, x: x * (t[1] / 2 + t[2] // 2 + t[3] % 3),
    "powers of ten": lambda t, x: x * F.dot(t, [1000, 100, 10, 1]),
    "large powers": lambda t, x: x * ((t[1] * 10**8 + 1) * (t[2] * 10**9 + 1) % 7),
    "in a string": lambda t, x: x * len("abcde"[t[1] :]),
    "a dict's key": lambda t, x: x * {0: 1, 1: 2}.get(t[1], 3),
    "a random number": lambda t, x: x * np.random.RandomState(t[1]).rand(),
    "a fallback": lambda t, x: x * attempt(lambda: [1, 2, 3, 4, 5][t[1]], 7),
    "a question": lambda t, x: x * hasattr(t[1], "real") * t[1],
    "hash": lambda t, x: x * (hash(int(t[1])) + 1),
}.items():
    integers(name, function)


def attempt(f, otherwise):
    try:
        return f()
    except Exception:
        return otherwise


@probe
def an_array_of_integers_as_a_global(jit):
    held = np.array([0, 1, 2])
    rows = [Value(1.0), Value(2.0), Value(3.0)]
    f = jit(lambda x: F.sum(F.take(rows, held)) * x)
    for i in range(9):
        held[0] = i % 3
        yield f(1.5).data


@probe
def examples_in_a_global_array(jit):
    X, t, w = np.linspace(-1, 1, 6), np.arange(6), Value(0.5)
    f = jit(lambda x: batched(lambda a, i: (w * a * x).tanh() * i)(X, t))
    for i in range(9):
        X[i % 6] += 0.1
        t[i % 6] = i
        yield f(1.5).data


@probe
def a_number_for_each_example_from_outside(jit):
    X, w, count = np.linspace(-1, 1, 6), Value(0.5), itertools.count()
    f = jit(batched(lambda a: w * a * next(count)))
    for _ in range(5):
        yield f(X).data


@probe
def a_state_that_examples_change(jit):
    X, w, state = np.linspace(-1, 1, 6), Value(0.5), {"n": 0}

    def one(a):
        state["n"] += 1
        return w * a * state["n"]

    f = jit(batched(one))
    for _ in range(5):
        yield f(X).data


@probe
def a_value_of_an_example_kept(jit):
    X, w = np.linspace(-1, 1, 6), Value(0.5)

    def total(X):
        kept = {}

        def one(a):
            kept[len(kept)] = w * a
            return kept[len(kept) - 1] ** 2

        return batched(one)(X) + F.sum(kept.values()) * len(kept)

    f = jit(total)
    for i in range(5):
        yield f(X + i).data


@probe
def the_label_of_an_example(jit):
    rows = [Value(1.0, label="a"), Value(2.0, label="b"), Value(3.0, label="a")]
    f = jit(lambda x: batched(lambda v: v * x if v.label == "a" else v)(rows))
    for i in range(5):
        rows[i % 3].label = "ab"[i % 2]
        yield f(1.5).data


@probe
def the_gradients_of_examples(jit):
    f = jit(batched(lambda v, x: (v * x).tanh()))
    for i in range(5):
        rows = [Value(0.1 * i + j) for j in range(3)]
        f(rows, [1.0, 2.0, 3.0]).backward()
        yield [v.grad for v in rows]


@probe
def an_example_that_is_in_twice(jit):
    w = Value(0.5)
    f = jit(batched(lambda v: (v * w).tanh()))
    for i in range(5):
        a, b = Value(0.1 * i), Value(2.0)
        f([a, b, a]).backward()
        yield [a.grad, b.grad]
