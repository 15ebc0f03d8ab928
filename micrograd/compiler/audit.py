"""An audit of numbers: what a replay computes, beside the engine's own forward and backward."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import functional as F
from ..engine import Value, result
from ..function import Outputs, pass_all_back, pass_back
from .graph import Graph, blocks_of
from .guards import Guards
from .interpret import Shared, goes_back_to
from .pytree import Arguments
from .run import Executable, reached
from .trace import Trace

if TYPE_CHECKING:
    from .training import Training

CLOSE = 1e-9  # relative; numbers farther apart are weighed against what rounding may do
TINY = np.finfo(float).tiny  # what is smaller is zero in XLA
LEAST = 1e-14  # of the largest number in a computation: terms that cancel leave no less
NUDGE, TIMES, DRAWS = 1e-13, 100.0, 8  # all numbers are changed by so much, at random, so often
MOST_ROWS = 16  # of a batch that the engine computes, where they can stand for the others


class Difference(NamedTuple):
    """A number that a replay has otherwise than the engine: which of them, of so many results."""

    i: int
    results: int
    found: float
    wanted: float

    def words(self, leaves: Sequence[Value], roots: Iterable[Any]) -> str:
        """What a person is told, given the leaves and what leads to them."""
        i, what = self.i - self.results, f"result {self.i}"
        if i >= len(leaves):
            what = "a number of the optimizer's step"
        elif i >= 0:
            name = repr(leaves[i].label) if leaves[i].label else Names(roots).of(leaves[i])
            what = f"the gradient of {name or f'leaf {i} of {len(leaves)}'}"
        return f"{what} is {self.found!r} by its program and {self.wanted!r} in the engine"


def difference(
    point: Point, twins: Twins, leaves: Sequence[Value], data: Sequence[float]
) -> Difference | None:
    """What a replay computes otherwise than the engine, and not by rounding.

    Two numbers may be CLOSE apart, LEAST of the largest number before them, or TIMES as far as
    each of them moves when all that it is computed from, and each gradient on its way back, is
    changed by NUDGE at random. `leaves` are those of the program, in the trace of the twins; `data`
    is what they were before it.
    """
    with point.replay.lock.held:
        found = point.numbers()
        if found is None or not np.array_equal(point.leaves, data, equal_nan=True):
            return None  # another thread has changed a leaf meanwhile
        return first_difference(point, twins, leaves, found)


def first_difference(point, twins, leaves, found):
    wanted = engine_numbers(point, twins, leaves)
    found, wanted = found[: len(wanted)], wanted[: len(found)]
    off, size = distance(found, wanted), np.fmin(np.abs(found), np.abs(wanted))
    allowed = CLOSE * np.nan_to_num(size, nan=0.0, posinf=0.0) + TINY
    if not (off > allowed).any():
        return None
    computed, back = twins.largest()  # as the gradients are now: unchanged
    results = np.arange(len(allowed)) < len(twins.outputs)
    allowed += LEAST * np.where(results, computed, max(computed, back))
    wrong = np.flatnonzero(off > allowed + TIMES * spread(point, twins, leaves, found, wanted))
    if not len(wrong):
        return None
    i = int(wrong[0])
    return Difference(i, len(twins.outputs), found.item(i), wanted.item(i))


def engine_numbers(point, twins, leaves, nudged=float):
    """The same as point.numbers(); only results where a Function fails to go back."""
    try:
        twins.backward(nudged)
    except Exception:
        return np.array([v.data for v in twins.outputs])
    found = [v.data for v in twins.outputs] + [twins.of(v).grad for v in leaves]
    if point.training:
        parameters = point.training.parameters
        grads = [twins.of(p).grad for p in parameters]
        found += point.training.steps_of_lists(point.replay, grads)
    return np.array(found)


def distance(xs, ys):
    """How far numbers are apart; infinite where only one is infinite or nan.

    The sign of an infinity does not count: it may be that of a zero, which matrix products lose.
    """
    same = (xs == ys) | (np.isnan(xs) & np.isnan(ys)) | (np.isinf(xs) & np.isinf(ys))
    return np.nan_to_num(np.where(same, 0.0, np.abs(xs - ys)), nan=np.inf, posinf=np.inf)


def spread(point, twins, leaves, found, wanted):
    """How far the numbers move by small changes, in the replay and in the engine."""
    rng, rng_of_all, n = Random(0), np.random.default_rng(0), len(found)
    largest = np.zeros(n)

    def nudged(x):
        return x * (1.0 + NUDGE * rng.uniform(-1.0, 1.0))

    def all_nudged(xs):
        return xs * (1.0 + NUDGE * rng_of_all.uniform(-1.0, 1.0, len(xs)))

    # First unchanged: a Function may have other numbers each time.
    for change, change_all in ((float, np.copy), *[(nudged, all_nudged)] * DRAWS):
        others = point.numbers(change_all)
        if others is not None:
            largest = np.maximum(largest, distance(others[:n], found))
        others = engine_numbers(point, twins, leaves, change)
        largest = np.maximum(largest, distance(others[:n], wanted))
    return largest


class Point:
    """Where replay and engine are compared, and by which `seeds` of the results they go back."""

    def __init__(
        self,
        replay: Executable,
        arguments: Arguments,
        fill: Callable[[Executable, Arguments], None],
        rows: dict[int, np.ndarray],
        training: Training | None,
    ) -> None:
        """`fill` sets the leaves. In batches of each size, rows are replaced by other `rows`."""
        self.replay, self.program, self.training = replay, replay.program, training
        self.arguments, self.fill = arguments, fill
        graph, offset = self.program.graph, self.program.layout.offset
        batches = [(offset[ids][:, None], is_input) for ids, is_input in stacks(graph)]
        batches += [(replay.size + places, slice(None)) for places in tables(graph)]
        kept = [(at, moved) for at, moved in batches if len(at) in rows]
        self.moves = [(at[moved], at[rows[len(at)]][moved]) for at, moved in kept]
        constants = offset[list(graph.constants)]
        self.constants = constants[constants >= 0]  # others are in the program's text
        rng, others = Random(0), range(1, len(graph.outputs))
        self.seeds = [1.0, *(-0.0 if training else rng.uniform(-2.0, 2.0) for _ in others)]
        self.leaves = self.latest = np.zeros(0)  # as they were filled in; what was computed

    def numbers(self, nudged: Callable[[np.ndarray], np.ndarray] = np.copy) -> np.ndarray | None:
        """Results, gradients of the leaves, and steps; None where a comparison comes out otherwise.

        All that they are computed from is `nudged` before.
        """
        replay, v = self.replay, self.program.v
        with replay.lock.held:
            replay.point = b""
            self.fill(replay, self.arguments)
            replay.feed(self.arguments)
            before = v[: replay.start].copy()  # two batches may have the same numbers
            for to, source in self.moves:
                v[to] = before[source]
            size, start, kept = replay.size, replay.start, v[self.constants]
            self.leaves = v[:size].copy()
            v[:size] = nudged(self.leaves)
            v[size:start], v[self.constants] = map(fractions(nudged), (v[size:start], kept))
            try:
                return self.computed() if self.program.forward() else None
            finally:
                v[self.constants] = kept

    def computed(self):
        found = self.replay.outputs()
        with suppress(Exception):  # a Function that does not go back, in the engine either
            gradients = self.replay.backward(self.seeds)
            found = [*found, *gradients]
            if self.training:
                found += self.training.steps_of_arrays(self.replay, gradients)
        self.latest = np.array(found)
        return self.latest


def fractions(nudged):
    """The same for all but whole numbers, which may select."""
    return lambda xs: np.where(xs == np.rint(xs), xs, nudged(xs))


class Twins:
    """The Values of a trace once more, as plain ones, which share no leaf with the caller's."""

    def __init__(self, trace: Trace, outputs: Sequence[Value], seeds: Sequence[float]) -> None:
        """`seeds` are those of the outputs, see `reached`."""
        self.made: dict[int, Value] = {}
        self.tuples: dict[int, tuple] = {}
        self.kept = trace, outputs  # so that ids stay theirs
        for v in live(trace, outputs):
            self.copy(v)
        self.outputs, self.seeds = list(map(self.of, outputs)), seeds
        seeded = [outputs[i] for i in reached(seeds)]
        self.order = list(map(self.of, live(trace, seeded)))

    def of(self, v: Value) -> Value:
        """The twin of a Value; of one that nothing was computed for, a leaf."""
        found = self.made.get(id(v))
        if found is None:
            found = self.made[id(v)] = Value(v.data)
        return found

    def copy(self, v):
        """Makes the twin of a computed Value."""
        if v._chain is pass_all_back:
            made = Outputs(len(v.grads), (), "", None)
            made._chain, made._x = v._chain, self.operands(v._x)
            made._y = self.call(v._y[0]), made.grads
        else:
            y = self.call(v._y) if v._chain is pass_back else self.operands(v._y)
            made = result(v.data, v._op, v._chain, self.operands(v._x), y)
        self.made[id(v)] = made

    def hold_tiny_numbers(self) -> bool:
        """Whether there are numbers, or gradients, that are zero in XLA."""
        numbers = (x for v in self.made.values() for x in (v.data, v.grad))
        return any(0.0 < abs(x) < TINY for x in numbers)

    def operands(self, x):
        if isinstance(x, Value):
            return self.of(x)
        if not isinstance(x, tuple):
            return x
        if id(x) not in self.tuples:  # as all outputs of a softmax have it
            try:
                found = [self.made[i] for i in map(id, x)]
            except KeyError:  # of leaves
                found = [self.of(v) for v in x]
            made = tuple(found)  # of a list: it takes from Python's free tuples, too
            if isinstance(x, Shared):
                made = Shared(made)
                made.outputs = x.outputs
            self.tuples[id(x)] = made
        return self.tuples[id(x)]

    def call(self, call):
        """That of a Function, on other operands."""
        ctx, args, operands = call.args
        return partial(call.func, ctx, args, [self.operands(x) for x in operands])

    def backward(self, nudged: Callable[[float], float]) -> None:
        """As Value.backward, by all seeds at once; on its way each gradient is `nudged`."""
        for v in self.made.values():
            v.grad = 0.0
        for v, seed in zip(self.outputs, self.seeds):
            v.grad += seed
        for v in reversed(self.order):
            grad = nudged(v.grad)
            if v._y is None:
                v._chain(grad, v._x)
            else:
                v._chain(grad, v._x, v._y)

    def largest(self) -> tuple[float, float]:
        """The largest finite numbers that were computed, and that came back."""
        made = [(v.data, v.grad) for v in self.made.values() if v._x is not None]
        numbers = np.array(made, float).reshape(-1, 2)
        computed, back = np.where(np.isfinite(numbers), np.abs(numbers), 0.0).max(0, initial=0.0)
        return computed, back


def live(trace, outputs):
    """The computed Values of a trace that its outputs depend on, in order."""
    wanted, found = set(map(id, outputs)), []
    for v in reversed(trace):
        if type(v) is not tuple and id(v) in wanted and v._x is not None:
            wanted.update(map(id, used(v)))
            found.append(v)
    return found[::-1]


def used(v):
    """The operands of a Value that it goes back to; of one that was selected, no others."""
    if v._chain is not F.take_backward:
        return goes_back_to(v)
    i, *rows = v._x
    return i, rows[F.position(i)]


def sample(graph: Graph, seed: int) -> dict[int, np.ndarray] | None:
    """For batches of each size: which row each row is replaced by, so that only a few differ.

    None where that cannot be, as with rows that are constants.
    """
    rng, columns, found = np.random.default_rng(seed), stacks(graph), {}
    if not have_rows(graph, columns):
        return None
    nothing = [(np.zeros(n, int), np.ones(n, bool)) for n, _ in graph.tables.values()]
    for n in {len(ids) for ids, _ in columns + nothing}:
        alike = [(ids, is_input) for ids, is_input in columns + nothing if len(ids) == n]
        fixed = [np.where(is_input, -1, x) for x, is_input in alike if not is_input.all()]
        kinds = np.unique(fixed, axis=1, return_inverse=True)[1] if fixed else np.zeros(n, int)
        count = int(kinds.max()) + 1
        if count > MOST_ROWS:
            return None
        found[n] = np.arange(n)
        for kind in range(count):
            rows = np.flatnonzero(kinds.ravel() == kind)
            found[n][rows] = rng.choice(rng.permutation(rows)[: MOST_ROWS // count], len(rows))
    return found


def stacks(graph):
    """For each number that has one of each example: their ids, and which of them are inputs."""
    is_input = np.zeros(graph.size, bool)
    is_input[graph.inputs] = True
    found = (np.asarray(op.operands) for op in graph.ops if op.kind == "stack")
    return [(ids, is_input[ids]) for ids in found]


def tables(graph):
    """The places among the inputs of each table, (rows, columns)."""
    start = 0
    for ids, rows in blocks_of(graph):
        if ids[0] in graph.tables:
            yield start + np.arange(rows * len(ids)).reshape(rows, -1)
        start += rows * len(ids)


def have_rows(graph, columns):
    """Whether each input among the rows is in one of them, and nothing else computes with it."""
    row = np.full(graph.size, -1)
    for ids, is_input in columns:
        rows, inputs = np.flatnonzero(is_input), ids[is_input]
        if ((row[inputs] != -1) & (row[inputs] != rows)).any():
            return False
        row[inputs] = rows
        if (row[inputs] != rows).any():  # one of them twice
            return False
    others = [x for op in graph.ops if op.kind != "stack" for x in op.operands]
    others += [*graph.outputs, *(x for _, a, b, _ in graph.guards for x in (a, b))]
    return not (row[others] != -1).any()


class Names(Guards):
    """Names of all Values that can be reached from some roots, by id."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self.found: dict[int, str] = {}
        super().__init__(roots)

    def look_into(self, name: str, x: Any) -> Any:
        if isinstance(x, Value):
            self.found.setdefault(id(x), name)
        return super().look_into(name, x)

    def of(self, v: Value) -> str:
        return self.found.get(id(v), "")
