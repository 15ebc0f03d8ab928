"""Pad: reductions that differ only in length get the same length, by operands that add nothing.

So the attention of every position of a text, each over one more position than the last, is one
softmax.
"""

from __future__ import annotations

import math
from dataclasses import replace

from ..graph import Builder, Graph, Op

MOST_WASTE = 3  # times the operands that there are
NOTHING = {"softmax": -math.inf, "logsumexp": -math.inf, "sum": 0.0}


def pad(graph: Graph) -> Graph:
    """The graph with softmaxes, logsumexps and sums of different lengths padded."""
    lengths = {(op.kind, len(op.operands)) for op in graph.ops if op.kind in NOTHING}
    if len(lengths) == len({kind for kind, _ in lengths}):
        return graph
    longest, builder = lengths_worth_it(graph), Builder(graph)
    ops = [padded(op, longest.get(op.outputs[0], 0), builder) for op in graph.ops]
    return replace(graph, ops=ops, size=builder.size, constants=builder.constants)


def lengths_worth_it(graph):
    """The number of operands to which ops are to be padded, by their first output."""
    depth = [0] * graph.size  # how many reductions a value waits for: others alike are beside it
    of = depth.__getitem__
    alike: dict[tuple, list[Op]] = {}
    for op in graph.ops:
        found = max(map(of, op.operands), default=0)
        if op.kind in NOTHING:
            alike.setdefault((found, op.kind), []).append(op)
            found += 1
        for x in op.outputs:
            depth[x] = found
    longest = {}
    for ops in alike.values():
        lengths = [len(op.operands) for op in ops]
        if max(lengths) * len(ops) <= MOST_WASTE * sum(lengths):
            longest |= {op.outputs[0]: max(lengths) for op in ops}
    return longest


def padded(op, length, builder):
    """The op with as many operands; a softmax has as many outputs, zeros that nobody uses."""
    missing = length - len(op.operands)
    if missing <= 0:
        return op
    nothing = (builder.constant(NOTHING[op.kind]),) * missing
    unused = builder.ids(missing) if op.kind == "softmax" else ()
    return op._replace(operands=op.operands + nothing, outputs=op.outputs + unused)
