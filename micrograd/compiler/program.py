"""The program of a graph: all passes one after the other, and what they made of it."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .backends import coded, laid_out
from .errors import JitError
from .graph import Graph
from .passes.differentiate import differentiate
from .passes.fold import fold
from .passes.group import group
from .passes.matmul import matmuls
from .passes.pad import pad
from .passes.split import split

if TYPE_CHECKING:
    from jax.sharding import Mesh


class Program:
    """Forward and backward of a graph, on a buffer `v` that begins with its leaves and inputs.

    forward() is False where a comparison came out otherwise than in the recording; backward() sets
    `gradients`, in the order of `leaves`, to what the `seeds` of the outputs come to.
    """

    def __init__(
        self,
        graph: Graph,
        backend: str = "numpy",
        used: Sequence[int] | None = None,
        order: Sequence[int] = (),
        careful: bool = False,
        mesh: Mesh | None = None,
    ) -> None:
        """Back from the outputs at the places `used`; `order` is that of the leaves, if given.

        On a `mesh` of devices, if there is one.

        A `careful` one is for infinite numbers and nan: no gradient passes where it is flat.
        """
        self.is_python = backend == "xla" and any(op.kind == "function" for op in graph.ops)
        if self.is_python and mesh is not None:
            raise JitError(
                "devices=… needs a program in XLA, and a jitted function that calls a Function is "
                "none: leave out devices, or compute the same with operations of Values"
            )
        if self.is_python:
            backend = "numpy"
        self.graph, self.backend = graph, backend
        self.below = outputs_below(graph)
        inner = sorted(set().union(*self.below))
        ends = [graph.outputs[i] for i in inner]
        used = range(len(graph.outputs)) if used is None else used
        self.differentiated = differentiate(pad(graph), used, ends, careful)
        self.folded = split(fold(self.differentiated))
        self.layout = found = laid_out(backend, matmuls(group(self.folded)), order)
        self.code = code = coded(backend, found, careful, mesh)
        self.v, self.forward, self.backward = code.v, code.forward, code.backward
        self.leaves = [graph.leaves[i] for i in found.order]
        self.outputs = found.offset[found.schedule.graph.outputs]
        found_of = found.schedule.graph.inner
        places = {i: found_of[graph.outputs[i]] for i in inner}
        self.inner = {i: found.offset[x] for i, x in places.items() if x is not None}
        self.seeds, self.gradients = self.v[found.seeds], self.v[found.gradients]

    def careful(self, used: Sequence[int]) -> Program:
        """The same for infinite numbers and nan; in NumPy, as this is rare."""
        return Program(self.graph, "numpy", used, self.layout.order, careful=True)


def outputs_below(graph: Graph) -> list[list[int]]:
    """For each output the other outputs that it was computed from, by index."""
    own: dict[int, int] = {}
    for i, x in enumerate(graph.outputs):
        own[x] = own.get(x, 0) | 1 << i
    below = dict(own) if len(own) > 1 else {}
    if below:
        for op in graph.ops:
            found = functools.reduce(operator.or_, [below.get(x, 0) for x in op.operands], 0)
            if found:
                below |= {x: below.get(x, 0) | found for x in op.outputs}
    computed = {x for op in graph.ops for x in op.outputs}
    masks = (below.get(x, 0) & ~own[x] for x in graph.outputs)
    return [[i for i in bits(mask) if graph.outputs[i] in computed] for mask in masks]


def bits(mask):
    """The places of the ones in a number."""
    return [i for i, bit in enumerate(reversed(f"{mask:b}")) if bit == "1"] if mask else []
