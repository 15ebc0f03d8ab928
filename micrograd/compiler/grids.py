"""Grids: where every row of numbers is multiplied with every row, there is a matrix product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .fold import factor_rows, terms
from .recording import Recording

if TYPE_CHECKING:
    from .groups import Group

GRID = 256  # multiplications from which a matrix product is worth its call


@dataclass
class Bias:
    """What is added to a whole column of a matrix product (axis 0), or to a whole row (1)."""

    numbers: np.ndarray
    ranks: np.ndarray
    axis: int


@dataclass
class Grid:
    """Dot products of every row of one matrix with every row of another, perhaps in batches.

    `rows` (b, p, k) and `columns` (b, q, k) are numbers of Values; the group's order is (b, p, q).
    """

    rows: np.ndarray
    columns: np.ndarray
    row_ranks: np.ndarray
    column_ranks: np.ndarray
    shape: tuple[int, int, int]
    bias: Bias | None = None

    def sort(self, slot: np.ndarray) -> None:
        """Orders the terms of products of one row and one column as they are in memory."""
        order = np.argsort(slot[self.rows[0, 0]], kind="stable")
        for name in ("rows", "columns", "row_ranks", "column_ranks"):
            setattr(self, name, getattr(self, name)[:, :, order])

    def has(self, numbers: np.ndarray) -> bool:
        """Whether these are its rows, columns or bias: each for many of the calls."""
        return any(x is numbers for x in (self.rows, self.columns, self.bias and self.bias.numbers))

    @property
    def is_square(self) -> bool:
        """Whether it is one row times itself: one side is all there is."""
        return self.shape == (1, 1, 1) and np.array_equal(self.rows, self.columns)


def find_grid(group: Group, recording: Recording | None) -> None:
    """Looks for a matrix product in the products of a chain, and orders the group like one."""
    first = factor_rows(str(group.static))
    if len(first) < 2 or len(first) * group.size < GRID:
        return
    sides = [group.operands[first + i].T for i in (0, 1)]  # (calls, products) each
    labels = [distinct(side) for side in sides]
    swap = group.size > 1 and labels[0][1] != labels[0][0]  # what changes slowly is the rows
    if swap:
        labels.reverse()
    blocks = full_blocks(*labels)
    if blocks is None and recording is not None and len(first) == len(str(group.static)):
        labels = filled_up(group, labels, swap, recording)
        blocks = full_blocks(*labels)
    if blocks is None:
        return
    order, shape = blocks
    group.operands, group.ranks = group.operands[:, order], group.ranks[:, order]
    group.outputs = group.outputs[:, order]
    rows, columns = (first + 1, first) if swap else (first, first + 1)
    group.grid = Grid(
        rows=corner(group.operands[rows], shape, 2),
        columns=corner(group.operands[columns], shape, 1),
        row_ranks=corner(group.ranks[rows], shape, 2),
        column_ranks=corner(group.ranks[columns], shape, 1),
        shape=shape,
        bias=bias(group, shape),
    )


def bias(group, shape):
    starts, products = terms(str(group.static))
    b, p, q = shape
    if b > 1 or (~products).sum() != 1:
        return None
    (numbers,) = group.operands[starts[~products]].reshape(1, p, q)
    (ranks,) = group.ranks[starts[~products]].reshape(1, p, q)
    if p > 1 and (numbers == numbers[0]).all():
        return Bias(numbers[0], ranks[0], 0)
    if q > 1 and (numbers == numbers[:, :1]).all():
        return Bias(numbers[:, 0], ranks[:, 0], 1)
    return None


def corner(x, shape, axis):
    """What is the same all along an axis of a grid of calls, from x (terms, calls)."""
    return x.T.reshape(*shape, -1).take(0, axis=axis)


def distinct(rows):
    """For each row of an array, the number of the first row like it, among the different ones."""
    index: dict[bytes, int] = {}
    return np.array([index.setdefault(row.tobytes(), len(index)) for row in rows])


def full_blocks(r, c):
    """How to order pairs (r, c) into full grids, and (grids, rows, columns); None if not full."""
    p, q = int(r.max()) + 1, int(c.max()) + 1
    if p * q == len(r):
        order = np.argsort(r * q + c, kind="stable")
        full = (np.diff((r * q + c)[order]) == 1).all()
        return (order, (1, p, q)) if full else None
    partners: dict[int, list[int]] = {}
    for row, column in zip(r.tolist(), c.tolist()):
        partners.setdefault(row, []).append(column)
    blocks: dict[tuple, list[int]] = {}
    for row, columns in partners.items():
        blocks.setdefault(tuple(sorted(columns)), []).append(row)
    shapes = {(len(blocks), len(rows), len(columns)) for columns, rows in blocks.items()}
    shape = next(iter(shapes))
    apart = sum(map(len, blocks)) == q
    if len(shapes) > 1 or not apart or np.prod(shape) != len(r):
        return None
    where = {pair: i for i, pair in enumerate(zip(r.tolist(), c.tolist()))}
    order = [where[row, c] for columns, rows in blocks.items() for row in rows for c in columns]
    return np.array(order), shape


def filled_up(group, labels, swap, recording):
    """Adds the pairs that a full grid would have, at most as many as there are; new labels.

    What they compute is not used.
    """
    r, c = labels
    there = set(zip(r.tolist(), c.tolist()))
    found = islands(there)
    if sum(len(rows) * len(columns) for rows, columns in found) > 2 * len(there):
        return labels
    missing = [
        (row, column)
        for rows, columns in found
        for row in rows
        for column in columns
        if (row, column) not in there
    ]
    if not missing:
        return labels
    recording.shortcuts = True
    factors = [
        [group.operands[i::2, np.argmax(x == n)] for n in range(x.max() + 1)]
        for x, i in zip(labels, (1, 0) if swap else (0, 1))
    ]
    sides = [
        np.stack([factor[pair[i]] for pair in missing], axis=1) for i, factor in enumerate(factors)
    ]
    extra = np.empty((len(group.operands), len(missing)), int)
    extra[0::2], extra[1::2] = sides[::-1] if swap else sides
    outputs = np.array([[recording.new() for _ in missing]])
    group.operands = np.concatenate([group.operands, extra], axis=1)
    group.ranks = np.concatenate([group.ranks, np.zeros_like(extra)], axis=1)
    group.outputs = np.concatenate([group.outputs, outputs], axis=1)
    added = np.array(missing).T
    return [np.concatenate([x, more]) for x, more in zip(labels, added)]


def islands(pairs):
    """Rows and columns that hang together by pairs (row, column), as pairs of sorted lists."""
    parent: dict = {}

    def root(x):
        while parent.setdefault(x, x) != x:
            x = parent[x]
        return x

    for row, column in pairs:
        parent[root(("row", row))] = root(("column", column))
    found: dict = {}
    for kind, n in sorted(parent):
        found.setdefault(root((kind, n)), {"row": [], "column": []})[kind].append(n)
    return [(members["row"], members["column"]) for members in found.values()]
