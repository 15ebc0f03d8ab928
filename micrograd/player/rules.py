"""Operations as a textbook has them: value, derivative by each operand, and notation."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .. import floats

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


def rule(op: str, operands: int) -> Rule | None:
    """What calculus has on an operation of that name; None where it has nothing."""
    exponent = re.fullmatch(r"\*\*(-?\d+(?:\.\d+)?)", op)
    if exponent and operands == 1:
        return power(exponent[1])
    if op in ("+", "sum"):
        return total(op, operands)
    if op == "mean":
        return mean(operands)
    if op == "dot":
        return dot(*divmod(operands, 2))
    return RULES.get((op, operands))


ONE = ("1", lambda *_: 1.0)
MINUS_ONE = ("(−1)", lambda *_: -1.0)

RULES: dict[tuple[str, int], Rule] = {
    ("-", 2): Rule(operator.sub, [ONE, MINUS_ONE], "{a} − {b}"),
    ("*", 2): Rule(
        operator.mul,
        [("{b}", lambda a, b, y: b), ("{a}", lambda a, b, y: a)],
        "{a}·{b}",
    ),
    ("/", 2): Rule(
        floats.divide,
        [
            ("1/{b}", lambda a, b, y: floats.divide(1.0, b)),
            ("(−{y}/{b})", lambda a, b, y: -floats.divide(y, b)),
        ],
        "{a} / {b}",
    ),
    ("**", 2): Rule(
        floats.power,
        [
            ("{b}·{a}**({b} − 1)", lambda a, b, y: floats.power_slope(a, b)),
            ("{y}·log({a})", lambda a, b, y: floats.exponent_slope(a, b)),
        ],
        "{a}**{b}",
    ),
    ("neg", 1): Rule(operator.neg, [MINUS_ONE], "−{a}"),
    ("abs", 1): Rule(abs, [("sign({a})", lambda a, y: floats.sign(a))]),
    ("ReLU", 1): Rule(floats.relu, [("({a} > 0)", lambda a, y: float(a > 0))]),
    ("tanh", 1): Rule(math.tanh, [("(1 − {y}²)", lambda a, y: floats.tanh_slope(a))]),
    ("sigmoid", 1): Rule(floats.sigmoid, [("{y}·(1 − {y})", lambda a, y: floats.sigmoid_slope(a))]),
    ("softplus", 1): Rule(floats.softplus, [("sigmoid({a})", lambda a, y: floats.sigmoid(a))]),
    ("exp", 1): Rule(floats.exp, [("{y}", lambda a, y: y)]),
    ("log", 1): Rule(floats.log, [("1/{a}", lambda a, y: floats.divide(1.0, a))]),
    ("sqrt", 1): Rule(floats.sqrt, [("1/(2·{y})", lambda a, y: floats.divide(1.0, 2 * y))]),
    ("sin", 1): Rule(floats.sin, [("cos({a})", lambda a, y: floats.cos(a))]),
    ("cos", 1): Rule(floats.cos, [("(−sin({a}))", lambda a, y: -floats.sin(a))]),
}


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
