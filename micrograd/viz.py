"""The graph of a Value as a picture: numbers in boxes, operations in circles, drawn by Graphviz."""

from __future__ import annotations

import errno
import os
import re
import reprlib
import webbrowser
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import graphviz

from . import files, layout, raster
from .engine import is_real, topological_order
from .fonts import drawable
from .functional import dot_backward
from .layout import DrawError
from .names import called
from .text import shortened

__all__ = ["DrawError", "Drawing", "GraphTooLargeError", "draw_dot", "expanded", "trace"]

FONT, SHOWN_FONT = "Arial", "Helvetica,Arial,sans-serif"  # of all of these, Graphviz knows Arial
LEAF, COMPUTED, OPERATION = "#e8f1fb", "#ffffff", "#fdf1d6"
LINE = "#7d8590"  # stands out from a white page and from a dark one
PNG_DPI, NOTEBOOK_DPI = 192, 96  # files are twice as fine: sharp on dense screens and on paper
LONGEST_LABEL = 60  # characters
LONGEST_TOOLTIP = 300  # of the label in it; graphviz takes long to quote many backslashes


class GraphTooLargeError(ValueError):
    """The graph has more values than a picture can show."""


def draw_dot(
    root: Any,
    format: str = "svg",
    rankdir: str = "LR",
    *,
    expand: bool = False,
    digits: int = 4,
    max_nodes: int = 1000,
    names: Mapping[str, Any] | None = None,
) -> Drawing:
    """The drawing of all that `root` was computed from, each value with its data and gradient.

    It shows itself in a notebook; `.render("graph", format="png")` writes a file. `rankdir` is the
    direction: LR, TB, RL or BT. `expand` spells fused dot products out. `names`, such as
    {"x": x, "model": model}, says what values without a label are called (see `names.called`);
    leaves that it does not name are constants then. Anything with `data`, `grad`, `_prev` and
    `_op` can be drawn. Raises GraphTooLargeError above `max_nodes` values.
    """
    if rankdir not in ("LR", "TB", "RL", "BT"):
        raise ValueError(f"draw_dot() needs rankdir LR, TB, RL or BT, got {rankdir!r}")
    if not isinstance(format, str):
        raise ValueError(f"draw_dot() needs a format such as 'svg' or 'png', got {format!r}")
    if not isinstance(digits, int) or digits < 0:
        raise ValueError(f"draw_dot() needs digits from 0, got {digits!r}")
    if not (is_real(max_nodes) and max_nodes >= 1):
        raise ValueError(f"draw_dot() needs max_nodes from 1, got {max_nodes!r}")
    known = called(names, ordered(root))
    nodes, edges = trace(expanded(root, known) if expand else root)
    if len(nodes) > max_nodes:
        raise GraphTooLargeError(
            f"the graph has {len(nodes)} values and max_nodes is {max_nodes}; "
            "draw a part of it, such as one neuron or the loss of one sample"
        )
    drawing, name = empty(format, rankdir), {n: f"v{i}" for i, n in enumerate(nodes)}
    for n in nodes:
        label = label_of(n, known)
        is_constant = names is not None and not n._prev and not label
        text = constant(n, digits) if is_constant else record(n, label, digits, rankdir)
        add_value(drawing, name[n], n, text, description(n, label))
        if n._op:
            add_operation(drawing, name[n], n._op)
    for child, parent in edges:
        drawing.edge(name[child], name[parent] + ("op" if parent._op else ""))
    described = description(root, label_of(root, known), ".6g")
    drawing.alt = f"Graph of {len(nodes)} values; last {described}"
    return drawing


def empty(format, rankdir):
    """A drawing without anything yet, in colours for light and dark pages."""
    drawing = Drawing(format=format, graph_attr={"rankdir": rankdir})
    drawing.graph_attr.update(bgcolor="transparent", nodesep="0.2", ranksep="0.2")
    drawing.node_attr.update(fontname=FONT, fontsize="11", style="filled", color=LINE)
    drawing.edge_attr.update(color=LINE, arrowsize="0.6")
    return drawing


def add_value(drawing, name, n, text, hover):
    box = {"shape": "record", "margin": "0.07,0.04", "tooltip": escaped(hover)}
    drawing.node(name, text, fillcolor=COMPUTED if n._prev else LEAF, **box)


def add_operation(drawing, name, op):
    """The operation that gives the value of that name."""
    circle = {"margin": "0.02", "width": "0.3", "height": "0.3", "fillcolor": OPERATION}
    shape = "circle" if len(op) < 3 else "ellipse"
    drawing.node(name + "op", written(op), shape=shape, **circle)
    drawing.edge(name + "op", name)


def trace(root: Any) -> tuple[list, list]:
    """The nodes `root` was computed from, children first, and the edges (child, parent)."""
    nodes = ordered(root)
    return nodes, [(child, n) for n in nodes for child in n._prev]


def label_of(n: Any, known: Mapping[Any, str]) -> str:
    """The label of a value, or else what it is `known` as."""
    return str(getattr(n, "label", "") or "") or known.get(n, "")


def expanded(root: Any, known: Mapping[Any, str]) -> Any:
    """A stand-in for the graph of `root` with every dot product spelled out in * and +."""
    stand_in: dict = {}
    for n in ordered(root):
        children, op = [stand_in[child] for child in n._prev], n._op
        if is_dot(n):
            pairs = factors(children)
            products = [Node(x.data * y.data, n.grad, "", (x, y), "*") for x, y in pairs]
            children, op = [*products, *children[2 * len(pairs) :]], "+"
        label = label_of(n, known)
        stand_in[n] = Node(n.data, n.grad, label, tuple(children), op) if children else n
    return stand_in[root]


def ordered(root):
    """`root` and all it was computed from, children first."""
    if not isinstance(getattr(root, "_prev", None), Collection):
        raise TypeError(
            f"a drawing needs one Value, got {type(root).__name__} {reprlib.repr(root)}"
        )
    return topological_order(root)


def is_dot(n: Any) -> bool:
    """Whether functional.dot made n; an operation of the user's may have the same name."""
    return getattr(n, "_chain", None) is dot_backward


def factors(operands: Sequence) -> list[tuple]:
    """The pairs that a dot product multiplies; behind them there may be a bias."""
    half = len(operands) // 2
    return list(zip(operands[:half], operands[half:]))


@dataclass(eq=False)
class Node:
    """A value to draw that is no Value."""

    data: float
    grad: float
    label: str
    _prev: tuple
    _op: str


class Drawing(graphviz.Digraph):
    """A graphviz.Digraph that finds a dot program by itself, and shows as SVG and as PNG.

    A notebook that is not trusted, as after cloning a repository, hides SVG and shows PNG.
    """

    alt = "Drawing"  # what a screen reader says

    def pipe(self, format: str | None = None, *, encoding: str | None = None) -> Any:  # type: ignore[override]
        """The picture as bytes, or as text in `encoding`. Raises DrawError."""
        format = format or self.format
        if format == "png":
            output = self.png(self.svg(), PNG_DPI)
        else:
            output = self.svg().encode() if format == "svg" else layout.picture(self.source, format)
        return output.decode(encoding) if encoding else output

    def svg(self):
        """The SVG, which other formats are made from: one layout for all."""
        text = raster.fitted(layout.picture(self.source, "svg").decode())
        return text.replace(f'font-family="{FONT}"', f'font-family="{SHOWN_FONT}"')

    def png(self, svg, dpi):
        """The same as PNG; by the dot program where somebody added what is not drawn here."""
        try:
            return raster.png(svg, dpi)
        except raster.UnknownError:
            return layout.picture(self.source, "png", dpi)

    def render(  # type: ignore[override]
        self,
        filename: str | os.PathLike | None = None,
        directory: str | os.PathLike | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        *,
        outfile: str | os.PathLike | None = None,
    ) -> str:
        """The path of the picture written: `outfile`, or `filename` with the format's suffix.

        The DOT text is kept beside it under `filename` unless `cleanup`. Raises DrawError.
        """
        if outfile is not None:
            if os.path.isdir(outfile):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(outfile))
            filename = filename or Path(outfile).with_suffix(".gv")
            format = format or Path(outfile).suffix[1:] or None
        format = format or self.format
        output = self.pipe(format)
        self.placed(filename, directory)
        source = Path(self.filepath)
        picture = (
            Path(outfile) if outfile is not None else source.with_name(f"{source.name}.{format}")
        )
        picture.parent.mkdir(parents=True, exist_ok=True)
        files.write(picture, output)
        if cleanup:
            source.unlink(missing_ok=True)
        else:
            self.save()
        if view:
            webbrowser.open(picture.resolve().as_uri())
        return str(picture)

    def save(  # type: ignore[override]
        self,
        filename: str | os.PathLike | None = None,
        directory: str | os.PathLike | None = None,
        *,
        skip_existing: bool = False,
    ) -> str:
        """The path of the file to which the DOT text was written."""
        self.placed(filename, directory)
        path = Path(self.filepath)
        if not (skip_existing and path.exists()):
            path.parent.mkdir(parents=True, exist_ok=True)
            files.write(path, self.source)
        return self.filepath

    def placed(self, filename, directory):
        """Remember where the DOT text goes, where that is said."""
        if filename is not None:
            self.filename = os.fspath(filename)
        if directory is not None:
            self.directory = os.fspath(directory)

    def _repr_mimebundle_(self, include=None, exclude=None, **_):
        try:
            bundle = {"image/svg+xml": self.svg()}
            if drawable():
                bundle["image/png"] = self.png(bundle["image/svg+xml"], NOTEBOOK_DPI)
        except DrawError as error:
            return {"text/plain": str(error)}, {}
        return {**bundle, "text/plain": repr(self)}, {kind: {"alt": self.alt} for kind in bundle}

    def __repr__(self):
        return f"<{self.alt}>"


def constant(n, digits):
    """What a constant is: its number."""
    return field(f"{n.data:.{max(digits, 4)}g}")


def record(n, label, digits, rankdir):
    """The fields of a value's box: its label if it has one, then its data above its gradient."""
    label = field(label)
    numbers = f"data {number(n.data, digits)} | grad {number(n.grad, digits)}"
    if rankdir in ("TB", "BT"):  # there, Graphviz starts with fields side by side
        return f"{label} | {{ {numbers} }}" if label else f"{{ {numbers} }}"
    return f"{{ {label} | {{ {numbers} }} }}" if label else numbers


def field(text):
    """Text, not too long, for a field of a record."""
    return re.sub(r"[{}|<>]", r"\\\g<0>", escaped(shortened(text, LONGEST_LABEL)))


def description(n, label, form=""):
    """A value in words, its numbers in full or in another form."""
    numbers = f"data {float(n.data):{form}}, grad {float(n.grad):{form}}"
    return f"{shortened(label, LONGEST_TOOLTIP)}: {numbers}" if label else numbers


def number(x, digits):
    """x with `digits` decimals, or as many significant digits where decimals would show nothing."""
    x = float(x)
    return f"{x:.{digits}f}" if x == 0 or 10.0**-digits <= abs(x) < 1e6 else f"{x:.{digits}g}"


def written(text):
    """Text, not too long, for a node without fields."""
    return graphviz.nohtml(escaped(shortened(text, LONGEST_LABEL)))


def escaped(text):
    """Text that Graphviz shows as it is: no escape sequences, entities, or swallowed spaces."""
    text = text.replace("\\", "\\\\").replace("&", "&amp;").replace('"', "&quot;")
    return re.sub(r"^ | (?= )| $", "&#160;", text)
