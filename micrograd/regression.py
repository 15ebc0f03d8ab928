"""Linear and logistic regression, fitted by a gradient step for each sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from . import functional as F
from .engine import Value
from .optim import SGD


class Epoch(NamedTuple):
    """Once through the samples: the sum of their losses on the way, and the weights after it."""

    number: int
    loss: float
    weights: tuple[float, ...]


def linear_regression(
    xs: Any, ys: Any, w: float = 0.0, b: float = 0.0, lr: float = 0.1, epochs: int = 40
) -> Iterator[Epoch]:
    """The epochs of fitting y = w · x + b, by the squared error."""

    def squared_error(weights, x, y):
        return (weights[0] * x + weights[1] - y) ** 2

    return fitted(squared_error, (w, b), xs, ys, lr, epochs)


def logistic_regression(
    X: Any, y: Any, start: Any = (1, 1, 1), lr: float = 0.01, epochs: int = 300
) -> Iterator[Epoch]:
    """The epochs of ascent on the log-likelihood of labels 0 and 1; the loss is its negative.

    The last weight is the bias: a 1 at x has the probability sigmoid(w · (x, 1)).
    """

    def surprise(weights, x, label):
        return F.binary_cross_entropy_with_logits([F.dot(weights, [*x, 1.0])], [label])

    return fitted(surprise, start, X, y, lr, epochs)


def fitted(loss: Callable, start, xs, ys, lr, epochs):
    """Raises NonFiniteError where lr is too large."""
    xs, ys = list(xs), list(ys)
    if not xs or len(xs) != len(ys):
        raise ValueError(
            f"a regression needs samples and a target for each, got {len(xs)} and {len(ys)}"
        )
    if not isinstance(epochs, int) or epochs < 1:
        raise ValueError(f"epochs is a whole number from 1, got {epochs!r}")
    weights = [Value(w) for w in start]
    optimizer = SGD(weights, lr)
    for number in range(1, epochs + 1):
        total = 0.0
        for x, y in zip(xs, ys):
            error = loss(weights, x, y)
            optimizer.zero_grad()
            error.backward()
            optimizer.step()
            total += error.data
        yield Epoch(number, total, tuple(w.data for w in weights))
