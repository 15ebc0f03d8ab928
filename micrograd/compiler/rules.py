"""What each kind of operation is in NumPy: its result, and what it adds to each operand's gradient.

`a` and `b` are operands, `y` the result, `g` the gradient of the result, `c` what goes to the
operand. None stands for g itself, which needs no line.
"""

from __future__ import annotations

import math

# kind: (the result, for each operand the lines of its gradient), of arrays of one shape
ELEMENTWISE: dict[str, tuple[str, tuple[str | None, ...]]] = {
    "subtract": ("subtract({a}, {b}, out={y})", (None, "negative({g}, out={c})")),
    "multiply": (
        "multiply({a}, {b}, out={y})",
        ("multiply({g}, {b}, out={c})", "multiply({g}, {a}, out={c})"),
    ),
    "divide": (
        "divide({a}, {b}, out={y})",
        (
            "divide({g}, {b}, out={c})",
            "divide({y}, {b}, out={c})\nmultiply({c}, {g}, out={c})\nnegative({c}, out={c})",
        ),
    ),
    "power": (
        "power({a}, {b}, out={y})",
        ("power_backward({a}, {b}, {g}, {c})", "exponent_backward({a}, {b}, {g}, {c})"),
    ),
    "constant power": ("power({a}, {n}, out={y})", ("power_backward({a}, {n}, {g}, {c})",)),
    "square": (
        "square({a}, out={y})",
        ("multiply({a}, 2.0, out={c})\nmultiply({c}, {g}, out={c})",),
    ),
    "negative": ("negative({a}, out={y})", ("negative({g}, out={c})",)),
    "absolute": ("absolute({a}, out={y})", ("sign({a}, out={c})\nmultiply({c}, {g}, out={c})",)),
    "relu": (
        "maximum({a}, {zero}, out={y})",
        ("not_equal({y}, {zero}, out={m})\nrelu_backward({g}, {m}, out={c})",),
    ),
    "tanh": ("tanh({a}, out={y})", ("tanh_backward({a}, {g}, {c})",)),
    "sigmoid": ("sigmoid({a}, {y})", ("sigmoid_backward({a}, {g}, {c})",)),
    "softplus": ("softplus({a}, {y})", ("softplus_backward({a}, {g}, {c})",)),
    "exp": ("exp({a}, out={y})", ("multiply({y}, {g}, out={c})",)),
    "log": ("log({a}, out={y})", ("divide({g}, {a}, out={c})",)),
    "sqrt": ("sqrt({a}, out={y})", ("multiply({y}, 2.0, out={c})\ndivide({g}, {c}, out={c})",)),
    "sin": ("sin({a}, out={y})", ("cos({a}, out={c})\nmultiply({c}, {g}, out={c})",)),
    "cos": (
        "cos({a}, out={y})",
        ("sin({a}, out={c})\nmultiply({c}, {g}, out={c})\nnegative({c}, out={c})",),
    ),
}

# The same for a single operation, which plain Python does faster and as the engine does it.
SINGLE: dict[str, tuple[str, tuple[str | None, ...]]] = {
    "subtract": ("{a} - {b}", (None, "-{g}")),
    "multiply": ("{a} * {b}", ("{b} * {g}", "{a} * {g}")),
    "divide": (
        "floats.divide({a}, {b})",
        ("floats.divide({g}, {b})", "-(floats.divide({y}, {b}) * {g})"),
    ),
    "power": (
        "floats.power({a}, {b})",
        ("floats.power_slope({a}, {b}) * {g}", "floats.exponent_slope({a}, {b}) * {g}"),
    ),
    "constant power": ("floats.power({a}, {n})", ("floats.power_slope({a}, {n}) * {g}",)),
    "negative": ("-{a}", ("-{g}",)),
    "absolute": ("abs({a})", ("floats.sign({a}) * {g}",)),
    "relu": ("floats.relu({a})", ("0.0 if {a} <= 0.0 else {g}",)),
    "tanh": ("floats.tanh({a})", ("floats.tanh_slope({a}) * {g}",)),
    "sigmoid": ("floats.sigmoid({a})", ("floats.sigmoid_slope({a}) * {g}",)),
    "softplus": ("floats.softplus({a})", ("floats.sigmoid({a}) * {g}",)),
    "exp": ("floats.exp({a})", ("{y} * {g}",)),
    "log": ("floats.log({a})", ("floats.divide({g}, {a})",)),
    "sqrt": ("floats.sqrt({a})", ("floats.divide({g}, 2 * {y})",)),
    "sin": ("floats.sin({a})", ("floats.cos({a}) * {g}",)),
    "cos": ("floats.cos({a})", ("-(floats.sin({a}) * {g})",)),
}

# kind: (the result, the lines of the gradient) where x and c are (terms, operations)
REDUCTIONS: dict[str, tuple[str, str | None]] = {
    "sum": ("exact_sum({x}, {y})", None),
    "mean": ("exact_mean({x}, {y})", None),
    "max": ("largest({x}, {y})", "largest_backward({x}, {y}, {g}, {c})"),
    "logsumexp": ("log_sum_exp({x}, {y})", "log_sum_exp_backward({x}, {g}, {c})"),
    "cross entropy": ("cross_entropy({x}, {y})", "cross_entropy_backward({x}, {g}, {c})"),
    "softmax": ("softmax({x}, {y})", "softmax_backward({y}, {g}, {c})"),
    "function": (
        "call_functions({f}, {x}, {y})",
        "call_functions_backward({f}, {g}, {c})",
    ),
}


def literal(x: float) -> str:
    """A float in source code."""
    return repr(x) if math.isfinite(x) else f"float('{x!r}')"
