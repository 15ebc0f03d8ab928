"""Interpret: ops of a graph done on Values, in the engine, each as nodes that can go back."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from .. import floats
from .. import functional as F
from ..engine import Value, result
from ..operations import OPERATIONS
from .emit import kernels
from .graph import SUM, Graph, Op
from .passes.differentiate import differentiate
from .rules import HELPERS


class Shared(tuple):
    """The operands of an op of several `outputs`, each of which is a node on all of them."""

    outputs: int


METHODS = {row.name: row.method for row in OPERATIONS}
# Ops of several outputs, as functions of operands and of where to write, both columns.
SEVERAL: dict[str, Callable[[np.ndarray, np.ndarray], None]] = {
    "max backward": lambda x, out: kernels.largest_backward(x[:-1], x[-1], out),
    "softmax backward": lambda x, out: kernels.softmax_backward(x[: len(out)], x[len(out) :], out),
    "cross entropy slopes": kernels.cross_entropy_slopes,
    "cross entropy slopes at": lambda x, out: kernels.cross_entropy_slopes_at(x[0], x[1:], out),
    "one hot": lambda x, out: kernels.one_hot(x[0], out),
}


def interpret(ops: Iterable[Op], known: dict[int, Value]) -> None:
    """Adds to the Values that are known, by their ids, those that ops compute from them."""
    for op in ops:
        known.update(zip(op.outputs, applied(op, [known[x] for x in op.operands])))


def applied(op: Op, xs: Sequence[Value]) -> Sequence[Value]:
    """The outputs of an op of a gradient, for the operands xs."""
    kind, n = op.kind, op.params
    if kind in METHODS:
        return [METHODS[kind](*xs)]
    if kind == SUM:
        return [added(n, xs)]
    if kind == "softmax":
        return F.softmax(xs)
    numbers = [x.data for x in xs]
    if kind in SEVERAL:
        shared = Shared(xs)
        shared.outputs = len(op.outputs)
        outputs = enumerate(column(kind, numbers, shared.outputs))
        return [result(y, kind, BACKWARDS[kind], shared, i) for i, y in outputs]
    y = SCALARS[kind](*numbers, n=n)
    return [result(y, kind, BACKWARDS[kind], *xs, *([] if n is None else [n]))]


def added(signs, xs):
    """A sum of products, in its order; one node where all are products."""
    if "+" not in signs:
        return F.weighted_sum(xs[::2], xs[1::2])
    xs = iter(xs)
    terms = (next(xs) * next(xs) if sign == "*" else next(xs) for sign in signs)
    return functools.reduce(operator.add, terms)


def column(kind, numbers, outputs):
    """The outputs of an op of several, as floats."""
    out = np.empty((outputs, 1))
    with np.errstate(all="ignore"):
        SEVERAL[kind](np.array(numbers)[:, None], out)
    return out[:, 0].tolist()


def scalar(row):
    """The scalar form of an op as a function."""
    form = row.scalar.format(a="a", b="b", n="n")
    return eval(f"lambda a, b=None, n=None: {form}", {"floats": floats})


def backward(kind):
    """The backward of all nodes of one kind of op: its derivative in ops, done on numbers."""

    def elementwise(grad, x, y=None):
        operands = [v for v in (x, y) if isinstance(v, Value)]
        pass_back(grad, derivative(kind, y if type(y) is float else None, len(operands)), operands)

    def one_of_several(grad, xs, i):
        pass_back(grad, derivative(kind, None, len(xs), xs.outputs, i), xs)

    return one_of_several if kind in SEVERAL else elementwise


def pass_back(grad, graph, operands):
    """Adds to the gradients of the operands of a node, given the graph of its derivative."""
    known = dict(enumerate(Value(x.data) for x in operands))
    known |= {i: Value(x) for i, x in graph.constants.items()}
    known[graph.seeds[0]] = Value(grad)
    interpret(graph.ops, known)
    for x, i in zip(operands, graph.gradients):
        if i is not None:
            x.grad += known[i].data


@functools.lru_cache(4096)
def derivative(kind: str, params: Any, operands: int, outputs: int = 1, i: int = 0) -> Graph:
    """The graph of one op, on operands 0, 1, …, and of the gradients by its output i."""
    size = operands + outputs
    op = Op(kind, params, range(operands), range(operands, size))
    graph = Graph([], [*op.operands], [], {}, [op], [op.outputs[i]], [], size, nodes=1)
    return differentiate(graph, [0])


def goes_back_to(v: Value) -> Sequence[Value]:
    """The operands of a Value to which its backward adds something: to that of a sign, nothing."""
    if (kind := KINDS.get(v._chain)) is None:
        return v._prev
    if kind in SEVERAL:
        operands, graph = v._x, derivative(kind, None, len(v._x), v._x.outputs, v._y)
    else:
        operands = [x for x in (v._x, v._y) if isinstance(x, Value)]
        graph = derivative(kind, v._y if type(v._y) is float else None, len(operands))
    return [x for x, i in zip(operands, graph.gradients) if i is not None]


SCALARS = {kind: scalar(row) for kind, row in HELPERS.items()}
BACKWARDS = {kind: backward(kind) for kind in [*HELPERS, *SEVERAL]}
KINDS = {function: kind for kind, function in BACKWARDS.items()}
