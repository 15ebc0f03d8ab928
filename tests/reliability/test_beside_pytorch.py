"""Each operation at hard points: errors in units of the last place, beside those of PyTorch."""

from random import Random

import mpmath as mp
import pytest
from optable import OPS
from reliability.reference import hard, slopes, ulps

from micrograd import Value

torch = pytest.importorskip("torch")

THEME = "Numbers"
POINTS = 2000
CANCELS = {"dot": 32.0}  # its products are rounded before they are added


def stacked(function):
    return lambda *xs: function(torch.stack(xs))


def logits(a, label):
    target = torch.tensor(label, dtype=torch.float64)
    return torch.nn.functional.binary_cross_entropy_with_logits(a, target)


# What computes alike; an operation that is not here is written with the same operators.
TORCH = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softplus": lambda a: torch.nn.functional.softplus(a, threshold=1000.0),
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "sin": torch.sin,
    "cos": torch.cos,
    "sum": stacked(torch.sum),
    "mean": stacked(torch.mean),
    "dot": lambda a, b, c: torch.dot(torch.stack([a, b]), torch.stack([b, a])) + c,
    "max": stacked(torch.amax),
    "logsumexp": stacked(lambda x: torch.logsumexp(x, 0)),
    "softmax": stacked(lambda x: torch.softmax(x, 0)[0]),
    "cross_entropy": stacked(
        lambda x: torch.nn.functional.cross_entropy(x[None], torch.tensor([0]))
    ),
    "binary_cross_entropy_with_logits": lambda a: logits(a, 1.0),
    "hinge_loss": lambda a: torch.relu(1 + a),
    "mse_loss": torch.nn.functional.mse_loss,
}


def by_engine(op, xs):
    inputs = [Value(x) for x in xs]
    y = op.compute(*inputs)
    y.backward()
    return [y.data, *(x.grad for x in inputs)]


def by_torch(op, xs):
    inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in xs]
    y = TORCH.get(op.name, op.compute)(*inputs)
    y.backward()
    return [y.item(), *(x.grad.item() for x in inputs)]


def worst(found, right):
    """The largest error of a value, and of a slope."""
    errors = [[ulps(*pair) for pair in zip(*row)] for row in zip(found, right)]
    return max(e[0] for e in errors), max(max(e[1:]) for e in errors)


@pytest.mark.slow
@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_errors_are_a_few_ulps(op, cells):
    rng = Random(op.name)
    points = [[hard(rng, ends) for ends in op.ranges] for _ in range(POINTS)]
    with mp.workdps(120):
        exact = [list(map(mp.mpf, xs)) for xs in points]
        right = [[op.reference(*xs), *slopes(op.reference, xs)] for xs in exact]
    ours, theirs = (worst([by(op, xs) for xs in points], right) for by in (by_engine, by_torch))
    bar = CANCELS.get(op.name, op.ulps)
    value, slope, their_value, their_slope = (f"{round(x, 1):.3g}" for x in (*ours, *theirs))
    cells(
        f"Each operation at {POINTS:,} hard points, beside PyTorch in this run: the largest error "
        "of the value and of a slope, in units of the last place",
        f"`{op.name}`",
        hurt="everyone: a slope that is a little off trains a little worse, and nobody sees it",
        value=value,
        slope=slope,
        bar=f"{bar:g}",
        PyTorch_value=their_value,
        PyTorch_slope=their_slope,
    )
    assert max(ours) <= bar
