"""Zeros of groups have the engine's signs, and infinities too."""

import math
from itertools import product

import pytest

import micrograd.functional as F
from micrograd import Value
from micrograd.compiler import jit
from micrograd.operations import OPERATIONS

NUMBERS = (0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, 5e-324, -5e-324)
CASES = {
    **{row.name: (row.method, len(row.words)) for row in OPERATIONS},
    **{f"**{n}": (lambda x, n=n: x**n, 1) for n in (0, 1, 2, 3, 0.5, 1.5, -1, -2, -3)},
    **{f"** one {y.data}": (lambda x, y=y: x**y, 1) for y in map(Value, (0.5, 1.5, 2.0))},
    "0 + x": (lambda x: 0 + x, 1),
    "a sum": (lambda *xs: sum(xs), 2),
    "F.sum": (lambda *xs: F.sum(xs), 2),
    "F.mean": (lambda *xs: F.mean(xs), 2),
    "F.dot": (lambda *xs: F.dot(xs, xs[::-1], xs[0]), 2),
}


def found(function, rows):
    """All that a function makes of rows of numbers, and the gradients of these."""
    rows = [[Value(x) for x in row] for row in rows]
    ys = function(rows)
    for y in ys:
        y.backward()
    return [v for y, row in zip(ys, rows) for v in (y.data, *(x.grad for x in row))]


def signed(x):
    return math.copysign(1.0, x) if x == x else 0.0


@pytest.mark.parametrize("name", CASES)
def test_a_group_has_the_zeros_and_infinities_of_the_engine(name):
    compute, count = CASES[name]
    rows = list(product(NUMBERS, repeat=count))

    def each(rows):
        return [compute(*row) for row in rows]

    jitted = jit(each)
    expected = found(each, rows)
    for _ in range(2):
        numbers = found(jitted, rows)
        assert numbers == pytest.approx(expected, rel=1e-15, nan_ok=True)
        assert list(map(signed, numbers)) == list(map(signed, expected))


@pytest.mark.parametrize("odd", [Value.tanh, Value.sin, Value.sqrt, abs, lambda x: x * 1])
def test_minus_zero_keeps_its_sign_where_it_has_one(odd):
    assert signed(odd(Value(-0.0)).data) == (1 if odd is abs else -1)
    assert signed(odd(Value(0.0)).data) == 1
