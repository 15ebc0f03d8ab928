"""An executable: a program run on the numbers of a call, its results Values that can go back."""

from __future__ import annotations

import math
import struct
import weakref
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..engine import Value, node, real
from ..function import outputs
from .errors import JitError
from .graph import Graph
from .locks import Lock
from .program import Program
from .pytree import Arguments, replaced


class Executable:
    def __init__(
        self,
        graph: Graph,
        answer: Any,
        stand_ins: Sequence[Value],
        lock: Lock,
        backend: str,
        mesh: Any = None,
    ) -> None:
        """`stand_ins` are the leaves that stood for Values in the arguments."""
        self.program = Program(graph, backend, mesh=mesh)
        self.answer = replaced(answer, lambda v: Value(0.0))
        self.lock = lock
        self.v = self.program.v
        self.size = len(self.program.leaves)
        self.start = self.size + graph.fed  # of what is computed
        index = {v: i for i, v in enumerate(stand_ins)}
        self.arguments = [(i, index[v]) for i, v in enumerate(self.program.leaves) if v in index]
        self.pack = struct.Struct(f"{self.size}d").pack
        self.numbers: list = []  # the data of the leaves that were filled in
        self.point = b""  # the leaves and inputs that the buffer holds all results of
        self.went_back = self.program
        self.careful: dict[tuple[int, ...], Program] = {}  # by the outputs that they go back from

    def leaves(self, values: Sequence[Value]) -> list[Value]:
        """The leaves of a call with these Values as arguments."""
        leaves = self.program.leaves
        if self.arguments:
            leaves = leaves.copy()
            for i, j in self.arguments:
                leaves[i] = values[j]
        return leaves

    def fill(self, arguments: Arguments) -> None:
        """Sets the leaves to their data."""
        self.numbers = [x.data for x in self.leaves(arguments.values)]
        self.v[: self.size] = np.frombuffer(self.packed(self.numbers))

    def packed(self, numbers: list) -> bytes:
        """Data of leaves, as the bytes of floats: the quickest way into an array."""
        try:
            return self.pack(*numbers)
        except struct.error:
            return self.pack(*[real(x, ".data of a Value") for x in numbers])

    def feed(self, arguments: Arguments) -> None:
        """Sets the inputs."""
        arguments.feed(self.v[self.size : self.start])

    def run(self, arguments: Arguments) -> bool:
        """Forward; False if a comparison came out otherwise than when this was recorded."""
        self.point = b""
        self.feed(arguments)
        return self.program.forward()

    def outputs(self) -> list[float]:
        at = self.program.outputs
        return [self.v.item(at.item())] if len(at) == 1 else self.v[at].tolist()

    def result(self, arguments: Arguments) -> Any:
        """What the function returns, after a run."""
        point = self.point = self.v[: self.start].tobytes()
        leaves, numbers, size = tuple(self.leaves(arguments.values)), self.numbers, self.size

        def backward(*grads):
            now = [x.data for x in leaves]
            # Equal ones are most often the same objects, but the sign of a zero may differ.
            nonzero = np.frombuffer(point, count=size).all()
            if now != numbers or not (nonzero or point.startswith(self.packed(now))):
                raise JitError(
                    "the data of a parameter or argument was changed between the call of a jitted "
                    "function and backward(): go back first, then change it"
                )
            with self.kept() if self.lock.is_held_here() else self.lock.held:
                found, inner = self.gradients(point, grads)
            for x, g in zip(leaves, found):
                x.grad += g
            for i, g in inner.items():
                if (v := returned[i]()) is not None:
                    v.grad = g

        data = self.outputs()
        if isinstance(self.answer, Value):
            return node(data[0], leaves, "jit", backward)
        nodes = outputs(data, leaves, "jit", backward)
        returned = [weakref.ref(v) for v in nodes]  # no node reaches itself
        made = iter(nodes)
        return replaced(self.answer, lambda v: next(made))

    @contextmanager
    def kept(self):
        """Leaves all as it is for another call of this thread, into which a signal came."""
        programs = [self.program, *self.careful.values()]
        numbers, kept = [program.v.copy() for program in programs], (self.point, self.went_back)
        yield
        for program, v in zip(programs, numbers):
            program.v[:] = v
        self.point, self.went_back = kept

    @np.errstate(all="ignore")
    def gradients(self, point, grads):
        """Of the leaves, in a list, and of outputs from which others were computed, by index."""
        if self.point is not point:  # another call came in between
            self.v[: self.start] = np.frombuffer(point)
            self.program.forward()
            self.point = point
        return self.backward(grads).tolist(), self.inner_gradients(grads)

    def backward(self, seeds: Sequence[float] | np.ndarray) -> np.ndarray:
        """The gradients of the leaves, after a run: what the seeds of the outputs come to."""
        found = self.backward_of(self.program, seeds)
        if is_finite(found):
            return found
        return self.backward_with_care(seeds)  # perhaps zero times infinity: nothing in the engine

    def backward_of(self, program, seeds):
        self.went_back = program
        program.seeds[:] = seeds
        program.backward()
        return program.gradients

    def backward_with_care(self, seeds):
        """The same from the outputs with a seed alone, as the engine would go back."""
        used = tuple(reached(seeds)) or tuple(range(len(seeds)))
        if used not in self.careful:
            self.careful[used] = self.program.careful(used)
        program = self.careful[used]
        program.v[: self.start] = self.v[: self.start]
        program.forward()
        return self.backward_of(program, [seeds[i] for i in used])

    def inner_gradients(self, grads):
        """The gradients of outputs from which others with a gradient were computed, by index."""
        program = self.went_back
        if len(grads) == 1:
            return {}
        below = {j for i in reached(grads) for j in program.below[i]}
        return {j: program.v.item(program.inner[j]) for j in below if j in program.inner}


def reached(seeds: Sequence[float] | np.ndarray) -> list[int]:
    """The outputs to which a gradient came, perhaps 0.0: where none did, the seed is -0.0."""
    return [i for i, seed in enumerate(seeds) if seed or math.copysign(1.0, seed) > 0]


def is_finite(xs: np.ndarray) -> bool:
    """Whether no number in it is infinite or nan; also False if their sum is."""
    return math.isfinite(ONES[: len(xs)].dot(xs) if len(xs) < len(ONES) else np.add.reduce(xs))


ONES = np.ones(4096)  # for longer ones, a dot product would start threads
