"""Matmul: where every row of factors is multiplied with every row of others is a matrix product."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from ..graph import SUM, TOTAL, examples
from .group import Group, Schedule
from .split import FEW_TERMS, LARGE

ROUNDS = 3  # in which what hangs together is found, if it is full


@dataclass(eq=False)
class Matmul:
    """rows (p, k) times the transpose of columns (q, k), ids of values, to outputs (p, q).

    To that are added the values of `plain` (terms, p, q), the first of them `before` the products.
    If it is not `from_zero`, a sum of nothing but -0.0 is that, where the backend adds up in order.
    Of `examples`, the columns are other ones each time; if it is a `total`, the products of all
    examples are added up.
    """

    rows: np.ndarray
    columns: np.ndarray
    plain: np.ndarray
    outputs: np.ndarray
    before: int = 0
    from_zero: bool = True
    examples: int = 1
    total: bool = False

    @property
    def size(self) -> int:
        return self.outputs.size

    def __str__(self):
        return f"{self.size:,} × dot, as a matrix product"


def matmuls(schedule: Schedule) -> Schedule:
    """The schedule with matrix products for the groups of sums of products which are some.

    Single products are not among them, for they may be -0.0; gradients begin with a zero.
    """
    counts = np.array(examples(schedule.graph))
    forward, backward = (
        [new for one in groups for new in found(one, counts, is_backward)]
        for is_backward, groups in ((False, schedule.forward), (True, schedule.backward))
    )
    return replace(schedule, forward=forward, backward=backward)


def found(group, counts, is_backward) -> Iterable:
    """The matrix products in a group, and what is left of it."""
    kinds = SUM, TOTAL, *["multiply"] * is_backward
    if not isinstance(group, Group) or group.kind not in kinds:
        return [group]
    from_zero = group.from_zero or is_backward
    total, n = group.kind == TOTAL, group.examples
    signs: Any = group.params if group.kind == SUM else "*"
    if total:
        signs, n = cast(tuple, group.params)
    products = np.frombuffer(signs.encode(), np.uint8) == ord("*")
    count = int(products.sum())
    if not count or count * group.size * n < LARGE or (total and not products.all()):
        return [group]
    first = np.concatenate([[0], np.cumsum(1 + products)[:-1]]).astype(int)
    sides = [group.operands[first[products] + i].T for i in (0, 1)]  # (ops, products) each
    labels = [distinct(side) for side in sides]
    if n > 1 and not total:
        of_example = [(counts[side] > 1).any() for side in sides]
        if all(of_example):  # a product for each of them
            return [group]
        is_reverse = of_example[0]
    else:  # what changes slowly is the rows
        is_reverse = group.size > 1 and labels[0][1] != labels[0][0]
    if is_reverse:
        sides.reverse()
        labels.reverse()
    plain, before = group.operands[first[~products]], int(products.argmax())
    narrow = count * (n if total else 1) > FEW_TERMS or (n > 1 and labels[0].any())
    islands, rest = full_islands(labels[0], labels[1], LARGE / count / n, narrow)
    made: list = []
    for order, shape in islands:
        rows, columns = (side[order].reshape(*shape, -1) for side in sides)
        added = plain[:, order].reshape(-1, *shape)
        outputs = group.outputs[0, order].reshape(shape)
        factors = rows[:, 0], columns[0]
        made.append(Matmul(*factors, added, outputs, before, from_zero, n, total))
    if len(rest):
        made.append(
            replace(group, operands=group.operands[:, rest], outputs=group.outputs[:, rest])
        )
    return made


def distinct(rows):
    """For each row of an array, the number of the first row like it, among the different ones."""
    index: dict[bytes, int] = {}
    return np.array([index.setdefault(row.tobytes(), len(index)) for row in rows])


Islands = list[tuple[np.ndarray, tuple[int, int]]]


def full_islands(
    r: np.ndarray, c: np.ndarray, least: float, narrow: bool = True
) -> tuple[Islands, np.ndarray]:
    """Which (row, column) pairs are all pairs of some rows and some columns, `least` or more.

    Returns a list of (order of its pairs row by row, (rows, columns)), and the pairs that are left.
    A single row or column counts only if `narrow`.
    """
    rest = np.arange(len(r))
    if (np.bincount(r)[r] * np.bincount(c)[c]).max() < least:
        return [], rest
    islands = []
    for members in hanging_together(r, c):
        shape = different(r[members]), different(c[members])
        keys = r[members] * (c.max() + 1) + c[members]
        is_full = len(members) == np.prod(shape) == different(keys)
        if is_full and len(members) >= least and (narrow or min(shape) > 1):
            islands.append((members[np.argsort(keys)], shape))
            rest[members] = -1
    return islands, rest[rest >= 0]


def different(xs):
    return len(set(xs.tolist()))


def hanging_together(r, c):
    """The pairs that share rows or columns, as index arrays; wrong where they are far from full."""
    of_row = np.arange(r.max() + 1)
    for _ in range(ROUNDS):
        of_column = np.full(c.max() + 1, len(of_row))
        np.minimum.at(of_column, c, of_row[r])
        np.minimum.at(of_row, r, of_column[c])
    label = of_row[r]
    order = np.argsort(label, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
