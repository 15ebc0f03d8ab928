"""Slopes from small differences, and `gradcheck`, which holds backward against them."""

from __future__ import annotations

import math
import reprlib
import sys
from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

from .engine import Value, is_real, topological_order
from .names import called
from .text import visible


class GradientError(AssertionError):
    """Backward and the differences disagree."""


def numerical_diff(f: Callable, *xs: Any, eps: float = 1e-4) -> Any:
    """(f(x + eps) - f(x - eps)) / 2 eps by each of xs, which may be numbers, Values or Tensors.

    A float, or an array for a Tensor; a tuple of these for several xs. f returns a single number,
    as a float, a Value or a Tensor.
    """
    boxes = inputs(xs, eps, "numerical_diff()")

    def y():
        y = f(*(box.data if is_real(x) else box for x, box in zip(xs, boxes)))
        return y if is_real(y) else output(y, "numerical_diff()").data

    slopes = [[difference(y, v, eps) for v in elements(box).values()] for box in boxes]
    shaped = [s[0] if isinstance(x, Value) else reshaped(s, x.shape) for x, s in zip(boxes, slopes)]
    return shaped[0] if len(xs) == 1 else tuple(shaped)


def reshaped(slopes, shape):
    import numpy as np  # where there is a Tensor there is NumPy, which Values do without

    return np.reshape(slopes, shape)


def gradcheck(
    f: Callable,
    *xs: Any,
    eps: float = 1e-4,
    rtol: float = 1e-6,
    atol: float = 1e-30,
    names: Mapping[str, Any] | None = None,
) -> bool:
    """True if backward through f gives the slopes that differences give, by each of xs.

    xs are as for `numerical_diff`; f takes Values for numbers, and returns a Value. Raises
    GradientError for the first slope further off than atol, rtol of its size and the error of the
    differences allow, and calls it as its label or `names` do, a dict such as {"model": model}.
    At a kink, as of relu at 0, there is no slope to compare with.
    """
    for name, x in (("rtol", rtol), ("atol", atol)):
        if not (is_real(x) and 0 <= x < math.inf):
            raise ValueError(f"gradcheck() needs {name} from 0 to below inf, got {x!r}")
    xs = inputs(xs, eps, "gradcheck()")
    known = called(names, ())
    variables = {v: (i, *at) for i, x in enumerate(xs) for at, v in elements(x).items()}
    grads, noise = backpropagated(output(f(*xs), "gradcheck()"), variables)

    def y():
        try:
            return output(f(*xs), "gradcheck()").data
        except (ArithmeticError, ValueError):  # a step out of the domain, as of math.log
            return math.nan

    for v, (i, *at) in variables.items():
        slope, error = measured(y, v, eps, noise)
        off, size = abs(grads[v] - slope), max(abs(grads[v]), abs(slope))
        if not off <= atol + rtol * abs(slope) + error:
            label = v.label or known.get(v)
            label = f" ({visible(label)})" if label else ""
            raise GradientError(
                f"input {i}{at or ''}{label}: backward gives {grads[v]:.10g}, "
                f"differences give {slope:.10g}, relative error {off / (size or 1):.2g}"
            )
    return True


def backpropagated(y, variables):
    """The gradient of y by each variable, and how far rounding may move y.

    A node whose data is off by a part in 2⁵² moves y by its gradient times as much. All gradients
    are put back.
    """
    graph = topological_order(y)
    before = {v: v.grad for v in (*graph, *variables)}
    try:
        for v in before:
            v.grad = 0.0
        y.backward()
        moves = filter(math.isfinite, [abs(v.grad * v.data) for v in graph])
        noise = sys.float_info.epsilon * sum(moves)
        return {v: v.grad for v in variables}, noise
    finally:
        for v, grad in before.items():
            v.grad = grad


def measured(y, v, eps, noise):
    """The slope of y() by v, and how far off it may be.

    A long step suffers less from rounding, but may cross a kink or a wave: it may sharpen what a
    shorter one says, never contradict it.
    """
    short, long = eps * (min(abs(v.data), 1.0) or 1.0), eps * max(abs(v.data), 1.0)
    slope, error = estimate(y, v, short, noise)
    if error < 1e-4 * abs(slope):
        return slope, error
    best, least = math.nan, math.inf
    for h in (short / 1e4, short / 100, short, long, 100 * long):
        slope, error = estimate(y, v, h, noise)
        if error < least and not abs(slope - best) > least:
            best, least = slope, error
    return best, least


def estimate(y, v, h, noise):
    """The slope by a step of h / 2; its error, by rounding and by comparison with a step of h."""
    if v.data + h / 2 == v.data:
        return math.nan, math.inf
    coarse, fine = difference(y, v, h), difference(y, v, h / 2)
    return fine, abs(coarse - fine) + 4 * noise / h


def difference(y, v, eps):
    """The slope of y() by v, whose data is moved to both sides and put back."""
    x = v.data
    try:
        v.data = x + eps
        above = y()
        v.data = x - eps
        return (above - y()) / (2 * eps)
    finally:
        v.data = x


def inputs(xs, eps, caller):
    """xs with plain numbers made Values."""
    if not xs:
        raise ValueError(f"{caller} needs an input to differentiate by, got none")
    if not (is_real(eps) and 0 < eps < math.inf):
        raise ValueError(f"{caller} needs a positive eps, got {eps!r}")
    boxes = [Value(x) if is_real(x) else x for x in xs]
    for x in boxes:
        if not elements(x):
            raise TypeError(f"{caller} needs numbers, Values or Tensors, got {reprlib.repr(x)}")
    return boxes


def output(y, caller):
    """The Value in what f returned."""
    found = elements(y)
    if len(found) != 1:
        raise TypeError(f"{caller} needs a function that returns one Value, got {reprlib.repr(y)}")
    return next(iter(found.values()))


def elements(x):
    """The Values of a Value or a Tensor, by index; none of anything else."""
    found = {at: x[at] for at in product(*map(range, x.shape))} if hasattr(x, "shape") else {(): x}
    return found if all(isinstance(v, Value) for v in found.values()) else {}
