"""An SVG as Graphviz writes it: its texts kept within their boxes, and all of it as pixels."""

from __future__ import annotations

import io
import itertools
import math
import re
from typing import Any
from xml.etree import ElementTree

from . import fonts

MARGIN = 2.0  # points on both sides of a text
NARROWER = 0.9  # how wide Arial is, of the font that is drawn here
MOST_PIXELS = 60_000_000  # of an image
FINER = 3  # painted that much larger, for smooth edges
CURVE = 12  # lines for a curve
POINTS = 72  # an inch

HOLDERS = {"svg", "g", "a", "title"}
KNOWN = {  # attributes that are drawn here, or that do not show
    "class", "cx", "cy", "d", "fill", "font-family", "font-size", "height", "id", "lengthAdjust",
    "points", "rx", "ry", "space", "stroke", "text-anchor", "textLength", "title", "transform",
    "viewBox", "width", "x", "y",
}  # fmt: skip
BROKEN = (ArithmeticError, LookupError, OSError, TypeError, ValueError)  # an attribute that is
MOVED = r"scale\(([\d.]+)[ ,]([\d.]+)\) rotate\(0\) translate\(([-\d.]+)[ ,]([-\d.]+)\)"


class UnknownError(ValueError):
    """The SVG holds what is not drawn here."""


def fitted(svg: str) -> str:
    """The SVG with a length given to every text that might be wider than its box."""
    try:
        return squeezed(svg)
    except BROKEN:
        return svg


def squeezed(svg):
    root = ElementTree.fromstring(svg)
    rooms = {text: room for node in root.iter() for text, room in texts(node)}
    found = [length(text, rooms.get(text)) for text in root.iter() if name(text) == "text"]
    given = iter(
        f' textLength="{x:.2f}" lengthAdjust="spacingAndGlyphs"' if x else "" for x in found
    )
    return re.sub(r"<text\b", lambda match: match[0] + next(given), svg)


def texts(node):
    """The texts of a node's group, each with the room between the lines to its left and right."""
    if node.get("class") != "node":
        return
    walls = sorted({x for shape in node.iter() for x in sides(shape)})
    for text in node.iter():
        if name(text) == "text":
            x = float(text.get("x"))
            left = max((wall for wall in walls if wall < x), default=-math.inf)
            yield text, min((wall for wall in walls if wall > x), default=math.inf) - left


def sides(shape):
    """Where a shape of a node ends to the left and to the right."""
    if name(shape) in ("polygon", "polyline"):
        return [x for x, _ in points(shape.get("points"))]
    if name(shape) == "ellipse":
        middle, radius = float(shape.get("cx")), float(shape.get("rx"))
        return [middle - radius, middle + radius]
    return []


def length(text, room):
    """What a text must be squeezed to; nothing if it has room enough."""
    if room is None:
        return None
    room -= 2 * MARGIN
    wide = fonts.text_width(text.text or "", float(text.get("font-size", 14)))
    return min(room, NARROWER * wide) if wide > room > 0 else None


def png(svg: str, dpi: float) -> bytes:
    """The SVG as PNG. Raises UnknownError where it holds anything that Graphviz adds on demand."""
    try:
        return painted(svg, dpi)
    except BROKEN as error:
        raise UnknownError(str(error)) from error


def painted(svg, dpi):
    from PIL import Image, ImageDraw

    root = ElementTree.fromstring(svg)
    for element in root.iter():
        known = {key.rpartition("}")[2] for key in element.attrib} <= KNOWN
        if not (known and name(element) in HOLDERS | DRAWN.keys()):
            raise UnknownError(name(element))
    _, _, w, h = numbers(root.get("viewBox", ""), 4)
    scale = min(dpi / POINTS, math.sqrt(MOST_PIXELS / (w * h)))
    finer = FINER if w * h * (FINER * scale) ** 2 < MOST_PIXELS else 1
    size = max(1, round(w * scale)) * finer, max(1, round(h * scale)) * finer
    image = Image.new("RGBa", size)
    graph = next((g for g in root if name(g) == "g"), root)
    moved = re.fullmatch(MOVED, graph.get("transform", "scale(1 1) rotate(0) translate(0 0)"))
    if not moved:
        raise UnknownError("transform")
    pen = Pen(ImageDraw.Draw(image), scale * finer, *map(float, moved.groups()))
    for element in graph.iter():
        if name(element) in DRAWN:
            DRAWN[name(element)](pen, element)
    file = io.BytesIO()
    image.reduce(finer).convert("RGBA").save(file, "PNG", dpi=(dpi, dpi))
    return file.getvalue()


class Pen:
    """Draws elements of an SVG, whose coordinates it scales and moves."""

    def __init__(self, draw: Any, scale: float, wide: float, high: float, x: float, y: float):
        self.draw, self.scale, self.grown, self.moved = draw, scale, (wide, high), (x, y)

    def at(self, x, y):
        (wide, high), (right, down) = self.grown, self.moved
        return (x + right) * wide * self.scale, (y + down) * high * self.scale

    def width(self):
        return max(1, round(self.scale * self.grown[0]))

    def polygon(self, element):
        corners = [self.at(*point) for point in points(element.get("points"))]
        fill, ink = colour(element, "fill"), colour(element, "stroke")
        if fill:
            self.draw.polygon(corners, fill)
        if ink:
            self.draw.line([*corners, corners[0]], ink, self.width(), joint="curve")

    def polyline(self, element):
        corners = [self.at(*point) for point in points(element.get("points"))]
        self.draw.line(corners, colour(element, "stroke"), self.width())

    def path(self, element):
        commands = re.sub(r"[MC]", " ", element.get("d"))
        if re.search(r"[A-Za-z]", commands):
            raise UnknownError("path")
        line = [self.at(*point) for point in flattened(points(commands))]
        self.draw.line(line, colour(element, "stroke"), self.width(), joint="curve")

    def ellipse(self, element):
        x, y, rx, ry = (float(element.get(key)) for key in ("cx", "cy", "rx", "ry"))
        corners = [*self.at(x - rx, y - ry), *self.at(x + rx, y + ry)]
        self.draw.ellipse(corners, colour(element, "fill"), colour(element, "stroke"), self.width())

    def text(self, element):
        text = (element.text or "").replace("\xa0", " ")
        size = float(element.get("font-size")) * self.scale * self.grown[1] * NARROWER
        room = float(element.get("textLength", math.inf)) * self.scale * self.grown[0]
        size *= min(1.0, room / max(fonts.text_width(text, size), 1e-9))
        anchor = {"start": "l", "middle": "m", "end": "r"}[element.get("text-anchor", "start")]
        at = self.at(float(element.get("x")), float(element.get("y")))
        ink = colour(element, "fill") or (0, 0, 0, 255)
        fonts.write(self.draw, at, text, size, ink, anchor + "s", False)


DRAWN = {shape: getattr(Pen, shape) for shape in ("polygon", "polyline", "path", "ellipse", "text")}


def name(element):
    return element.tag.rpartition("}")[2]


def colour(element, key):
    """A colour of an element, or None; that of a fill is black where none is given, as in SVG."""
    from PIL import ImageColor

    given = element.get(key, "none" if key == "stroke" else "black")
    if given in ("none", "transparent"):
        return None
    try:
        return ImageColor.getcolor(given, "RGBA")
    except ValueError:
        raise UnknownError(given) from None


def numbers(text, n):
    found = [float(x) for x in re.findall(r"-?[\d.]+(?:e[-+]?\d+)?", text)]
    if len(found) != n or not all(map(math.isfinite, found)):
        raise UnknownError(text)
    return found


def points(text):
    found = [float(x) for x in re.findall(r"-?[\d.]+(?:e[-+]?\d+)?", text)]
    return list(zip(found[::2], found[1::2]))


def flattened(curve: list) -> list:
    """Points along a chain of Bézier curves: a point, then two control points and a point each."""
    line = [curve[0]]
    for i in range(0, len(curve) - 1, 3):
        line += [bezier(curve[i : i + 4], k / CURVE) for k in range(1, CURVE + 1)]
    return line


def bezier(points, t):
    """The point at t, from 0 to 1, by De Casteljau's rule."""
    while len(points) > 1:
        points = [
            ((1 - t) * x + t * u, (1 - t) * y + t * v)
            for (x, y), (u, v) in itertools.pairwise(points)
        ]
    return points[0]
