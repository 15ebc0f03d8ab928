"""Spread: what was done for one example of a batch is done for all, in the same groups."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np

from ..errors import ExamplesError
from ..graph import MEAN, OF_ALL, SUM, TOTAL, blocks_of, examples
from .group import Ragged, Schedule
from .matmul import Matmul


def spread(schedule: Schedule) -> Schedule:
    """The schedule for all examples: a value that stands for one of each becomes as many.

    Raises ExamplesError where a comparison of constants comes out otherwise for some.
    """
    if not schedule.graph.tables and not any(op.kind in BETWEEN for op in schedule.graph.ops):
        return schedule
    return Spreading(schedule.graph).schedule(schedule)


BETWEEN = ("stack", *OF_ALL)  # what leads to values of an example, and back


class Spreading:
    """Value x of example i is `first[x] + i * step[x]`, or else `listed[x][i]`."""

    def __init__(self, graph):
        self.graph, self.counts, self.size = graph, np.array(examples(graph)), graph.size
        most = graph.size + graph.fed + int(self.counts.sum())
        self.type = (
            np.int32 if most < 2**31 else np.int64
        )  # half the memory, where it is most of it
        self.first = np.arange(graph.size, dtype=self.type)
        self.step = np.zeros(graph.size, self.type)
        self.listed: dict[int, np.ndarray] = {}
        self.copies: dict = {}
        self.inputs = self.fed()

    def fed(self):
        """The ids of all numbers of the inputs, row by row of each table."""
        found = [np.zeros(0, self.type)]
        for ids, rows in blocks_of(self.graph):
            if ids[0] in self.graph.tables:
                start, self.size = self.size, self.size + rows * len(ids)
                self.first[ids], self.step[ids] = range(start, start + len(ids)), len(ids)
                found.append(np.arange(start, self.size, dtype=self.type))
            else:
                found.append(ids.astype(self.type))
        return np.concatenate(found)

    def schedule(self, schedule):
        forward, backward = (
            [new for group in groups for new in self.spread(group)]
            for groups in (schedule.forward, schedule.backward)
        )
        graph = self.graph
        one = self.first.tolist().__getitem__
        graph = replace(
            graph,
            inputs=self.inputs,
            tables={},
            outputs=list(map(one, graph.outputs)),
            gradients=[None if x is None else one(x) for x in graph.gradients],
            inner={x: None if y is None else one(y) for x, y in graph.inner.items()},
            guards=[new for guard in graph.guards for new in self.guards(*guard)],
            size=self.size,
        )
        return Schedule(graph, forward, backward)

    def spread(self, group):
        """The groups, none or one, in which a group is done for all examples."""
        kind = getattr(group, "kind", "")
        if kind == "stack":
            for x, operands in zip(group.outputs[0].tolist(), group.operands.T):
                self.stack(x, self.first[operands])
            return []
        if kind == "unstack":
            for outputs, x in zip(group.outputs.T, group.operands[0]):
                self.first[outputs] = self.all(x, len(outputs))
            return []
        if isinstance(group, Ragged):
            first, second = (
                None if x is None else self.first[x] for x in (group.first, group.second)
            )
            return [replace(group, first=first, second=second)]
        return [self.matmul(group) if isinstance(group, Matmul) else self.group(group)]

    def group(self, group):
        n, operands, outputs = group.examples, group.operands, group.outputs
        if group.kind == TOTAL or group.kind == MEAN:
            signs, n = group.params if group.kind == TOTAL else (None, group.params)
            operands = np.moveaxis(self.all(operands, n), 2, 0)
            if signs:  # the engine goes back from the last example to the first
                operands = operands[::-1]
            operands = operands.reshape(-1, group.size)
            kind, params = ("mean", None) if signs is None else (SUM, signs * n)
            return replace(group, kind=kind, params=params, operands=operands)
        self.make(outputs, n)
        operands, outputs = (self.all(x, n).reshape(len(x), -1) for x in (operands, outputs))
        functions = [f for each in group.functions for f in self.functions(each, n)]
        return replace(group, operands=operands, outputs=outputs, functions=functions, examples=1)

    def matmul(self, matmul):
        n, rows, columns = matmul.examples, matmul.rows, matmul.columns
        if matmul.total:
            rows, columns = (self.all(x, n).reshape(len(x), -1) for x in (rows, columns))
            return replace(matmul, rows=rows, columns=columns, examples=1, total=False)
        self.make(matmul.outputs, n)
        columns = np.moveaxis(self.all(columns, n), 2, 1).reshape(-1, columns.shape[1])
        plain, outputs = (
            self.all(x, n).reshape(*x.shape[:-1], x.shape[-1] * n)
            for x in (matmul.plain, matmul.outputs)
        )
        moved = {"columns": columns, "plain": plain, "outputs": outputs}
        return replace(matmul, rows=self.first[rows], examples=1, **moved)

    def make(self, outputs, n):
        """New ids for outputs, for each example."""
        if n > 1:
            starts = self.size + n * np.arange(outputs.size, dtype=self.type)
            self.first[outputs], self.step[outputs] = starts.reshape(outputs.shape), 1
            self.size += n * outputs.size

    def functions(self, function, n):
        """A Function's own copy for each example, the same forward and backward."""
        if function not in self.copies:
            self.copies[function] = [copy.copy(function) for _ in range(n)]
        return self.copies[function]

    def guards(self, compare, a, b, outcome):
        """A guard on arrays of ids, or none."""
        n, data = int(max(self.counts[[a, b]])), self.graph.constants
        pairs = np.stack([self.all(a, n), self.all(b, n)])
        known = np.isin(pairs, list(data)).all(axis=0)
        for x, y in pairs[:, known].T.tolist():
            if compare(data[x], data[y]) != outcome:
                raise ExamplesError
        if not known.all():
            yield compare, *pairs[:, ~known], outcome

    def stack(self, x, operands):
        """Lets x of each example be one of these."""
        steps = np.diff(operands)
        self.first[x], self.step[x] = operands[0], steps[0]
        if (steps != steps[0]).any():
            self.listed[x] = operands

    def all(self, ids, count):
        """The ids of all examples, along one more axis."""
        ids = np.asarray(ids)
        examples = np.arange(count, dtype=self.type)
        found = self.step[ids][..., None] * examples
        found += self.first[ids][..., None]
        if self.listed:
            flat, rows = ids.ravel(), found.reshape(-1, count)
            for at in np.flatnonzero(np.isin(flat, list(self.listed))):
                rows[at] = self.listed[int(flat[at])]
        return found
