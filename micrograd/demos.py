"""What `micrograd demo` runs: a small model trained on toy data, and pictures of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from . import data, nn, optim, plot, train, viz
from . import functional as F

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
    history: train.History
    accuracy: float


def classifier(
    dataset: str = "moons",
    hidden: Sequence[int] = (16, 16),
    steps: int = 100,
    optimizer: str = "adam",
    lr: float | None = None,
    seed: int = 0,
    progress: bool = True,
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
        progress=progress,
    )
    accuracy = F.accuracy([model(x) for x in X], targets)
    return Run(model, X, targets, history, accuracy)


def training_picture(run: Run, path: Path) -> None:
    """Write the data with the decision boundary, and the loss beside it, to a PNG or SVG file."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    plot.decision_boundary(run.model, run.X, run.y, left)
    left.set_title(f"accuracy {run.accuracy:.0%}")
    plot.loss_curve(run.history.losses, right)
    figure.savefig(path, dpi=120)


def neuron_picture(run: Run, path: Path) -> None:
    """Write the graph of a tanh neuron at the first point of the data, after backward."""
    neuron = nn.Neuron(2, act="tanh", seed=0)
    x = F.values(run.X[0])
    named = {"x1": x[0], "x2": x[1], "w1": neuron.w[0], "w2": neuron.w[1], "b": neuron.b}
    for label, v in named.items():
        v.label = label
    out = neuron(x)
    out.label = "out"
    out.backward()
    path.write_bytes(viz.draw_dot(out, path.suffix[1:], expand=True).pipe())
