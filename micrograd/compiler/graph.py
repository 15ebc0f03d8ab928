"""The graph: what a function did, as operations on numbered values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import copysign
from typing import Any, NamedTuple

import numpy as np

from ..engine import Value

SUM = "sum of products"
TOTAL, MEAN = "total of products", "mean of examples"


class Op(NamedTuple):
    """An operation on values, which are named by their ids.

    `params` is what else sets it apart: the exponent of a constant power, the Function to call, and
    of a sum of products what it adds up, in this order: '+' a value, '*' a product of two. A sum
    that begins with a zero is never -0.0.

    Where an op selects, its first operand is the index of one of the others, from 0: of that which
    "take" returns, of the right class for "cross entropy at". "one hot" has an output for each
    index that its only operand might be: 1.0 for that which it is, else 0.0.

    A value may stand for one of each example of a batch. Such a value begins with a column of a
    table, or with "stack", whose operands are those of the examples, and all that is computed with
    it is one. From it come, in place of all: "unstack", the value of each example; "mean of
    examples", `params` of them; and a "total of products", a sum of products over all examples too:
    `params` are its signs and how many they are.
    """

    kind: str
    params: Any
    operands: Sequence[int]
    outputs: Sequence[int]


@dataclass(eq=False)
class Graph:
    """What a function did. Leaves, inputs, constants and results have ids, from 0 to `size`.

    `leaves` are Values which are read at each replay, and whose gradients are wanted. `inputs` are
    plain numbers that differ from replay to replay; `constants` do not. `tables` are arrays among
    the inputs, (rows, columns) by the id of the first column: a column is one input, which stands
    for the number of each example, and the others come after it. `guards` are comparisons that must
    come out as they did: (compare, id, id, outcome), later with arrays of ids. `ops` are in the
    order from which the engine goes back, each after those that it needs; ids are in the order in
    which the function made the Values.

    Differentiation adds `seeds`, the gradients that are given of the `outputs`; `gradients` of the
    leaves, None where there is none; and those of `inner` values, by their ids. `like` has for each
    id the value whose gradient it leads to, or itself: so gradients are sorted as values are.
    """

    leaves: list[Value]
    leaf_ids: list[int]
    inputs: list[int]
    constants: dict[int, float]
    ops: list[Op]
    outputs: list[int]
    guards: list[tuple[Callable, int, int, bool]]
    size: int
    nodes: int  # how many Values the function computed
    seeds: list[int] = field(default_factory=list)
    gradients: list[int | None] = field(default_factory=list)
    inner: dict[int, int | None] = field(default_factory=dict)
    like: list[int] = field(default_factory=list)
    tables: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def fed(self) -> int:
        """How many numbers the inputs are."""
        return len(self.inputs) + sum((rows - 1) * n for rows, n in self.tables.values())

    def zeros(self) -> set[int]:
        """The ids of the constants +0.0."""
        return {x for x, data in self.constants.items() if data == 0 and copysign(1, data) > 0}


def blocks_of(graph: Graph) -> list[tuple[np.ndarray, int]]:
    """The ids of inputs in a row, and how many rows there are of them: those of a table, or one."""
    blocks, start = [], 0
    for first, (rows, columns) in sorted(graph.tables.items()):
        at = graph.inputs.index(first)
        blocks += [(graph.inputs[start:at], 1), (graph.inputs[at : at + columns], rows)]
        start = at + columns
    blocks.append((graph.inputs[start:], 1))
    return [(np.array(ids, int), rows) for ids, rows in blocks if ids]


def examples(graph: Graph) -> list[int]:
    """For each id how many examples it stands for: one, unless it depends on a stack or table."""
    counts = [1] * graph.size
    for first, (rows, columns) in graph.tables.items():
        counts[first : first + columns] = [rows] * columns
    if not graph.tables and not any(op.kind == "stack" for op in graph.ops):
        return counts
    of = counts.__getitem__
    called: dict[Any, int] = {}  # Functions, which go back with what they have kept
    for kind, params, operands, outputs in graph.ops:
        count = max(map(of, operands), default=1)
        if kind == "stack":
            count = len(operands)
        elif kind in OF_ALL:
            count = 1
        elif kind in ("function", "function backward"):
            count = called.setdefault(params, count)
        if count > 1:
            for x in outputs:
                counts[x] = count
    return counts


def guards_alike(graph: Graph) -> dict[tuple[Callable, bool], np.ndarray]:
    """The guards, by how they compare and come out, as ids (2, n) of both sides."""
    alike: dict[tuple[Callable, bool], list] = {}
    for compare, a, b, outcome in graph.guards:
        alike.setdefault((compare, bool(outcome)), []).append(np.stack([a, b]).reshape(2, -1))
    return {key: np.concatenate(pairs, axis=1) for key, pairs in alike.items()}


OF_ALL = ("unstack", MEAN, TOTAL)


class Builder:
    """Ops and constants to be added to those of a graph, with ids for what they compute."""

    def __init__(self, graph: Graph) -> None:
        self.size, self.constants = graph.size, dict(graph.constants)
        self.ops: list[Op] = []
        self.by_data = {x: i for i, x in graph.constants.items() if x}

    def new(self, kind: str, operands: Sequence[int], params: Any = None) -> int:
        """The id of the only output of one more op."""
        output = self.size
        self.size = output + 1
        self.ops.append(Op(kind, params, operands, (output,)))
        return output

    def several(
        self, kind: str, operands: Sequence[int], outputs: int, params: Any = None
    ) -> tuple:
        """The ids of the outputs of one more op."""
        ids = self.ids(outputs)
        self.ops.append(Op(kind, params, operands, ids))
        return ids

    def ids(self, count: int) -> tuple[int, ...]:
        self.size += count
        return tuple(range(self.size - count, self.size))

    def constant(self, x: float) -> int:
        """The id of a constant; a zero is +0.0."""
        if x not in self.by_data:
            (self.by_data[x],) = self.ids(1)
            self.constants[self.by_data[x]] = x
        return self.by_data[x]


def parted(op: Op) -> tuple[Sequence[int], Sequence[int]]:
    """What a sum of products adds up: values, and the factors of products, pair after pair."""
    start = op.params.find("*") if "*" in op.params else len(op.params)
    if "+" not in op.params[start:]:
        return op.operands[:start], op.operands[start:]
    terms = pairs(op)
    plain = [a for a, b in terms if b is None]
    return plain, [x for a, b in terms if b is not None for x in (a, b)]


def pairs(op: Op) -> list[tuple[int, int | None]]:
    """The terms of a sum of products: two factors, or a value and None."""
    operands = iter(op.operands)
    return [(next(operands), next(operands) if sign == "*" else None) for sign in op.params]
