"""Trainings as films, which play without a kernel: the boundary, every neuron, every weight."""

from __future__ import annotations

import functools
import io
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import files, shell
from ..engine import Value
from . import page
from .camera import MOST_WEIGHTS, Camera, chosen

__all__ = ["MOST_WEIGHTS", "Camera", "Film", "snapshot"]

STILL_DPI, STILL_COLOURS = 72, 40
GIF_DPI, GIF_COLOURS, GIF_FRAMES = 80, 96, 40
GIF_SECONDS, GIF_END = 8, 2  # of all frames, and how long the last one stays


def snapshot(model: Any, X: Any, y: Any) -> Film:
    """A film of one frame: a model with two inputs as it is now, among its points.

    Raises TypeError or ValueError for what a film cannot show.
    """
    camera = Camera(model, X, y, 0)
    camera.see(0)
    return Film(camera, [])


class Film:
    """The weights of a training at some of its steps; shows itself in a notebook, where it plays.

    `steps` says after how many steps the weights of each frame were kept; losses[k] is the loss
    before step k, and there is one more after the last step where it is known. Of many points, the
    page shows the first thousand.
    """

    def __init__(self, camera: Camera, losses: Sequence[float], batches: bool = False) -> None:
        """`batches` says whether each loss is that of a batch."""
        self.network, self.X, self.y = camera.network, camera.X, camera.y
        self.steps, self.losses, self.batches = list(camera.frames), list(losses), batches
        self.weights = np.array(list(camera.frames.values()))

    def html(self, path: str | os.PathLike) -> Path:
        """Write a page that holds all it needs, and works offline; return its path."""
        files.write(path, shell.page(self.title(), self._html(page.IN_A_FILE)))
        return Path(path)

    def gif(self, path: str | os.PathLike) -> Path:
        """Write an animation of the boundary and the loss; return its path."""
        kept = chosen(len(self.steps) - 1, GIF_FRAMES)
        first, *rest = [picture(self._figure(k), GIF_DPI, GIF_COLOURS) for k in kept]
        times = [1000 * GIF_SECONDS // len(kept)] * (len(kept) - 1) + [1000 * GIF_END]
        file = io.BytesIO()
        first.save(file, "GIF", save_all=True, append_images=rest, duration=times, loop=0)
        files.write(path, file.getvalue())
        return Path(path)

    def title(self) -> str:
        """What it is a film of, in a line."""
        steps = self.steps[-1]
        return f"{self.network} after {steps} steps" if steps else str(self.network)

    def scores(self, frame: int, X: Any) -> np.ndarray:
        """What the network of a frame gives for points (n, 2): an array (n, outputs)."""
        return self.network.scores(self.weights[frame], X)

    def right(self, frame: int) -> int:
        """How many of the points the network of a frame has on their side."""
        scores = self.scores(frame, self.X)
        if scores.shape[1] == 1:
            return int(((scores[:, 0] > 0) == (self.y > 0)).sum())
        return int((scores.argmax(axis=1) == self.y).sum())

    def __repr__(self):
        return f"<Film of {self.network}, {self.steps[-1]} steps, {len(self.steps)} frames>"

    def _repr_mimebundle_(self, include=None, exclude=None, **_):
        html, still = self._html(page.IN_A_NOTEBOOK), self._still
        bundle = {"text/html": html, "image/png": still.png, "text/plain": repr(self)}
        return bundle, {"image/png": {"width": still.width, "alt": still.alt}}

    def _html(self, hint):
        return page.fragment(page.story(self), self._still, hint)

    @functools.cached_property
    def _still(self):
        image, file = picture(self._figure(-1), STILL_DPI, STILL_COLOURS), io.BytesIO()
        image.save(file, "PNG", optimize=True)
        return shell.Still(file.getvalue(), image.width, self._alt())

    def _alt(self):
        losses = self.losses
        fell = f", loss {losses[0]:.4g} at first, {losses[-1]:.4g} at last" if losses else ""
        return f"{self.title()}: {self.right(-1)} of {len(self.X)} points right{fell}"

    def _figure(self, frame):
        """The boundary of a frame, and the loss up to there."""
        from matplotlib.figure import Figure

        from .. import plot

        step = self.steps[frame]
        figure = Figure(figsize=(8.4 if self.losses else 4.6, 3.7), layout="constrained")
        axes = figure.subplots(1, 2 if self.losses else 1, squeeze=False)[0]
        plot.decision_boundary(self._model(frame), self.X, self.y, axes[0], resolution=60)
        axes[0].set_title(f"{self.right(frame)} of {len(self.X)} right")
        if self.losses:
            plot.loss_curve(self.losses[: step + 1], axes[1])
            high = max(filter(math.isfinite, self.losses), default=1.0)
            axes[1].set(xlim=(0, max(self.steps[-1], 1)), ylim=(0, 1.05 * high or 1.0))
            axes[1].set_title(f"after {step} steps")
        return figure

    def _model(self, frame):
        """The network of a frame, as a function of a point."""

        def model(point):
            scores = list(map(Value, self.scores(frame, [point])[0].tolist()))
            return scores[0] if len(scores) == 1 else scores

        return model


def picture(figure, dpi, colours):
    """A figure of matplotlib as a Pillow image in so many colours."""
    from PIL import Image

    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi, facecolor="white")
    return Image.open(file).convert("RGB").quantize(colours, dither=Image.Dither.NONE)
