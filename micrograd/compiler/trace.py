"""A trace: a function run once, all it did written down, what a replay would not do refused."""

from __future__ import annotations

import functools
import operator
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from .. import engine, functional
from ..engine import Value, is_real, noted, tape
from .errors import ExamplesError, JitError
from .locks import Lock

HOUSE = __package__.rpartition(".")[0]  # micrograd, wherever somebody put a copy of it
# Their code computes with the numbers of Values; all other code would take them out of the graph.
OPERATIONS = {f"{HOUSE}.{name}" for name in ("engine", "function", "functional")}
IN_ENGINE, IN_FUNCTIONAL = vars(engine), vars(functional)  # of these, known at a glance
LIBRARIES = {*sys.stdlib_module_names, "numpy"}
INSTALLED = {"site-packages", "dist-packages"}  # folders of what is


class Sample(NamedTuple):
    """Where one example would do: the examples that are computed of a batch, by how many it has.

    An example may stand for several. `arrays` are those of the arguments.
    """

    rows: dict[int, Sequence[int]]
    arrays: Sequence[np.ndarray]


class Trace(list):
    """What a function does while it is traced: the Values it makes, the comparisons it draws.

    `asked` are attributes of older Values that it looked at: (Value, name, what was found).
    `of_an_example` are the Values made for one example in place of all, and where that ended;
    `repeated` is how many operations more there are of them.
    """

    def __init__(
        self,
        originals: dict[Value, Value],
        inputs: list,
        takes_one_example: bool,
        sample: Sample | None = None,
    ) -> None:
        """`originals` are the caller's Values, by those that stand for them."""
        self.stand_ins = list(originals)
        self.originals = {id(stand_in): v for stand_in, v in originals.items()}
        self.inputs = inputs
        self.asked: list[tuple[Value, str, Any]] = []
        self.refusal: JitError | None = None
        self.told: JitError | None = (
            None  # that a text shows a Value, unless it is that of an error
        )
        self.taken: Input | None = None  # a float of the arguments of which a Value is being made
        self.takes_one_example, self.sample = takes_one_example, sample
        self.of_an_example: list[tuple[list[Value], int]] = []
        self.repeated = 0
        self.alternatives: set[int] = set()  # what stands for one of several Values, by id
        self.thread, self.older_threads = threading.get_ident(), set(threading.enumerate())
        self.visitors: set[threading.Thread] = set()  # younger ones, which met Values of the trace

    def met_here(self):
        """Takes note if this thread is younger than the trace: it may be the function's own.

        No error is raised here: it would end a thread, and nobody may look for it.
        """
        thread = threading.current_thread()
        if threading.get_ident() != self.thread and thread not in self.older_threads:
            self.visitors.add(thread)
            if self.waits():
                self.refusal = self.refusal or in_a_thread()

    def waits(self):
        """Whether the function waits for a thread, or for what one gives."""
        frame = sys._current_frames().get(self.thread)
        while frame and frame.f_code is not in_context.__code__:
            if frame.f_globals.get("__name__", "").split(".")[0] in WAITING:
                return True
            frame = frame.f_back
        return False

    def refused_for(self):
        """The JitError that the function deserves in the end, or None."""
        began_a_thread = any(not thread.is_alive() for thread in self.visitors)
        return self.refusal or self.told or (in_a_thread() if began_a_thread else None)

    def append(self, event: Any) -> None:
        if type(event) is tuple:
            if words := refusal(event, self.inputs):
                raise self.refused(words)
        else:
            hide(event)
            if self.taken is not None:
                self.made_of_the_float(event)
        super().append(event)

    def made_of_the_float(self, v):
        """Value(x) of a float argument, which is a Value already: a product that equals it."""
        x, self.taken = self.taken, None
        product = x * 1.0
        v._op, v._chain, v._x, v._y = product._op, product._chain, product._x, product._y

    def refused(self, words):
        """A JitError, which is raised once more at the end if it is caught on the way."""
        self.refusal = JitError(words)
        return self.refusal

    def stands_for(self, v, other):
        """Whether v, which was made in the trace, is one from outside to those who look into it."""
        if is_from_outside := id(other) in self.originals or not is_hidden(other):
            self.originals[id(v)] = self.originals.get(id(other), other)
        return is_from_outside

    @contextmanager
    def all_examples(self):
        """Meanwhile, no example of a batch stands for the others."""
        before, self.takes_one_example = self.takes_one_example, False
        try:
            yield
        finally:
            self.takes_one_example = before

    def attribute(self, v, name, found):
        """Takes note of what was found, unless the Value is younger than the trace."""
        if id(v) in self.alternatives:
            self.refusal = ExamplesError()
            raise self.refusal
        if id(v) in self.originals or not is_hidden(v):
            self.asked.append((self.originals.get(id(v), v), name, found))


def traced(
    function: Callable[[], Any],
    originals: dict[Value, Value],
    inputs: list[Value],
    seen: Iterable[Value],
    takes_one_example: bool = True,
    sample: Sample | None = None,
) -> tuple[Any, Trace]:
    """What a function returns, and its trace. `seen` are the older Values that it might look into.

    If it `takes_one_example`, that may stand for all examples of a batch, or a `sample` of them.

    Raises JitError, where it happens, for what a replay could not do.
    """
    # In a context of its own, which ends with the call also where Ctrl-C comes at the worst moment.
    return copy_context().run(
        in_context, function, Trace(originals, inputs, takes_one_example, sample), seen
    )


def in_context(function, trace, seen):
    for v in (*trace.stand_ins, *trace.inputs):
        hide(v)
    tape.set(trace)
    active.append(trace)
    try:
        with watched(seen):
            answer = function()
        if refusal := trace.refused_for():
            raise refusal
    except BaseException as error:
        for v in (*trace.stand_ins, *trace.inputs, *trace):  # which may live on
            show(v)
        if trace.refusal and isinstance(error, Exception):
            raise trace.refusal from error
        raise
    finally:
        active[:] = [t for t in active if t is not trace]
    return answer, trace


active: list[Trace] = []
WAITING = {"threading", "queue", "concurrent", "multiprocessing", "asyncio"}


def trace_of(v):
    """The trace that goes on in this context, or in which v was made by another thread."""
    here = tape.get()
    if isinstance(here, Trace):
        return here
    return next((t for t in active if id(v) in t.originals or any(e is v for e in t)), None)


def in_a_thread():
    return JitError(
        "a jitted function has begun a thread that met one of its Values, which a replay would "
        "not see: compute it inside, without threads, or do it outside"
    )


# Hidden Values: their classes are swapped, so that no other Value is any slower


class Input(Value):
    """A float of the arguments."""

    __slots__ = ()

    def __hash__(self):
        return noted(hash, self, None, object.__hash__(self))

    def taken(self):
        """The number for Value(x); a trace takes note of where it comes from."""
        if isinstance(trace := tape.get(), Trace):
            trace.taken = self
        return Value.data.__get__(self)


def as_number(name):
    def method(self, *others):
        words = (
            f"{name} of a float argument in a jitted function, where floats are Values: use "
            "operations of Values, such as x.exp() for math.exp(x), or do it outside and pass "
            "what comes of it, as an int where it selects"
        )
        trace = tape.get()
        raise trace.refused(words) if isinstance(trace, Trace) else JitError(words)

    return method


for name in ("float", "int", "round", "trunc", "floor", "ceil"):
    setattr(Input, f"__{name}__", as_number(f"{name}()"))
for name, sign in {"mod": "%", "floordiv": "//", "divmod": "divmod()"}.items():
    setattr(Input, f"__{name}__", as_number(sign))
    setattr(Input, f"__r{name}__", as_number(sign))


def hide(v: Value) -> None:
    """From now on, only operations may ask for the numbers of v, on any thread."""
    v.__class__ = hidden(type(v))  # type: ignore[arg-type]


def show(v: Any) -> None:
    """Undoes `hide`."""
    if is_hidden(v):
        v.__class__ = type(v).shown


def is_hidden(v: Any) -> bool:
    """Whether v was made while a function was traced."""
    return getattr(type(v), "hides", "") == "always"


@functools.cache
def hidden(cls):
    """The class of Values made in a trace that would otherwise be of class `cls`."""
    return cls if hasattr(cls, "hides") else hiding(cls, "always")


@functools.cache
def watchful(cls):
    """The class of older Values while a function is traced in some context."""
    return cls if hasattr(cls, "hides") else hiding(cls, "in a trace")


def hiding(cls, when):
    """A subclass that refuses to show its numbers, and takes note of attributes looked at."""

    def trace_for(v):
        return trace_of(v) if when == "always" else tape.get()

    def guard(v, name, frame):
        trace = trace_for(v)
        if when == "always" or trace is not None:
            words = about(name, frame)
            raise trace.refused(words) if isinstance(trace, Trace) else JitError(words)

    def number(name):
        plain = getattr(cls, name)
        read, write, caller = plain.__get__, plain.__set__, sys._getframe

        def get(self):
            namespace = caller(1).f_globals
            if (namespace is not IN_ENGINE and namespace is not IN_FUNCTIONAL) or not tape.get():
                check(self, caller(1))
            return read(self)

        def put(self, x):
            check(self, caller(1))
            write(self, x)

        def check(self, frame):
            if is_own(frame):
                return
            for trace in active if tape.get() is None else []:
                trace.met_here()
            if frame.f_globals.get("__name__") not in OPERATIONS:
                guard(self, f".{name}", frame)

        return property(get, put)

    def label(self):
        found = cls.label.__get__(self)
        if isinstance(trace := tape.get(), Trace):
            trace.attribute(self, "label", found)
        return found

    def missing(self, name):
        found, trace = MISSING, tape.get()
        if isinstance(trace, Trace) and not name.startswith("__"):
            if id(self) in trace.originals:
                found = getattr(trace.originals[id(self)], name, MISSING)
            trace.attribute(self, name, found)
        if found is MISSING:
            raise AttributeError(f"'{cls.__name__}' object has no attribute '{name}'")
        return found

    def text(self):
        trace, frame = trace_for(self), sys._getframe(1)
        if isinstance(trace, Trace):
            trace.told = trace.told or JitError(about("the text", frame))
        else:
            guard(self, "the text", frame)
        return cls.__repr__(self)

    def reduced(self):
        guard(self, "a copy", sys._getframe(1))
        made, *rest = cls.__reduce__(self)
        return (cls if made is type(self) else made, *rest)

    return type(
        cls.__name__,
        (cls,),
        {
            "__slots__": (),
            "__module__": cls.__module__,
            "hides": when,
            "shown": cls,
            "data": number("data"),
            "grad": number("grad"),
            "label": property(label, cls.label.__set__),
            "__getattr__": missing,
            "__repr__": text,
            "__reduce__": reduced,
        },
    )


def about(name, frame):
    """What is wrong with looking at something of a Value while a function is traced."""
    return (
        f"{place(frame)} has to do with {name} of a Value in a jitted function, which a replay "
        "would not see: use the Value itself, also to compare it, return it to print or keep it, "
        "or do it outside"
    )


MISSING = object()


def is_own(frame: FrameType) -> bool:
    """Whether it is the compiler that looks at a number."""
    return frame.f_globals.get("__name__", "").startswith(__package__)


def place(frame):
    """The function of the user's that a frame belongs to, or that called the library."""
    inner = None
    while frame.f_back and from_library(frame.f_globals.get("__name__")):
        inner, frame = frame, frame.f_back
    name = f"{frame.f_code.co_name}()"
    return f"{name}, which calls {inner.f_code.co_name}()," if inner else name


lock = Lock()
watching: dict[tuple[int, object], set[Value]] = {}  # the Values that each trace watches


@contextmanager
def watched(values: Iterable[Value]) -> Iterator[None]:
    """Meanwhile these Values tell a trace of this context when its function looks at them."""
    own, trace = {v for v in values if not is_hidden(v)}, (threading.get_ident(), object())
    try:
        with lock.held:
            watching[trace] = own
            for v in own:
                v.__class__ = watchful(type(v))  # type: ignore[arg-type,assignment]
        yield
    finally:
        try:
            unwatch(own, trace)
        except KeyboardInterrupt:  # on the way: once more, from the start
            unwatch(own, trace)
            raise


def unwatch(values, trace):
    """Gives Values that no other trace watches their classes back."""
    with lock.held:
        watching.pop(trace, None)
        for v in values.difference(*watching.values()):
            if getattr(type(v), "hides", "") == "in a trace":
                v.__class__ = type(v).shown  # type: ignore[attr-defined]


def class_of(v: Any) -> type:
    """Of a Value, whoever watches it just now."""
    kind = type(v)
    return kind.shown if getattr(kind, "hides", "") == "in a trace" else kind


def end_traces_of_others():
    """In a forked process, where the threads that had begun them do not live."""
    thread = threading.get_ident()
    active[:] = [trace for trace in active if trace.thread == thread]
    for trace, values in [*watching.items()]:
        if trace[0] != thread:
            unwatch(values, trace)


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=end_traces_of_others)


def from_library(module: str | None) -> bool:
    """Whether a module, by name, is installed rather than the user's own."""
    name = module or ""
    root = name.split(".")[0]
    file = getattr(sys.modules.get(root), "__file__", None) or ""
    return root in LIBRARIES or f"{name}.".startswith(f"{HOUSE}.") or is_installed(file)


@functools.cache
def is_installed(file):
    return not INSTALLED.isdisjoint(Path(file).parts)


def refusal(question: tuple, inputs: list) -> str:
    """Why a replay could not answer a question of the function's, or nothing."""
    asked, value, other, _ = question
    if asked is hash or (
        asked is operator.eq
        and inputs
        and isinstance(other, Value)
        and not (is_a_value_anyway(value) or is_a_value_anyway(other))
    ):
        return (
            "floats were compared by ==, in, a set or a dict in a jitted function, where they "
            "are Values: compare with < or >, or pass ints, which are not recorded"
        )
    if asked not in (bool, "backward") and not (isinstance(other, Value) or is_real(other)):
        return (
            f"a Value was compared with a {type(other).__name__} in a jitted function: compare "
            "it with Values or numbers, one by one"
        )
    if asked == "backward":
        return (
            "backward() inside a jitted function: return the loss and call its backward(), "
            "or use training()"
        )
    if asked is bool:
        return (
            "the truth of a Value was asked in a jitted function, where floats are Values: "
            "compare with < or >, or pass an int or bool, which is not recorded"
        )
    if asked is operator.eq and isinstance(other, (int, float)):
        return (
            "== of a Value and a number in a jitted function, where floats are Values: "
            "compare with < or >, or pass an int or bool, which is not recorded"
        )
    return ""


def is_a_value_anyway(v):
    """Whether it would be one in the engine, too: no float, since older Values are in it."""
    stack, seen = [v], set()
    while stack:
        v = stack.pop()
        if v not in seen:
            seen.add(v)
            if not v._prev and not isinstance(v, Input) and not is_hidden(v):
                return True
            stack += v._prev
    return False


def about_floats(error: Exception) -> str:
    """What an error in a trace has to do with floats that are Values, in words; or nothing."""
    text = str(error).removesuffix("; use value.data")  # which is of no use inside
    if not isinstance(error, (TypeError, AttributeError)) or isinstance(error, JitError):
        return ""
    if not MEANS_A_VALUE.search(text):
        return ""
    return (
        f"{type(error).__name__}: {text}. Inside, floats of the arguments are Values, arrays of "
        "floats hold Values: use operations of Values, or do it outside and pass what comes of it"
    )


# As Python and NumPy call what they cannot take, and Value what it cannot do.
MEANS_A_VALUE = re.compile(r"\bInput\b|type Value|'Value'|a Value (would|has)|'O'|input types")


class Fingerprint:
    """What a function did: equal to that of a run that did the same.

    `turns` are its comparisons and how they came out, `results` what it returned; `nodes` counts
    its operations.
    """

    def __init__(
        self, trace: Trace, arguments: Iterable[Value], answer: list, older: dict[int, Value]
    ) -> None:
        """`answer` are the items of what it returned, `older` Values that it may find, by id.

        Raises JitError where it met computed Values from elsewhere.
        """
        hashes = Hashes(older)
        hashes.update((v, hash(("argument", i))) for i, v in enumerate(arguments))
        self.turns: list = []
        self.nodes = 0
        for event in trace:
            if type(event) is tuple:
                compare, a, b, outcome = event
                other = hashes[b] if isinstance(b, Value) else told(b)
                self.turns.append(((compare, hashes[a], other), outcome))
            elif prev := event._prev:
                hashes[event] = hash((operation(event), *map(hashes.__getitem__, prev)))
                self.nodes += 1
            else:
                hashes[event] = constant_hash(event)
        self.nodes += trace.repeated
        self.results = [hashes[x] if isinstance(x, Value) else x for x in answer]

    def __eq__(self, other):
        return (self.turns, self.results) == (other.turns, other.results)

    __hash__ = None  # type: ignore[assignment]

    def parted_at_a_turn(self, other: Fingerprint) -> bool:
        """Whether the first difference is how a comparison of the same numbers came out."""
        turns = ((now, then) for now, then in zip(self.turns, other.turns) if now != then)
        now, then = next(turns, ((0, 0), (1, 1)))
        return now[0] == then[0]


class Hashes(dict):
    """Hashes of Values: equal for what came about in the same way."""

    def __init__(self, older):
        self.older = older

    def __missing__(self, v):
        self[v] = found = from_before(v, self.older)
        return found


def operation(v):
    """What tells the operation of a computed Value from others."""
    static = told(v._y) if isinstance(v._y, (int, float)) else None
    return v._op, id(getattr(v._chain, "__code__", v._chain)), static


def told(x):
    """What is equal for numbers that are the same: nan is not to itself."""
    return x.hex() if isinstance(x, float) else x


def constant_hash(v):
    return hash(told(Value.data.__get__(v)))  # type: ignore[attr-defined]


def from_before(v, older):
    """The hash of a Value that the trace has not made."""
    if is_hidden(v) and not v._prev:  # kept from an earlier trace; nobody can have changed it
        return constant_hash(v)
    if is_hidden(v) or (v._prev and id(v) not in older):
        raise JitError(
            "a jitted function met a Value that was computed in another thread or context, or in "
            "an earlier call: compute it inside, from arguments and parameters, or pass it"
        )
    return id(v)
