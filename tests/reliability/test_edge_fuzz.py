"""Random programs, compiled on moderate numbers, then called with inf, nan, 1e200, -0.0, 5e-324."""

import itertools
import math
from random import Random

import pytest
from reliability.graphs import graph

from micrograd import Value
from micrograd.compiler import jit

THEME = "The jit"

EDGES = (
    *(math.inf, -math.inf, math.nan, -0.0, 0.0, 5e-324, -5e-324, 1e-310),
    *(1e200, -1e200, 1e-200, 720.0),  # of which the square, 1 / x**2 and exp(x) are infinite
)
CALLS = 4


def edged(rng, leaves):
    """Leaves of which some are edge values."""
    return [rng.choice(EDGES) if rng.random() < 0.4 else x for x in leaves]


def answers(function, leaves):
    """What each program of a function gives, and the gradients of its leaves."""
    values = [[Value(x) for x in row] for row in leaves]
    found = []
    for y, row in zip(function(values), values):
        y.backward()
        found.append([y.data, *(x.grad for x in row)])
    return found


def close(xs, ys):
    """Whether numbers are, beside the largest of them: huge terms that cancel leave rounding."""
    largest = max((abs(y) for y in ys if math.isfinite(y)), default=0.0)
    how = {"rel_tol": 1e-9, "abs_tol": 1e-12 + 1e-14 * largest}
    return all(math.isclose(x, y, **how) or (x != x and y != y) for x, y in zip(xs, ys))


def differences(seed, count):
    """(program, leaves, found, expected) where a compiled program differs from the engine."""
    rng = Random(seed)
    sizes = itertools.cycle((1, 9))
    while count > 0:
        graphs = [graph(rng) for _ in range(next(sizes))]
        count -= len(graphs)
        functions = [g.function() for g in graphs]

        def together(leaves, functions=functions):
            return [f(row) for f, row in zip(functions, leaves)]

        compiled = jit(together)
        compiled([[Value(x) for x in g.leaves] for g in graphs])
        for _ in range(CALLS):
            leaves = [edged(rng, g.leaves) for g in graphs]
            found, expected = answers(compiled, leaves), answers(together, leaves)
            for g, row, xs, ys in zip(graphs, leaves, found, expected):
                if not close(xs, ys):
                    yield g, row, xs, ys


@pytest.mark.slow
def test_compiled_programs_take_edge_values_as_the_engine_does(fresh_seed, tries, score):
    count = tries(200, 10_000)
    found = [d for seed in (0, fresh_seed) for d in differences(seed, count // 2)]
    score(
        f"{count:,} random programs compiled, {CALLS} calls each with inf, nan, -0.0, denormals, "
        "huge numbers",
        "as in the engine",
        f"{len(found)} differ",
        hurt="whose loss became nan, and who looks for where",
    )
    assert found == []
