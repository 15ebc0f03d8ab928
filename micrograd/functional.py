"""One node for many Values: sums, products, maxima, and losses. Import as F, for `F.sum(xs)`.

Arguments may be Values or plain numbers; plain numbers are constants.
"""

from __future__ import annotations

import builtins
import math
import operator
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import floats
from .engine import Value, is_real, real, result


def sum(xs: Iterable) -> Value:
    """The sum of xs, rounded once; 0.0 for none."""
    xs = values(xs)
    if not xs:
        return Value(0.0)
    return result(floats.total([x.data for x in xs]), "sum", sum_backward, xs)


def sum_backward(grad, xs):
    for x in xs:
        x.grad += grad


def mean(xs: Iterable) -> Value:
    """The mean of xs. Raises ValueError for none."""
    xs = some_values(xs, "mean()")
    return result(floats.mean([x.data for x in xs]), "mean", mean_backward, xs)


def mean_backward(grad, xs):
    for x in xs:
        x.grad += grad / len(xs)


def dot(xs: Iterable, ys: Iterable, bias: Any = None) -> Value:
    """(bias +) x₀y₀ + x₁y₁ + …, added in this order. Raises ValueError for unequal lengths."""
    x, y = values(xs), values(ys)
    if len(x) != len(y):
        raise ValueError(f"dot() needs equal lengths, got {len(x)} and {len(y)}")
    return weighted_sum(x, y) if bias is None else weighted_sum(x, y, value(bias))


def weighted_sum(xs, ys, *bias):
    """`dot` of sequences that are known to hold Values and to be equally long."""
    data = bias[0].data if bias else 0.0
    for x, y in zip(xs, ys):
        data += x.data * y.data
    operands = (*xs, *ys, *bias)
    return result(data, "dot", dot_backward, operands) if operands else Value(data)


def dot_backward(grad, operands):
    if grad == 0.0 and math.isfinite(builtins.sum([x.data for x in operands])):
        return  # all that would be added is zero
    half = len(operands) // 2
    for x, y in zip(operands[:half], operands[half:]):
        x.grad += y.data * grad
        y.grad += x.data * grad
    for bias in operands[2 * half :]:
        bias.grad += grad


def max(xs: Iterable) -> Value:
    """The largest of xs; equal ones share its gradient, a nan wins. Raises ValueError for none."""
    xs = some_values(xs, "max()")
    return result(largest([x.data for x in xs]), "max", max_backward, xs)


def max_backward(grad, xs):
    top = largest([x.data for x in xs])
    winners = [x for x in xs if x.data == top or math.isnan(x.data)]
    for x in winners:
        x.grad += grad / len(winners)


def logsumexp(xs: Iterable) -> Value:
    """log(exp(x₀) + exp(x₁) + …), without overflow. Raises ValueError for none."""
    xs = some_values(xs, "logsumexp()")
    return result(log_sum_exp([x.data for x in xs]), "logsumexp", logsumexp_backward, xs)


def logsumexp_backward(grad, xs):
    for x, share in zip(xs, shares([x.data for x in xs])):
        x.grad += share * grad


def softmax(xs: Iterable) -> list[Value]:
    """exp(x) / Σ exp(x) for each x: positive numbers that add up to one. ValueError for none."""
    xs = some_values(xs, "softmax()")
    outputs = enumerate(shares([x.data for x in xs]))
    return [result(p, "softmax", softmax_backward, xs, i) for i, p in outputs]


def softmax_backward(grad, xs, i):
    p = shares([x.data for x in xs])
    for j, x in enumerate(xs):
        x.grad += p[i] * (others(p, i) if j == i else -p[j]) * grad


def take(rows: Sequence, i: Any) -> Any:
    """Row i of rows, Values or lists of them; for a list or an array of indices, a list of rows.

    Negative indices count from the end. Raises IndexError where there is no such row.

    In a jitted function, the integers of an array in the arguments select anew at each call.
    """
    return taken(list(a_list(rows)), i)


def taken(rows, i):
    n, i = len(rows), without_axes(i)
    if hasattr(i, "__len__") and not isinstance(i, UNORDERED):
        rows = Rows(rows) if any(isinstance(each, Value) for each in i) else rows
        return [taken(rows, each) for each in i]
    if not hasattr(i, "__index__") or type(i).__name__.startswith("bool"):  # NumPy's, too
        raise TypeError(f"take() needs the index of a row, got {type(i).__name__} {i!r}")
    if 0 <= i < n:
        return chosen(rows, i)
    if -n <= i < 0:
        return chosen(rows, i + n)
    wanted = f"an index from {-n} to {n - 1}" if n else "rows to take from"
    raise IndexError(f"take() needs {wanted}, got {i}")


def chosen(rows, i):
    """A copy of rows[i]. An index that is a Value is an input of a trace, where it may differ."""
    return a_row(rows[i]) if not isinstance(i, Value) else traced_choice(Rows(rows), i)


def traced_choice(rows, i):
    lengths = {len(row) if isinstance(row, list) else None for row in rows}
    if lengths == {None}:
        return result(rows[position(i)].data, "take", take_backward, (i, *rows))
    if len(lengths) > 1:  # what comes of it depends on the index: a plain int
        return a_row(rows[operator.index(i)])
    return [traced_choice(column, i) for column in zip(*rows)]


class Rows(list):
    """Rows made Values or lists of them, once."""

    def __init__(self, rows: Iterable) -> None:
        super().__init__(rows if isinstance(rows, Rows) else map(a_row, rows))


def take_backward(grad, operands):
    i, *rows = operands
    rows[position(i)].grad += grad


def a_row(x):
    """A Value as it is, a number as a constant, anything else as a list of them."""
    if isinstance(x, Value) or is_real(x):
        return value(x)
    return [a_row(item) for item in a_list(x)]


def position(i):
    """An index, perhaps a Value of a trace, as an int."""
    return int(i.data if isinstance(i, Value) else i)


def without_axes(x):
    """What is in an array without axes; else x."""
    return x[()] if getattr(x, "shape", None) == () else x


def layer_norm(xs: Iterable, eps: float = 1e-5) -> list[Value]:
    """(x - mean) / √(variance + eps) for each x (Ba et al., 2016). Raises ValueError for none."""
    xs = some_values(xs, "layer_norm()")
    if not is_real(eps) or not 0 <= eps < math.inf:
        raise ValueError(f"layer_norm() needs an eps from 0 to below inf, got {eps!r}")
    center = mean(xs)
    deviations = [x - center for x in xs]
    scale = (mean(d * d for d in deviations) + eps) ** -0.5
    return [d * scale for d in deviations]


def mse_loss(predictions: Iterable, targets: Iterable) -> Value:
    """The mean of the squared differences."""
    return mean((p - t) ** 2 for p, t in pairs(predictions, targets, "mse_loss()"))


def hinge_loss(scores: Iterable, targets: Iterable) -> Value:
    """The mean of max(0, 1 - target · score); targets are -1 and 1."""
    wanted = "-1 and 1 (from labels 0 and 1: 2 * y - 1)"
    return mean(
        (1 - checked(t, lambda t: 1 <= abs(t) <= 1, "hinge_loss()", wanted) * s).relu()
        for s, t in pairs(scores, targets, "hinge_loss()")
    )


def binary_cross_entropy_with_logits(logits: Iterable, targets: Iterable) -> Value:
    """The mean of -log of the probability given to the target; targets are 0 to 1.

    A logit x stands for the probability sigmoid(x), so that no logarithm of zero can arise.
    """
    caller = "binary_cross_entropy_with_logits()"
    return mean(
        binary_surprise(x, checked(t, lambda t: 0 <= t <= 1, caller, "from 0 to 1"))
        for x, t in pairs(logits, targets, caller)
    )


def checked(target, fits, caller, wanted):
    """The target, a number or a Value. Raises ValueError for one out of what is wanted.

    A Value is asked by comparisons, which a trace sees.
    """
    if not fits(target if isinstance(target, Value) else real(target, caller)):
        raise ValueError(f"{caller} needs targets {wanted}, got {value(target).data:g}")
    return target


def binary_surprise(logit, target):
    if is_real(target) and target in (0, 1):  # one term is zero: leave it out of the graph
        return (-logit).softplus() if target else logit.softplus()
    if hasattr(target, "__index__"):  # an integer of a trace
        return chosen([logit.softplus(), (-logit).softplus()], target)
    return target * (-logit).softplus() + (1 - target) * logit.softplus()


def cross_entropy(logits: Sequence, targets: Any) -> Value:
    """-log softmax(logits)[target], or its mean over rows of logits and their targets.

    A target is the index of the right class. Raises IndexError where there is no such class.
    """
    if hasattr(targets := without_axes(targets), "__len__"):
        return mean(surprise(row, t) for row, t in pairs(logits, targets, "cross_entropy()", list))
    return surprise(logits, targets)


def surprise(logits, target):
    xs = some_values(logits, "cross_entropy()")
    if not hasattr(target := without_axes(target), "__index__"):
        got = f"a Value of {target.data!r}" if isinstance(target, Value) else repr(target)
        raise TypeError(
            f"cross_entropy() needs the index of a class as target, got {got}: targets are "
            "integers, of an array y.astype(int)"
        )
    if not 0 <= target < len(xs):
        raise IndexError(f"cross_entropy() needs a target from 0 to {len(xs) - 1}, got {target}")
    data = -log_share([x.data for x in xs], position(target))
    if isinstance(target, Value):
        return result(data, "cross_entropy", surprise_at_backward, (target, *xs))
    return result(data, "cross_entropy", surprise_backward, xs, int(target))


def surprise_backward(grad, xs, target):
    p = shares([x.data for x in xs])
    for j, x in enumerate(xs):
        x.grad += (-others(p, j) if j == target else p[j]) * grad


def surprise_at_backward(grad, operands):
    target, *xs = operands
    surprise_backward(grad, xs, position(target))


def accuracy(scores: Any, targets: Any) -> float:
    """The share of samples that are right, from 0 to 1.

    A single score predicts by its sign (targets -1 and 1, or 0 and 1), a row by its largest: a
    target is the index of the right class, or a row of as many numbers, the largest one there.
    A nan is never right.
    """
    hits = [hit(score, t) for score, t in pairs(scores, targets, "accuracy()", list)]
    if not hits:
        raise ValueError("accuracy() needs at least one sample, got none")
    return hits.count(True) / len(hits)


def hit(score, target):
    if isinstance(score, Value) or is_real(score):
        if hasattr(target, "__len__") and len(target) != 1:
            raise TypeError(
                f"accuracy() needs a number as the target of a single score, got {target!r}"
            )
        return bool(score > 0 if target > 0 else score <= 0)
    row = values(score)
    if hasattr(target := without_axes(target), "__len__"):
        target = right_class(list(target), len(row))
    best = builtins.max(range(len(row)), key=row.__getitem__)
    return best == target and all(s <= row[best] for s in row)


def right_class(target, classes):
    """The place of the largest number in a row."""
    numbers = [x.data if isinstance(x, Value) else x for x in target]
    if len(numbers) != classes or numbers.count(builtins.max(numbers, default=0)) != 1:
        raise ValueError(
            "accuracy() needs the index of the right class as the target of a row of scores, or "
            f"{classes} numbers with one that is the largest, got {numbers!r}"
        )
    return numbers.index(builtins.max(numbers))


def value(x):
    return x if isinstance(x, Value) else Value(x)


class Values(tuple):
    """A tuple known to hold Values only, so that it need not be looked through again."""

    __slots__ = ()


UNORDERED = (set, frozenset, Mapping, str, bytes, bytearray)  # or no numbers to a reader


def values(xs):
    if type(xs) is Values:
        return xs
    return Values([x if isinstance(x, Value) else Value(x) for x in a_list(xs)])


def a_list(xs):
    """xs, checked to be numbers in some order."""
    if not hasattr(xs, "__iter__") or isinstance(xs, UNORDERED):
        raise TypeError(f"a list of numbers is needed, got {type(xs).__name__} {reprlib.repr(xs)}")
    return xs


def some_values(xs, caller):
    xs = values(xs)
    if not xs:
        raise ValueError(f"{caller} needs at least one number, got none")
    return xs


def pairs(scores, targets, caller, kind=values):
    """Each score with its target, checked to be equally many."""
    scores, targets = kind(a_list(scores)), list(a_list(targets))
    if len(scores) != len(targets):
        raise ValueError(
            f"{caller} needs a target a score, got {len(scores)} scores, {len(targets)} targets"
        )
    return zip(scores, targets)


def largest(numbers):
    return math.nan if any(map(math.isnan, numbers)) else builtins.max(numbers)


def log_sum_exp(numbers):
    """m + log(1 + the rest), where m is the largest: exact too when the rest is tiny. nan wins."""
    m = largest(numbers)
    if not math.isfinite(m):
        return m
    top = numbers.index(m)
    rest = [floats.exp(x - m) for x in numbers[:top] + numbers[top + 1 :]]
    return m + math.log1p(floats.total(rest))


def log_share(numbers, i):
    """The logarithm of the i-th of the shares; nan where the largest number is not finite."""
    if not math.isfinite(largest(numbers)):
        return math.nan
    if numbers[i] == -math.inf:
        return -math.inf
    return -log_sum_exp([x - numbers[i] for x in numbers])


def shares(numbers):
    """The softmax of numbers."""
    m = builtins.max(numbers)
    powers = [floats.exp(x - m) for x in numbers]
    total = floats.total(powers)
    return [e / total for e in powers]


def others(p, i):
    """1 - p[i] for shares p, without cancellation."""
    return floats.total(p[:i] + p[i + 1 :])
