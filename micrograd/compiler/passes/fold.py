"""Fold: what was written as many additions is one sum, of values and of products."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import numpy as np

from ..graph import SUM, Graph, Op


def fold(graph: Graph) -> Graph:
    """The graph with chains of additions, and the products in them, as sums of products.

    Nothing is folded that is used anywhere else.
    """
    if not any(op.kind == "add" for op in graph.ops):
        return graph
    # Of the ops of gradients none needs what an addition adds up.
    forward = [op for op in graph.ops if not graph.seeds or op.outputs[0] < graph.seeds[0]]
    ends = [*graph.outputs, *(x for guard in graph.guards for x in guard[1:3])]
    used = chain(ends, chain.from_iterable([op.operands for op in forward]))
    uses = np.bincount(np.fromiter(used, int), minlength=graph.size).tolist()
    zeros = graph.zeros()
    once: dict[int, Op] = {}  # sums and products used once, by their output
    gone: set[int] = set()
    ops = []
    for given in forward:
        op = sum_of(given, once, zeros, gone) if given.kind == "add" else given
        if op.kind in (SUM, "multiply") and uses[op.outputs[0]] == 1:
            once[op.outputs[0]] = op
        ops.append(op)
    folded = [finished(op) for op in ops if op.outputs[0] not in gone]
    return replace(graph, ops=folded + graph.ops[len(forward) :])


def sum_of(op, once, zeros, gone):
    """An addition as a sum: the one it continues, if there is one, and what it adds to that.

    A zero goes to the start, where one is enough: all that it changes is the sign of a sum -0.0.
    """
    terms, signs, operands = list(op.operands), [], []
    spine = next((i for i in (0, 1) if is_kind(SUM, once.get(terms[i]))), None)
    if spine is not None:
        continued = once.pop(terms.pop(spine))
        gone.update(continued.outputs)
        signs, operands = continued.params, continued.operands
        if isinstance(signs, str):  # a sum of the graph that was given, which stays as it is
            signs, operands = list(signs), list(operands)
    for x in terms:
        product = once.get(x)
        if is_kind("multiply", product):
            gone.add(x)
            signs.append("*")
            operands += product.operands
        elif x not in zeros:
            signs.append("+")
            operands.append(x)
        elif not operands or operands[0] not in zeros:
            signs.insert(0, "+")
            operands.insert(0, x)
    return Op(SUM, signs, operands, op.outputs)


def is_kind(kind, op):
    return op is not None and op.kind == kind


def finished(op):
    if not isinstance(op.params, list):
        return op
    return op._replace(params="".join(op.params), operands=tuple(op.operands))
