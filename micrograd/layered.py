"""A layout in columns that takes no time: each node behind all that it was computed from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

NODE_GAP, COLUMN_GAP = 14.0, 30.0  # CSS pixels
SWEEPS = 4  # in which nodes come nearer to their neighbours

Size = tuple[float, float]
Place = tuple[float, float, float, float]


def layered(sizes: Sequence[Size], edges: Sequence[tuple[int, int]]) -> tuple[list[Place], Size]:
    """For each node x, y, width and height, and the size of all; no two nodes overlap.

    An edge leads from a node to a later one.
    """
    columns = in_columns(len(sizes), edges)
    near = neighbours(len(sizes), edges)
    ys = [0.0] * len(sizes)
    for sweep in range(SWEEPS):
        for column in reversed(columns) if sweep % 2 else columns:
            wanted = {i: middle(ys, near[i]) for i in column}
            column.sort(key=wanted.__getitem__)
            stacked(column, ys, sizes, wanted)
    top = min(ys[i] - sizes[i][1] / 2 for i in range(len(sizes)))
    places: list[Place] = [(0.0, 0.0, 0.0, 0.0)] * len(sizes)
    x = 0.0
    for column in columns:
        wide = max(sizes[i][0] for i in column)
        for i in column:
            w, h = sizes[i]
            places[i] = x + (wide - w) / 2, ys[i] - h / 2 - top, w, h
        x += wide + COLUMN_GAP
    return places, (x - COLUMN_GAP, max(y + h for _, y, _, h in places))


def in_columns(n, edges):
    """The nodes by column, so that all edges lead to the right, and leaves are near their use."""
    after, before = neighbour_lists(n, edges)
    column = [0] * n
    for i in range(n):
        column[i] = max((column[j] + 1 for j in before[i]), default=0)
    for i in reversed(range(n)):
        if after[i] and len(before[i]) < 2:
            column[i] = min(column[j] for j in after[i]) - 1
    found = defaultdict(list)
    for i in range(n):
        found[column[i]].append(i)
    return [found[k] for k in sorted(found)]


def neighbour_lists(n, edges):
    """For each node those that it leads to, and those that lead to it."""
    after, before = [[] for _ in range(n)], [[] for _ in range(n)]
    for i, j in edges:
        after[i].append(j)
        before[j].append(i)
    return after, before


def neighbours(n, edges):
    return [[*a, *b] for a, b in zip(*neighbour_lists(n, edges))]


def middle(ys, nodes):
    return sum(ys[i] for i in nodes) / max(len(nodes), 1)


def stacked(column, ys, sizes, wanted):
    """Give the nodes of a column heights in this order, as near as can be to the wanted ones."""
    y, free = 0.0, []
    for i in column:
        free.append(y + sizes[i][1] / 2)
        y += sizes[i][1] + NODE_GAP
    for i, at, shift in zip(column, free, rising([wanted[i] - at for i, at in zip(column, free)])):
        ys[i] = at + shift


def rising(wishes):
    """The nearest numbers to the wishes that never fall: those that would are pooled."""
    pools: list[tuple[float, int]] = []
    for wish in wishes:
        pools.append((wish, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, k), (b, m) = pools[-2:]
            pools[-2:] = [((a * k + b * m) / (k + m), k + m)]
    return [mean for mean, k in pools for _ in range(k)]
