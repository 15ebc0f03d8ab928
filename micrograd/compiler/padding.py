"""Padding: operations that differ only in length get the same length, by terms that add nothing.

So the attention of every position of a text, each over one more position than the last, is one
operation; where a share of attention is zero, it does not matter what it is multiplied with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from .recording import Call, Recording

MOST_WASTE = 3  # times the terms that there are
NOTHING = {"softmax": -math.inf, "max": -math.inf, "logsumexp": -math.inf, "sum": 0.0}


def family(call: Call) -> str | None:
    """What calls have in common that may be padded to one length; None if this one may not be."""
    if call.kind == "chain":
        return "products" if "+" not in call.static else None
    return call.kind if call.kind in NOTHING else None


def padded(recording: Recording, calls: Sequence[Call], tails: dict) -> list[Call]:
    """Calls of one family, of the same length if that is worth it.

    `tails` keeps what was put behind the outputs of a softmax: zeros, for the products with them.
    """
    lengths = [len(call.operands) for call in calls]
    longest = max(lengths)
    if min(lengths) == longest or longest * len(calls) > MOST_WASTE * sum(lengths):
        return list(calls)
    recording.shortcuts = True
    if calls[0].kind == "chain":
        return padded_products(recording, calls, longest // 2, tails)
    nothing = recording.constant(NOTHING[calls[0].kind])
    return [lengthened(recording, call, longest, nothing, tails) for call in calls]


def lengthened(recording, call, longest, nothing, tails):
    missing = longest - len(call.operands)
    outputs = call.outputs
    if call.kind == "softmax":
        tail = tails[tuple(outputs)] = [recording.new() for _ in range(missing)]
        outputs = outputs + tail
    operands, ranks = call.operands + [nothing] * missing, call.ranks + [0] * missing
    return Call(call.kind, call.static, operands, ranks, outputs)


def padded_products(recording, calls, longest, tails):
    """Sums of products: where one factor goes on with zeros, the other may go on as others do."""
    zero = recording.constant(0.0)
    sides = [[tuple(call.operands[i::2]) for call in calls] for i in (0, 1)]
    for i, side in enumerate(sides):
        if all(len(row) == longest or row in tails for row in side):
            sides[i] = [row + tuple(tails.get(row, ()))[: longest - len(row)] for row in side]
            sides[1 - i] = as_others_go_on(sides[1 - i], longest)
            break
    rows = [[row + (zero,) * (longest - len(row)) for row in side] for side in sides]
    return [
        Call(
            "chain",
            "*" * longest,
            [x for pair in zip(first, second) for x in pair],
            call.ranks + [0] * (2 * longest - len(call.ranks)),
            call.outputs,
        )
        for call, first, second in zip(calls, *rows)
    ]


def as_others_go_on(rows, longest):
    """Each row as the longest row that begins with it, where there is one."""
    whole = {row for row in rows if len(row) == longest}
    lengths = {len(row) for row in rows}
    begun = {row[:length]: row for row in whole for length in lengths}
    return [begun.get(row, row) for row in rows]
