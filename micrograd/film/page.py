"""The film as HTML: a fragment for notebooks, which needs no kernel, and a page of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import shell
from .camera import Camera, chosen
from .packed import packed, text

if TYPE_CHECKING:
    from . import Film

MOST_CODED = 96_000  # characters of all weights
MOST_POINTS = 1000
MOST_LOSSES = 600  # besides those of the frames

IN_A_NOTEBOOK = "Run this cell, or trust the notebook, to play it."
IN_A_FILE = "This page plays it where scripts may run; here none does."
SCRIPTS = "packed.js", "network.js", "paint.js", "charts.js", "scene.js", "film.js"


def fragment(story: dict[str, Any], still: shell.Still, hint: str) -> str:
    """The HTML of a film, which is a picture with a hint where no script runs."""
    frames = len(story["steps"])
    hint = f"The last of {frames} frames. {hint}" if frames > 1 else hint
    return shell.fragment("microgradFilm", scripts(), asset("film.css"), story, still, hint)


def scripts() -> str:
    return shell.asset("functions.js") + "".join(map(asset, SCRIPTS))


def asset(name):
    return shell.asset(name, __package__)


def story(film: Film) -> dict[str, Any]:
    """All that the script shows."""
    frames, weights = within_budget(film.weights)
    steps = [film.steps[k] for k in frames]
    told = told_losses(len(film.losses), steps)
    return {
        "title": film.title(),
        **place(film),
        "steps": steps,
        "weights": weights,
        "losses": [told, text(np.array(film.losses)[told])],
        "batches": film.batches,
    }


def place(film: Film | Camera) -> dict[str, Any]:
    """What is the same in all frames: the network, and the points with their classes."""
    sizes, y = film.network.sizes, film.y
    classes = y.astype(int) if sizes[-1] > 1 else (y > 0).astype(int)
    return {
        "name": str(film.network),
        "sizes": sizes,
        "acts": film.network.acts,
        "points": text(film.X[:MOST_POINTS]),
        "classes": classes[:MOST_POINTS].tolist(),
        "labels": [label(y[classes == c], c) for c in range(max(2, sizes[-1]))],
    }


def within_budget(rows: np.ndarray) -> tuple[list[int], str]:
    """Which frames there is room for, and their weights, packed."""
    frames = list(range(len(rows)))
    while len(coded := packed(rows[frames])) > MOST_CODED and len(frames) > 2:
        frames = [frames[i] for i in chosen(len(frames) - 1, max(2, len(frames) * 4 // 5))]
    return frames, coded


def told_losses(n: int, steps: list[int]) -> list[int]:
    """Of n losses, those of the frames, and a number of others for the curve."""
    return sorted({k for k in steps if k < n} | set(range(0, n, max(1, -(-n // MOST_LOSSES)))))


def label(targets: np.ndarray, c: int) -> str:
    """What the points of a class are called: by their target where they have one."""
    found = np.unique(targets)
    return f"{found[0]:g}".replace("-", "−") if len(found) == 1 else ("≤ 0", "> 0")[c]
