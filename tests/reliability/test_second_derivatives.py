"""Second derivatives of random graphs, by `grad`, against 100 digits."""

import math
from itertools import product as pairs
from random import Random

import mpmath as mp
import pytest
from backends import ALL, HAS_CC, HAS_JAX
from optable import OPS
from reliability.graphs import graph
from reliability.properties import FIXED_SEED
from reliability.reference import error, hard, judged, slope

import micrograd.functional as F
from micrograd import Value
from micrograd.compiler import Jit, grad, gradients, jit
from micrograd.operations import OPERATIONS

THEME = "Numbers"
BAR = 1e-9
# For each operation; p (1 - p) (1 - 2p) of softmax is a small difference near p = 1/2, and
# a**(b - 1) (1 + b log a) of a power near b log a = -1.
SECOND_BAR, SECOND_BARS = 1e-14, {"softmax": 1e-9, "a**b": 1e-13}
inf, nan = math.inf, math.nan
HARD = (0.0, -0.0, 1.0, -1.0, 2.5, -3.0, inf, -inf, nan, 1e-310, -1e-310, 1e308, 709.0, -745.0)
EDGES = {
    **{row.name: (row.method, len(row.words)) for row in OPERATIONS},
    **{f"power {n}": (lambda x, n=n: x**n, 1) for n in (0, 1, 2, 3, 0.5, -1, -2.5)},
    "max": (lambda *xs: F.max(xs) ** 2, 2),
    "logsumexp": (lambda *xs: F.logsumexp(xs) ** 2, 2),
    "softmax": (lambda *xs: F.softmax(xs)[0] ** 2, 2),
    "cross entropy": (lambda *xs: F.cross_entropy(xs, 0) ** 2, 2),
    "dot": (lambda x, y: F.dot([x, y], [y, y]), 2),
}


def along(f, direction):
    """The Hessian of f times a vector, as gradients of gradients and by backward()."""

    def slope(leaves):
        return F.dot(grad(f)(leaves), direction)

    def by_backward(leaves):
        slope(leaves).backward()
        return [Value(x.grad) for x in leaves]

    def by_backward_of_a_recording(leaves):
        recorded(leaves).backward()
        return [Value(x.grad) for x in leaves]

    recorded = jit(slope)
    return grad(slope), by_backward, jit(grad(slope)), by_backward_of_a_recording


def product(direction):
    """The same of what a graph computes with, by differences of differences."""

    def of(graph, replayed):
        def moved(leaves, t):
            return replayed([x + t * d for x, d in zip(leaves, direction)])[-1]

        def slope_along(*leaves):
            return slope(lambda t: moved(leaves, t), [mp.mpf(0)], 0)

        with mp.workdps(100):  # of which two differences leave a third
            leaves = [mp.mpf(x) for x in graph.leaves]
            return [slope(slope_along, leaves, i) for i in range(len(leaves))]

    return of


@pytest.mark.slow
def test_hessians_times_vectors_equal_the_reference(fresh_seed, tries, score):
    count, worst = tries(60, 5_000), 0.0
    for seed in (FIXED_SEED, fresh_seed):
        rng = Random(seed)
        for _ in range(count // 2):
            g = graph(rng)
            direction = [rng.uniform(-1, 1) for _ in g.leaves]
            right = product(direction)(g, g.replayed)
            for way in along(g.function(), direction):
                found = [v.data for v in way([Value(x) for x in g.leaves])]
                off = judged(g, found, right, BAR, product(direction))
                assert off <= BAR, (repr(g), direction)
                worst = max(worst, off)
    score(
        f"{count:,} random graphs, second derivatives along a random direction, four ways",
        f"relative error ≤ {BAR:.0e}",
        f"at most {worst:.1e}",
        hurt="who does Newton's method, or penalizes a slope",
    )


def hessian(op):
    """All second derivatives, row by row, by gradients of gradients."""

    def of(*xs):
        places = range(len(xs))
        first = grad(op.compute, places)
        rows = [grad(lambda *ys, i=i: first(*ys)[i], places)(*xs) for i in places]
        return [g for row in rows for g in row]

    return of


def hessian_by_gradients(op):
    def of(*xs):
        leaves = [Value(x) for x in xs]
        slopes = gradients(op.compute(*leaves), leaves)
        return [g for slope in slopes for g in gradients(slope, leaves)]

    return of


def exact_hessian(op, xs):
    with mp.workdps(150):  # of which two differences leave a third
        places = range(len(xs))
        return [
            slope(lambda *ys, i=i: slope(op.reference, ys, i), list(map(mp.mpf, xs)), j)
            for i in places
            for j in places
        ]


@pytest.mark.slow
@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_second_derivatives_of_an_operation_equal_the_reference(op, tries, cells):
    rng, n = Random(op.name), tries(10, 400)
    points = [[hard(rng, ends) for ends in op.ranges] for _ in range(n)]
    right = [exact_hessian(op, xs) for xs in points]
    ways = {
        "by grad": hessian(op),
        "by gradients": hessian_by_gradients(op),
        "jitted": jit(hessian(op)),
        **({"in C": jit(hessian(op), backend="c")} if HAS_CC else {}),
        **({"in XLA": jit(hessian(op), backend="xla")} if HAS_JAX and tries(0, 1) else {}),
    }
    worst = {
        way: max(
            error(v.data, r) for xs, row in zip(points, right) for v, r in zip(function(*xs), row)
        )
        for way, function in ways.items()
    }
    bar = SECOND_BARS.get(op.name, SECOND_BAR)
    cells(
        f"Second derivatives of each operation at {n:,} hard points, against 100 digits: the "
        "largest relative error",
        f"`{op.name}`",
        hurt="who does Newton's method, or penalizes a slope",
        **{way: f"{x if x > 1e-20 else 0:.1e}" for way, x in worst.items()},
        bar=f"{bar:g}",
    )
    assert max(worst.values()) <= bar, worst


@pytest.mark.slow
@pytest.mark.parametrize("name", EDGES)
def test_a_recording_has_the_derivatives_of_the_engine_at_hard_numbers(name):
    compute, count = EDGES[name]
    columns = [list(xs) for xs in zip(*pairs(HARD, repeat=count))]

    once = grad(lambda *columns: F.sum(map(compute, *columns)), range(count))
    twice = grad(
        lambda *columns: F.sum(g for column in once(*columns) for g in column), range(count)
    )
    for derivative in (once, twice):
        expected, found = (numbers(f(*columns)) for f in (derivative, jit(derivative)))
        assert found == pytest.approx(expected, rel=1e-11, abs=1e-15, nan_ok=True)


def all_second_derivatives(rows):
    """Of each operation, of the sum of its derivatives."""

    def sum_of_slopes(op, places):
        return lambda *xs: F.sum(grad(op.compute, places)(*xs))

    places = [range(len(xs)) for xs in rows]
    return [grad(sum_of_slopes(op, at), at)(*xs) for op, at, xs in zip(OPS, places, rows)]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ALL)
def test_all_second_derivatives_in_one_program(backend, monkeypatch):
    monkeypatch.setattr(Jit, "next_audit", lambda self, way: 0.0)  # after every call
    rng, program = Random(0), jit(all_second_derivatives, backend=backend)
    edges = () if backend == "xla" else HARD  # from them come numbers that are zero in XLA
    for i in range(20):
        rows = [[rng.uniform(*ends) for ends in op.ranges] for op in OPS]
        if i % 2:
            rows = [[rng.choice((x, *edges)) for x in xs] for xs in rows]
        found, expected = numbers(program(rows)), numbers(all_second_derivatives(rows))
        assert found == pytest.approx(expected, rel=1e-11, abs=1e-15, nan_ok=True), rows


def numbers(columns):
    return [v.data for column in columns for v in column]
