"""Functions of floats, and their slopes, that answer as IEEE 754 does where Python would raise.

The slopes of tanh and sigmoid are not written 1 - tanh² and s(1 - s): those forms are the same on
paper, but lose every digit where the curve is flat.
"""

from __future__ import annotations

import functools
import math
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from fractions import Fraction
from math import inf, isfinite, nan

# Nothing of it is the caller's, who may have Decimals raise where they are not exact.
DIGITS = Context(prec=40, rounding=ROUND_HALF_EVEN, Emin=-999, Emax=999, traps=[])


def divide(x: float, y: float) -> float:
    if y:
        return x / y
    return math.copysign(inf, x) * math.copysign(1.0, y) if x and x == x else nan


def power(x: float, y: float) -> float:
    try:
        return math.pow(x, y)
    except OverflowError:
        y = float(y)  # an int that is itself too large raises again
        return math.copysign(inf, x) if y % 2 == 1 else inf
    except ValueError:  # a root of a negative number, or zero to a negative power
        return nan if x else divide(1.0, math.pow(x, -y))


def power_slope(x: float, y: float) -> float:
    """The derivative of x**y by x."""
    if not y:
        return 0.0
    p = power(x, y - 1)
    # Where the power is out of range, its product with y may not be.
    return y * p if 0.0 < abs(p) < inf or not x or not isfinite(x) else y * power(x, y) / x


def exponent_slope(x: float, y: float) -> float:
    """The derivative of x**y by y."""
    return 0.0 if x == 0 <= y else power(x, y) * log(x)


def exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return inf


def log(x: float) -> float:
    return math.log(x) if x > 0 else -inf if x == 0 else nan


def sqrt(x: float) -> float:
    return math.sqrt(x) if x >= 0 else nan


def sin(x: float) -> float:
    return math.sin(x) if math.isfinite(x) else nan


def cos(x: float) -> float:
    return math.cos(x) if math.isfinite(x) else nan


def sign(x: float) -> float:
    """-1, 0 or 1, the slope of abs; nan for nan."""
    return math.copysign(1.0, x) if abs(x) > 0 else 0.0 * x


def relu(x: float) -> float:
    return 0.0 if x <= 0 else x


def tanh(x: float) -> float:
    """To 0.6 of the last digit's unit, where 1 - 2 / (exp(2x) + 1) and the C library err by 2."""
    size = abs(x)
    if size < 0.25:  # Lambert's continued fraction
        z = x * x
        return x - x * z / (z + 3 + z / (5 + z / (7 + z / (9 + z / (11 + z / 13))))) or x  # -0.0
    if size < 2:  # from the nearest 32nd, by tanh(a + b) = tanh a + (1 - tanh² a) tanh b / …
        near = round(32 * size)
        y, rest, slope = tanh_of_32nds(near)
        step = tanh(size - near / 32)
        return math.copysign(y + (slope * step / (1 + y * step) + rest), x)
    return math.copysign(1 - 2 / (exp(2 * size) + 1), x)


@functools.cache
def tanh_of_32nds(n: int) -> tuple[float, float, float]:
    """tanh(n / 32) as a float and what that leaves, and the slope there."""
    with localcontext(DIGITS):
        e = (Decimal(n) / 16).exp()
        exactly = (e - 1) / (e + 1)
        y = float(exactly)
        return y, float(exactly - Decimal(y)), float(1 - exactly * exactly)


def tanh_slope(x: float) -> float:
    e = math.exp(-2 * abs(x))
    return 4 * e / (1 + e) ** 2


def sigmoid(x: float) -> float:
    e = math.exp(-abs(x))
    return 1 / (1 + e) if x >= 0 else e / (1 + e)


def sigmoid_slope(x: float) -> float:
    return sigmoid(x) * sigmoid(-x)


def softplus(x: float) -> float:
    """log(1 + exp(x))."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def total(xs: list[float]) -> float:
    """The sum of xs, rounded once."""
    try:
        return math.fsum(xs)
    except (OverflowError, ValueError):  # a partial sum beyond the largest float, or inf - inf
        return exactly(xs, 1)


def mean(xs: list[float]) -> float:
    """The mean of xs, of a sum rounded once."""
    m = total(xs) / len(xs)
    return m if isfinite(m) else exactly(xs, len(xs))


def exactly(xs, n):
    """The sum of xs divided by n, however large the numbers between."""
    if not all(map(isfinite, xs)):
        return sum(x for x in xs if not isfinite(x))
    ratio = sum(map(Fraction, xs)) / n
    try:
        return float(ratio)
    except OverflowError:
        return inf if ratio > 0 else -inf
