"""Backends: what a layout becomes, ready to run.

Each has the buffer `v`; forward(), False where a comparison came out otherwise than in the
recording; backward(); the lines of both; and what readers are told of it.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from importlib import resources
from itertools import chain
from typing import Any

import numpy as np

from .. import floats
from . import emit
from .build import library
from .emit import c, kernels
from .emit import numpy as emit_numpy
from .mesh import OnMesh
from .passes.group import Schedule
from .passes.layout import Layout, layout
from .passes.spread import spread
from .report import counted, listing, numpy_passes
from .xla import XLA, ends

IN_C = ["library.c", "kernels.c", "steps.c"]
APART = 300  # lines of both from which forward and backward are compiled side by side


class NumPy:
    """A program in NumPy."""

    def __init__(self, layout: Layout, careful: bool = False) -> None:
        """A `careful` one is for gradients that are infinite or nan."""
        self.v, source, self.lines = emit_numpy.emit(layout)
        self.declarations, self.names = source.declarations, source.names
        if careful:
            self.names["gate"] = kernels.careful_gate
        self.text = "\n\n".join(function(*part) for part in self.lines.items())
        exec(compile(self.text, "<jit>", "exec"), self.names)
        # Taken out of the names, which they keep: no cycle holds the arrays.
        self.forward, self.backward = map(self.names.pop, ("forward", "backward"))

    def listing(self, nodes: int) -> str:
        return listing(self, nodes)

    def explanation(self) -> list[tuple[str, str]]:
        return numpy_passes(self)


def function(name, lines):
    return f"def {name}():\n" + "".join(f"    {line}\n" for line in [*lines, "pass"])


class C:
    """A program in C, which is always careful where an operation is flat."""

    def __init__(self, layout: Layout, careful: bool = False) -> None:
        emitter = c.CEmitter(layout)
        forward, backward = emitter.texts()
        self.text = forward + backward
        self.lines = {part: [*chain(*bodies)] for part, bodies in emitter.lines.items()}
        constants = layout.schedule.graph.constants
        self.v, self.table = np.zeros(emitter.size), emitter.table
        self.v[layout.offset[list(constants)]] = list(constants.values())
        self.calls = Calls(emitter.functions)
        if self.text.count("\n") < APART:
            self.built = library(prelude() + self.text)
        else:
            self.built = library(prelude() + forward, prelude(*IN_C[:2]) + backward)
        pointers = (ctypes.c_void_p(x.ctypes.data) for x in (self.v, self.table))
        self.given = (*pointers, self.calls.entry)
        self.forward, self.backward = (
            self.run(getattr(self.built.library, f"micrograd_{part}")) for part in self.lines
        )

    def run(self, function):
        bound = functools.partial(function, *self.given)
        return functools.partial(self.calls.watched, bound) if self.calls.functions else bound

    def listing(self, nodes: int) -> str:
        return GREETING.format(nodes=counted(nodes, "operation")) + self.text

    def explanation(self) -> list[tuple[str, str]]:
        forward, backward = (counted(len(lines), "line") for lines in self.lines.values())
        return [("emit", f"{forward} of C forward, {backward} backward"), ("build", self.built.how)]


GREETING = """\
// {nodes} on Values, as loops in C. v holds every number, and t places in it, where
// these are not evenly spaced. What is called stands in micrograd/compiler/emit/kernels.c.

"""


@functools.cache
def prelude(*names):
    """What programs in C begin with: files of emit/ by name, all of them if none is named."""
    folder = resources.files(emit)
    texts = [(folder / name).read_text(encoding="ascii") for name in names or IN_C]
    return "\n".join([tanh_table() if "kernels.c" in (names or IN_C) else "", *texts, ""])


def tanh_table():
    rows = (", ".join(map(float.hex, floats.tanh_of_32nds(n))) for n in range(65))
    table = "".join(f"    {{{row}}},\n" for row in rows)
    return f"static const double tanh_of_32nds[65][3] = {{\n{table}}};\n"


CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, *[ctypes.POINTER(ctypes.c_double)] * 2)


class Calls:
    """The user's Functions, which a program calls by number. What they raise is raised after it."""

    def __init__(self, functions: list[tuple]) -> None:
        self.functions = functions
        self.error: BaseException | None = None
        self.entry = CALLBACK(self.call) if functions else None

    def call(self, number, x, y):
        function, kind, count, several = self.functions[number]
        xs, ys = (np.ctypeslib.as_array(p, (n, 1)) for p, n in ((x, count), (y, several)))
        try:
            KERNEL[kind]([function], xs, ys)
        except BaseException as error:
            self.error = error
        return self.error is None

    def watched(self, run):
        self.error = None
        done = run()
        if self.error is not None:
            raise self.error
        return done


KERNEL = {
    "function": kernels.call_functions,
    "function backward": kernels.call_functions_backward,
}
BACKENDS: dict[str, type[NumPy] | type[C] | type[XLA]] = {"numpy": NumPy, "c": C, "xla": XLA}


def named_backends() -> str:
    """Their names, as a sentence has them."""
    *others, last = map(repr, BACKENDS)
    return f"{', '.join(others)} or {last}"


def laid_out(backend: str, schedule: Schedule, order: Sequence[int] = ()) -> Any:
    """Offsets for a backend; in XLA, all examples are an axis of arrays."""
    return ends(schedule, order) if backend == "xla" else layout(spread(schedule), order)


def coded(backend: str, layout: Any, careful: bool, mesh: Any) -> NumPy | C | XLA:
    """What a layout becomes; on a mesh, if there is one."""
    if backend == "xla" and mesh is not None:
        return OnMesh(layout, mesh)
    return BACKENDS[backend](layout, careful)
