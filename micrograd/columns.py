"""DOT text drawn in columns, as SVG, for where no program can be run, such as in a browser."""

from __future__ import annotations

import html
import itertools
import re
from dataclasses import dataclass, field

from . import fonts
from .layered import layered

MARGIN, PAD_X, PAD_Y = 4.0, 5.0, 3.0  # points, as all lengths here
INCH = 72
NARROWER = 0.9  # how wide letters are, of the font that is measured
LINE = 1.25  # height of a line, of the size of its letters
TIP = 10.0  # length of an arrow's tip of size 1
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|->|[^\s"\[\]{};,=]+|[\[\]{};,=]')
SIDEWAYS = ("LR", "RL")

SVG = """\
<svg width="{w:.0f}pt" height="{h:.0f}pt" viewBox="0 0 {w:.2f} {h:.2f}" xmlns="http://www.w3.org/2000/svg">
<g class="graph">
{parts}
</g>
</svg>
"""


class UnknownError(ValueError):
    """The text asks for what is not drawn here."""


@dataclass
class Graph:
    """What a DOT text says: attributes of the whole, and of nodes and edges, in their order."""

    attributes: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, dict[str, str]] = field(default_factory=dict)
    edges: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


def svg(source: str) -> str:
    """The picture of DOT text as the package graphviz writes it.

    Raises UnknownError for parts of the language that drawings here do without.
    """
    graph = parsed(source)
    rankdir = graph.attributes.get("rankdir", "TB")
    shapes = {name: shape(attributes, rankdir) for name, attributes in graph.nodes.items()}
    places, w, h = placed(graph, shapes, rankdir)
    parts = [arrow(places[tail], places[head], look, rankdir) for tail, head, look in graph.edges]
    parts += [shapes[name].drawn(*places[name][:2]) for name in graph.nodes]
    return SVG.format(w=w, h=h, parts="\n".join(parts))


# The text


def parsed(source: str) -> Graph:
    """The graph that a DOT text tells of."""
    lines = [line for line in source.splitlines() if not line.lstrip().startswith("//")]
    tokens = TOKEN.findall("\n".join(lines))
    graph = Graph()
    defaults: dict[str, dict[str, str]] = {"node": {}, "edge": {}}
    if tokens[:1] == ["strict"]:
        tokens = tokens[1:]
    at = tokens.index("{") + 1 if "{" in tokens else 0
    if tokens[:1] != ["digraph"] or not at or tokens[-1] != "}":
        raise UnknownError("it is no digraph")
    while at < len(tokens) - 1:
        names, at = [plain(tokens[at])], at + 1
        while tokens[at] == "->":
            names, at = [*names, plain(tokens[at + 1])], at + 2
        if tokens[at] == "{" or names[0] in ("subgraph", "{", "}"):
            raise UnknownError("it has a part within the graph")
        if tokens[at] == "=":
            graph.attributes[names[0]], at = plain(tokens[at + 1]), at + 2
            continue
        given, at = attributes(tokens, at)
        note(graph, defaults, names, given)
        at += tokens[at] == ";"
    return graph


def attributes(tokens, at):
    """The attributes in brackets from there on, if there are any, and the place behind them."""
    found = {}
    while tokens[at] == "[":
        at += 1
        while tokens[at] != "]":
            if tokens[at] in (",", ";"):
                at += 1
                continue
            found[plain(tokens[at])], at = plain(tokens[at + 2]), at + 3
        at += 1
    return found, at


def note(graph, defaults, names, given):
    """Put a statement into the graph."""
    if names == ["graph"]:
        graph.attributes |= given
    elif names[0] in defaults and len(names) == 1:
        defaults[names[0]] |= given
    else:
        for name in names:
            node = graph.nodes.setdefault(name, {"label": name, **defaults["node"]})
            node |= given if len(names) == 1 else {}
        for tail, head in itertools.pairwise(names):
            graph.edges.append((tail, head, {**defaults["edge"], **given}))


def plain(token):
    """What a token stands for."""
    return token[1:-1].replace('\\"', '"') if token.startswith('"') else token


# Shapes


@dataclass
class Text:
    """A text in a box of its own, or a row or column of such boxes."""

    w: float
    h: float
    words: str = ""
    size: float = 0.0
    parts: list[Text] = field(default_factory=list)
    row: bool = False

    def stretched(self, w, h):
        """The same in more room, which its parts share."""
        if self.parts and self.row:
            more = (w - self.w) / len(self.parts)
            self.parts = [part.stretched(part.w + more, h) for part in self.parts]
        elif self.parts:
            more = (h - self.h) / len(self.parts)
            self.parts = [part.stretched(w, part.h + more) for part in self.parts]
        self.w, self.h = w, h
        return self

    def drawn(self, x, y, ink):
        """Its words, and the lines between its parts, as SVG."""
        if not self.parts:
            base = y + self.h / 2 + 0.34 * self.size
            yield (
                f'<text text-anchor="middle" x="{x + self.w / 2:.2f}" y="{base:.2f}" '
                f'font-family="Helvetica,Arial,sans-serif" font-size="{self.size:.2f}">'
                f"{html.escape(self.words)}</text>"
            )
        for i, part in enumerate(self.parts):
            if i:
                end = (x, y + self.h) if self.row else (x + self.w, y)
                yield f'<polyline fill="none" stroke="{ink}" points="{pairs([(x, y), end])}"/>'
            yield from part.drawn(x, y, ink)
            x, y = (x + part.w, y) if self.row else (x, y + part.h)


@dataclass
class Shape:
    """A node: its outline around a text."""

    text: Text
    w: float
    h: float
    look: dict[str, str]
    round: bool

    def drawn(self, x, y):
        """The node with its left upper corner there, as SVG."""
        ink, fill = self.look.get("color", "black"), "none"
        if "filled" in self.look.get("style", ""):
            fill = self.look.get("fillcolor", "lightgrey")
        w, h, text = self.w, self.h, self.text
        if self.round:
            outline = (
                f'<ellipse fill="{fill}" stroke="{ink}" cx="{x + w / 2:.2f}" cy="{y + h / 2:.2f}" '
                f'rx="{w / 2:.2f}" ry="{h / 2:.2f}"/>'
            )
        else:
            corners = [(x, y), (x, y + h), (x + w, y + h), (x + w, y), (x, y)]
            outline = f'<polygon fill="{fill}" stroke="{ink}" points="{pairs(corners)}"/>'
        words = text.drawn(x + (w - text.w) / 2, y + (h - text.h) / 2, ink)
        title = f"<title>{html.escape(unescaped(self.look.get('tooltip', '')))}</title>"
        return "\n".join(['<g class="node">', title, outline, *words, "</g>"])


def shape(look: dict[str, str], rankdir: str) -> Shape:
    size, kind = float(look.get("fontsize", 14)), look.get("shape", "ellipse")
    margins = [float(x) * INCH for x in look.get("margin", "").split(",") if x]
    pad = (margins * 2)[:2] or [PAD_X, PAD_Y]
    if kind == "record":
        fields = record(look["label"], size, pad, rankdir in SIDEWAYS)
        return Shape(fields, fields.w, fields.h, look, False)
    text = written(look["label"], size, pad)
    w = max(text.w, float(look.get("width", 0.75)) * INCH)
    h = max(text.h, float(look.get("height", 0.5)) * INCH)
    if kind == "circle":
        w = h = max(w, h)
    elif kind == "ellipse":
        w = max(w, 1.2 * text.w)
    return Shape(text, w, h, look, kind in ("circle", "ellipse"))


def written(words, size, pad):
    words = unescaped(words)
    wide = NARROWER * fonts.text_width(words, size)
    return Text(wide + 2 * pad[0], LINE * size + 2 * pad[1], words, size)


def record(label, size, pad, stacked):
    """The fields of a record: those of `{…}` lie across those around them."""
    parts, depth, start = [], 0, 0
    marks = [m for m in re.finditer(r"\\.|[{}|]", label) if not m[0].startswith("\\")]
    for mark in marks:
        depth += (mark[0] == "{") - (mark[0] == "}")
        if mark[0] == "|" and depth == 0:
            parts.append(label[start : mark.start()])
            start = mark.end()
    parts.append(label[start:])
    fields = [one_field(part.strip(" "), size, pad, stacked) for part in parts]
    if len(fields) == 1:
        return fields[0]
    return group(fields, row=not stacked)


def one_field(label, size, pad, stacked):
    if label.startswith("{") and label.endswith("}") and not label.endswith("\\}"):
        return record(label[1:-1], size, pad, not stacked)
    return written(label, size, pad)


def group(fields, row):
    """Fields side by side in a row, or one above the other."""
    w = (sum if row else max)(f.w for f in fields)
    h = (max if row else sum)(f.h for f in fields)
    return Text(w, h, parts=fields, row=row).stretched(w, h)


def unescaped(words):
    """The text that DOT's escape sequences and entities stand for."""
    return html.unescape(re.sub(r"\\(.)", r"\1", words))


# Places


def placed(graph, shapes, rankdir):
    """For each node x, y, width and height, and the width and height of all."""
    order = in_order(graph)
    index = {name: i for i, name in enumerate(order)}
    ends = [(index[tail], index[head]) for tail, head, _ in graph.edges]
    sizes = [(shapes[name].w, shapes[name].h) for name in order]
    upright = rankdir not in SIDEWAYS
    found, (w, h) = layered(
        [size[::-1] for size in sizes] if upright else sizes, [(i, j) for i, j in ends if i < j]
    )
    if rankdir in ("RL", "BT"):
        found = [(w - x - wide, y, wide, high) for x, y, wide, high in found]
    if upright:
        found, (w, h) = [(y, x, high, wide) for x, y, wide, high in found], (h, w)
    places = {n: (MARGIN + x, MARGIN + y, a, b) for n, (x, y, a, b) in zip(order, found)}
    return places, w + 2 * MARGIN, h + 2 * MARGIN


def in_order(graph):
    """The names of all nodes, each behind those that lead to it, but for circles."""
    before = {name: [] for name in graph.nodes}
    for tail, head, _ in graph.edges:
        before[head].append(tail)
    order, seen = [], set()
    stack = [(name, False) for name in reversed(graph.nodes)]
    while stack:
        name, done = stack.pop()
        if done:
            order.append(name)
        elif name not in seen:
            seen.add(name)
            stack.append((name, True))
            stack += [(tail, False) for tail in reversed(before[name]) if tail not in seen]
    return order


def arrow(tail, head, look, rankdir):
    """A curve from one box to another with a tip, as SVG."""
    ink, tip = look.get("color", "black"), TIP * float(look.get("arrowsize", 1))
    way = {"LR": (1, 0), "RL": (-1, 0), "TB": (0, 1), "BT": (0, -1)}[rankdir]
    (x, y), (u, v) = side(tail, way), side(head, (-way[0], -way[1]))
    base = u - way[0] * tip, v - way[1] * tip
    reach = abs(base[0] - x) / 2 if way[0] else abs(base[1] - y) / 2
    curve = [
        (x, y),
        (x + way[0] * reach, y + way[1] * reach),
        (base[0] - way[0] * reach, base[1] - way[1] * reach),
        base,
    ]
    wing = way[1] * tip * 0.35, way[0] * tip * 0.35
    corners = [
        (u, v),
        (base[0] - wing[0], base[1] - wing[1]),
        (base[0] + wing[0], base[1] + wing[1]),
    ]
    path = f"M{pairs(curve[:1])}C{pairs(curve[1:])}"
    return (
        f'<g class="edge"><path fill="none" stroke="{ink}" d="{path}"/>'
        f'<polygon fill="{ink}" stroke="{ink}" points="{pairs(corners)}"/></g>'
    )


def side(box, way):
    """The middle of the side of a box that a way leads through."""
    x, y, w, h = box
    return x + w * (1 + way[0]) / 2, y + h * (1 + way[1]) / 2


def pairs(points):
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
