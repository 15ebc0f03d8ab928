"""Random losses of examples, of numbers, integers and rows that indices take, beside the engine."""

import math
from random import Random

import numpy as np
import pytest
from reliability.graphs import graph
from reliability.properties import FIXED_SEED

import micrograd.functional as F
from micrograd import Value
from micrograd.compiler import batched, jit

THEME = "The jit"

BAR = 1e-9
ROWS = 3  # of a table
KINDS = "shared", "number", "integer", "row"
BAD = math.inf, -math.inf, math.nan, 0.0, -0.0, 1e200


class Case:
    """A random graph, each of its leaves one of KINDS, and its arguments for some examples."""

    def __init__(self, rng):
        self.rng, self.graph = rng, graph(rng)
        self.kinds = [rng.choice(KINDS) for _ in self.graph.leaves]
        self.function, self.count = self.graph.function(), rng.choice((1, 2, 3, 5, 40))
        self.shared = list(map(Value, self.graph.leaves))
        self.table = [[Value(x * (1 + i / 1000)) for x in self.graph.leaves] for i in range(ROWS)]
        self.leaves = [*self.shared, *(x for row in self.table for x in row)]

    def loss(self, xs, integers, index):
        row = F.take(self.table, index)
        parts = {
            "shared": lambda j: self.shared[j],
            "number": lambda j: F.value(xs[j]),
            "integer": lambda j: self.shared[j] * (integers[j] / 1000),
            "row": lambda j: row[j],
        }
        return self.function([parts[kind](j) for j, kind in enumerate(self.kinds)])

    def whole(self, xs, integers, indices):
        return F.mean([self.loss(*rows) for rows in zip(xs, integers, indices)])

    def arguments(self, bad=False):
        rng, shape = self.rng, (self.count, len(self.graph.leaves))
        moved = [[rng.uniform(0.999, 1.001) for _ in range(shape[1])] for _ in range(shape[0])]
        xs = np.array(moved) * self.graph.leaves
        if bad:
            xs[rng.randrange(shape[0]), rng.randrange(shape[1])] = rng.choice(BAD)
        integers = np.array([rng.randint(999, 1001) for _ in xs.flat]).reshape(shape)
        return xs, integers, np.array([rng.randrange(-ROWS if bad else 0, ROWS) for _ in xs])

    def answer(self, f, *arguments):
        """The number and the gradients that f gives."""
        for x in self.leaves:
            x.grad = 0.0
        y = f(*arguments)
        y.backward()
        return np.array([y.data, *(x.grad for x in self.leaves)])


def off(found, expected):
    """The largest error; of gradients, as a share of the largest one of a kind of leaf."""
    if not np.array_equal(np.isfinite(found), np.isfinite(expected)):
        return math.inf
    finite = np.isfinite(expected)
    if not np.array_equal(found[~finite], expected[~finite], equal_nan=True):
        return math.inf
    scale = np.abs(expected[finite]).max(initial=1e-3)
    return float(np.abs(found[finite] - expected[finite]).max(initial=0.0) / scale)


def cases(count, fresh_seed):
    for seed in (FIXED_SEED, fresh_seed):
        rng = Random(seed)
        yield from (Case(rng) for _ in range(count // 2))


def worst(count, fresh_seed):
    """The largest error of random losses, each called three times with other numbers."""
    largest, recordings = 0.0, 0
    for case in cases(count, fresh_seed):
        one, everything = jit(batched(case.loss)), jit(case.whole)
        for _ in range(3):
            arguments = case.arguments()
            expected = case.answer(case.whole, *arguments)
            for f in (one, everything) if case.count < 10 else (one,):
                error = off(case.answer(f, *arguments), expected)
                assert error <= BAR, f"{case.graph}, {case.kinds}, {arguments}"
                largest = max(largest, error)
        assert not one._taken, f"{case.graph}, {case.kinds}: not one example for all"
        recordings += one._costs.recordings
    assert recordings < 1.5 * count
    return largest


def test_losses_of_examples_are_those_of_the_engine(fresh_seed):
    worst(30, fresh_seed)


@pytest.mark.slow
def test_many_losses_of_examples_are_those_of_the_engine(fresh_seed, tries, score):
    count = tries(100, 5_000)
    largest = worst(count, fresh_seed)
    score(
        f"{count:,} random losses of numbers, integers and rows, by examples, against the engine",
        f"error ≤ {BAR:.0e} of the largest gradient; one recording, unless a corner is met",
        f"at most {largest:.1e}",
        hurt="who trains on batches of rows, numbers and classes",
    )


@pytest.mark.slow
def test_bad_numbers_in_examples_go_where_they_go_in_the_engine(fresh_seed, tries):
    differ, count = [], tries(70, 3_000)
    for case in cases(count, fresh_seed):
        f = jit(batched(case.loss))
        for _ in range(2):
            arguments = case.arguments(bad=True)
            error = off(case.answer(f, *arguments), case.answer(case.whole, *arguments))
            if not error <= BAR:
                differ.append((error, case.graph, case.kinds, arguments))
    assert len(differ) <= count / 100, differ[:3]
