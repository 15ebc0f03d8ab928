"""What each kind of operation is in NumPy: its result, and what it adds to each operand's gradient.

`a` and `b` are operands, `y` the result, `g` the gradient of the result, `c` what goes to the
operand. None stands for g itself, which needs no line.
"""

from __future__ import annotations

# kind: (the result, for each operand the lines of its gradient)
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
    "negative": ("negative({a}, out={y})", ("negative({g}, out={c})",)),
    "absolute": (
        "absolute({a}, out={y})",
        ("sign({a}, out={c})\nmultiply({c}, {g}, out={c})",),
    ),
    "relu": ("maximum({a}, 0.0, out={y})", ("relu_backward({y}, {g}, {c})",)),
    "tanh": ("tanh({a}, out={y})", ("tanh_backward({a}, {g}, {c})",)),
    "sigmoid": ("sigmoid({a}, {y})", ("sigmoid_backward({a}, {g}, {c})",)),
    "softplus": ("softplus({a}, {y})", ("softplus_backward({a}, {g}, {c})",)),
    "exp": ("exp({a}, out={y})", ("multiply({y}, {g}, out={c})",)),
    "log": ("log({a}, out={y})", ("divide({g}, {a}, out={c})",)),
    "sqrt": (
        "sqrt({a}, out={y})",
        ("multiply({y}, 2.0, out={c})\ndivide({g}, {c}, out={c})",),
    ),
    "sin": ("sin({a}, out={y})", ("cos({a}, out={c})\nmultiply({c}, {g}, out={c})",)),
    "cos": (
        "cos({a}, out={y})",
        ("sin({a}, out={c})\nmultiply({c}, {g}, out={c})\nnegative({c}, out={c})",),
    ),
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


def constant_power(exponent: float) -> tuple[str, tuple[str | None, ...]]:
    """The rule of a ** exponent."""
    if exponent == 2.0:
        backward = "multiply({a}, 2.0, out={c})\nmultiply({c}, {g}, out={c})"
        return "square({a}, out={y})", (backward,)
    if exponent == 0.0:
        return "power({a}, 0.0, out={y})", ("multiply({g}, 0.0, out={c})",)
    n = literal(exponent)
    backward = f"power({{a}}, {literal(exponent - 1)}, out={{c}})\n"
    backward += f"multiply({{c}}, {n}, out={{c}})\nmultiply({{c}}, {{g}}, out={{c}})"
    return f"power({{a}}, {n}, out={{y}})", (backward,)


def literal(x: float) -> str:
    """A float in source code."""
    return repr(x) if x - x == 0 else f"float('{x!r}')"
