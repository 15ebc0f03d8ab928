"""Pictures of a model and of its training: decision boundary, loss, accuracy, neurons.

Each function draws into `ax`, or into a figure of its own, and returns what it drew into.
What has the wrong shape, or is not finite, raises ValueError.
"""

from __future__ import annotations

import io
import math
import os
import reprlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import reduce
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from . import files
from .engine import Value

CLASS_COLORS = ("#2166ac", "#b2182b", "#4d9221", "#762a83", "#e08214")


def decision_boundary(
    model: Callable,
    X: np.ndarray,
    y: Sequence | np.ndarray,
    ax: Axes | None = None,
    *,
    resolution: int = 80,
) -> Axes:
    """The points X (n, 2), coloured by label y, over the model's score for every point around them.

    A model with one output gets its score in shades and the line where it is 0; one with several
    gets the class of the largest, with the lines where two are equally large.
    """
    X = points(X)
    xs, ys, grid = surroundings(X, resolution)
    scores = outputs(model, grid)
    several = scores.shape[1] > 1
    classes = labels(y, len(X), several)
    ax = canvas(ax, (4.5, 4))
    maps = scores.T.reshape(-1, len(ys), len(xs))
    if several:
        regions(ax, xs, ys, maps)
    else:
        shades(ax, xs, ys, maps[0])
    fill = [colour(c) for c in classes]
    ax.scatter(X[:, 0], X[:, 1], c=fill, s=22, edgecolors="white", linewidths=0.6, zorder=3)
    ax.set(xlabel="x₁", ylabel="x₂", xlim=xs[[0, -1]], ylim=ys[[0, -1]])
    legend(ax, dict(zip(classes.tolist(), np.asarray(y).tolist())))
    return ax


def neuron_maps(
    model: Any, X: np.ndarray, *, layer: int = 0, resolution: int = 30, columns: int = 8
) -> Figure:
    """One small map for each neuron of an MLP's layer: its output at all points around X (n, 2)."""
    if not hasattr(model, "layers"):
        raise TypeError(f"neuron_maps() needs an MLP, got {type(model).__name__} {model!r}")
    layers = model.layers[: whole("layer", layer, 0, len(model.layers) - 1) + 1]
    columns = whole("columns", columns, 1)
    xs, ys, grid = surroundings(points(X), resolution)
    maps = outputs(lambda point: reduce(apply, layers, point), grid).T.reshape(-1, len(ys), len(xs))
    rows = -(-len(maps) // columns)
    columns = min(columns, len(maps))
    figure, axes = plt.subplots(
        rows,
        columns,
        figsize=(1.2 * columns, 1.35 * rows),
        squeeze=False,
        layout="constrained",
        facecolor="white",
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
    heights = curve("losses", losses)
    ax = canvas(ax, (4.5, 3))
    ax.plot(heights, color=CLASS_COLORS[0])
    ax.set(xlabel="step", ylabel="loss", ylim=(0, None))
    return ax


def accuracy_curve(accuracies: Sequence[float], ax: Axes | None = None) -> Axes:
    """The accuracy at each step, in percent."""
    shares = curve("accuracies", accuracies)
    for share in shares:
        if not 0 <= share <= 1:
            raise ValueError(f"accuracies are from 0 to 1, got {share}")
    ax = canvas(ax, (4.5, 3))
    ax.plot(100 * shares, color=CLASS_COLORS[1])
    ax.set(xlabel="step", ylabel="accuracy (%)", ylim=(0, 103))
    return ax


def save(figure: Figure, path: str | os.PathLike, dpi: float = 120) -> None:
    """Write a figure to a file in the format of its suffix, such as .png or .svg."""
    picture = io.BytesIO()
    figure.savefig(picture, format=Path(path).suffix[1:] or "png", dpi=dpi)
    files.write(path, picture.getvalue())


def usual_style() -> AbstractContextManager:
    """A context without a matplotlibrc, which may wait in any folder and have LaTeX run."""
    return plt.style.context("default")


def canvas(ax, figsize):
    """The Axes given, or those of a new figure."""
    if ax is None:
        return plt.subplots(figsize=figsize, facecolor="white")[1]
    if not isinstance(ax, Axes):
        raise TypeError(f"ax is one matplotlib Axes, got {type(ax).__name__} {reprlib.repr(ax)}")
    return ax


def points(X):
    X = np.asarray(X, dtype=float)
    if X.ndim != 2 or X.shape[1] != 2 or not len(X):
        raise ValueError(f"X holds points, shape (n, 2), got shape {X.shape}")
    return finite("X holds", X)


def labels(y, n, several):
    """y as classes: 0 and 1 by its sign, or whole numbers where there are several scores."""
    y = np.asarray(y, dtype=float)
    if y.shape != (n,):
        raise ValueError(f"y holds a label for each of {n} points, got shape {y.shape}")
    finite("y holds", y)
    if not several:
        return (y > 0).astype(int)
    odd = y[(y < 0) | (y % 1 > 0)]
    if odd.size:
        raise ValueError(f"y holds classes, whole numbers from 0, got {odd[0]}")
    return y.astype(int)


def curve(name, xs):
    xs = np.asarray(xs, dtype=float)
    if xs.ndim != 1:
        raise ValueError(f"{name} are numbers in a list, got shape {xs.shape}")
    return xs


def finite(what, xs):
    odd = xs[~np.isfinite(xs)]
    if odd.size:
        raise ValueError(f"{what} finite numbers, got {odd[0]}")
    return xs


def whole(name, n, low, high=math.inf):
    if not (isinstance(n, Integral) and low <= n <= high):
        to = f" to {high}" if high < math.inf else ""
        raise ValueError(f"{name} is a whole number from {low}{to}, got {n!r}")
    return n


def surroundings(X, resolution):
    """Coordinates along both axes, beyond the points by a margin, and the points of that grid."""
    whole("resolution", resolution, 2)
    low, high = X.min(axis=0), X.max(axis=0)
    margin = 0.15 * np.maximum(high - low, 1e-3)
    xs, ys = np.linspace(low - margin, high + margin, resolution).T
    return xs, ys, [(a, b) for b in ys for a in xs]


def shades(ax, xs, ys, scores):
    """Red above zero, blue below, pale where it is less than 1, and the line between."""
    reach = max(np.abs(scores).max(), 1.0)
    levels = np.linspace(-reach, reach, 20)  # an even number: zero is in the middle of one shade
    ax.contourf(xs, ys, scores, levels=levels, cmap="RdBu_r", alpha=0.6)
    if scores.min() < 0 < scores.max():
        ax.contour(xs, ys, scores, levels=[0], colors="black", linewidths=1.2)


def regions(ax, xs, ys, scores):
    """For each class where its score is the largest, bounded where it is as large as another."""
    for c, score in enumerate(scores):
        lead = score - np.delete(scores, c, axis=0).max(axis=0)
        if lead.max() > 0:
            ax.contourf(xs, ys, lead, levels=[0, lead.max()], colors=[colour(c)], alpha=0.3)
            if lead.min() < 0:
                ax.contour(xs, ys, lead, levels=[0], colors="black", linewidths=0.8)


def colour(c):
    return CLASS_COLORS[c % len(CLASS_COLORS)]


def legend(ax, names):
    """What the colours of the points stand for: their labels, by class."""
    dots = [
        Line2D([], [], ls="", marker="o", ms=5, color=colour(c), label=f"{names[c]:g}")
        for c in sorted(names)
    ]
    ax.legend(handles=dots, title="label", loc="upper right", fontsize=8, title_fontsize=8)


def apply(x, layer):
    return layer(x)


def outputs(model, grid):
    """What the model gives for each point, as numbers: an array (points, outputs)."""
    return finite("the scores are", np.array([numbers(model(point)) for point in grid]))


def numbers(output):
    found = [output] if isinstance(output, Value) else output
    found = list(found) if isinstance(found, Iterable) else []
    if not found or not all(isinstance(v, Value) for v in found):
        raise TypeError(
            "a picture needs a model that gives a Value or a list of Values, "
            f"got {type(output).__name__} {reprlib.repr(output)}"
        )
    return [v.data for v in found]
