"""A recording: a function run once on Values, and the operations that it did, as plain lists."""

from __future__ import annotations

import dis
import math
import operator
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

from ..engine import Value, tape, topological_order
from ..function import Outputs
from .kernels import Recalled

LIBRARIES = {*sys.stdlib_module_names, "micrograd", "numpy"}
RANK = 1 << 32  # more than any node has operands

# What makes a node is the closure that passes its gradient back: names may be used by others.
KINDS = {
    "micrograd.engine": {
        "Value.__add__": "add",
        "Value.__sub__": "subtract",
        "Value.__mul__": "multiply",
        "Value.__truediv__": "divide",
        "Value.__pow__": "constant power",
        "Value._power": "power",
        "Value.__neg__": "negative",
        "Value.__abs__": "absolute",
        "Value.relu": "relu",
        "Value.tanh": "tanh",
        "Value.sigmoid": "sigmoid",
        "Value.softplus": "softplus",
        "Value.exp": "exp",
        "Value.log": "log",
        "Value.sqrt": "sqrt",
        "Value.sin": "sin",
        "Value.cos": "cos",
    },
    "micrograd.functional": {
        "sum": "sum",
        "mean": "mean",
        "weighted_sum": "dot",
        "max": "max",
        "logsumexp": "logsumexp",
        "softmax.<locals>.output": "softmax",
        "surprise": "cross entropy",
    },
    "micrograd.function": {
        "Function.__call__": "function",
        "Outputs.__init__": "outputs",
        "outputs.<locals>.output": "output",
    },
}


class JitError(RuntimeError):
    """A function that cannot be replayed, and why."""


class TooDeepError(JitError):
    """A recording of so many levels that a replay would not pay."""


class Call:
    """An operation: its kind, what else sets it apart, and numbers of Values.

    The gradient of an operand is the sum of what all operations add to it, in the order of `ranks`.
    """

    __slots__ = ("kind", "static", "operands", "ranks", "outputs", "function")

    def __init__(self, kind, static, operands, ranks, outputs, function=None):
        self.kind, self.static, self.operands = kind, static, operands
        self.ranks, self.outputs, self.function = ranks, outputs, function


@dataclass
class Recording:
    """What a function did. Values are numbered: leaves, inputs, constants and results alike.

    `leaves` are the Values from before, whose data is read at each replay and whose gradients are
    wanted; `inputs` are plain numbers that differ from replay to replay; `constants` are not.
    `guards` are comparisons that must come out as they did: (compare, number, number, outcome).
    """

    leaves: list[Value]
    leaf_numbers: list[int]
    inputs: list[int]
    constants: dict[int, float]
    calls: list[Call]
    outputs: list[int]
    guards: list[tuple[Callable, int, int, bool]]
    size: int  # how many numbers are in use
    nodes: int  # how many Values the function computed
    shortcuts: bool = False  # whether zeros were multiplied that the engine would leave out

    def new(self) -> int:
        """A number for one more Value."""
        self.size += 1
        return self.size - 1

    def constant(self, x: float) -> int:
        """A number for a constant."""
        found = next((n for n, data in self.constants.items() if data == x), None)
        if found is None:
            found = self.new()
            self.constants[found] = x
        return found


def taped(function: Callable[[], Any]) -> tuple[Any, list, list[CodeType]]:
    """What a function returns, the tape of what it did, and the user's code that ran."""
    events: list = []
    ran: dict[CodeType, dict] = {}
    token, free = tape.set(events), sys.getprofile() is None  # a profiler cannot be put back
    if free:
        sys.setprofile(lambda frame, event, arg: ran.setdefault(frame.f_code, frame.f_globals))
    try:
        result = function()
    finally:
        if free:
            sys.setprofile(None)
        tape.reset(token)
    own = [code for code, names in ran.items() if not from_library(names.get("__name__"))]
    return result, events, own


def from_library(module: str | None) -> bool:
    """Whether a module, by name, is installed rather than the user's own."""
    root = (module or "").split(".")[0]
    file = getattr(sys.modules.get(root), "__file__", None) or ""
    return root in LIBRARIES or "site-packages" in file or "dist-packages" in file


def refuse_reading(codes: Iterable[CodeType]) -> None:
    """Raises JitError where code takes a number out of the graph, or puts one in."""
    for code in codes:
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_ATTR", "STORE_ATTR") and step.argval in ("data", "grad"):
                raise JitError(
                    f"{code.co_name}() has to do with .{step.argval}, which a replay would not "
                    "see: use the Value itself, also to compare or print it, or do it outside"
                )


def recorded(
    outputs: Sequence[Value], events: list, arguments: Sequence[Value], inputs: Sequence[Value]
) -> Recording:
    """The recording of a run that returned `outputs`.

    `arguments` stand for Values of the caller's, `inputs` for its floats.
    """
    made = [e for e in events if type(e) is not tuple]
    questions = [e for e in events if type(e) is tuple]
    refuse(questions)
    asked = [v for q in questions for v in q[1:3] if isinstance(v, Value)]
    order = topological_order(Root((*outputs, *asked)))
    place = {v: len(order) - i for i, v in enumerate(order)}
    return Reader(made, place, arguments, inputs).recording(outputs, questions)


class Root:
    """A node that only has children."""

    def __init__(self, children):
        self._prev = children


def refuse(questions):
    """Raises JitError where the function asked what a replay could not answer."""
    for question, _, other, _ in questions:
        if question == "backward":
            raise JitError(
                "backward() inside a jitted function: return the loss and call its backward(), "
                "or use training()"
            )
        if question is bool:
            raise JitError(
                "the truth of a Value was asked in a jitted function, where floats are Values: "
                "compare with < or >, or pass an int or bool, which is not recorded"
            )
        if question is operator.eq and not isinstance(other, Value) and is_number(other):
            raise JitError(
                "== of a Value and a number in a jitted function, where floats are Values: "
                "compare with < or >, or pass an int or bool, which is not recorded"
            )


def is_number(x):
    return isinstance(x, (int, float))


class Reader:
    """Turns the Values of a run into numbers and Calls."""

    def __init__(self, made, place, arguments, inputs):
        self.made, self.place = made, place
        self.number: dict[Value, int] = {}
        self.constants: dict[int, float] = {}
        self.by_data: dict[tuple, int] = {}
        self.calls: list[Call] = []
        self.shared: dict[int, Call] = {}  # of several outputs, by what these share
        self.size = 0
        self.leaves = [*arguments]
        self.leaf_numbers = [self.new(v) for v in arguments]
        self.inputs = [self.new(v) for v in inputs]

    def new(self, v=None):
        self.size += 1
        if v is not None:
            self.number[v] = self.size - 1
        return self.size - 1

    def recording(self, outputs, questions):
        reached = [v for v in self.made if v in self.place and v not in self.number]
        for v in reached:
            if v._prev:
                self.computed(v)
            else:
                self.number[v] = self.constant(v.data)
        for call in self.calls:
            call.outputs = [self.new() if x is None else x for x in call.outputs]
        return Recording(
            outputs=[self.of(v) for v in outputs],
            guards=[
                (q, self.of(a), self.of(b) if isinstance(b, Value) else self.constant(float(b)), o)
                for q, a, b, o in questions
                if q is not operator.eq
            ],
            leaves=self.leaves,
            leaf_numbers=self.leaf_numbers,
            inputs=self.inputs,
            constants=self.constants,
            calls=self.calls,
            size=self.size,
            nodes=sum(1 for v in reached if v._prev),
        )

    def of(self, v):
        """The number of a Value; what was not made in the run is a leaf of it."""
        found = self.number.get(v)
        if found is None:
            found = self.new(v)
            self.leaves.append(v)
            self.leaf_numbers.append(found)
        return found

    def constant(self, data):
        """One number for all constants that are equal to the last bit."""
        key = (data, math.copysign(1.0, data)) if data == data else ()
        found = self.by_data.get(key)
        if found is None:
            found = self.by_data[key] = self.new()
            self.constants[found] = data
        return found

    def computed(self, v):
        """Adds the operation that made v."""
        kind, first = kind_of(v), self.place[v] * RANK
        if kind == "output":
            self.shared[id(v._prev[0])].outputs[captured(v, "i")] = self.new(v)
            return
        operands = [self.of(child) for child in v._prev]
        ranks = list(range(first, first + len(operands)))
        if kind == "softmax":
            self.softmax(v, operands, ranks)
        elif kind in ("function", "outputs"):
            self.function(v, operands, ranks)
        elif kind == "dot":
            self.calls.append(dot(operands, ranks, self.new(v)))
        elif kind == "cross entropy":
            target = captured(v, "target")
            for xs in (operands, ranks):
                xs.insert(0, xs.pop(target))
            self.calls.append(Call(kind, None, operands, ranks, [self.new(v)]))
        else:
            static = float(captured(v, "other")) if kind == "constant power" else None
            self.calls.append(Call(kind, static, operands, ranks, [self.new(v)]))

    def softmax(self, v, operands, ranks):
        """All outputs of one softmax are one operation."""
        call, i = self.shared.get(id(v._prev)), captured(v, "i")
        if call is None or call.outputs[i] is not None:  # of the same numbers again
            call = Call("softmax", None, operands, ranks, [None] * len(operands))
            self.shared[id(v._prev)] = call
            self.calls.append(call)
        call.outputs[i] = self.new(v)

    def function(self, v, operands, ranks):
        """A Function, which a replay calls again."""
        several = isinstance(v, Outputs)
        backward = captured(v, "backward") if several else v._chain
        closure = dict(zip(backward.__code__.co_freevars, backward.__closure__))
        ctx, args = closure["ctx"].cell_contents, closure["args"].cell_contents
        outputs = [None] * len(v.grads) if several else [self.new(v)]
        call = Call("function", None, operands, ranks, outputs, Recalled(ctx, args))
        self.calls.append(call)
        if several:
            self.number[v], self.shared[id(v)] = -1, call


def dot(operands, ranks, output):
    """A dot product as a chain: perhaps a start, then products, in the order they are added."""
    half = len(operands) // 2
    start, first = operands[2 * half :], ranks[0]
    pairs = [x for pair in zip(operands[:half], operands[half : 2 * half]) for x in pair]
    ranks = [first + 2 * half] * len(start) + list(range(first, first + 2 * half))
    return Call("chain", "+" * len(start) + "*" * half, start + pairs, ranks, [output])


def kind_of(v):
    """The kind of operation that made v. Raises JitError for one that cannot be replayed."""
    code = getattr(v._chain, "__code__", None)
    kind = known.get(code)
    if kind is None:
        name = getattr(v._chain, "__qualname__", "").rsplit(".<locals>", 1)[0]
        kind = KINDS.get(getattr(v._chain, "__module__", ""), {}).get(name)
        if kind is None:
            raise JitError(
                f"the operation {v._op!r} cannot be replayed: how it computes its number is not "
                "recorded, only how it passes its gradient back; write it as a Function"
            )
        known[code] = kind
    return kind


known: dict[Any, str] = {}


def captured(v, name):
    """What the closure of v knows by this name."""
    return v._chain.__closure__[v._chain.__code__.co_freevars.index(name)].cell_contents
