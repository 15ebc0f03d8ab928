"""Gradients: where in `d` they are, and the lines that add up those which come from many places."""

from __future__ import annotations

import numpy as np

from .edges import Edges
from .forward import FEW_TERMS, SINGLES, write_matmul
from .grids import GRID
from .views import even_steps, spacing

PLANES = 3  # in which gradients of leaves lie as the leaves do, to be added up in one go
LINE = 100  # edges that are added one by one in the time of a line on arrays


class Gradients:
    """Where in `d` the gradients are."""

    def __init__(self, source, edges: Edges, leaves: int):
        self.source, self.edges = source, edges
        self.leaves, self.free = leaves, leaves
        self.at: dict[int, int] = {}  # where the whole gradient of a slot is
        self.planes: list[tuple[np.ndarray, np.ndarray]] = []

    def region(self, size):
        """New places."""
        self.free += size
        return np.arange(self.free - size, self.free)

    def places_for(self, part):
        """Places for the gradients of a part: those of the leaves, if nothing else goes there."""
        targets = self.edges.targets[part]
        of_leaves = ((targets >= 0) & (targets < self.leaves)).all()
        if not of_leaves or has_twins(targets) or spacing(targets[:, None]) is None:
            at = self.region(len(targets))
        elif self.edges.is_alone(part):
            at = targets
        else:
            at = self.plane_for(targets)
        self.edges.place[part] = at
        return at

    def grid_for(self, part, shape):
        """Places for the gradients of a part as an array of this shape, evenly spaced."""
        at = self.places_for(part).reshape(shape)
        if even_steps(at) is None:
            at = self.region(at.size).reshape(shape)
            self.edges.place[part] = at.ravel()
        return at

    def plane_for(self, targets):
        """Places for gradients of leaves that are not yet taken, as far apart as the leaves are."""
        for places, taken in self.planes:
            if not taken[targets].any():
                taken[targets] = True
                return places[targets]
        if len(self.planes) == PLANES:
            return self.region(len(targets))
        self.planes.append((self.region(self.leaves), np.zeros(self.leaves, bool)))
        return self.plane_for(targets)

    def of_leaves(self):
        """Gathers the gradients of the leaves in the first places of `d`."""
        if self.leaves:
            self.gather(np.arange(self.leaves), 0, self.leaves)

    def of(self, start, size):
        """The places of the gradients of `size` slots; one that is ready stays where it is."""
        edges, counts = self.edges.into(start, size)
        if (counts == 1).all():
            own = self.edges.place[edges]
        else:
            own = self.region(size)
            self.gather(own, start, size)
        self.at |= zip(range(start, start + size), own.tolist())
        return own

    def gather(self, own, start, size):
        """Lines that add up gradients of slots, in the order of the engine, into places `own`."""
        edges, counts = self.edges.into(start, size)
        if not len(edges):
            return
        if size <= SINGLES and counts.max() <= FEW_TERMS:
            offsets = np.cumsum(counts) - counts
            for place, start, count in zip(own, offsets, counts):
                if count:
                    self.add_up(np.array([place]), edges[None, start : start + count])
            return
        if counts.min() == counts.max() <= FEW_TERMS:
            table = edges.reshape(size, -1)
            if all(spacing(column[:, None]) for column in self.edges.place[table].T):
                self.add_up(own, table)
                return
        offsets = np.cumsum(counts) - counts
        families = [
            (own[members], edges[offsets[members][:, None] + np.arange(counts[members[0]])])
            for members in self.edges.kinship(edges, counts)
            if counts[members[0]]
        ]
        if len(families) > FEW_TERMS and sum(self.effort(*f) for f in families) > len(edges):
            self.one_by_one(own, edges, counts)
            return
        for family in families:
            self.add_up(*family)

    def effort(self, own, edges):
        """What the lines cost that add up a family, in edges added one by one."""
        table = np.column_stack([own, self.edges.place[edges]])
        lines = sum(1 if spacing(column[:, None]) else 2 for column in table.T)
        return lines * LINE

    def one_by_one(self, own, edges, counts):
        taken = self.source.take("d", self.edges.place[edges])
        slots = self.source.given("i", np.repeat(np.arange(len(own)), counts))
        to = self.target(own)
        self.source.write(f"{to} = bincount({slots}, {taken}, {len(own)})")

    def target(self, own):
        """What to write on the left of an assignment to places in a row."""
        steps = even_steps(own)
        if steps is None:
            return f"d[{self.source.given('i', own)}]"
        return f"{self.source.view('d', own[0], own.shape, steps)}[:]"

    def add_up(self, own, edges):
        """Lines that put into `own` (targets) the sums of what edges (targets, terms) bring."""
        at = self.edges.place[edges]
        if at.shape[1] > FEW_TERMS:
            at = self.totals(own, edges)
        if (at == own[:, None]).all():
            return
        if len(own) <= SINGLES:
            for place, terms in zip(own, at):
                self.source.write(f"d[{place}] = " + " + ".join(f"d.item({i})" for i in terms))
        elif spacing(own[:, None]) is None:
            taken = self.source.take("d", at.T.copy())
            self.source.write(f"{self.target(own)} = running_sum({taken})")
        else:
            to, x, *others = self.source.aligned(("d", own), [("d", column) for column in at.T])
            if not others:
                self.source.write(f"{to}[...] = {x}")
            for other in others:
                self.source.write(f"add({x}, {other}, out={to})")
                x = to

    def totals(self, own, edges):
        """Many terms as few: those of each source added up, or else all of them."""
        sources = self.edges.source[edges]
        runs = np.flatnonzero(np.diff(sources[0])) + 1
        if edges.size < GRID or (sources != sources[0]).any() or len(runs) >= FEW_TERMS:
            runs = np.array([], int)
        parts = np.split(self.edges.place[edges], runs, axis=1)
        return np.stack([self.total(own, part, alone=len(parts) == 1) for part in parts], axis=1)

    def total(self, own, at, alone):
        """Where the sums of what is at `at` (targets, terms) are: in `own`, if they are alone."""
        if at.shape[1] == 1:
            return at[:, 0]
        to = own if alone else self.region(len(own))
        if at.size >= GRID and even_steps(at) is not None and even_steps(to) is not None:
            x, y = self.source.grid("d", at.T), self.source.grid("d", to)
            ones = self.source.given("k", np.ones(at.shape[1]))
            write_matmul(self.source, ones, x, y)
        else:
            x = self.source.grid("d", at.T.copy())
            self.source.write(f"{self.target(to)} = running_sum({x})")
        return to


def has_twins(xs):
    return len(np.unique(xs)) < len(xs)
