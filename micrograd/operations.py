"""Operations: all that each of them is beside its forward and backward, in one row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .engine import ALONE, Value


@dataclass(frozen=True, eq=False)
class Operation:
    """A method of Value, for those who talk about it or compile it.

    `words` are the derivatives by its operands as a textbook writes them, of the operands {a} and
    {b} and the result {y}. So is `notation`; without one, the operation is written as a call, and
    is a function in expressions. `activation` is what a neuron with it is called.

    `gradients` are what its operands get, as functions of the gradient of the result, the operands
    and the result, written in operations. `scalar` computes it in Python, `array` for arrays of
    one shape by NumPy; usually these are the function of its name in floats.py and in NumPy.
    """

    name: str
    method: Callable[..., Value]
    words: Sequence[str]
    gradients: Sequence[Callable]
    notation: str = ""
    activation: str = ""
    scalar: str = ""
    array: str = ""

    def __post_init__(self) -> None:
        operands = ", ".join(["{a}", "{b}"][: len(self.words)])
        for form, usual in (
            ("scalar", f"floats.{self.name}({operands})"),
            ("array", f"{self.name}({operands}, out={{y}})"),
        ):
            object.__setattr__(self, form, getattr(self, form) or usual)

    @property
    def backward(self) -> Callable:
        """What all nodes of the operation have in common, whatever `_op` says."""
        return self.method.backward  # type: ignore[attr-defined]

    def value(self, *xs: float) -> float:
        return self.method(*map(Value, xs)).data

    def slope(self, i: int, *xs: float) -> float:
        """The derivative by operand i at xs."""
        operands = [Value(x) for x in xs]
        self.method(*operands).backward()
        return operands[i].grad


def applied(kind: str) -> Callable:
    """A function that applies an operation to what `gradients` are functions of."""
    return lambda x, *others, **params: x.apply(kind, *others, **params)


gate, sign, sin, cos, sigmoid = map(applied, ("gate", "sign", "sin", "cos", "sigmoid"))
tanh_slope, sigmoid_slope = applied("tanh slope"), applied("sigmoid slope")
slope_by_base, slope_by_exponent = applied("slope by base"), applied("slope by exponent")

OPERATIONS = [
    Operation(
        "add",
        Value.__add__,
        ("1", "1"),
        (lambda g, a, b, y: g, lambda g, a, b, y: g),
        notation="{a} + {b}",
        scalar="{a} + {b}",
    ),
    Operation(
        "subtract",
        Value.__sub__,
        ("1", "(−1)"),
        (lambda g, a, b, y: g, lambda g, a, b, y: -g),
        notation="{a} − {b}",
        scalar="{a} - {b}",
    ),
    Operation(
        "multiply",
        Value.__mul__,
        ("{b}", "{a}"),
        (lambda g, a, b, y: g * b, lambda g, a, b, y: g * a),
        notation="{a}·{b}",
        scalar="{a} * {b}",
    ),
    Operation(
        "divide",
        Value.__truediv__,
        ("1/{b}", "(−{y}/{b})"),
        (lambda g, a, b, y: g / b, lambda g, a, b, y: -(y / b * g)),
        notation="{a} / {b}",
    ),
    Operation(
        "power",
        Value._power,
        ("{b}·{a}**({b} − 1)", "{y}·log({a})"),
        (
            lambda g, a, b, y: slope_by_base(a, b) * g,
            lambda g, a, b, y: slope_by_exponent(a, b) * g,
        ),
        notation="{a}**{b}",
    ),
    Operation(
        "negative",
        Value.__neg__,
        ("(−1)",),
        (lambda g, x, y: -g,),
        notation="−{a}",
        scalar="-{a}",
    ),
    Operation(
        "abs",
        Value.__abs__,
        ("sign({a})",),
        (lambda g, x, y: sign(x) * g,),
        scalar="abs({a})",
        array="absolute({a}, out={y})",
    ),
    Operation(
        "relu",
        Value.relu,
        ("({a} > 0)",),
        (lambda g, x, y: gate(y, g),),
        activation="ReLU",
        array="maximum({a}, {zero}, out={y})",
    ),
    Operation(
        "tanh", Value.tanh, ("(1 − {y}²)",), (lambda g, x, y: tanh_slope(x) * g,), activation="Tanh"
    ),
    Operation(
        "sigmoid",
        Value.sigmoid,
        ("{y}·(1 − {y})",),
        (lambda g, x, y: sigmoid_slope(x) * g,),
        activation="Sigmoid",
        array="sigmoid({a}, {y})",
    ),
    Operation(
        "softplus",
        Value.softplus,
        ("sigmoid({a})",),
        (lambda g, x, y: sigmoid(x) * g,),
        activation="Softplus",
        array="softplus({a}, {y})",
    ),
    Operation("exp", Value.exp, ("{y}",), (lambda g, x, y: y * g,)),
    Operation("log", Value.log, ("1/{a}",), (lambda g, x, y: g / x,)),
    Operation("sqrt", Value.sqrt, ("1/(2·{y})",), (lambda g, x, y: g / (2.0 * y),)),
    Operation("sin", Value.sin, ("cos({a})",), (lambda g, x, y: cos(x) * g,)),
    Operation("cos", Value.cos, ("(−sin({a}))",), (lambda g, x, y: -(sin(x) * g),)),
]
BY_BACKWARD = {row.backward: row for row in OPERATIONS}
BY_OP = {(row.method.op, len(row.words)): row for row in OPERATIONS}  # type: ignore[attr-defined]


def operation(node: Any) -> Operation | None:
    """The row of the operation that made a node; by its name where that is no Value of ours."""
    if isinstance(node, Value):
        return BY_BACKWARD.get(node._chain) if node._y is not ALONE else None
    return BY_OP.get((node._op, len(node._prev)))
