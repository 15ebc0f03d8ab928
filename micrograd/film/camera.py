"""What is kept of a training while it runs: the weights of some steps, more at the start."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np

from .network import Network

MOST_NUMBERS, MOST_FRAMES = 60_000, 400  # kept of a training
FEWEST_FRAMES = 4
MOST_WEIGHTS = MOST_NUMBERS // FEWEST_FRAMES


class Camera:
    """Keeps the weights of a model before some of the steps of its training.

    Raises TypeError or ValueError, naming what it is, for a model or points that no film can show.
    """

    def __init__(self, model: Any, X: Any, y: Any, steps: int) -> None:
        self.X = points(X)
        self.network = Network(model, self.X)
        self.y = targets(y, len(self.X), self.network.sizes[-1])
        size = len(self.network.parameters)
        if size > MOST_WEIGHTS:
            raise ValueError(f"a film keeps up to {MOST_WEIGHTS} parameters, this model has {size}")
        self.most = min(MOST_FRAMES, MOST_NUMBERS // size)
        self.wanted = set(chosen(steps, self.most))
        self.frames: dict[int, list[float]] = {}  # by the number of steps done

    def see(self, step: int) -> None:
        """Keep the weights, if those after this number of steps are wanted."""
        if step in self.wanted:
            self.keep(step)

    def keep(self, step: int) -> None:
        """Keep the weights after this number of steps, and fewer of older ones if need be."""
        self.frames[step] = self.network.weights()
        if len(self.frames) > 2 * self.most:
            kept = list(self.frames.items())
            self.frames = dict(kept[i] for i in chosen(len(kept) - 1, self.most))

    def end(self, steps: int) -> None:
        """Keep the weights after the last step, which may have come early."""
        kept = [(k, row) for k, row in self.frames.items() if k < steps]
        kept.append((steps, self.network.weights()))
        self.frames = dict(kept[i] for i in chosen(len(kept) - 1, self.most))


def chosen(last: int, most: int) -> list[int]:
    """Of the numbers from 0 to `last`, at most so many: both ends, and more at the start."""
    if last < most:
        return list(range(last + 1))
    return sorted({round(last * (i / (most - 1)) ** 2) for i in range(most)})


def points(X):
    """X as an array of points, shape (n, 2)."""
    try:
        X = np.asarray(X, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"a film needs points of two numbers, got {reprlib.repr(X)}") from None
    if X.ndim != 2 or X.shape[1] != 2:
        raise ValueError(f"a film needs points of two numbers, X has the shape {X.shape}")
    if not np.isfinite(X).all():
        raise ValueError(f"a film needs finite points, got {X[~np.isfinite(X)][0]}")
    return X


def targets(y, n, outputs):
    """y as an array of n labels: finite numbers, or classes where there are several outputs."""
    try:
        y = np.asarray(y, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"a film needs a number for each point, got {reprlib.repr(y)}") from None
    if y.shape != (n,):
        raise ValueError(f"a film needs a number for each of {n} points, y has shape {y.shape}")
    odd = y[~(np.isin(y, range(outputs)) if outputs > 1 else np.isfinite(y))]
    if odd.size:
        wanted = f"classes from 0 to {outputs - 1}" if outputs > 1 else "finite targets"
        raise ValueError(f"a film needs {wanted}, got {odd[0]:g}")
    return y
