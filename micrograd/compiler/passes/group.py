"""Group: ops of one kind whose operands are ready at the same time are done together, on arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np

from ..errors import TooDeepError
from ..graph import SUM, TOTAL, Builder, Graph, Op, examples, pairs
from .split import FEW_TERMS

MOST_GROUPS = 20_000  # each is lines to compile
SMALL = 500  # terms that are added one by one in the time of a group's lines on arrays
MOST_LENGTHS = 3  # of sums at one level, each for itself
LAST = 1 << 40  # a level beyond all others
CALLED = "function", "function backward"


@dataclass(eq=False)
class Group:
    """Ops of one kind. Operands (operands of an op, ops), outputs (outputs of an op, ops): ids.

    Sums `from_zero` begin with a zero that is not among their operands. Each op is done for as many
    `examples`.
    """

    kind: str
    params: object
    operands: np.ndarray
    outputs: np.ndarray
    functions: list = field(default_factory=list)
    from_zero: bool = False
    examples: int = 1

    @property
    def size(self) -> int:
        return self.operands.shape[1]

    def __str__(self):
        """How many operations of what kind it is."""
        kind = self.kind
        if kind in (SUM, TOTAL):
            kind = "dot" if "*" in str(self.params) else "sum"
        return f"{self.size:,} × {f'power {self.params}' if kind == 'constant power' else kind}"


@dataclass(eq=False)
class Ragged:
    """Sums of products of different lengths: first[i] · second[i] goes to outputs[0, sums[i]].

    They begin with a zero. `second` is None where there are no products.
    """

    first: np.ndarray
    second: np.ndarray | None
    sums: np.ndarray
    outputs: np.ndarray

    @property
    def size(self) -> int:
        return self.outputs.shape[1]

    def __str__(self):
        return f"{self.size:,} × sum of different lengths"


@dataclass(eq=False)
class Schedule:
    """What is done in which order, forward and backward: groups, later also matrix products."""

    graph: Graph
    forward: list
    backward: list


def group(graph: Graph) -> Schedule:
    """The ops of a graph in groups, each after all that it needs.

    Raises TooDeepError where they would be too many.
    """
    members: tuple[dict, dict] = {}, {}
    level, ends, start = levels(graph), own_gradients(graph), graph.seeds[0]
    zeros, counts = graph.zeros(), examples(graph)
    for given in graph.ops:
        op, from_zero = without_zero(given, zeros)
        kind, params, operands, (first, *more) = op
        depth = level[first]
        if first in ends:
            depth = (LAST << is_short_sum(op)) + level[operands[0]]
        shape = len(operands), len(more), counts[first]
        key = depth, from_zero, kind, None if kind in CALLED else params, *shape
        members[first > start].setdefault(key, []).append(op)
    if len(members[0]) > MOST_GROUPS:
        raise TooDeepError(
            f"{graph.nodes:,} operations are {len(members[0]):,} groups that wait for each other, "
            f"more than {MOST_GROUPS:,}: the function runs in the engine"
        )
    builder = Builder(graph)
    one = builder.constant(1.0)
    graph = replace(graph, size=builder.size, constants=builder.constants)
    like = dict(enumerate(graph.like))
    divisors = {op.operands[1] for op in graph.ops if op.kind == "divide"}
    forward, backward = (list(grouped(x, like, divisors, one, i)) for i, x in enumerate(members))
    return Schedule(graph, forward, backward)


def without_zero(op, zeros):
    """The op without the zero that a sum begins with, and whether there was one."""
    kind, params, operands, outputs = op
    if operands[0] in zeros and kind == SUM and params[0] == "+" and len(params) > 1:
        return Op(kind, params[1:], operands[1:], outputs), True
    return op, False


def own_gradients(graph):
    """The ids of gradients of leaves that are nothing else: no op waits for them."""
    return {x for x in graph.gradients if x is not None and x >= len(graph.like)}


def levels(graph):
    """For each id, but those, how many ops it waits for, one after the other."""
    level, ends = [0] * graph.size, own_gradients(graph)
    of = level.__getitem__
    for op in graph.ops:
        if op.outputs[0] not in ends:
            depth = 1 + max(map(of, op.operands), default=0)
            for x in op.outputs:
                level[x] = depth
    return level


def is_short_sum(op):
    return op.kind == SUM and len(op.operands) == len(op.params) <= FEW_TERMS


def grouped(members, like, divisors, one, is_backward) -> Iterable:
    """Groups of lists of ops alike, level after level."""
    by_level: dict[int, list[tuple[list[Op], bool, int]]] = {}
    for (depth, from_zero, *_, count), ops in sorted(members.items(), key=lambda item: item[0][0]):
        ops.sort(key=lambda op: like.get(op.outputs[0], op.outputs[0]))
        by_level.setdefault(depth, []).append((ops, from_zero, count))
    for level in by_level.values():
        small = [
            ops
            for ops, from_zero, n in level
            if (from_zero or is_backward) and is_small(ops, n) and not divide(ops, divisors)
        ]
        if len(small) <= MOST_LENGTHS:
            small = []
        else:
            yield ragged([op for ops in small for op in ops], one)
        yield from (group_of(ops, *how) for ops, *how in level if ops not in small)


def is_small(ops, count):
    """Whether these are sums of few terms in all, and of one example."""
    return 0 < len(signs_of(ops[0])) * len(ops) < SMALL and count == 1


def divide(ops, divisors):
    """Whether something is divided by one of these: a zero has to keep its sign."""
    return any(op.outputs[0] in divisors for op in ops)


def signs_of(op):
    return op.params if op.kind == SUM else "*" if op.kind == "multiply" else ""


def group_of(ops, from_zero, count):
    return Group(
        ops[0].kind,
        ops[0].params,
        operands=columns([op.operands for op in ops]),
        outputs=columns([op.outputs for op in ops]),
        functions=[op.params for op in ops] if ops[0].kind in CALLED else [],
        from_zero=from_zero,
        examples=count,
    )


def columns(rows):
    """Rows of ids, equally long, as an array with a column for each."""
    ids = np.fromiter(chain.from_iterable(rows), int, len(rows) * len(rows[0]))
    return ids.reshape(len(rows), -1).T.copy()


def ragged(ops, one):
    """Sums of different lengths; a value is a product with one where others are products."""
    terms = [term for op in ops for term in pairs(op._replace(params=signs_of(op)))]
    first, second = np.array([(a, one if b is None else b) for a, b in terms]).T.copy()
    sums = np.repeat(np.arange(len(ops)), [len(signs_of(op)) for op in ops])
    products = None if (second == one).all() else second
    return Ragged(first, products, sums, np.array([[op.outputs[0] for op in ops]]))
