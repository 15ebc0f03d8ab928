"""Operations as a textbook has them: value, derivative by each operand, and notation."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from .. import floats
from .. import functional as F
from ..engine import Value, constant_power
from ..operations import operation

MOST_OPERANDS = 4  # written out in one expression


@dataclass(frozen=True)
class Rule:
    """`value` is a function of the operands; a slope is one of the operands and the result.

    Texts call the operands {0}, {1}, … or {a} and {b}, the result {y}. An operation without a
    notation of its own is written as a call.
    """

    value: Callable[..., float]
    slopes: Sequence[tuple[str, Callable[..., float]]]
    notation: str = ""


def rule(node: Any) -> Rule | None:
    """What calculus has on the operation that made a node; None where it has nothing."""
    n = len(node._prev)
    if known := operation(node):
        slopes = [(text, partial(by_operand, known, i)) for i, text in enumerate(known.words)]
        return Rule(known.value, slopes, known.notation)
    kind = KINDS.get(node._chain, "") if isinstance(node, Value) else node._op
    if kind.startswith("**") and n == 1:
        exponent = re.fullmatch(r"\*\*(-?\d+(?:\.\d+)?)", node._op)
        return power(exponent[1]) if exponent else None
    if kind in ("+", "sum"):
        return total(kind, n)
    if kind == "mean":
        return mean(n)
    return dot(*divmod(n, 2)) if kind == "dot" else None


KINDS = {
    constant_power: "**",
    F.sum_backward: "sum",
    F.mean_backward: "mean",
    F.dot_backward: "dot",
}
ONE = ("1", lambda *_: 1.0)


def by_operand(known, i, *xs_and_result):
    return known.slope(i, *xs_and_result[:-1])


def power(exponent):
    n = float(exponent)
    slope = f"{exponent}·{{a}}" if n == 2 else f"{exponent}·{{a}}**{n - 1:g}"
    return Rule(
        lambda x: floats.power(x, n),
        [(slope.replace("-", "−"), lambda x, y: floats.power_slope(x, n))],
        f"{{a}}**{exponent}".replace("-", "−"),
    )


def total(op, n):
    notation = " + ".join(abridged([f"{{{i}}}" for i in range(n)])) if op == "+" else ""
    return Rule(lambda *xs: floats.total(xs), [ONE] * n, notation)


def mean(n):
    return Rule(lambda *xs: floats.total(xs) / n, [(f"1/{n}", lambda *_: 1 / n)] * n)


def dot(n, biases):
    """Of n pairs: all the first factors, all the second ones, then there may be a bias."""
    pairs = [f"{{{i}}}·{{{n + i}}}" for i in range(n)]
    partners = [*range(n, 2 * n), *range(n)]
    return Rule(
        lambda *xs: sum(map(operator.mul, xs[:n], xs[n : 2 * n]), *xs[2 * n :]),
        [*((f"{{{i}}}", lambda *xs, i=i: xs[i]) for i in partners), ONE],
        " + ".join([*abridged(pairs), "{b}"][: None if biases else -1]),
    )


def abridged(operands: Sequence[str]) -> Sequence[str]:
    """The operands, the middle ones of many left out."""
    if len(operands) <= MOST_OPERANDS:
        return operands
    return [*operands[: MOST_OPERANDS - 2], "…", operands[-1]]
