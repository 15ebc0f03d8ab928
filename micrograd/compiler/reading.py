"""Reading a tape: the Values on it become the numbers and Calls of a recording."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

from ..engine import Value, topological_order
from ..function import Outputs
from .kernels import Recalled
from .recording import Call, JitError, Recording

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


def recorded(
    outputs: Sequence[Value], events: list, arguments: Sequence[Value], inputs: Sequence[Value]
) -> Recording:
    """The recording of a run that returned `outputs`.

    `arguments` stand for Values of the caller's, `inputs` for its floats.
    """
    made = [e for e in events if type(e) is not tuple]
    questions = [e for e in events if type(e) is tuple]
    asked = [v for q in questions for v in q[1:3] if isinstance(v, Value)]
    order = topological_order(Root((*outputs, *asked)))
    place = {v: len(order) - i for i, v in enumerate(order)}
    return Reader(made, place, arguments, inputs).recording(outputs, questions)


class Root:
    """A node that only has children."""

    def __init__(self, children):
        self._prev = children


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
