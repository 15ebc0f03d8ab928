"""Where everything stands in the player's picture; Graphviz finds the places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from .. import layout
from ..fonts import text_width
from ..layered import layered
from .replay import Flow, Step
from .words import Words, number, short, symbol

MARGIN = 10  # all lengths are CSS pixels
ROW, PADDING = 18, 9  # of a box
NAME_SIZE, TEXT_SIZE, PLATE_SIZE = 13, 12, 11  # of letters
OP_HEIGHT, OP_GAP = 28, 9  # an operation stands before its box
PLATE_HEIGHT = 32  # two lines of text on an arrow
SHORT = 70  # an arrow that passes no box
MOST_FOR_GRAPHVIZ = 1500  # boxes and plates; for more it may take seconds
POINTS = 72  # an inch, in which Graphviz counts

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle by its left upper corner and its size."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class Scene:
    """For each node a box and, before it, its operation; for each flow an arrow and its plate.

    An arrow is a chain of Bézier curves: a point, then two control points and a point each.
    """

    w: float
    h: float
    boxes: list[Box]
    ops: list[Box | None]
    flows: list[Flow]
    plates: list[Box]
    arrows: list[list[Point]]


def scene(words: Words, steps: Sequence[Step]) -> Scene:
    """The picture, with room for the widest number that a step brings.

    It is in columns where Graphviz would take too long. Raises DrawError without a dot program.
    """
    flows = [f for s in steps for f in s.flows]
    box_widths, box_heights = widths(words, steps), [height(n) for n in words.nodes]
    op_widths = [op_width(n) if n.children else 0.0 for n in words.nodes]
    nodes = [box + (op and op + OP_GAP) for box, op in zip(box_widths, op_widths)]
    sizes = list(zip(nodes, box_heights)), [(plate_width(f), PLATE_HEIGHT) for f in flows]
    places, splines, w, h = placed(*sizes, flows)
    whole = [places[f"n{i}"] for i in range(len(nodes))]
    plates = [places[f"f{i}"] for i in range(len(flows))]
    arrows = [
        arrow(splines[f"n{f.child}", f"f{i}"], splines[f"f{i}", f"n{f.parent}"])
        for i, f in enumerate(flows)
    ]
    boxes = [Box(at.x + at.w - width, at.y, width, at.h) for at, width in zip(whole, box_widths)]
    ops = [op_box(at, width) if width else None for at, width in zip(whole, op_widths)]
    return Scene(w, h, boxes, ops, flows, plates, arrows)


def placed(nodes, plates, flows):
    """Boxes and lines by name, width and height; names are n and f with a place in their list."""
    if layout.IN_A_BROWSER:
        return columns(nodes, plates, flows)
    layout.dot_program()
    if len(nodes) + len(plates) > MOST_FOR_GRAPHVIZ:
        return columns(nodes, plates, flows)
    try:
        return parsed(layout.picture(dot(nodes, plates, flows), "plain").decode())
    except layout.TooTangledError:
        return columns(nodes, plates, flows)


def dot(nodes: Sequence[Point], plates: Sequence[Point], flows: Sequence[Flow]) -> str:
    """DOT text with the sizes of nodes and plates; nothing in it comes from the user."""
    tree = len({f.child for f in flows}) == len(flows)
    operands_in_order = "ordering=in" if tree else ""  # else it would make arrows cross
    return "\n".join(
        [
            f"digraph {{ rankdir=LR nodesep=0.2 ranksep=0.3 {operands_in_order}",
            'node [shape=box fixedsize=true label=""] edge [dir=none headport=w tailport=e]',
            *(sized(f"n{i}", *size) for i, size in enumerate(nodes)),
            *(sized(f"f{i}", *size) for i, size in enumerate(plates)),
            *(f"n{f.child} -> f{i} -> n{f.parent}" for i, f in enumerate(flows)),
            "}",
        ]
    )


def sized(name, w, h):
    return f"{name} [width={w / POINTS:.4f} height={h / POINTS:.4f}]"


def parsed(plain):
    """Boxes by name, points by tail and head, width and height, from Graphviz's plain format."""
    rows = [line.split() for line in plain.splitlines()]
    w, h = (float(x) * POINTS for x in rows[0][2:4])

    def points(numbers):
        x = [float(n) * POINTS for n in numbers]
        return [(MARGIN + x, MARGIN + h - y) for x, y in zip(x[::2], x[1::2])]

    boxes, curves = {}, {}
    for kind, *row in rows:
        if kind == "node":
            [(x, y)], bw, bh = points(row[1:3]), float(row[3]) * POINTS, float(row[4]) * POINTS
            boxes[row[0]] = Box(x - bw / 2, y - bh / 2, bw, bh)
        elif kind == "edge":
            curves[row[0], row[1]] = points(row[3 : 3 + 2 * int(row[2])])
    return boxes, curves, w + 2 * MARGIN, h + 2 * MARGIN


def columns(nodes, plates, flows):
    """The same as `parsed`, of a layout of our own."""
    order, edges = in_order(len(nodes), flows)
    sizes = {f"n{i}": size for i, size in enumerate(nodes)}
    sizes |= {f"f{i}": size for i, size in enumerate(plates)}
    place = {name: i for i, name in enumerate(order)}
    found, (w, h) = layered(
        [sizes[name] for name in order], [(place[tail], place[head]) for tail, head in edges]
    )
    boxes = {
        name: Box(MARGIN + x, MARGIN + y, bw, bh) for name, (x, y, bw, bh) in zip(order, found)
    }
    lines = {(tail, head): line(boxes[tail], boxes[head]) for tail, head in edges}
    return boxes, lines, w + 2 * MARGIN, h + 2 * MARGIN


def in_order(n, flows):
    """The names of all nodes and plates, each behind what leads to it, and the edges."""
    into = defaultdict(list)
    for i, f in enumerate(flows):
        into[f.parent].append(f"f{i}")
    order = [name for node in range(n) for name in [*into[node], f"n{node}"]]
    edges = [(f"n{f.child}", f"f{i}") for i, f in enumerate(flows)]
    return order, edges + [(f"f{i}", f"n{f.parent}") for i, f in enumerate(flows)]


def line(tail, head):
    """A curve from the right side of one box to the left side of another one."""
    x, y, end, bottom = tail.x + tail.w, tail.y + tail.h / 2, head.x, head.y + head.h / 2
    middle = (x + end) / 2
    return [(x, y), (middle, y), (middle, bottom), (end, bottom)]


def arrow(to_plate, from_plate):
    """One even line behind the plate; where it is long, as Graphviz leads it around the boxes."""
    (x, y), (left, level), (right, _), (end, bottom) = (
        to_plate[0],
        to_plate[-1],
        from_plate[0],
        from_plate[-1],
    )
    if max(left - x, end - right) > SHORT:
        third = (right - left) / 3
        return [*to_plate, (left + third, level), (right - third, level), *from_plate]
    middle = (left + right) / 2
    before, behind = (middle - x) / 2, (end - middle) / 2
    slopes = (level - y) / before, (bottom - y) / (end - x), (bottom - level) / behind
    slope = min(slopes, key=abs) if slopes[0] * slopes[2] > 0 else 0.0  # makes no bump
    return [
        (x, y),
        (x + before, y),
        (middle - before, level - slope * before),
        (middle, level),
        (middle + behind, level + slope * behind),
        (end - behind, bottom),
        (end, bottom),
    ]


def op_box(node, width):
    return Box(node.x, node.y + (node.h - OP_HEIGHT) / 2, width, OP_HEIGHT)


def height(node):
    """Of a box: a constant is its number and nothing else."""
    return (1 if node.constant else 3) * ROW + 2 * PADDING


def widths(words, steps):
    """Of the boxes: as wide as the widest number anywhere, or as the node's own name."""
    numbers = [number(n.data) for n in words.nodes]
    numbers += [number(g) for s in steps for g in s.grads.values()]
    row = text_width("grad", TEXT_SIZE) + 10 + max(text_width(x, TEXT_SIZE, True) for x in numbers)
    named = [text_width(name, NAME_SIZE, bold=True) for name in words.names]
    rows = [0.0 if n.constant else row for n in words.nodes]
    return [2 * PADDING + max(pair) for pair in zip(rows, named)]


def op_width(node):
    return max(OP_HEIGHT, 16 + text_width(symbol(node.op), TEXT_SIZE))


def plate_width(flow):
    return 12 + max(text_width(line, PLATE_SIZE, bold=True) for line in short(flow))
