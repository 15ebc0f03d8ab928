"""Layout: where in one buffer each value is, so that what is used together lies together.

The gradients of the leaves lie as the leaves do, and what is only added up to them, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from ..graph import SUM
from ..views import even_steps, spacing
from .group import Group, Ragged, Schedule
from .matmul import Matmul
from .split import FEW_TERMS

NOWHERE, GIVEN_UP = -1, -2


@dataclass(eq=False)
class Layout:
    """Offsets in a buffer of `size` numbers: leaves, inputs, constants, results, and gradients.

    `order` is that of the leaves, `offset` has one for each id. `copies` are gradients of leaves
    that have to be copied to their places: (2, n) offsets, to and from.
    """

    schedule: Schedule
    order: list[int]
    offset: np.ndarray
    size: int
    inputs: int
    computed: int
    seeds: slice
    gradients: slice
    copies: np.ndarray


def layout(schedule: Schedule, order: Sequence[int] = ()) -> Layout:
    """Offsets for all values of a schedule; `order` is that of the leaves, if it is given."""
    graph = schedule.graph
    order = list(order) or leaf_order(schedule)
    offset = np.full(graph.size, NOWHERE, np.int32 if graph.size < 2**30 else np.int64)
    leaves = [graph.leaf_ids[i] for i in order]
    computed = [group.outputs.ravel() for group in schedule.forward]
    start = 0  # at the end, of the gradients of leaves
    for ids in (leaves, graph.inputs, list(graph.constants), *computed, graph.seeds):
        offset[ids] = np.arange(start, start + len(ids))
        start += len(ids)
    placing = Backward(graph, order, offset, start)
    schedule = replace(schedule, backward=placing.placed(schedule.backward))
    found = [(start + i, graph.gradients[j]) for i, j in enumerate(order) if graph.gradients]
    copies = [(to, offset[x]) for to, x in found if x is not None and offset[x] != to]
    return Layout(
        schedule,
        order,
        offset,
        placing.size,
        inputs=len(leaves),
        computed=len(leaves) + len(graph.inputs) + len(graph.constants),
        seeds=slice(start - len(graph.seeds), start),
        gradients=slice(start, start + len(leaves)),
        copies=np.array(copies, int).reshape(-1, 2).T,
    )


def leaf_order(schedule):
    """The leaves as the ops use them, so that the weights of a layer are a matrix."""
    graph = schedule.graph
    index = {x: i for i, x in enumerate(graph.leaf_ids)}
    is_leaf = np.zeros(graph.size, bool)
    is_leaf[graph.leaf_ids] = True
    groups = sorted(schedule.forward, key=lambda g: not isinstance(g, Matmul) or g.size == 1)
    used = (part[is_leaf[part]].tolist() for group in groups for part in parts(group))
    return list(dict.fromkeys([*map(index.__getitem__, chain(*used)), *index.values()]))


def parts(group):
    """What a group computes with, as arrays of ids."""
    if isinstance(group, Matmul):
        return group.rows, group.columns, group.plain[:, 0], group.plain[:, :, 0]
    if isinstance(group, Ragged):
        return [x for x in (group.first, group.second) if x is not None]
    return (group.operands,)


class Backward:
    """Offsets for what is computed backward, in `offset`, from `size` on.

    `wish` is where a value should be. The groups are asked from the last to the first: what is
    added up to gradients of leaves wishes to lie as they do.
    """

    def __init__(self, graph, order, offset, start):
        self.offset, self.size, self.leaves = offset, start + len(order), len(order)
        self.start, self.planes = start, {}
        self.wish = np.full_like(offset, NOWHERE)
        for place, i in enumerate(order, start):
            x = graph.gradients[i] if graph.gradients else None
            if x is not None and offset[x] == NOWHERE:
                # A value that is the gradient of several leaves is at the place of none.
                self.wish[x] = place if self.wish[x] == NOWHERE else GIVEN_UP
        self.wish[self.wish == GIVEN_UP] = NOWHERE

    def placed(self, groups):
        """The groups, some in another order."""
        groups = [self.as_wished(group) for group in reversed(groups)][::-1]
        for group in groups:
            self.place(group.outputs)
        return groups

    def place(self, outputs):
        """Gives places in a row to what has none."""
        ids = outputs.ravel()
        if (self.offset[ids] == NOWHERE).any():
            self.offset[ids] = np.arange(self.size, self.size + len(ids))
            self.size += len(ids)

    def as_wished(self, group):
        """The group with its outputs where they should be, in that order, where that can be."""
        wish = self.wish[group.outputs]
        if (wish == NOWHERE).any():
            return group
        ordered = in_order(group, wish)
        wish = self.wish[ordered.outputs]
        if not is_even(ordered, wish):
            return group
        self.offset[ordered.outputs] = wish
        if isinstance(ordered, Group) and ordered.kind == SUM and len(group.operands) <= FEW_TERMS:
            at = wish[0] - self.start
            if at.max() < self.leaves:
                self.pass_on(ordered, at)
        return ordered

    def pass_on(self, group, at):
        """Lets what short sums add up lie as they do, which are gradients of the leaves `at`."""
        for i, x in enumerate(group.operands):
            is_free = (self.offset[x] == NOWHERE).all() and (self.wish[x] == NOWHERE).all()
            if is_free and len(set(x.tolist())) == len(x):
                if i not in self.planes:
                    self.planes[i] = self.size
                    self.size += self.leaves
                self.wish[x] = self.planes[i] + at


def in_order(group, wish):
    """The group with its outputs in the order of `wish`, an array like them."""
    if isinstance(group, Matmul):
        p, q = np.argsort(wish[:, 0]), np.argsort(wish[0])
        plain, outputs = group.plain[:, p][:, :, q], group.outputs[p][:, q]
        sides = {"rows": group.rows[p], "columns": group.columns[q]}
        return replace(group, plain=plain, outputs=outputs, **sides)
    if len(wish) > 1:
        return group
    order = np.argsort(wish[0])
    outputs = group.outputs[:, order]
    if isinstance(group, Ragged):
        return replace(group, outputs=outputs, sums=np.argsort(order)[group.sums])
    functions = [group.functions[i] for i in order] if group.functions else []
    return replace(group, outputs=outputs, operands=group.operands[:, order], functions=functions)


def is_even(group, places):
    """Whether the outputs of a group can be written to these places."""
    if isinstance(group, Matmul):
        return even_steps(places) is not None and even_steps(places)[1] == 1
    if isinstance(group, Group) and len(places) == 1 and len(group.operands) <= 2 * FEW_TERMS:
        return spacing(places[0][:, None]) is not None
    return even_steps(places) is not None
