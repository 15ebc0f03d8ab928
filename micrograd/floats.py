"""Functions of floats, and their slopes, that answer as IEEE 754 does where Python would raise.

The slopes of tanh and sigmoid are not written 1 - tanh² and s(1 - s): those forms are the same on
paper, but lose every digit where the curve is flat.
"""

from __future__ import annotations

import math
from math import inf, nan


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
    return y * power(x, y - 1) if y else 0.0


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
    if abs(x) < 0.5:
        return math.tanh(x)
    return math.copysign(1 - 2 / (exp(2 * abs(x)) + 1), x)  # rounded right more often than libm's


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
        return sum(xs)
