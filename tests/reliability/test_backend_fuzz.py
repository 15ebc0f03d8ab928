"""Programs in C and in XLA beside the engine: random graphs, edge values."""

import functools
import sys
from random import Random

import pytest
from backends import needs_a_c_compiler, needs_jax
from reliability.graphs import EXACT, TABLE, graph
from reliability.properties import FIXED_SEED
from reliability.reference import gradient_error, number_error
from reliability.test_edge_fuzz import answers as edge_answers
from reliability.test_edge_fuzz import close, edged
from reliability.test_fuzz import answers, bits, together

from micrograd import Value
from micrograd.compiler import jit

THEME = "The jit"

in_c = functools.partial(jit, backend="c")
pytestmark = pytest.mark.slow
BUNCH, FEW = 40, 10  # graphs that are compiled together: in C, in XLA


@needs_a_c_compiler
@pytest.mark.parametrize("names", [tuple(TABLE), EXACT], ids=["all", "exact"])
def test_random_graphs_in_c_equal_the_engine(names, fresh_seed, tries, score):
    """To 1e-12; to the last bit where all that a graph does is rounded by IEEE 754."""
    count, same, worst = tries(80, 4_000), 0, 0.0
    for seed in (FIXED_SEED, fresh_seed):
        rng = Random(seed)
        for _ in range(count // 2 // BUNCH):
            graphs = [graph(rng, names) for _ in range(BUNCH)]
            expected = answers(graphs, together(graphs))
            found = answers(graphs, in_c(together(graphs)))
            for g, (x, in_leaves), (y, in_right) in zip(graphs, found, expected, strict=True):
                off = gradient_error(g, in_leaves, in_right, 1e-12)
                worst = max(worst, off, number_error(g, [x], [y], 1e-12))
                assert worst <= 1e-12, g
                same += bits([x, *in_leaves]) == bits([y, *in_right])
    assert same == count or names is not EXACT
    score(
        f"{count:,} random graphs in C, {BUNCH} at once, against the engine",
        "relative error ≤ 1e-12",
        f"at most {worst:.1e}; the same bits in {same:,}",
        hurt="who asks for C, and would get other numbers",
    )


@needs_a_c_compiler
def test_edge_values_in_c_are_taken_as_in_the_engine(fresh_seed, tries):
    for seed in (FIXED_SEED, fresh_seed):
        rng = Random(seed)
        for _ in range(tries(1, 20)):
            graphs = [graph(rng) for _ in range(BUNCH)]
            function = together(graphs)
            compiled = in_c(function)
            compiled([[Value(x) for x in g.leaves] for g in graphs])
            for _ in range(3):
                leaves = [edged(rng, g.leaves) for g in graphs]
                rows = zip(graphs, edge_answers(compiled, leaves), edge_answers(function, leaves))
                for g, xs, ys in rows:
                    assert close(xs, ys), g


@needs_jax
def test_random_graphs_in_xla_equal_the_engine(fresh_seed, tries, score):
    """Also at edge values, but for those that are zero in XLA: each program takes seconds."""
    worst, count = 0.0, tries(FEW, 200)
    rng = Random(fresh_seed)
    for _ in range(count // FEW):
        graphs = [graph(rng) for _ in range(FEW)]
        function = together(graphs)
        compiled = jit(function, backend="xla")
        pairs = zip(graphs, answers(graphs, compiled), answers(graphs, function))
        for g, (x, in_leaves), (y, in_right) in pairs:
            off = gradient_error(g, in_leaves, in_right, 1e-12)
            worst = max(worst, off, number_error(g, [x], [y], 1e-12))
            assert worst <= 1e-12, g
        for _ in range(3):
            leaves = [list(map(normal, edged(rng, g.leaves))) for g in graphs]
            rows = zip(graphs, edge_answers(compiled, leaves), edge_answers(function, leaves))
            for g, xs, ys in rows:
                assert close(xs, ys), g
    score(
        f"{count:,} random graphs in XLA, {FEW} at once, against the engine",
        "relative error ≤ 1e-12",
        f"at most {worst:.1e}",
    )


def normal(x):
    """A number as XLA takes it."""
    return 0.0 * x if abs(x) < sys.float_info.min else x
