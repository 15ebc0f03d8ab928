"""The frames of the player as pixels: for files, slides, and pages where no script runs."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..fonts import lines, write
from ..raster import flattened
from ..shell import colours
from .replay import Flow, Step
from .scene import (
    NAME_SIZE,
    PADDING,
    PLATE_SIZE,
    ROW,
    TEXT_SIZE,
    Box,
    Scene,
)
from .words import Words, number, short, symbol

CAPTION_SIZE, CAPTION_ROW, CAPTION_LEFT, CAPTION_INDENT = 14, 22, 12, 90
NARROWEST = 640
MOST_PIXELS = 8_000_000  # of an image, before it is made finer
FINER = 3  # painted that much larger, for smooth edges


@dataclass(frozen=True)
class Frame:
    """All that there is to see at one step."""

    step: Step
    known: frozenset[int]  # the nodes whose data have been computed
    grads: dict[int, float]
    flows: frozenset[Flow]  # up to here

    @property
    def backward(self):
        return self.step.kind in ("seed", "backward", "end")


def frames(words: Words, steps: Sequence[Step]) -> Iterator[Frame]:
    known = frozenset(i for i, n in enumerate(words.nodes) if not n.children)
    grads: dict[int, float] = {}
    flows: frozenset[Flow] = frozenset()
    for step in steps:
        if step.kind == "forward":
            known |= {step.node}
        grads, flows = grads | step.grads, flows | set(step.flows)
        yield Frame(step, known, grads, flows)


def first_frame(words: Words, steps: Sequence[Step]) -> Frame:
    return next(frames(words, steps))


def last_frame(words: Words, steps: Sequence[Step]) -> Frame:
    flows = frozenset(f for step in steps for f in step.flows)
    return Frame(steps[-1], frozenset(range(len(words.nodes))), steps[-1].grads, flows)


class Painter:
    """Paints frames, all in one size: that of the longest caption among `steps`.

    Of a scene larger than `room`, a width and a height, it paints the part around the last node.
    """

    def __init__(
        self,
        words: Words,
        steps: Sequence[Step],
        scene: Scene,
        room: tuple[float, float] = (math.inf, math.inf),
    ) -> None:
        self.words, self.scene, self.part = words, scene, part(scene, *room)
        self.w = max(self.part.w, NARROWEST)
        rows = max(len(self.caption(s)) for s in steps)
        self.h = self.part.h + rows * CAPTION_ROW + CAPTION_LEFT

    def image(self, frame: Frame, scale: float, colours: int) -> Any:
        """The frame as a Pillow image, `scale` pixels for each CSS pixel, in so many colours."""
        from PIL import Image, ImageDraw

        scale = min(scale, math.sqrt(MOST_PIXELS / (self.w * self.h)))
        self.scale, self.colours = scale * FINER, light_theme()
        size = FINER * max(1, round(self.w * scale)), FINER * max(1, round(self.h * scale))
        image = Image.new("RGB", size, self.colours["paper"])
        self.draw = ImageDraw.Draw(image)
        for flow, arrow in zip(self.scene.flows, self.scene.arrows):
            if touches(around(arrow), self.part):
                self.arrow(frame, flow, arrow)
        for flow, box in zip(self.scene.flows, self.scene.plates):
            if flow in frame.flows and touches(box, self.part):
                self.plate(flow, box, flow in frame.step.flows)
        for i, box in enumerate(self.scene.boxes):
            if touches(box, self.part):
                self.node(frame, i)
        self.write_caption(frame)
        return image.reduce(FINER).quantize(colours, Image.Quantize.FASTOCTREE)

    def arrow(self, frame, flow, curve):
        back = flow in frame.step.flows
        ahead = frame.step.kind == "forward" and flow.parent == frame.step.node
        ink = "back" if back else "ahead" if ahead else "outline"
        self.colours = light_theme(faint=flow.parent not in frame.known)
        self.line(flattened(curve), ink, 2.2 if back or ahead else 1.2)
        self.tip(curve[0] if back else curve[-1], 9 if back else -8, ink)

    def plate(self, flow, box, on):
        self.colours = light_theme()
        self.box(box, "back-paper" if on else "paper", "back" if on else "rule", 1, 5)
        upper, lower = short(flow)
        middle = box.x + box.w / 2
        self.text((middle, box.y + 9.5), upper, PLATE_SIZE, "ink" if on else "soft", "mm")
        self.text((middle, box.y + 23), lower, PLATE_SIZE, "back", "mm", bold=True)

    def node(self, frame, i):
        node, box, op = self.words.nodes[i], self.scene.boxes[i], self.scene.ops[i]
        step = frame.step
        self.colours = light_theme(faint=i not in frame.known)
        on = i == step.node and step.kind not in ("start", "end")
        gets = any(f.child == i for f in step.flows)
        ink = "ahead" if on and not frame.backward else "back" if on or gets else "outline"
        paper = f"{ink}-paper" if on else "value" if op else "leaf"
        middle = box.y + box.h / 2
        if op:
            self.line([(op.x + op.w, middle), (box.x, middle)], "outline", 1.2)
            self.box(op, "op", ink if on else "op-rule", 2 if on else 1, op.h / 2)
            self.text((op.x + op.w / 2, middle), symbol(node.op), TEXT_SIZE, "ink", "mm")
        self.box(box, paper, ink, 2.5 if on else 2 if gets else 1, 6)
        named = bool(node.label)
        name, ink = self.words.names[i], "ink" if named else "soft"
        up = 0 if node.constant else ROW
        self.text((box.x + box.w / 2, middle - up), name, NAME_SIZE, ink, "mm", named)
        if node.constant:
            return
        grad, reached = frame.grads[i], frame.backward and frame.grads[i] != 0
        self.row(box, middle, "data", number(node.data) if i in frame.known else "", "ink", False)
        self.row(box, middle + ROW, "grad", number(grad), "back" if reached else "soft", reached)

    def row(self, box, y, key, value, ink, bold):
        self.text((box.x + PADDING, y), key, TEXT_SIZE, "soft", "lm")
        self.text((box.x + box.w - PADDING, y), value, TEXT_SIZE, ink, "rm", bold)

    def write_caption(self, frame):
        self.colours = light_theme()
        left, top = self.part.x, self.part.y + self.part.h
        self.box(Box(left, top, self.w, self.h - self.part.h), "paper", "paper", 0, 0)
        name, ink = ("backward", "back") if frame.backward else ("forward", "ahead")
        at = (left + CAPTION_LEFT, top + CAPTION_ROW / 2)
        self.text(at, name, TEXT_SIZE, ink, "lm", True)
        for i, (text, bold) in enumerate(self.caption(frame.step)):
            at = (left + CAPTION_INDENT, top + (i + 0.5) * CAPTION_ROW)
            self.text(at, text, CAPTION_SIZE, "ink", "lm", bold)

    def caption(self, step):
        """The lines of text below the picture, and whether each is bold."""
        head, *children = self.words.lines(step)
        width = self.w - CAPTION_INDENT - CAPTION_LEFT
        return [
            *((line, True) for line in lines(head, width, CAPTION_SIZE, bold=True)),
            *((line, False) for child in children for line in lines(child, width, CAPTION_SIZE)),
        ]

    # In CSS pixels

    def at(self, x, y):
        return (x - self.part.x) * self.scale, (y - self.part.y) * self.scale

    def line(self, points, ink, width):
        at = [self.at(*point) for point in points]
        self.draw.line(at, self.colours[ink], round(width * self.scale), joint="curve")

    def tip(self, point, length, ink):
        x, y = self.at(*point)
        length, half = length * self.scale, 4 * self.scale
        self.draw.polygon(
            [(x, y), (x + length, y - half), (x + length, y + half)], self.colours[ink]
        )

    def box(self, box, paper, ink, width, radius):
        corners = [*self.at(box.x, box.y), *self.at(box.x + box.w, box.y + box.h)]
        paper, ink, width = self.colours[paper], self.colours[ink], round(width * self.scale)
        self.draw.rounded_rectangle(corners, radius * self.scale, paper, ink, width)

    def text(self, point, text, size, ink, anchor, bold=False):
        size *= self.scale
        write(self.draw, self.at(*point), text, size, self.colours[ink], anchor, bold)


def part(scene, w, h):
    """The part of a scene that has room in so much space, with the last node at its right."""
    w, h, last = min(w, scene.w), min(h, scene.h), scene.boxes[-1]
    x = min(last.x + last.w + 10, scene.w) - w
    y = last.y + last.h / 2 - h / 2
    return Box(max(x, 0.0), min(max(y, 0.0), scene.h - h), w, h)


def around(points):
    xs, ys = zip(*points)
    return Box(min(xs), min(ys), max(xs) - min(xs) + 1, max(ys) - min(ys) + 1)


def touches(a, b):
    """Whether two boxes have room in common."""
    return a.x < b.x + b.w and b.x < a.x + a.w and a.y < b.y + b.h and b.y < a.y + a.h


@functools.cache
def light_theme(faint: bool = False) -> dict[str, tuple[int, ...]]:
    """The colours of the light theme; `faint` as for a value that is still to come."""
    from PIL import ImageColor

    strength = 0.4 if faint else 1.0
    return {
        name: tuple(round(255 + strength * (c - 255)) for c in ImageColor.getrgb(colour))
        for name, colour in colours().items()
    }
