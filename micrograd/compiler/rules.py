"""What each kind of op is: its scalar form, its array form, and the gradients of its operands.

A scalar form is Python, as the engine computes it; an array form is a line of NumPy for arrays of
one shape. `a` and `b` are operands, `y` the result, `n` a parameter. A gradient is written in ops
too, so that it is differentiated, grouped and compiled as all others are; `g` is that of y.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple


class Row(NamedTuple):
    scalar: str
    array: str
    gradients: tuple[Callable, ...] = ()


def op(kind):
    """A function that applies an op to symbols."""
    return lambda x, *others, **params: x.apply(kind, *others, **params)


gate, sign, sin, cos, sigmoid = map(op, ("gate", "sign", "sin", "cos", "sigmoid"))
tanh_slope, sigmoid_slope = op("tanh slope"), op("sigmoid slope")
power_slope, slope_by_base, slope_by_exponent = map(
    op, ("constant power slope", "slope by base", "slope by exponent")
)

ELEMENTWISE = {
    "add": Row("{a} + {b}", "add({a}, {b}, out={y})", (lambda g, *_: g, lambda g, *_: g)),
    "subtract": Row(
        "{a} - {b}",
        "subtract({a}, {b}, out={y})",
        (lambda g, *_: g, lambda g, *_: -g),
    ),
    "multiply": Row(
        "{a} * {b}",
        "multiply({a}, {b}, out={y})",
        (lambda g, a, b, y: g * b, lambda g, a, b, y: g * a),
    ),
    "divide": Row(
        "floats.divide({a}, {b})",
        "divide({a}, {b}, out={y})",
        (lambda g, a, b, y: g / b, lambda g, a, b, y: -(y / b * g)),
    ),
    "power": Row(
        "floats.power({a}, {b})",
        "power({a}, {b}, out={y})",
        (
            lambda g, a, b, y: slope_by_base(a, b) * g,
            lambda g, a, b, y: slope_by_exponent(a, b) * g,
        ),
    ),
    "slope by base": Row("floats.power_slope({a}, {b})", "power_slope({a}, {b}, {y})"),
    "slope by exponent": Row("floats.exponent_slope({a}, {b})", "exponent_slope({a}, {b}, {y})"),
    "constant power": Row(
        "floats.power({a}, {n})",
        "power({a}, {n}, out={y})",
        (lambda g, x, y, n: (2.0 * x if n == 2 else power_slope(x, params=n)) * g,),
    ),
    "constant power slope": Row("floats.power_slope({a}, {n})", "power_slope({a}, {n}, {y})"),
    "negative": Row("-{a}", "negative({a}, out={y})", (lambda g, x, y: -g,)),
    "absolute": Row("abs({a})", "absolute({a}, out={y})", (lambda g, x, y: sign(x) * g,)),
    "sign": Row("floats.sign({a})", "sign({a}, out={y})"),
    "relu": Row("floats.relu({a})", "maximum({a}, {zero}, out={y})", (lambda g, x, y: gate(y, g),)),
    "gate": Row(
        "0.0 if {a} == 0.0 else {b}",
        "not_equal({a}, {zero}, out={m})\ngate({b}, {m}, out={y})",
    ),
    "tanh": Row("floats.tanh({a})", "tanh({a}, out={y})", (lambda g, x, y: tanh_slope(x) * g,)),
    "tanh slope": Row("floats.tanh_slope({a})", "tanh_slope({a}, {y})"),
    "sigmoid": Row(
        "floats.sigmoid({a})", "sigmoid({a}, {y})", (lambda g, x, y: sigmoid_slope(x) * g,)
    ),
    "sigmoid slope": Row("floats.sigmoid_slope({a})", "sigmoid_slope({a}, {y})"),
    "softplus": Row(
        "floats.softplus({a})", "softplus({a}, {y})", (lambda g, x, y: sigmoid(x) * g,)
    ),
    "exp": Row("floats.exp({a})", "exp({a}, out={y})", (lambda g, x, y: y * g,)),
    "log": Row("floats.log({a})", "log({a}, out={y})", (lambda g, x, y: g / x,)),
    "sqrt": Row("floats.sqrt({a})", "sqrt({a}, out={y})", (lambda g, x, y: g / (2.0 * y),)),
    "sin": Row("floats.sin({a})", "sin({a}, out={y})", (lambda g, x, y: cos(x) * g,)),
    "cos": Row("floats.cos({a})", "cos({a}, out={y})", (lambda g, x, y: -(sin(x) * g),)),
}

# Ops of many operands, as arrays (operands, ops); `x` and `g` are parts of the operands.
REDUCTIONS = {
    "sum": "exact_sum({x}, {y})",
    "mean": "exact_mean({x}, {y})",
    "max": "largest({x}, {y})",
    "max backward": "largest_backward({x}, {g}, {y})",
    "logsumexp": "log_sum_exp({x}, {y})",
    "cross entropy": "cross_entropy({x}, {y})",
    "cross entropy slopes": "cross_entropy_slopes({x}, {y})",
    "softmax": "softmax({x}, {y})",
    "softmax backward": "softmax_backward({x}, {g}, {y})",
    "function": "call_functions({f}, {x}, {y})",
    "function backward": "call_functions_backward({f}, {x}, {y})",
}


def literal(x: float) -> str:
    """A float in source code."""
    return repr(x) if math.isfinite(x) else f"float('{x!r}')"
