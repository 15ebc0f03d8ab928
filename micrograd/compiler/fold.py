"""Folding: what was written as many additions is one sum, of numbers and of products."""

from __future__ import annotations

from collections import Counter

import numpy as np

from .recording import Call, Recording


def folded(recording: Recording) -> list[Call]:
    """The calls, with chains of additions, and the products in them, as calls of kind 'chain'.

    The static part of a chain says what it adds up, in this order: '+' a number, '*' a product of
    two. Nothing is folded that is used anywhere else.
    """
    uses = Counter(x for call in recording.calls for x in call.operands)
    uses.update(recording.outputs)
    uses.update(x for guard in recording.guards for x in guard[1:3])
    zeros = {number for number, x in recording.constants.items() if x == 0}
    open_calls: dict[int, Call] = {}  # chains and products used once, by their output
    gone: set[int] = set()
    calls = []
    for call in recording.calls:
        made = chain(call, open_calls, zeros, gone) if call.kind == "add" else call
        if made.kind in ("chain", "multiply") and uses[made.outputs[0]] == 1:
            open_calls[made.outputs[0]] = made
        calls.append(made)
    return [joined(call) for call in calls if call.outputs[0] not in gone]


def chain(call, open_calls, zeros, gone):
    """An addition as a chain: the one it continues, if there is one, and what it adds to that."""
    terms = list(zip(call.operands, call.ranks))
    spine = next((i for i in (0, 1) if is_kind("chain", open_calls.get(terms[i][0]))), None)
    result = Call("chain", [], [], [], call.outputs)
    if spine is not None:
        number, _ = terms.pop(spine)
        continued = open_calls.pop(number)
        gone.add(number)
        static = continued.static
        result.static = list(static) if isinstance(static, str) else static
        fresh = isinstance(static, str)  # a call of the recording, which is left as it is
        result.operands = list(continued.operands) if fresh else continued.operands
        result.ranks = list(continued.ranks) if fresh else continued.ranks
    for number, rank in terms:
        product = open_calls.get(number)
        if is_kind("multiply", product):
            gone.add(number)
            result.static.append("*")
            result.operands += product.operands
            result.ranks += product.ranks
        elif number not in zeros or (not result.static and number == terms[-1][0]):
            result.static.append("+")
            result.operands.append(number)
            result.ranks.append(rank)
    return result


def is_kind(kind, call):
    return call is not None and call.kind == kind


def joined(call):
    if isinstance(call.static, list):
        call.static = "".join(call.static)
    return call


def terms(static: str) -> tuple[np.ndarray, np.ndarray]:
    """Where in its operands each term of a chain begins, and which terms are products."""
    products = np.frombuffer(static.encode(), np.uint8) == ord("*")
    return np.concatenate([[0], np.cumsum(1 + products)[:-1]]).astype(int), products


def factor_rows(static: str) -> np.ndarray:
    """Where in the operands of a chain the first factor of each product is."""
    starts, products = terms(static)
    return starts[products]
