"""Pictures of a model and of its training: decision boundary, loss, accuracy, neurons.

Each function draws into `ax`, or into a figure of its own, and returns what it drew into.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from .engine import Value

CLASS_COLORS = ("#2166ac", "#b2182b", "#4d9221", "#762a83", "#e08214")


def decision_boundary(
    model: Callable,
    X: np.ndarray,
    y: Sequence | np.ndarray,
    ax: Axes | None = None,
    *,
    resolution: int = 60,
) -> Axes:
    """The points X (n, 2), coloured by label y, over the model's score for every point around them.

    A model with one output gets its score in shades and the line where it is 0; one with several
    gets the class of the largest.
    """
    ax = ax or plt.subplots(figsize=(4.5, 4))[1]
    X = np.asarray(X, dtype=float)
    xs, ys, grid = surroundings(X, resolution)
    scores = np.array([numbers(model(point)) for point in grid])
    if scores.shape[1] == 1:
        shades(ax, xs, ys, scores[:, 0].reshape(len(ys), len(xs)))
        classes = (np.asarray(y) > 0).astype(int)
    else:
        best = (scores.argmax(axis=1) % len(CLASS_COLORS)).reshape(len(ys), len(xs))
        colors = ListedColormap(CLASS_COLORS)
        ax.pcolormesh(xs, ys, best, cmap=colors, vmin=0, vmax=len(CLASS_COLORS) - 1, alpha=0.3)
        classes = np.asarray(y)
    fill = [CLASS_COLORS[c % len(CLASS_COLORS)] for c in classes]
    ax.scatter(X[:, 0], X[:, 1], c=fill, s=22, edgecolors="white", linewidths=0.6, zorder=3)
    ax.set(xlabel="x₁", ylabel="x₂", xlim=xs[[0, -1]], ylim=ys[[0, -1]])
    return ax


def neuron_maps(
    model: Any, X: np.ndarray, *, layer: int = 0, resolution: int = 30, columns: int = 8
) -> Figure:
    """One small map for each neuron of an MLP's layer: its output at all points around X (n, 2)."""
    xs, ys, grid = surroundings(np.asarray(X, dtype=float), resolution)
    outputs = [numbers(reduce(apply, model.layers[: layer + 1], point)) for point in grid]
    maps = np.array(outputs).T.reshape(-1, len(ys), len(xs))
    rows = -(-len(maps) // columns)
    columns = min(columns, len(maps))
    figure, axes = plt.subplots(
        rows, columns, figsize=(1.2 * columns, 1.35 * rows), squeeze=False, layout="constrained"
    )
    for i, ax in enumerate(axes.flat):
        if i >= len(maps):
            ax.axis("off")
            continue
        shades(ax, xs, ys, maps[i])
        dead = " (dead)" if not maps[i].any() else ""
        ax.set_title(f"{i}{dead}", fontsize=8)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_color("#cccccc")
    return figure


def loss_curve(losses: Sequence[float], ax: Axes | None = None) -> Axes:
    """The loss at each step."""
    ax = ax or plt.subplots(figsize=(4.5, 3))[1]
    ax.plot(losses, color=CLASS_COLORS[0])
    ax.set(xlabel="step", ylabel="loss", ylim=(0, None))
    return ax


def accuracy_curve(accuracies: Sequence[float], ax: Axes | None = None) -> Axes:
    """The accuracy at each step, in percent."""
    ax = ax or plt.subplots(figsize=(4.5, 3))[1]
    ax.plot([100 * a for a in accuracies], color=CLASS_COLORS[1])
    ax.set(xlabel="step", ylabel="accuracy (%)", ylim=(0, 103))
    return ax


def surroundings(X, resolution):
    """Coordinates along both axes, beyond the points by a margin, and the points of that grid."""
    low, high = X.min(axis=0), X.max(axis=0)
    margin = 0.15 * np.maximum(high - low, 1e-3)
    xs, ys = np.linspace(low - margin, high + margin, resolution).T
    return xs, ys, [(a, b) for b in ys for a in xs]


def shades(ax, xs, ys, scores):
    """Red above zero, blue below, and the line between where there is one."""
    reach = max(np.abs(scores).max(), 1e-9)
    levels = np.linspace(-reach, reach, 20)  # an even number: zero is in the middle of one shade
    ax.contourf(xs, ys, scores, levels=levels, cmap="RdBu_r", alpha=0.6)
    if scores.min() < 0 < scores.max():
        ax.contour(xs, ys, scores, levels=[0], colors="black", linewidths=1.2)


def apply(x, layer):
    return layer(x)


def numbers(output):
    return [v.data for v in ([output] if isinstance(output, Value) else output)]
