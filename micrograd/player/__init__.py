"""Steps through a graph: the forward pass, then the backward pass, one node at a time."""

from __future__ import annotations

import base64
import functools
import io
import math
import os
import reprlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from .. import files, shell
from ..engine import is_real
from ..fonts import drawable
from ..layout import DrawError
from ..shell import Still
from ..viz import GraphTooLargeError
from . import page
from .paint import Painter, first_frame, frames, last_frame
from .replay import Node, graph, steps
from .scene import scene
from .words import Words

__all__ = ["DrawError", "GraphTooLargeError", "Player", "step_through"]

FILE_SCALE, SLIDE_SCALE = 2.0, 1.0  # pixels for a CSS pixel
COLOURS = 128
MOST_WORDS = 40  # steps told where there is no picture
STILL = 1150, 420  # CSS pixels: of a larger picture, the part around the last node stands still
STILL_PIXELS, STILL_COLOURS = 450_000, 24  # keep the picture inside a notebook small
NO_PICTURE = base64.b64decode(  # a PNG of one clear pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNgYAAAAAMAASsJTYQAAAAASUVORK5CYII="
)
READING = 1000, 25  # milliseconds to look at a frame, and to read each of its letters


def step_through(
    root: Any,
    *,
    expand: bool = False,
    predict: bool = False,
    max_nodes: int = 500,
    names: Mapping[str, Any] | None = None,
) -> Player:
    """A player of the computation of `root`; it shows itself in a notebook.

    Its gradients are those of one fresh `root.backward()`, with every gradient zero before; the
    graph is left as it was. `expand` spells fused dot products out. With `predict` each gradient
    is asked for before it is shown. `names`, such as {"x": x, "model": model}, says what values
    without a label are called (see `names.called`); leaves that it does not name are constants
    then. Raises GraphTooLargeError above `max_nodes` values, and RuntimeError, naming the
    operation, where an operation's own backward fails.
    """
    if not (isinstance(getattr(root, "_prev", None), Collection) and hasattr(root, "_backward")):
        raise TypeError(
            f"step_through() needs one Value, got {type(root).__name__} {reprlib.repr(root)}"
        )
    if not (is_real(max_nodes) and max_nodes >= 1):
        raise ValueError(f"step_through() needs max_nodes from 1, got {max_nodes!r}")
    return Player(graph(root, expand, max_nodes, names), predict)


class Player:
    """What `step_through` returns: a recording, which later changes of the graph leave alone.

    `print` tells it in words. Whatever needs its picture raises DrawError without a dot program.
    """

    def __init__(self, nodes: list[Node], predict: bool) -> None:
        self.steps = steps(nodes)
        self._words = Words(nodes)
        self._predict = predict

    def html(self, path: str | os.PathLike) -> Path:
        """Write a page that holds all it needs, and works offline; return its path."""
        files.write(path, shell.page(self._words.title(), self._html(page.IN_A_FILE)))
        return Path(path)

    def frames(self, folder: str | os.PathLike) -> list[Path]:
        """Write one PNG a step into the folder, which is made if need be; return their paths."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        paths = [Path(folder, f"step_{i:03}.png") for i in range(len(self.steps))]
        for path, image in zip(paths, self._images(FILE_SCALE)):
            files.write(path, encoded(image, "PNG"))
        return paths

    def gif(self, path: str | os.PathLike) -> Path:
        """Write an animation that leaves time to read each step; return its path."""
        pause, letter = READING
        first, *rest = self._images(SLIDE_SCALE)
        times = [pause + letter * sum(map(len, self._words.lines(s))) for s in self.steps]
        animated = {"save_all": True, "append_images": rest, "duration": times, "loop": 0}
        files.write(path, encoded(first, "GIF", **animated))
        return Path(path)

    def __repr__(self):
        return f"<Player of {len(self._words.nodes)} values, {len(self.steps)} steps>"

    def __str__(self):
        return "\n".join("\n  ".join(self._words.lines(s)) for s in self.steps)

    def _repr_mimebundle_(self, include=None, exclude=None, **_):
        try:
            html, still = self._html(page.IN_A_NOTEBOOK), self._still
        except DrawError as error:
            return {"text/plain": f"{error}\n\n{self._instead()}"}, {}
        bundle = {"text/html": html, "image/png": still.png, "text/plain": repr(self)}
        return bundle, {"image/png": {"width": still.width, "alt": still.alt}}

    def _html(self, hint):
        story = page.story(self._words, self.steps, self._scene, self._predict)
        return page.fragment(story, self._still, hint)

    def _instead(self):
        """The steps in words where they are few, and none is to be guessed."""
        if self._predict or len(self.steps) > MOST_WORDS:
            return "print() tells the steps of this player in words."
        return f"The steps in words:\n{self}"

    @functools.cached_property
    def _still(self):
        """What stands where no script runs: the last frame; the first where there is to guess."""
        standing = first_frame if self._predict else last_frame
        frame = standing(self._words, self.steps)
        alt = self._words.summary(frame.known, frame.grads)
        if not drawable():
            return Still(NO_PICTURE, 1, alt)
        painter = Painter(self._words, [frame.step], self._scene, STILL)
        scale = min(FILE_SCALE, math.sqrt(STILL_PIXELS / (painter.w * painter.h)))
        image = painter.image(frame, scale, STILL_COLOURS)
        return Still(encoded(image, "PNG", optimize=True), round(painter.w), alt)

    @functools.cached_property
    def _scene(self):
        return scene(self._words, self.steps)

    def _images(self, scale):
        painter = Painter(self._words, self.steps, self._scene)
        return (painter.image(f, scale, COLOURS) for f in frames(self._words, self.steps))


def encoded(image, format, **settings):
    """The bytes of a Pillow image in a file format."""
    file = io.BytesIO()
    image.save(file, format, **settings)
    return file.getvalue()
