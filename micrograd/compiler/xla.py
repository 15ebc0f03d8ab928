"""Programs in XLA: the graph as pure functions of jax.numpy, compiled by JAX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np

from .emit.xla import XlaEmitter
from .errors import JitError
from .graph import blocks_of
from .passes.group import Schedule
from .passes.layout import Layout, leaf_order
from .report import counted

GREETING = """\
# {nodes} on Values, as pure functions of jax.numpy: p are leaves, x1, x2, … inputs, h what
# is computed; s the gradients of the outputs, g what comes of them; k constants and i places.
# What else is called stands in micrograd/compiler/emit/jax_kernels.py.

"""

SETTINGS = {  # of JAX, with which programs are traced and called, whatever the user's are
    "numpy_rank_promotion": "allow",
    "numpy_dtype_promotion": "standard",
    "debug_nans": False,
    "debug_infs": False,
}
# Without its algebra, which makes x of log(exp(x)) and of (x + 1e9) - 1e9, and 0 of x / 1e308.
AS_WRITTEN = {"xla_disable_hlo_passes": "algsimp"}
GUARD = "transfer_guard"
GUARDS = [GUARD + to for to in ("", "_host_to_device", "_device_to_device", "_device_to_host")]
SET = attrgetter(*(f"jax_{name}" for name in [*SETTINGS, *GUARDS]))
USUAL = *SETTINGS.values(), *(None for _ in GUARDS)


@dataclass(eq=False)
class Ends(Layout):
    """Offsets of what goes into a program and comes out of it. `results` and `found` are ids."""

    results: np.ndarray
    found: np.ndarray


def ends(schedule: Schedule, order: Sequence[int] = ()) -> Ends:
    """As `layout`, of the leaves and inputs, outputs, seeds and gradients alone."""
    graph = schedule.graph
    order = list(order) or leaf_order(schedule)
    given = [*(graph.leaf_ids[i] for i in order), *graph.inputs]
    start = len(order) + graph.fed
    results = [*dict.fromkeys(graph.outputs)]
    seeds = slice(start + len(results), start + len(results) + len(graph.seeds))
    known = {*given, *results, *graph.seeds}
    found = [x for x in dict.fromkeys(graph.inner.values()) if x is not None and x not in known]
    gradients = slice(seeds.stop, seeds.stop + len(order))
    offset = np.full(graph.size, -1)
    offset[given[: len(order)]] = np.arange(len(order))
    offset[graph.inputs] = len(order) + fed_at(graph)
    offset[[*results, *graph.seeds]] = np.arange(start, seeds.stop)
    offset[found] = gradients.stop + np.arange(len(found))
    return Ends(
        schedule,
        order,
        offset,
        size=gradients.stop + len(found),
        inputs=len(order),
        computed=start,
        seeds=seeds,
        gradients=gradients,
        copies=np.zeros((2, 0), int),
        results=np.array(results, int),
        found=np.array(found, int),
    )


def fed_at(graph):
    """For each input its place among all numbers that are fed; of a column, of the first."""
    places, start = np.zeros(0, int), 0
    for ids, rows in blocks_of(graph):
        places = np.append(places, start + np.arange(len(ids)))
        start += len(ids) * rows
    return places


class XLA:
    """A program in XLA. What comes out of it is read into a buffer `v`, as all programs have one.

    A gradient that is infinite or nan is computed anew, by a careful program in NumPy.
    """

    in_step = False  # with other processes

    def __init__(self, layout: Ends, careful: bool = False) -> None:
        self.jax = imported()
        emitter = self.emitter(layout)
        self.text, self.lines = emitter.text(), emitter.lines
        self.layout, self.v = layout, np.zeros(layout.size)
        self.names: dict[str, Any] = self.kernels() | emitter.given
        exec(compile(self.text, "<jit>", "exec"), self.names)
        start, inputs = layout.computed, layout.inputs
        self.p, self.x, at = self.v[:inputs], [], inputs
        for ids, rows in blocks_of(layout.schedule.graph):
            block = self.v[at : at + ids.size * rows]
            self.x.append(block.reshape(rows, -1) if rows > 1 else block)
            at += block.size
        self.place_of_results = slice(start, start + len(layout.results))
        self.results = self.v[self.place_of_results]
        self.seeds, self.gradients = self.v[layout.seeds], self.v[layout.gradients]
        self.found = self.v[layout.gradients.stop :]
        self.given: tuple = ()
        self.runs = 0  # passes forward so far
        self.instead: Callable[[], bool] | None = None  # of the next forward pass
        self.outputs = layout.offset[layout.schedule.graph.outputs]
        self.compile()

    def emitter(self, layout: Ends) -> XlaEmitter:
        return XlaEmitter(layout)

    def kernels(self) -> dict[str, Any]:
        """What the functions call, by name."""
        from .emit import jax_kernels

        return dict(vars(jax_kernels))

    def compile(self) -> None:
        """Lets JAX compile both functions, as soon as they are called."""
        self.run_forward, self.run_backward = map(
            self.jit, (self.names["forward"], self.names["backward"])
        )

    def whole(self, s: Any, *given: Any) -> tuple:
        """Forward and backward for JAX: results, whether all compared alike, gradients, `found`."""
        results, alike, kept = self.names["forward"](*given)
        return results, alike, *self.names["backward"](s, kept, *given)

    def jit(self, function: Callable, **more: Any) -> Callable:
        options = AS_WRITTEN if self.platform == "cpu" else None
        return self.jax.jit(function, compiler_options=options, **more)

    @property
    def platform(self) -> str:
        return self.jax.devices()[0].platform

    def settings(self) -> Settings:
        """What JAX is used within."""
        return Settings(self.jax)

    def put(self, array: np.ndarray) -> Any:
        """An array, on the device."""
        return self.jax.device_put(array.copy())  # which JAX may read later, or keep

    put_input = put

    def given_now(self) -> list:
        """The leaves and inputs."""
        return [x.copy() for x in (self.p, *self.x)]

    def told(self, table: bytes, arguments: bytes, optimizer: bytes) -> list:
        """Digests of what other processes must have as well, as inputs of a program."""
        return []

    def forward(self) -> bool:
        """Whether all comparisons came out as they did, after a pass or what comes `instead`."""
        instead, self.instead, self.given = self.instead, None, ()
        self.runs += 1
        return instead() if instead else self.forward_alone()

    def forward_alone(self):
        with self.settings():
            given = self.given_now()
            results, alike, *kept = self.run_forward(*given)
            self.results[:] = results
            self.given = *kept, *given
            return self.went_alike(float(alike))

    def went_alike(self, alike: float) -> bool:
        """Whether all comparisons came out as they did, by the number that a pass gave for it."""
        return alike == 1.0

    def backward(self) -> None:
        if not self.given:
            self.forward_alone()
        with self.settings():
            gradients, found = self.run_backward(self.seeds.copy(), *self.given)
            self.gradients[:], self.found[:] = gradients, found

    def set_results(self, results: Sequence[float]) -> None:
        self.results[:] = results

    def outputs_of(self, found: np.ndarray) -> list[list[float]]:
        """What the function returned, for rows of results."""
        rows = np.tile(self.v[self.outputs], (len(found), 1))
        place = self.outputs - self.place_of_results.start
        computed = np.flatnonzero((place >= 0) & (place < len(self.results)))
        rows[:, computed] = found[:, place[computed]]
        return rows.tolist()

    def listing(self, nodes: int) -> str:
        return GREETING.format(nodes=counted(nodes, "operation")) + self.text

    def explanation(self) -> list[tuple[str, str]]:
        forward, backward = (
            counted(sum(line[0] != "#" for line in lines), "line") for lines in self.lines.values()
        )
        platform = self.platform.upper()
        return [
            ("emit", f"{forward} of jax.numpy forward, {backward} backward"),
            ("build", f"compiled by XLA, from JAX {self.jax.__version__}, for the {platform}"),
        ]


class Settings:
    """A context in which JAX has our settings, and no mesh of the user's: quick if it has none."""

    def __init__(self, jax: Any) -> None:
        self.jax = jax
        has_mesh = not jax.sharding.get_abstract_mesh().empty
        is_usual = not has_mesh and SET(jax.config) == USUAL
        self.inside = jax.enable_x64(True) if is_usual else self.all_of_them(has_mesh)

    def all_of_them(self, has_mesh):
        jax, inside = self.jax, ExitStack()
        inside.enter_context(jax.enable_x64(True))
        for name, setting in SETTINGS.items():
            inside.enter_context(getattr(jax, name)(setting))
        inside.enter_context(jax.transfer_guard("allow"))
        if has_mesh:
            inside.enter_context(jax.set_mesh(None))
        return inside

    def __enter__(self) -> None:
        self.inside.__enter__()

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        self.inside.__exit__(kind, error, traceback)
        if isinstance(error, Exception) and self.is_traced():
            raise JitError(
                'a function of jit(…, backend="xla") runs by itself, not inside a function that '
                "JAX traces, as jax.jit does: call it outside"
            ) from error

    def is_traced(self):
        return isinstance(self.jax.numpy.zeros(()), self.jax.core.Tracer)


def imported() -> Any:
    """JAX, started. Raises JitError where there is none, or none of the devices it is to use."""
    try:
        import jax

        if not hasattr(jax, "jit"):
            raise ImportError("jax is a folder without it")
        jax.devices()
    except ImportError as error:
        raise JitError(
            "the backend 'xla' needs JAX: pip install 'micrograd-lessons[xla]', with Python 3.11 "
            f"or newer ({error})"
        ) from error
    except (AssertionError, RuntimeError, ValueError) as error:
        raise JitError(
            f"the backend 'xla' needs JAX, which does not start: {reason(error)}; with "
            "JAX_PLATFORMS=cpu in the environment it computes on the processor"
        ) from error
    return jax


def reason(error):
    """What JAX says of it in its first line, if anything."""
    line, *_ = str(error).splitlines() or [type(error).__name__]
    return line.rstrip(".")
