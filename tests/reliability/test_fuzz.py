"""Random graphs and Tensor programs against 50 digits, and random graphs compiled."""

import cProfile
import itertools
import math
from random import Random

import mpmath as mp
import numpy as np
import pytest
from hypothesis import strategies as st
from reliability.graphs import EXACT, TABLE, graph
from reliability.programs import programs, run
from reliability.properties import FIXED_SEED, holds
from reliability.reference import error, gradient_error, largest_error, number_error, slopes

import micrograd.functional as F
from micrograd import Value
from micrograd.compiler import jit
from micrograd.tensor import Tensor

THEME = "Numbers"

BAR = 1e-9


@pytest.fixture
def drawn(fresh_seed):
    """A function that draws graphs: the same ones in every run for one half, new for the other."""

    def drawn(count, names):
        for seed in (FIXED_SEED, fresh_seed):
            rng = Random(seed)
            yield from (graph(rng, names) for _ in range(count // 2))

    return drawn


@pytest.mark.slow
def test_the_engine_equals_the_reference(drawn, tries, score):
    count, worst, found = tries(3_000, 100_000), 0.0, 0
    for g in drawn(count, tuple(TABLE)):
        leaves = [Value(x) for x in g.leaves]
        numbers = g.numbers(leaves)
        numbers[-1].backward()
        off = largest_error(g, [v.data for v in numbers], [x.grad for x in leaves], BAR)
        assert off <= BAR, repr(g)
        worst, found = max(worst, off), found + len(leaves)
    score(
        f"{count:,} random graphs, every number and {found:,} gradients, against 50 digits",
        f"relative error ≤ {BAR:.0e}",
        f"at most {worst:.1e}",
        hurt="everyone: all else is built on it",
        peer="PyTorch in float64: up to 1e-5",
    )


@pytest.mark.slow
def test_tensors_equal_the_reference(fresh_seed, tries, score):
    count, found = tries(400, 20_000), []

    def check(drawn, seed):
        program, arrays = drawn
        inputs = [Tensor(x) for x in arrays]
        y = Tensor(run(program, inputs))
        seeds = np.random.RandomState(seed).uniform(-1, 1, y.shape)
        y.backward(seeds)
        numbers = [x for array in (y.data, *(x.grad for x in inputs)) for x in array.flat]
        right = exactly(program, arrays, seeds)
        offs = [error(x, r, 1.0) for x, r in zip(numbers, right, strict=True)]
        assert max(offs, default=0.0) <= BAR
        found.extend(offs)

    holds(check, programs(), st.integers(0, 2**32 - 1), count=count, fresh_seed=fresh_seed)
    score(
        f"{count:,} random programs of Tensors, their {len(found):,} numbers and gradients, to "
        "50 digits",
        f"relative error ≤ {BAR:.0e}",
        f"at most {max(found):.1e}",
        hurt="who computes with arrays",
    )


def exactly(program, arrays, seeds):
    """What a program computes at 50 digits, then the derivatives of its sum times `seeds`."""

    def computed(*leaves):
        ends = np.cumsum([x.size for x in arrays])[:-1]
        parts = np.split(np.array(leaves, dtype=object), ends)
        return run(program, [part.reshape(x.shape) for part, x in zip(parts, arrays)])

    with mp.workdps(50):
        leaves = [mp.mpf(x) for array in arrays for x in array.flat]
        numbers = np.ravel(np.array(computed(*leaves), dtype=object))
        return [*numbers, *slopes(lambda *xs: np.sum(computed(*xs) * seeds), leaves)]


@pytest.mark.slow
def test_the_jit_equals_the_engine(drawn, tries, score):
    """To 1e-12; to the last bit where all that a graph does is rounded by IEEE 754."""
    count, worst = tries(1_000, 50_000), 0.0
    for names in (tuple(TABLE), EXACT):
        for graphs in bunches(drawn(count, names)):
            expected = answers(graphs, together(graphs))
            found = answers(graphs, jit(together(graphs)))
            for g, (x, in_leaves), (y, in_right) in zip(graphs, found, expected, strict=True):
                off = gradient_error(g, in_leaves, in_right, 1e-12)
                off = max(off, number_error(g, [x], [y], 1e-12))
                assert off <= 1e-12, f"{g}\nin {graphs}"
                worst = max(worst, off)
                if names is EXACT:
                    same = bits([x, *in_leaves]) == bits([y, *in_right])
                    assert same, f"{g}\nin {graphs}"
    score(
        f"{2 * count:,} random graphs compiled, alone and nine at once, against the engine",
        "relative error ≤ 1e-12; for half of them, which IEEE 754 rounds, the same bits",
        f"at most {worst:.1e}; the same bits",
        theme="The jit",
        hurt="who writes @jit above a function, and trusts it",
    )


def bits(numbers):
    return [x.hex() for x in numbers]


def bunches(graphs):
    """One graph, then nine, and so on: what several have in common is computed in one go."""
    sizes = itertools.cycle((1, 9))
    while bunch := list(itertools.islice(graphs, next(sizes))):
        yield bunch


def together(graphs):
    """A function from the leaves of several graphs to their results."""
    functions = [g.function() for g in graphs]
    return lambda leaves: [f(xs) for f, xs in zip(functions, leaves)]


def answers(graphs, function):
    """The number and the gradients that each of several graphs has from a function of them all."""
    leaves = [[Value(x) for x in g.leaves] for g in graphs]
    ys = function(leaves)
    F.sum(ys).backward()
    return [(y.data, [x.grad for x in xs]) for y, xs in zip(ys, leaves)]


# Found by these, and kept.


def test_two_softmaxes_of_one_tuple_stay_two_when_compiled():
    def f(xs):
        values = F.values(xs)
        return F.softmax(values)[0] + 2 * F.softmax(values)[0]

    right, found = [Value(1.0), Value(0.0)], [Value(1.0), Value(0.0)]
    y, z = f(right), jit(f)(found)
    F.sum([y, z]).backward()
    assert z.data == pytest.approx(y.data, rel=1e-12)
    assert [x.grad for x in found] == pytest.approx([x.grad for x in right], rel=1e-12)


def test_a_jitted_function_can_be_profiled():
    y = cProfile.Profile().runcall(jit(lambda x: x * x), Value(3.0))
    assert y.data == 9.0


@pytest.mark.parametrize(
    ("compute", "right"),
    [
        (lambda x: x.tanh(), 1.0),
        (lambda x: x.exp(), math.inf),
        (lambda x: x**200, math.inf),
        (lambda x: 1e308 * x, math.inf),
        (lambda x: (x / 0).relu() - x / 0, math.nan),
    ],
)
def test_a_tensor_does_not_warn_where_a_value_does_not(compute, right):
    x = compute(Value(800.0))
    numbers = [x.data, compute(Tensor([800.0])).item()]
    assert numbers == pytest.approx([right, right], nan_ok=True)
