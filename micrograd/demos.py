"""What `micrograd demo` runs: small models trained on toy data, and pictures of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from . import data, files, nn, optim, plot, regression, train, viz
from . import functional as F
from .engine import Value
from .film import MOST_WEIGHTS

DATASETS: dict[str, Callable[..., data.Dataset]] = {
    "moons": data.moons,
    "circles": data.circles,
    "spirals": data.spirals,
    "xor": data.xor,
    "blobs": data.blobs,
    "square": data.square,
}
OPTIMIZERS: dict[str, tuple[type[optim.Optimizer], float]] = {  # with a learning rate to start from
    "adam": (optim.Adam, 0.05),
    "sgd": (optim.SGD, 1.0),
}


@dataclass
class Run:
    """A trained model, what it was trained on, and what was seen on the way."""

    model: nn.MLP
    X: np.ndarray
    y: np.ndarray
    optimizer: str
    history: train.History
    accuracy: float


def classifier(
    dataset: str = "moons",
    hidden: Sequence[int] = (16, 16),
    steps: int = 100,
    optimizer: str = "adam",
    lr: float | None = None,
    seed: int = 0,
    jit: bool | str = False,
) -> Run:
    """An MLP trained on 100 points of a dataset of DATASETS; lr falls in a line to a tenth."""
    X, y = DATASETS[dataset](100, seed=seed)
    classes = int(y.max()) + 1
    model = nn.MLP(2, [*hidden, 1 if classes == 2 else classes], seed=seed)
    kind, usual_lr = OPTIMIZERS[optimizer]
    start = usual_lr if lr is None else lr
    targets, loss = (2 * y - 1, F.hinge_loss) if classes == 2 else (y, F.cross_entropy)
    history = train.fit(
        model,
        X,
        targets,
        kind(model.parameters(), optim.linear(start, start / 10, steps)),
        loss=loss,
        steps=steps,
        jit=jit,
        film=len(model.parameters()) <= MOST_WEIGHTS,
    )
    accuracy = F.accuracy([model(x) for x in X], targets)
    return Run(model, X, targets, optimizer, history, accuracy)


@dataclass
class Regression:
    """A log line for epochs of a regression, the loss of each epoch, and what makes its picture."""

    log: list[str]
    losses: list[float]
    picture: Callable[[], Figure]


def line(steps: int = 40, lr: float = 0.1, seed: int = 0) -> Regression:
    """Ten points near y = 4x + 3 and the line through them, which is learnt."""
    xs, ys = data.line(10, seed=seed)
    w, b = np.random.RandomState((seed + 1) % 2**32).rand(2)
    run = list(regression.linear_regression(xs, ys, w, b, lr, steps))
    log = [f"epoch {e.number}: loss {e.loss:.5g}, {named(e.weights, 'wb')}" for e in run]
    losses = [e.loss for e in run]

    def picture():
        figure, (left, right) = two_pictures()
        w, b = run[-1].weights
        left.scatter(xs, ys, c=plot.CLASS_COLORS[0], s=22, zorder=3)
        left.axline((0, b), slope=w, color="black")
        left.set(xlabel="x", ylabel="y", title=f"y = {w:.3f} x + {b:.3f}")
        plot.loss_curve(losses, right).set_xlabel("epoch")
        return figure

    return Regression(log, losses, picture)


def square(steps: int = 300, lr: float = 0.01, seed: int = 0) -> Regression:
    """Points in the unit square and the line that splits them, which is learnt by ascent."""
    X, y = data.square(100, seed=seed)
    run = list(regression.logistic_regression(X, y, lr=lr, epochs=steps))
    log = [
        f"epoch {e.number}: log-likelihood {-e.loss:.5g}, "
        f"{right_of(e.weights, X, y)} of 100 right, " + named(e.weights, ("w1", "w2", "bias"))
        for e in run
        if e.number == 1 or e.number % max(len(run) // 10, 1) == 0
    ]
    losses = [e.loss for e in run]

    def picture():
        figure, (left, right) = two_pictures()
        w1, w2, bias = run[-1].weights
        plot.decision_boundary(lambda x: Value(w1 * x[0] + w2 * x[1] + bias), X, y, left)
        left.set_title(f"{right_of(run[-1].weights, X, y)} of 100 right")
        right.plot([-loss for loss in losses], color=plot.CLASS_COLORS[0])
        right.set(xlabel="epoch", ylabel="log-likelihood")
        return figure

    return Regression(log, losses, picture)


def right_of(weights, X, y):
    """How many points are on the side of the line that their label says."""
    return int(((X @ weights[:-1] + weights[-1] >= 0) == (y == 1)).sum())


def named(weights, names):
    return ", ".join(f"{name} {w:.5g}" for name, w in zip(names, weights))


def two_pictures():
    figure = Figure(figsize=(9, 4), layout="constrained")
    return figure, figure.subplots(1, 2)


def training_picture(run: Run, path: Path) -> None:
    """Write the data with the decision boundary, and the loss beside it, to a PNG or SVG file."""
    figure, (left, right) = two_pictures()
    plot.decision_boundary(run.model, run.X, run.y, left)
    left.set_title(f"accuracy {run.accuracy:.0%}")
    plot.loss_curve(run.history.losses, right)
    plot.save(figure, path)


def neuron_picture(run: Run, path: Path) -> None:
    """Write the graph of a tanh neuron at the first point of the data, after backward."""
    neuron = nn.Neuron(2, act="tanh", seed=0)
    x = F.values(run.X[0])
    out = neuron(x)
    out.backward()
    names = {"x": x, "neuron": neuron, "out": out}
    files.write(path, viz.draw_dot(out, path.suffix[1:], expand=True, names=names).pipe())
