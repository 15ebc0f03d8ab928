"""Losses, softmax and all their gradients at extreme logits: in every form, beside PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import mpmath as mp
import pytest
from backends import HAS_CC, HAS_JAX
from reliability.peers import HAS_TORCH
from reliability.reference import error

import micrograd.functional as F
from micrograd import Value
from micrograd.compiler import jit
from micrograd.tensor import Tensor

pytestmark = pytest.mark.slow

THEME = "Numbers"
SMALLEST = 1e-290  # below it, what is left of a number's digits decides


def extreme(rng):
    """Four logits: moderate, huge, one far above the others, ties and near ties."""
    kind = rng.randrange(5)
    if kind < 2:
        return [rng.uniform(-1, 1) * (30.0, 700.0)[kind] for _ in range(4)]
    if kind == 2:
        return rng.sample([1000.0, 0.0, -1000.0, 1e-300], 4)
    x = rng.uniform(-40, 40)
    if kind == 3:
        return rng.sample([x, x, x + 1, -x], 4)
    return [x + rng.choice([-1, 1]) * 2.0 ** -rng.randint(1, 45) for _ in range(4)]


def moderate(rng):
    return [rng.uniform(-30, 30) for _ in range(4)]


# What is right: the results, and for each of them its derivatives. No digits cancel in 1 - p.


def shares(xs):
    powers = [mp.exp(x - max(xs)) for x in xs]
    p = [power / mp.fsum(powers) for power in powers]
    others = [mp.fsum(p[:i] + p[i + 1 :]) for i in range(len(p))]
    return p, others


def softmax(xs):
    p, others = shares(xs)
    n = range(len(p))
    return p, [[p[i] * (others[i] if i == j else -p[j]) for j in n] for i in n]


def logsumexp(xs):
    rest = list(xs)
    rest.remove(top := max(xs))
    return [top + mp.log1p(mp.fsum(mp.exp(x - top) for x in rest))], [shares(xs)[0]]


def cross_entropy(xs):
    p, others = shares(xs)
    (loss,), _ = logsumexp([x - xs[1] for x in xs])
    return [loss], [[-others[j] if j == 1 else p[j] for j in range(len(p))]]


def mean_of(one):
    """Of a function of a logit and its target that returns a loss and its slope."""

    def of(xs):
        losses, slopes = zip(*(one(x, mp.mpf(t)) for x, t in zip(xs, TARGETS[one])))
        return [mp.fsum(losses) / len(xs)], [[slope / len(xs) for slope in slopes]]

    return of


def softplus(x):
    return max(x, 0) + mp.log1p(mp.exp(-abs(x)))


def sigmoid(x):
    return mp.exp(min(x, 0)) / (1 + mp.exp(-abs(x)))


def binary(x, t):
    return t * softplus(-x) + (1 - t) * softplus(x), (1 - t) * sigmoid(x) - t * sigmoid(-x)


def hinge(x, t):
    return max(1 - t * x, 0), -t if 1 - t * x > 0 else mp.mpf(0)


def square(x, t):
    return (x - t) ** 2, 2 * (x - t)


TARGETS = {binary: [0.0, 1.0, 0.25, 1.0], hinge: [1.0, -1.0, -1.0, 1.0], square: [0.5, 2.0, -1, 9]}


def layer_norm(xs):
    n = len(xs)
    d = [x - mp.fsum(xs) / n for x in xs]
    scale = 1 / mp.sqrt(mp.fsum(x * x for x in d) / n + mp.mpf(1e-5))
    slopes = [
        [scale * ((i == j) - mp.mpf(1) / n - d[i] * d[j] * scale**2 / n) for j in range(n)]
        for i in range(n)
    ]
    return [x * scale for x in d], slopes


@dataclass
class Family:
    """`compute` takes Values, in a list or a Tensor; a bar for the relative error."""

    compute: Callable
    exact: Callable
    torch: Callable
    draw: Callable = extreme
    bar: float = 1e-12
    of_the_largest: bool = False  # the error is relative to the largest slope of a result


def with_targets(loss, one):
    return lambda xs: [loss(xs, TARGETS[one])]


FAMILIES = {
    "softmax": Family(F.softmax, softmax, lambda t, x: t.softmax(x, 0)),
    "logsumexp": Family(lambda xs: [F.logsumexp(xs)], logsumexp, lambda t, x: t.logsumexp(x, 0)),
    "cross_entropy": Family(
        lambda xs: [F.cross_entropy(xs, 1)],
        cross_entropy,
        lambda t, x: t.nn.functional.cross_entropy(x[None], t.tensor([1])),
    ),
    "cross_entropy of rows": Family(
        lambda xs: [F.cross_entropy([xs, xs], [1, 1])],
        cross_entropy,
        lambda t, x: t.nn.functional.cross_entropy(t.stack([x, x]), t.tensor([1, 1])),
    ),
    "binary_cross_entropy_with_logits": Family(
        with_targets(F.binary_cross_entropy_with_logits, binary),
        mean_of(binary),
        lambda t, x: t.nn.functional.binary_cross_entropy_with_logits(x, of(t, binary)),
    ),
    "hinge_loss": Family(
        with_targets(F.hinge_loss, hinge),
        mean_of(hinge),
        lambda t, x: (1 - of(t, hinge) * x).relu().mean(),
    ),
    "mse_loss": Family(
        with_targets(F.mse_loss, square),
        mean_of(square),
        lambda t, x: t.nn.functional.mse_loss(x, of(t, square)),
    ),
    "layer_norm": Family(
        F.layer_norm,
        layer_norm,
        lambda t, x: t.nn.functional.layer_norm(x, (4,)),
        moderate,
        of_the_largest=True,
    ),
}


def of(torch, one):
    return torch.tensor(TARGETS[one], dtype=torch.float64)


def in_torch(family, numbers):
    import torch

    x = torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
    ys = family.torch(torch, x).reshape(-1)
    slopes = [torch.autograd.grad(y, x, retain_graph=True)[0].tolist() for y in ys]
    return ys.tolist(), slopes


def in_values(function):
    """Results of Values, and a backward pass from each."""

    def of(family, numbers):
        xs = [Value(x) for x in numbers]
        ys, slopes = list(function(xs)), []
        for y in ys:
            for x in xs:
                x.grad = 0.0
            y.backward()
            slopes.append([x.grad for x in xs])
        return [y.data for y in ys], slopes

    return of


def forms(family):
    """Ways to compute the family, by name."""
    return {
        "engine": in_values(family.compute),
        "Tensor": in_values(lambda xs: family.compute(Tensor(xs))),
        "jitted": in_values(jit(family.compute)),
        **({"in C": in_values(jit(family.compute, backend="c"))} if HAS_CC else {}),
        **({"in XLA": in_values(jit(family.compute, backend="xla"))} if HAS_JAX else {}),
        **({"PyTorch": in_torch} if HAS_TORCH else {}),
    }


def largest_error(family, found, right):
    (ys, slopes), (exact, exact_slopes) = found, right
    worst = max(error(y, r, max(abs(r), SMALLEST)) for y, r in zip(ys, exact, strict=True))
    for row, exact_row in zip(slopes, exact_slopes, strict=True):
        scale = max(map(abs, exact_row)) if family.of_the_largest else SMALLEST
        errors = [error(x, r, max(abs(r), scale)) for x, r in zip(row, exact_row, strict=True)]
        worst = max(worst, *errors)
    return worst


@pytest.mark.parametrize("name", FAMILIES)
def test_losses_and_their_gradients_are_right_at_extremes(name, tries, cells):
    family, rng, n = FAMILIES[name], Random(name), tries(100, 5_000)
    points = [family.draw(rng) for _ in range(n)]
    with mp.workdps(60):
        right = [family.exact(list(map(mp.mpf, xs))) for xs in points]
        worst = {
            form: max(largest_error(family, by(family, xs), r) for xs, r in zip(points, right))
            for form, by in forms(family).items()
        }
    theirs = worst.pop("PyTorch", None)
    cells(
        f"Losses, softmax and their gradients at {n:,} extreme logits: the largest relative error, "
        "beside PyTorch in this run",
        f"`{name}`",
        hurt="who classifies: a network that is sure and wrong would learn nothing from it",
        **{form: f"{x:.1e}" for form, x in worst.items()},
        bar=f"{family.bar:g}",
        PyTorch="–" if theirs is None else f"{theirs:.1e}",
    )
    assert max(worst.values()) <= family.bar, worst
