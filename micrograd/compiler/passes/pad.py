"""Pad: reductions that differ only in length get the same length, by operands that add nothing.

So the attention of every position of a text, each over one more position than the last, is one
softmax.
"""

from __future__ import annotations

import math
from dataclasses import replace

from ..graph import Builder, Graph, Op, levels

MOST_WASTE = 3  # times the operands that there are
NOTHING = {"softmax": -math.inf, "logsumexp": -math.inf, "sum": 0.0, "softmax backward": 0.0}


def pad(graph: Graph) -> Graph:
    """The graph with softmaxes and sums of the same level and of different lengths padded."""
    lengths = {(op.kind, len(op.operands)) for op in graph.ops if op.kind in NOTHING}
    if len(lengths) == len({kind for kind, _ in lengths}):
        return graph
    longest = lengths_worth_it(graph)
    padding = Padding(graph)
    ops = [padding.padded(op, longest.get(op.outputs[0], 0)) for op in graph.ops]
    builder = padding.builder
    return replace(graph, ops=ops, size=builder.size, constants=builder.constants)


def lengths_worth_it(graph):
    """The number of operands to which ops are to be padded, by their first output."""
    level = levels(graph)
    alike: dict[tuple, list[Op]] = {}
    for op in graph.ops:
        if op.kind in NOTHING:
            alike.setdefault((level[op.outputs[0]], op.kind), []).append(op)
    found = {}
    for ops in alike.values():
        lengths = [len(op.operands) for op in ops]
        if max(lengths) * len(ops) <= MOST_WASTE * sum(lengths):
            found |= {op.outputs[0]: max(lengths) for op in ops}
    return found


class Padding:
    """`tails` has what was put behind the outputs of a softmax, which is zero."""

    def __init__(self, graph):
        self.builder = Builder(graph)
        self.tails: dict[tuple, tuple] = {}

    def padded(self, op, length):
        missing = length - len(op.operands)
        if missing <= 0:
            return op
        nothing = (self.builder.constant(NOTHING[op.kind]),) * missing
        if op.kind == "softmax backward":
            return self.padded_backward(op, nothing[: missing // 2])
        outputs = op.outputs
        if op.kind == "softmax":
            tail = self.tails[outputs] = self.builder.ids(missing)
            outputs = outputs + tail
        return op._replace(operands=op.operands + nothing, outputs=outputs)

    def padded_backward(self, op, zeros):
        half = len(op.operands) // 2
        shares, gradients = op.operands[:half], op.operands[half:]
        tail = self.tails.get(shares, ())[: len(zeros)]
        if len(tail) < len(zeros):
            tail = zeros
        outputs = op.outputs + self.builder.ids(len(zeros))
        return op._replace(operands=shares + tail + gradients + zeros, outputs=outputs)
