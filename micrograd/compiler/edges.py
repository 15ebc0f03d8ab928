"""Edges: which operation adds to whose gradient, and in which order the engine would add it."""

from __future__ import annotations

import numpy as np

from .fold import terms
from .groups import Group
from .rules import REDUCTIONS

NOBODY = -1


def parts(group: Group) -> list[tuple[np.ndarray, np.ndarray]]:
    """The operands of a group, as arrays of numbers, each with a gradient of its own, and ranks."""
    if group.kind in REDUCTIONS:
        return [(group.operands, group.ranks)]
    if group.kind != "chain":
        return [*zip(group.operands, group.ranks)]
    starts, products = terms(str(group.static))
    first, plain = starts[products], starts[~products]
    if group.grid is not None:
        factors = [
            (group.grid.rows, group.grid.row_ranks),
            (group.grid.columns, group.grid.column_ranks),
        ]
        if group.grid.is_square:  # x · x: one gradient, of twice the size
            factors[1] = np.zeros((0, 1), int), np.zeros((0, 1), int)
    else:
        factors = [(group.operands[first + i], group.ranks[first + i]) for i in (0, 1)]
    if group.grid is not None and group.grid.bias is not None:
        return [*factors, (group.grid.bias.numbers, group.grid.bias.ranks)]
    return [*factors, (group.operands[plain], group.ranks[plain])]


class Edges:
    """For every slot the edges that lead to it; where in `d` each gradient is, once it is known."""

    def __init__(self, groups, slot, slots, wanted, outputs):
        """`wanted(numbers, group)` tells to which numbers a group's gradients go."""
        targets, ranks = [np.array(outputs)], [np.full(len(outputs), -1)]
        self.parts: dict[int, list[slice]] = {}
        start = len(outputs)
        for group in groups:
            mine = self.parts[id(group)] = []
            for numbers, r in parts(group):
                targets.append(np.where(wanted(numbers, group), slot[numbers], NOBODY).ravel())
                ranks.append(r.ravel())
                mine.append(slice(start, start + numbers.size))
                start += numbers.size
        self.targets = np.concatenate(targets)
        self.source = np.repeat(np.arange(len(targets)), [len(t) for t in targets])
        self.place = np.full(start, NOBODY)
        self.order = np.lexsort((np.concatenate(ranks), self.targets))
        used = self.targets[self.targets != NOBODY]
        self.counts = np.bincount(used, minlength=slots)
        self.first = np.concatenate([[0], np.cumsum(self.counts)]) + start - len(used)
        self.hashes = np.random.RandomState(0).randint(1, 1 << 62, len(targets))

    def is_wanted(self, part):
        return bool((self.targets[part] != NOBODY).any())

    def is_alone(self, part):
        """Whether all gradients of a part are wanted, and nothing else goes where they go."""
        targets = self.targets[part]
        return bool((targets != NOBODY).all() and (self.counts[targets] == 1).all())

    def into(self, start, size):
        """The edges to `size` slots from `start` on, slot after slot, and how many each has."""
        return self.order[self.first[start] : self.first[start + size]], self.counts[
            start : start + size
        ]

    def kinship(self, edges, counts):
        """The slots that have edges of the same sources together, as a list of index arrays."""
        offsets = np.concatenate([[0], np.cumsum(counts)])
        sums = np.concatenate([[0], np.cumsum(self.hashes[self.source[edges]])])
        keys = sums[offsets[1:]] - sums[offsets[:-1]] + counts
        _, labels = np.unique(keys, return_inverse=True)
        labels = labels.ravel()
        return np.split(np.argsort(labels, kind="stable"), np.cumsum(np.bincount(labels))[:-1])
