"""What a program is, for readers: its source with shapes, and a table of how it was found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from .groups import described

if TYPE_CHECKING:
    from .program import Program

SHAPES = 56  # column of the comments
GREETING = """\
# {nodes} on Values, as {lines} lines on arrays.
# v holds the value of every number: p are leaves, x inputs, h what is computed; in that order.
# d holds gradients: gp of the leaves, g of the rest. k are constants, i positions, t and m scratch.
# view(buffer, start, shape, steps) is evenly spaced numbers; h1b and h1T are h1 in another shape.

"""


def listing(program: Program) -> str:
    """The program as source code, with the shapes of arrays in comments."""
    functions = {name: without_empty_headings(f) for name, f in program.functions.items()}
    lines = sum(map(len, map(statements, functions.values())))
    text = GREETING.format(nodes=counted(program.recording.nodes, "operation"), lines=lines)
    text += "".join(f"{line}\n" for line in program.declarations)
    for name, body in functions.items():
        text += f"\n\ndef {name}():\n"
        text += "".join(with_shapes(f"    {line}", program.names) + "\n" for line in body)
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
    arrays = [names[x] for x in re.findall(r"\b[a-z]+\d+[a-zT]?\b", line)]
    shapes = [x.shape for x in arrays if isinstance(x, np.ndarray)]
    if line.strip()[0] == "#" or not shapes or max(map(np.prod, shapes)) == 1:
        return line
    product = re.match(r" *(dot|matmul)\(", line)
    note = f"{shapes[0]} @ {shapes[1]}" if product else shapes[0 if "[" in line else -1]
    return f"{line:<{SHAPES}}# {note}"


def explanation(program: Program) -> str:
    """A table of what each pass did, and one of the groups."""
    recording, groups = program.recording, program.groups
    grids = sum(group.grid is not None for group in groups)
    views = sum(" = view(" in line for line in program.declarations)
    forward, backward = map(statements, program.functions.values())
    copies = sum(".take(" in line for line in forward + backward)
    leaves = counted(len(recording.leaves), "leaf", "leaves")
    inputs, constants = counted(len(recording.inputs), "input"), len(recording.constants)
    guards = counted(len(recording.guards), "comparison")
    passes = [
        (
            "record",
            f"{counted(recording.nodes, 'operation')} on {leaves}, {inputs} and "
            f"{counted(constants, 'constant')}",
        ),
        ("guard", f"{guards} that must come out the same"),
        ("fold", f"{counted(program.calls, 'operation')}: sums of numbers and products in one"),
        ("group", f"{counted(len(groups), 'group')} of one operation at one time"),
        ("find products", f"{grids} of them as matrix products"),
        (
            "lay out",
            f"{counted(views, 'view')} of two buffers; numbers copied together in "
            f"{counted(copies, 'line')}",
        ),
        (
            "write",
            f"{counted(len(statements(without_empty_headings(forward))), 'line')} forward, "
            f"{counted(len(backward), 'line')} backward",
        ),
    ]
    if not recording.guards:
        del passes[1]
    return table(passes) + "\n\n" + table([(described(group), extent(group)) for group in groups])


def counted(n, noun, plural=None):
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {plural or noun + 's'}"


def extent(group):
    """How much an operation of a group takes in."""
    if group.grid is not None:
        b, p, q = group.grid.shape
        k = group.grid.rows.shape[-1]
        return (f"{b} × " if b > 1 else "") + f"({p}, {k}) @ ({k}, {q})"
    if group.kind == "chain":
        products = group.static.count("*")
        plain = len(group.static) - products
        parts = [counted(products, "product")] * bool(products)
        return " + ".join(parts + [counted(plain, "number")] * bool(plain))
    return counted(len(group.operands), "number")


def table(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip() for row in rows
    )
