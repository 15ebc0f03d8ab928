"""A mesh: what each of several devices does with its part of the examples, as jax.numpy.

Each has the leaves p, inputs and what else is not of examples, and computes the same from them. Of
n examples each has equally many, `rows`; where they do not divide, the last ones are there twice,
and count once. What is added up over examples is so on each device first, and over all in one
`all_reduce` for everything that is not needed for another one.
"""

from __future__ import annotations

import re
from typing import ClassVar

import numpy as np

from ..graph import guards_alike
from ..passes.layout import Layout
from ..passes.split import FEW_TERMS
from .xla import GUARDS, XlaEmitter

FEWEST = 2  # examples on a device: one alone would have no axis


class MeshEmitter(XlaEmitter):
    """The lines of a program for one of `parts` devices: `forward`, and a whole `step`.

    `messages` are the all-reduces of a step: of how many numbers each is.
    """

    arguments: ClassVar = {"forward": "p", "step": "s, p"}

    def __init__(self, layout: Layout, parts: int) -> None:
        self.parts, self.partial = parts, set[str]()
        super().__init__(layout)

    def functions(self, forward, backward):
        return {
            "forward": [*self.reduced(forward), f"return {self.answer}"],
            "step": [*self.reduced(forward + backward), f"return {self.answer}, {self.slopes}"],
        }

    def reduced(self, lines):
        """The lines with all-reduces between them: as few as what needs each other allows."""
        after: dict[str, int] = {}  # so many all-reduces each name is known
        stages: dict[int, list[str]] = {0: []}
        parts: dict[int, list[str]] = {}
        notes = []
        for line in lines:
            if line[0] == "#":
                notes.append(line)
                continue
            name, expression = line.split(" = ", 1)
            stage = max(
                (after.get(x, 0) for x in re.findall(r"\b[ghc]\d+\b", expression)), default=0
            )
            stages.setdefault(stage, []).extend([*notes, line])
            after[name], notes = stage, []
            if name in self.partial:
                after[name] = stage + 1
                parts.setdefault(stage, []).append(name)
        sizes = {array.name: array.size for array in self.arrays}
        self.messages = [sum(sizes.get(x, 1) for x in names) for names in parts.values()]
        for stage, names in parts.items():
            several = ", ".join(names)
            stages[stage].append(f"[{several}] = all_reduce({several})")
        return [line for _, stage in sorted(stages.items()) for line in stage]

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

    def guards(self):
        """Whether there is no comparison, on any device, that came out otherwise."""
        tests = []
        for (compare, outcome), pairs in guards_alike(self.graph).items():
            for same in self.by_arrays(pairs):
                _, (a, b) = self.aligned(same)
                test = f"{a} {GUARDS[compare]} {b}"
                name = f"c{len(tests) + 1}"
                failed = f"~({test})" if outcome else test
                self.write(f"{name} = jnp.sum({failed}, dtype=float)")
                if self.is_of_examples(same):
                    self.partial.add(name)
                tests.append(f"({name} == 0.0)")
        return " & ".join(tests) or "True"


def rows_of_each(n: int, parts: int) -> int:
    """How many of n examples each of so many devices has, the same everywhere."""
    return max(-(-n // parts), FEWEST)
