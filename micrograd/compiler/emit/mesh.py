"""A mesh: what each of several devices does with its part of the examples, as jax.numpy.

Each has the leaves p, inputs and what else is not of examples, and computes the same from them. Of
n examples each has equally many, `rows`; where they do not divide, the last one fills up, and
counts once. What is added up over examples is so on each device first, and over all in one
`all_reduce` for everything, but for what is needed before.
"""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np

from ..passes.layout import Layout
from ..passes.split import FEW_TERMS
from .xla import XlaEmitter

NAME = re.compile(r"\b[ghc]\d+\b")  # of what is computed
DIGEST, NUMBERS = "c0", 4  # of so many: two words and their squares
FEWEST = 2  # examples on a device: one alone would have no axis


class MeshEmitter(XlaEmitter):
    """The lines of a program for one of `parts` devices: `forward`, and a whole `step`.

    Those of several processes also take d, a digest, and find out whether all have the same.
    `messages` are the all-reduces of a step: of how many numbers each is.
    """

    arguments: ClassVar = {"forward": "p", "step": "s, p"}

    def __init__(self, layout: Layout, parts: int, of_several: bool) -> None:
        self.parts, self.partial, self.guarded = parts, set[str](), 0
        self.of_several = of_several
        super().__init__(layout)

    def forward(self):
        lines = super().forward()
        if not self.of_several:
            return lines
        self.inputs.append("d")
        self.partial.add(DIGEST)
        return [f"{DIGEST} = jnp.ravel(d)", *lines]

    def guards(self):
        return f"agreed({super().guards()}, {DIGEST})" if self.of_several else super().guards()

    def functions(self, forward, backward):
        return {
            "forward": [*self.reduced(forward), f"return {self.answer}"],
            "step": [*self.reduced(forward + backward), f"return {self.answer}, {self.slopes}"],
        }

    def reduced(self, lines):
        """The lines with all-reduces between them: as few as what needs each other allows."""
        sizes = {array.name: array.size for array in self.arrays} | {DIGEST: NUMBERS}
        self.messages, found = [], []
        for stage in self.stages(lines):
            found += stage
            names = [name for name, *_ in map(assignment, stage) if name in self.partial]
            if names:
                several = ", ".join(names)
                found.append(f"[{several}] = all_reduce({several})")
                self.messages.append(sum(sizes.get(name, 1) for name in names))
        return found

    def stages(self, lines):
        """The lines in parts, each of which needs one all-reduce more before it."""
        after: dict[str, int] = {}
        stages: list[list[str]] = [[]]
        notes = []
        for line in lines:
            notes.append(line)
            if line[0] == "#":
                continue
            name, expression = assignment(line)
            stage = max((after.get(x, 0) for x in NAME.findall(expression)), default=0)
            after[name] = stage + (name in self.partial)
            stages += [[] for _ in range(stage + 1 - len(stages))]
            stages[stage] += notes
            notes = []
        return stages

    def note_partial(self):
        """The last array is what the examples of one device come to."""
        self.partial.add(self.arrays[-1].name)

    def rows(self, n):
        return n if n == 1 else rows_of_each(n, self.parts)

    def real(self, text, n):
        return f"real({text}, {n})" if self.rows(n) * self.parts > n else text

    def stack(self, group):
        for start, end in self.even_pieces(group.operands):
            which = start if end == start + 1 else slice(start, end)
            ids, to = group.operands[:, which], np.asarray(group.outputs[0, which])
            self.assign(to, f"part({self.read(ids)}, {self.rows(len(ids))})", group.examples)

    def unstack(self, group):
        n = len(group.outputs)
        self.assign(group.outputs, f"whole({self.of_all(group.operands[0], n)}, {n})")

    def mean(self, group):
        if not self.is_of_examples(group.operands[0]):
            super().mean(group)
            return
        x, n = self.read(group.operands[0]), group.params
        self.assign(group.outputs[0], f"mean_of_part({self.real(x, n)}, {n})")
        self.note_partial()

    def total(self, group):
        super().total(group)
        if self.is_of_examples(group.operands) or len(group.params[0]) > FEW_TERMS:
            self.note_partial()

    def total_matmul(self, matmul):
        super().total_matmul(matmul)
        self.note_partial()

    def guard(self, test, outcome, ids):
        """That there is no comparison, on any device, that came out otherwise."""
        name = f"c{self.guarded + 1}"
        self.guarded += 1
        self.write(f"{name} = jnp.sum({f'~({test})' if outcome else test}, dtype=float)")
        if self.is_of_examples(ids):
            self.partial.add(name)
        return f"({name} == 0.0)"


def assignment(line):
    """The name that a line gives to what, and that."""
    name, _, expression = line.partition(" = ")
    return name, expression


def rows_of_each(n: int, parts: int) -> int:
    """How many of n examples each of so many devices has, the same everywhere."""
    return max(-(-n // parts), FEWEST)
