"""What each kind of op is: its scalar form, its array form, and the gradients of its operands.

A scalar form is Python, as the engine computes it; an array form is a line of NumPy for arrays of
one shape. `a` and `b` are operands, `y` the result, `n` a parameter. A gradient is written in ops
too, so that it is differentiated, grouped and compiled as all others are; `g` is that of y. So
there are derivatives of derivatives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..operations import OPERATIONS, applied, gate, slope_by_base, slope_by_exponent


class Row(NamedTuple):
    scalar: str
    array: str
    gradients: Sequence[Callable] = ()


power, power_slope, log, tanh = map(applied, ("power", "constant power slope", "log", "tanh"))


def flat(*symbols):
    """No gradient at all: of what does not move where an operand moves a little."""


def mixed(g, a, b, y):
    """a ** b by both: by either, and then by the other."""
    return (power(a, b - 1.0) + gate(b, b * slope_by_exponent(a, b - 1.0))) * g


# What the elementwise operations need beside themselves, also to go back.
HELPERS = {
    "slope by base": Row(
        "floats.power_slope({a}, {b})",
        "power_slope({a}, {b}, {y})",
        (lambda g, a, b, y: gate(b, b * slope_by_base(a, b - 1.0)) * g, mixed),
    ),
    "slope by exponent": Row(
        "floats.exponent_slope({a}, {b})",
        "exponent_slope({a}, {b}, {y})",
        (mixed, lambda g, a, b, y: gate(y, y * log(a)) * g),
    ),
    "constant power": Row(
        "floats.power({a}, {n})",
        "power({a}, {n}, out={y})",
        (lambda g, x, y, n: (2.0 * x if n == 2 else power_slope(x, params=n)) * g,),
    ),
    "constant power slope": Row(
        "floats.power_slope({a}, {n})",
        "power_slope({a}, {n}, {y})",
        (lambda g, x, y, n: n * power_slope(x, params=n - 1.0) * g if n else None,),
    ),
    "sign": Row("floats.sign({a})", "sign({a}, out={y})", (flat,)),
    "gate": Row(
        "0.0 if {a} == 0.0 else {b}",
        "not_equal({a}, {zero}, out={m})\n{gate}({b}, {m}, out={y})",
        (flat, lambda g, a, b, y: gate(a, g)),
    ),
    "tanh slope": Row(
        "floats.tanh_slope({a})",
        "tanh_slope({a}, {y})",
        (lambda g, x, y: -2.0 * tanh(x) * y * g,),
    ),
    "sigmoid slope": Row(
        "floats.sigmoid_slope({a})",
        "sigmoid_slope({a}, {y})",
        (lambda g, x, y: -(tanh(0.5 * x) * y) * g,),
    ),
}
ELEMENTWISE = {row.name: Row(row.scalar, row.array, row.gradients) for row in OPERATIONS} | HELPERS

# Ops of many operands, as arrays (operands, ops); `i`, `x` and `g` are parts of the operands.
REDUCTIONS = {
    "sum": "exact_sum({x}, {y})",
    "mean": "exact_mean({x}, {y})",
    "max": "largest({x}, {y})",
    "max backward": "largest_backward({x}, {g}, {y})",
    "logsumexp": "log_sum_exp({x}, {y})",
    "cross entropy": "cross_entropy({x}, {y})",
    "cross entropy slopes": "cross_entropy_slopes({x}, {y})",
    "cross entropy at": "cross_entropy_at({i}, {x}, {y})",
    "cross entropy slopes at": "cross_entropy_slopes_at({i}, {x}, {y})",
    "one hot": "one_hot({x}, {y})",
    "softmax": "softmax({x}, {y})",
    "softmax backward": "softmax_backward({x}, {g}, {y})",
    "function": "call_functions({f}, {x}, {y})",
    "function backward": "call_functions_backward({f}, {x}, {y})",
}


def literal(x: float) -> str:
    """A float in source code."""
    return repr(x) if math.isfinite(x) else f"float('{x!r}')"
