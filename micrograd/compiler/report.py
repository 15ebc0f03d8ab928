"""What a program is, for readers: its source with shapes, and a table of how it was found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from .graph import MEAN, SUM
from .passes.group import Ragged
from .passes.matmul import Matmul

if TYPE_CHECKING:
    from .backends import NumPy
    from .program import Program

SHAPES = 56  # column of the comments
GREETING = """\
# {nodes} on Values, as {lines} lines on arrays.
# v holds every number: p are leaves, x inputs, h what is computed, g gradients, gp those of leaves.
# k are constants, i positions, t and m scratch; `given` holds what is too long to be written here.
# view(buffer, start, shape, steps) is evenly spaced numbers; h1b and h1T are h1 in another shape.

"""


def listing(program: NumPy, nodes: int) -> str:
    """A program in NumPy as source code, with the shapes of arrays in comments."""
    functions = {name: without_empty_headings(f) for name, f in program.lines.items()}
    lines = sum(map(len, map(statements, functions.values())))
    text = GREETING.format(nodes=counted(nodes, "operation"), lines=lines)
    text += "".join(with_shapes(line, program.names) + "\n" for line in program.declarations)
    for name, body in functions.items():
        text += f"\n\ndef {name}():\n"
        text += "".join(
            with_shapes(f"    {line}", program.names) + "\n" for line in body or ["pass"]
        )
    return text


def without_empty_headings(lines):
    """Lines without comments that have nothing below them, and a return of nothing but True."""
    lines = [line for line in lines if line != "return True"]
    below = [*lines[1:], "#"]
    return [line for line, next in zip(lines, below) if line[0] != "#" or next[0] != "#"]


def statements(lines):
    return [line for line in lines if line[0] != "#"]


def with_shapes(line, names):
    """A line, and the shape of what it computes; of a matrix product, of its factors."""
    if " = " in line and " = given[" not in line and line[0] != " ":
        return line
    arrays = [names[x] for x in re.findall(r"\b[a-z]+\d+[a-zT]?\b", line)]
    shapes = [x.shape for x in arrays if isinstance(x, np.ndarray)]
    if line.strip()[0] == "#" or not shapes or max(map(np.prod, shapes)) == 1:
        return line
    product = re.match(r" *(dot|matmul)\(", line)
    note = f"{shapes[0]} @ {shapes[1]}" if product else shapes[0 if "[" in line else -1]
    return f"{line:<{SHAPES}}# {note}"


def explanation(program: Program) -> str:
    """A table of what each pass did, and one of what is computed, forward and backward."""
    graph, schedule = program.graph, program.layout.schedule
    parts = schedule.forward, schedule.backward
    matmuls = [sum(isinstance(group, Matmul) for group in part) for part in parts]
    added = len(program.differentiated.ops) - len(graph.ops)
    leaves = counted(len(graph.leaves), "leaf", "leaves")
    inputs, constants = counted(graph.fed, "input"), len(graph.constants)
    batches = [f"{n:,}" for n in sorted({op.params for op in graph.ops if op.kind == MEAN})]
    guards = [("guard", f"{counted(len(graph.guards), 'comparison')} that must come out the same")]
    passes = [
        (
            "lower",
            f"{counted(graph.nodes, 'operation')} on {leaves}, {inputs} and "
            f"{counted(constants, 'constant')}",
        ),
        *guards * bool(graph.guards),
        ("pad, differentiate", f"{counted(added, 'operation')} more, of the gradients"),
        (
            "fold, split",
            f"{counted(len(program.folded.ops), 'operation')}: sums of numbers and products in one",
        ),
        (
            "group",
            f"{counted(len(parts[0]), 'group')} of one operation at one time forward, "
            f"{len(parts[1])} backward",
        ),
        ("matmul", f"{matmuls[0]} of them are matrix products, {matmuls[1]} backward"),
        *[("spread", f"from one example to all {' and '.join(batches)}")] * bool(batches),
        *[("backend", "NumPy's, as it calls a Function, which XLA cannot")] * program.is_python,
        *program.code.explanation(),
    ]
    forward, backward = (table([(str(group), extent(group)) for group in part]) for part in parts)
    return f"{table(passes)}\n\nforward\n{forward}\n\nbackward\n{backward}"


def numpy_passes(program: NumPy) -> list[tuple[str, str]]:
    """What the last passes of a program in NumPy did."""
    views = sum(" = view(" in line for line in program.declarations)
    forward, backward = map(statements, map(without_empty_headings, program.lines.values()))
    copies = sum(".take(" in line for line in forward + backward)
    return [
        (
            "lay out",
            f"{counted(views, 'view')} of one buffer; numbers copied together in "
            f"{counted(copies, 'line')}",
        ),
        (
            "emit",
            f"{counted(len(forward), 'line')} forward, {counted(len(backward), 'line')} backward",
        ),
    ]


def counted(n, noun, plural=None):
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {plural or noun + 's'}"


def extent(group):
    """How much an operation of a group takes in."""
    if isinstance(group, Matmul):
        (p, k), (q, _) = group.rows.shape, group.columns.shape
        return f"({p}, {k}) @ ({k}, {q})"
    if isinstance(group, Ragged):
        return (
            counted(len(group.first), "number" if group.second is None else "product") + " in all"
        )
    if group.kind == SUM:
        products = group.params.count("*")
        plain = len(group.params) - products
        parts = [counted(products, "product")] * bool(products)
        return " + ".join(parts + [counted(plain, "number")] * bool(plain))
    return counted(len(group.operands), "number")


def table(rows):
    if not rows:
        return "nothing"
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip() for row in rows
    )
