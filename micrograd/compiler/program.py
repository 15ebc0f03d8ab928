"""The program: what a person would have written in NumPy for the operations of a recording."""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Sequence

import numpy as np

from . import kernels
from .backward import write_backward
from .edges import Edges, parts
from .fold import folded
from .forward import Values, write_forward
from .gradients import PLANES, Gradients
from .groups import Group, described, grouped
from .recording import Recording
from .source import HERE, Source

GUARDS = {
    operator.lt: "less",
    operator.le: "less_equal",
    operator.gt: "greater",
    operator.ge: "greater_equal",
}


class Program:
    """Forward and backward of a recording.

    `v` begins with the leaves and the inputs, in their order; `d` with the gradients of the leaves.
    forward() is False where a comparison came out otherwise than in the recording.
    """

    def __init__(
        self, recording: Recording, calls: int, groups: Sequence[Group], order: Sequence[int] = ()
    ) -> None:
        """`order` is that of the leaves, if it is given."""
        self.recording, self.groups, self.calls = recording, groups, calls
        self.shortcuts = False
        self.order = order = order or leaf_order(recording, groups)
        self.leaves = [recording.leaves[i] for i in order]
        slot = self.slots(order)
        self.outputs = slot[recording.outputs]
        source = Source(self.v, len(order), len(order) + len(recording.inputs))
        values = Values(source, slot, recording)
        self.v[slot[values.is_constant]] = values.data[values.is_constant]
        for group in groups:
            source.write(f"# {described(group)}")
            write_forward(group, values)
        write_guards(recording, values)
        self.functions = {"forward": source.lines}
        source.lines = []
        self.write_backward(source, values)
        self.functions["backward"] = source.lines
        self.text = "\n\n".join(function(*f) for f in self.functions.items())
        self.declarations, self.names = source.declarations, source.names
        exec(compile(self.text, "<jit>", "exec"), self.names)
        self.forward, self.backward = self.names["forward"], self.names["backward"]

    def slots(self, order):
        """Where in `v` each number is: leaves, inputs, constants, then group after group."""
        recording = self.recording
        numbers = [recording.leaf_numbers[i] for i in order]
        numbers += [*recording.inputs, *recording.constants]
        numbers += [x for group in self.groups for x in group.outputs.ravel().tolist()]
        slot = np.full(recording.size, -1)
        slot[numbers] = np.arange(len(numbers))
        self.v = np.zeros(len(numbers))
        for group in self.groups:
            if group.grid is not None and group.size == 1:
                group.grid.sort(slot)
        return slot

    def write_backward(self, source, values):
        self.below = outputs_below(self.recording)
        inner = sorted(set().union(*self.below))
        wanted = gradient_flow(
            self.recording, self.groups, [self.recording.outputs[i] for i in inner]
        )
        edges = Edges(self.groups, values.slot, len(self.v), wanted, self.outputs)
        room = 2 * len(self.v) + len(edges.place) + PLANES * len(self.leaves)
        self.d = source.names["d"] = np.zeros(room)
        gradients = Gradients(source, edges, len(self.leaves))
        seeds = edges.place[: len(self.outputs)] = gradients.region(len(self.outputs))
        self.seed = self.d[seeds[0] : seeds[-1] + 1]
        for group in reversed(self.groups):
            source.write(f"# {described(group)}")
            write_backward(group, values, gradients)
        for slot in self.outputs[inner].tolist():
            if slot not in gradients.at:
                gradients.of(slot, 1)
        self.inner = {i: gradients.at[self.outputs[i]] for i in inner}
        source.write("# parameters")
        gradients.of_leaves()


def leaf_order(recording, groups):
    """The leaves as the groups use them, so that the weights of a layer are an array."""
    index = {number: i for i, number in enumerate(recording.leaf_numbers)}
    groups = sorted(groups, key=lambda group: group.grid is None or group.size == 1)
    used = (x for group in groups for numbers, _ in parts(group) for x in numbers.ravel().tolist())
    return list(dict.fromkeys([*(index[x] for x in used if x in index), *index.values()]))


def function(name, lines):
    return f"def {name}():\n" + "".join(f"    {line}\n" for line in [*lines, "pass"])


def outputs_below(recording):
    """For each output the other outputs that it was computed from, by index."""
    own: dict[int, int] = {}
    for i, number in enumerate(recording.outputs):
        own[number] = own.get(number, 0) | 1 << i
    below = dict(own) if len(own) > 1 else {}
    if below:
        for call in recording.calls:
            found = functools.reduce(operator.or_, (below.get(x, 0) for x in call.operands), 0)
            if found:
                below |= {x: below.get(x, 0) | found for x in call.outputs if x is not None}
    computed = {x for call in recording.calls for x in call.outputs}
    several = [i for i, number in enumerate(recording.outputs) if number in computed]
    return [
        [i for i in several if (below.get(number, 0) & ~own[number]) >> i & 1]
        for number in recording.outputs
    ]


def gradient_flow(recording, groups, inner):
    """A function that tells to which operands of a group gradients go.

    That is to those which depend on a leaf or are `inner`, outputs that others were computed from;
    from operations that an output depends on.
    """
    needed, live = np.zeros(recording.size, bool), np.zeros(recording.size, bool)
    needed[[*recording.leaf_numbers, *inner]] = True
    live[recording.outputs] = True
    for group in groups:
        needed[group.outputs] |= needed[group.operands].any(axis=0)
    for group in reversed(groups):
        live[group.operands[:, live[group.outputs].any(axis=0)]] = True

    def wanted(numbers, group):
        of_all = group.grid is not None and group.grid.has(numbers)
        return needed[numbers] & live[group.outputs].any(axis=None if of_all else 0)

    return wanted


def write_guards(recording, values):
    """The last line of forward(): whether all comparisons have come out as they did."""
    by_name: dict[str, list] = {}
    for compare, a, b, outcome in recording.guards:
        by_name.setdefault(GUARDS[compare], []).append((a, b, outcome))
    tests = []
    for name, rows in by_name.items():
        a, b = (np.array(numbers) for numbers in list(zip(*rows))[:2])
        expected = np.array([outcome for *_, outcome in rows], bool)
        if values.is_constant[[*a, *b]].all():
            continue
        left, right = values.source.aligned(HERE, values.columns([a, b]))
        test = f"{name}({left}, {right})"
        shape = values.source.names[left if left in values.source.names else right].shape
        known = values.source.given("k", expected.reshape(shape))
        tests.append(f"({test} == {known}).all()")
    values.source.write("return " + (" and ".join(tests) or "True"))


def compiled(recording: Recording) -> Program:
    """The fastest program: it may multiply a zero and an unused number, which could be infinite."""
    calls = folded(recording)
    program = Program(recording, len(calls), grouped(recording, calls))
    program.shortcuts = recording.shortcuts or any(g.kind == "relu" for g in program.groups)
    return program


def strictly(program: Program, used: Sequence[int]) -> Program:
    """A program without such shortcuts, for infinite numbers and nan, back from some outputs."""
    outputs = [program.recording.outputs[i] for i in used]
    recording = dataclasses.replace(program.recording, outputs=outputs)
    groups = grouped(recording, folded(recording), strict=True)
    strict = Program(recording, program.calls, groups, program.order)
    strict.names["relu_backward"] = kernels.careful_relu_backward
    return strict
