"""Split: a long sum of products from several kinds of ops becomes several sums, then added up.

So the gradient of a weight is a sum over the data, which is a matrix product for the weights of a
layer, and what weight decay adds to that.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from ..graph import SUM, TOTAL, Builder, Graph, Op

FEW_TERMS = 4  # up to which terms are added one by one
LARGE = 256  # multiplications from which a matrix product is worth its call


def split(graph: Graph) -> Graph:
    """The graph with long gradients of leaves in parts, where many are made up in the same way."""
    codes = kind_codes(graph)
    ends = set(graph.gradients)
    alike: dict[tuple, list[Op]] = {}
    for op in graph.ops:
        signs, examples = terms_of(op)
        if len(signs) * examples > FEW_TERMS and (examples > 1 or op.outputs[0] in ends):
            key = signs, examples, bytes(map(codes.__getitem__, op.operands))
            alike.setdefault(key, []).append(op)
    mixed = [(runs(key[0], key[2]), key[1], ops) for key, ops in alike.items()]
    mixed = [found for found in mixed if 1 < len(found[0]) < FEW_TERMS]
    if sum(len(ops) * len(terms_of(ops[0])[0]) * n for _, n, ops in mixed) < LARGE:
        return graph
    builder = Builder(graph)
    parts = {
        op.outputs[0]: list(in_parts(op, shape, builder)) for shape, _, ops in mixed for op in ops
    }
    ops = [new for op in graph.ops for new in parts.get(op.outputs[0], [op])]
    return replace(graph, ops=ops, size=builder.size)


def terms_of(op):
    """The signs of a sum of products, and of how many examples it is; nothing for another op."""
    return (op.params, 1) if op.kind == SUM else op.params if op.kind == TOTAL else ("", 1)


def kind_codes(graph):
    """For each id a small number for the kind of op that made it; 0 for what no op made."""
    known = {"": 0, "multiply": 1, SUM: 1}
    codes = bytearray(graph.size)
    for op in graph.ops:
        code = known.setdefault(op.kind, len(known) % 256)
        for x in op.outputs:
            codes[x] = code
    return codes


def runs(signs, codes):
    """What is added up in a row: ((sign, codes of the factors), how many), …"""
    codes = iter(codes)
    terms = [(sign, next(codes), next(codes) if sign == "*" else None) for sign in signs]
    return [(kind, len(list(same))) for kind, same in groupby(terms)]


def in_parts(op, shape, builder):
    """A sum for each run, and their sum; a run of one value is added as it is."""
    start, totals = 0, []
    for (sign, *_), count in shape:
        end = start + (count if sign == "+" else 2 * count)
        operands = op.operands[start:end]
        is_value = op.kind == SUM and sign == "+" and count == 1
        (part,) = operands if is_value else builder.ids(1)
        if not is_value:
            params = sign * count if op.kind == SUM else (sign * count, op.params[1])
            yield Op(op.kind, params, operands, (part,))
        totals.append(part)
        start = end
    yield Op(SUM, "+" * len(totals), totals, op.outputs)
