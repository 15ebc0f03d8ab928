"""Lower: the Values that a function made become a graph of ops."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from operator import itemgetter
from typing import Any

from ... import functional as F
from ...engine import ALONE, Value, constant_power, is_real, topological_order
from ...function import Outputs, collect, pass_all_back, pass_back
from ...operations import OPERATIONS
from ..errors import JitError, PlainIntError
from ..examples import apart_backward, column_backward, mean_backward, stack_backward
from ..graph import MEAN, SUM, Graph, Op
from ..indices import of_arrays
from ..interpret import BACKWARDS, Shared
from ..whole import Whole

# An operation is its backward: names may be used by others.
KINDS = {row.backward: row.name for row in OPERATIONS} | {
    constant_power: "constant power",
    F.sum_backward: "sum",
    F.mean_backward: "mean",
    F.dot_backward: "dot",
    F.max_backward: "max",
    F.logsumexp_backward: "logsumexp",
    F.softmax_backward: "softmax",
    F.surprise_backward: "cross entropy",
    F.surprise_at_backward: "cross entropy at",
    F.take_backward: "take",
    column_backward: "column",
    stack_backward: "stack",
    mean_backward: MEAN,
    apart_backward: "unstack",
    pass_back: "function",
    pass_all_back: "outputs",
    collect: "output",
    **{backward: kind for kind, backward in BACKWARDS.items()},
}


def lower(
    outputs: Sequence[Value],
    events: list,
    arguments: Sequence[Value],
    inputs: Sequence[Value],
    wholes: Sequence[Whole] = (),
) -> Graph:
    """The graph of a run that returned `outputs`, from the tape of its events.

    `arguments` stand for Values of the caller's, `inputs` for its floats, or those of `wholes`.
    """
    made = [e for e in events if type(e) is not tuple]
    questions = [e for e in events if type(e) is tuple]
    asked = [v for q in questions for v in q[1:3] if isinstance(v, Value)]
    order = topological_order(Root((*outputs, *asked)), leaves=False)
    place = {v: i for i, v in enumerate(order)}
    lowering = Lowering(place, arguments, inputs)
    tables = {lowering.ids[x.columns[0]]: (len(x), len(x.columns)) for x in wholes}
    return replace(lowering.graph(made, outputs, questions), tables=tables)


class Root:
    """A node that only has children."""

    def __init__(self, children):
        self._prev = children


class Ids(dict):
    """Ids of Values. One `made` in the run from nothing is a constant, any other a leaf of it."""

    def __init__(self, arguments):
        self.leaves, self.leaf_ids, self.size = [], [], 0
        self.constants: dict[int, float] = {}
        self.by_data: dict[tuple, int] = {}
        self.made: set[Value] = set()
        for v in arguments:
            self[v]

    def __missing__(self, v):
        if v in self.made:
            self[v] = found = self.constant(v.data)
            return found
        self.leaves.append(v)
        self.leaf_ids.append(self.size)
        return self.new(v)

    def new(self, v):
        self[v] = i = self.size
        self.size += 1
        return i

    def several(self, count):
        self.size += count
        return tuple(range(self.size - count, self.size))

    def constant(self, data):
        """One id for all constants that are equal to the last bit."""
        key = (data, math.copysign(1.0, data)) if data == data else ()
        found = self.by_data.get(key)
        if found is None:
            (found,) = self.several(1)
            self.by_data[key] = found
            self.constants[found] = data
        return found


class Lowering:
    """Gives ids in the order in which Values were made; `place` is that in which they go back."""

    def __init__(self, place, arguments, inputs):
        self.place, self.ids = place, Ids(arguments)
        self.inputs = [self.ids.new(v) for v in inputs]
        self.ops: dict[int, tuple[int, Op]] = {}  # an op and its place, by its first output
        # Ids of several outputs, by what these share.
        self.shared: dict[Any, Sequence[int | None]] = {}
        self.nodes = 0

    def graph(self, made, outputs, questions):
        ids, place = self.ids, self.place
        ids.made = {v for v in made if v._x is None}
        for v in made:
            if v._x is not None and v in place:
                self.computed(v)
        ends = [ids[v] for v in outputs]
        guards = [
            (q, ids[a], ids[b] if isinstance(b, Value) else ids.constant(float(b)), o)
            for q, a, b, o in questions
            if q is not operator.eq
        ]
        return Graph(
            leaves=ids.leaves,
            leaf_ids=ids.leaf_ids,
            inputs=self.inputs,
            constants=ids.constants,
            ops=[op for _, op in sorted(self.ops.values(), key=itemgetter(0))],
            outputs=ends,
            guards=list(dict.fromkeys(guards)),
            size=ids.size,
            nodes=self.nodes,
        )

    def computed(self, v):
        """Adds the op that made v."""
        self.nodes += 1
        kind, ids, x = kind_of(v), self.ids, v._x
        if kind == "column":
            ids[v] = ids[x]
            return
        if kind == "output":
            ids[v] = self.shared[id(x)][v._y]
            return
        operands = [ids[child] for child in (x if type(x) is tuple else v._prev)]
        if kind == "softmax":
            self.several(v, kind, operands, len(operands))
        elif isinstance(x, Shared):
            self.several(v, kind, operands, x.outputs)
        elif kind in ("function", "outputs"):
            self.function(v, operands)
        else:
            params = None
            if kind == "dot":
                kind, params, operands = dot(operands, ids.constant(0.0))
            elif (
                kind in ("sum", "mean") and len(operands) == 1
            ):  # as of a batch, an example at a time
                kind, params, operands = SUM, "++", [ids.constant(0.0), *operands]
            elif kind == "cross entropy":
                operands.insert(0, operands.pop(v._y))
            elif kind in ("constant power", "constant power slope", MEAN):
                params = v._y
            self.add(v, Op(kind, params, tuple(operands), (ids.new(v),)))

    def add(self, v, op):
        self.ops[op.outputs[0]] = self.place[v], op

    def several(self, v, kind, operands, count):
        """All outputs of one op, such as a softmax, which are nodes with the same operands."""
        free, i = self.shared.get((kind, id(v._x))), v._y
        if free is None or free[i] is None:  # of the same numbers again
            outputs = self.ids.several(count)
            free = self.shared[kind, id(v._x)] = list(outputs)
            self.add(v, Op(kind, None, tuple(operands), outputs))
        self.ids[v], free[i] = free[i], None
        first = self.ids[v] - i
        place, op = self.ops[first]
        self.ops[first] = min(place, self.place[v]), op

    def function(self, v, operands):
        """A Function, which a replay calls again."""
        if wanted := of_arrays(v._prev):  # which would see floats
            raise PlainIntError(wanted)
        several = v._chain is pass_all_back
        ctx, args, _ = (v._y[0] if several else v._y).args
        outputs = self.ids.several(len(v.grads) if several else 1)
        self.add(v, Op("function", Recalled(ctx, args), tuple(operands), outputs))
        if several:
            self.ids[v], self.shared[id(v)] = -1, outputs
        else:
            (self.ids[v],) = outputs


def dot(operands, zero):
    """A dot product as a sum of products: the start, then products as they are added."""
    half = len(operands) // 2
    start = operands[-1] if len(operands) % 2 else zero
    pairs = chain.from_iterable(zip(operands[:half], operands[half : 2 * half]))
    return SUM, "+" + "*" * half, [start, *pairs]


def kind_of(v):
    """The kind of operation that made v. Raises JitError for one that cannot be replayed."""
    kind = KINDS.get(v._chain) if v._y is not ALONE else None
    if kind is None:
        raise JitError(
            f"the operation {v._op!r} cannot be replayed: how it computes its number is not "
            "recorded, only how it passes its gradient back; write it as a Function"
        )
    return kind


class Recalled:
    """A Function that was applied while recording, to be applied again to other numbers."""

    def __init__(self, function, args):
        self.function, self.args = function, args

    def forward(self, xs):
        self.inputs = [Value(x) for x in xs]
        inputs = iter(self.inputs)
        operands = [next(inputs) if isinstance(x, Value) or is_real(x) else None for x in self.args]
        args = [new if isinstance(x, Value) else x for x, new in zip(self.args, operands)]
        results = self.function(*args)
        self.results = results if isinstance(results, tuple) else (results,)
        return [y.data for y in self.results]

    def backward(self, grads):
        for x in self.inputs:
            x.grad = 0.0
        hub = self.results[0]._prev[0]
        if isinstance(hub, Outputs):
            hub.grads[:] = grads
            hub._backward()
        else:
            self.results[0]._y(grads[0])
        return [x.grad for x in self.inputs]
