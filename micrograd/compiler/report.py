"""What a program is, for readers: its source with shapes, and a table of how it was found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .program import Program

SHAPES = 56  # column of the comments
GREETING = """\
# {nodes:,} operations on Values, as {lines} lines on arrays.
# v holds the value of every number: p are parameters, x inputs, h what is computed.
# d holds gradients: gp of the parameters, g of the rest. k are constants, i positions, t scratch.
"""


def listing(program: Program) -> str:
    """The program as source code, with the shapes of arrays in comments."""
    lines = program.functions["forward"] + program.functions["backward"]
    text = GREETING.format(nodes=program.recording.nodes, lines=len(lines))
    text += "".join(f"\n{line}" for line in program.declarations) + "\n"
    for name, body in program.functions.items():
        text += f"\n\ndef {name}():\n"
        text += "".join(
            with_shapes(f"    {line}", program.names) + "\n" for line in body or ["pass"]
        )
    return text


def with_shapes(line, names):
    """A line, and the shape of what it computes; of a matrix product, of its factors too."""
    arrays = [names[x] for x in re.findall(r"\b[a-z]+\d+\b", line)]
    shapes = [x.shape for x in arrays if isinstance(x, np.ndarray)]
    if not shapes or max(map(np.prod, shapes)) == 1:
        return line
    product = re.match(r" *(dot|matmul)\(", line)
    note = f"{shapes[0]} @ {shapes[1]}" if product else shapes[0 if "[" in line else -1]
    return f"{line:<{SHAPES}}# {note}"


def explanation(program: Program) -> str:
    """A table of what each pass did, and one of the groups."""
    recording, groups = program.recording, program.groups
    grids = sum(group.grid is not None for group in groups)
    views = sum(" = view(" in line for line in program.declarations)
    copies = sum(".take(" in line for lines in program.functions.values() for line in lines)
    forward, backward = map(len, program.functions.values())
    passes = [
        (
            "record",
            f"{recording.nodes:,} operations on {len(recording.leaves):,} leaves, "
            f"{len(recording.inputs):,} inputs and {len(recording.constants):,} constants",
        ),
        ("fold", f"{program.calls:,} operations: sums of numbers and products in one"),
        ("group", f"{len(groups):,} groups of the same operation at the same time"),
        ("products", f"{grids} of them are matrix products"),
        ("lay out", f"{views} views of two buffers, {copies} copies"),
        ("write", f"{forward} lines forward, {backward} lines backward"),
    ]
    if recording.guards:
        passes.insert(1, ("guard", f"{len(recording.guards):,} comparisons must come out the same"))
    rows = [(described(group), f"{group.size:,}", extent(group)) for group in groups]
    return table(passes) + "\n\n" + table([("group", "operations", "of"), *rows])


def described(group):
    if group.kind == "chain":
        products = group.static.count("*")
        return "matrix product" if group.grid else "dot" if products else "sum"
    return f"power {group.static}" if group.kind == "constant power" else group.kind


def extent(group):
    """How much an operation of a group takes in."""
    if group.grid is not None:
        b, p, q = group.grid.shape
        k = group.grid.rows.shape[-1]
        return (f"{b} × " if b > 1 else "") + f"({p}, {k}) @ ({k}, {q})"
    if group.kind == "chain":
        products = group.static.count("*")
        plain = len(group.static) - products
        parts = [f"{products} products"] * bool(products) + [f"{plain} numbers"] * bool(plain)
        return " + ".join(parts)
    return f"{len(group.operands)} numbers" if len(group.operands) > 1 else "1 number"


def table(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip() for row in rows
    )
