"""Zeros of groups have the engine's signs, and infinities too."""

import functools
import math
from itertools import product
from operator import add, mul

import pytest
from backends import C, needs_a_c_compiler

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
    "F.max": (lambda *xs: F.max(xs), 2),
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


def largest(xs):
    """The first of equal ones: here -0.0."""
    return 1.0 / F.max(xs)


def root_beside_sums(xs):
    """A slope is divided by -0.0 while sums of several lengths are added up."""
    factor = xs[1].exp()
    several = [abs(xs[1]) for _ in range(3)]
    return xs[0].sqrt() + sum(x * factor for i, x in enumerate(several) for _ in range(i + 2))


def all_products(xs):
    """As many as a matrix product has."""
    return F.sum([1.0 / (x * y) for x in xs[:20] for y in xs[20:]])


def sums_from_no_zero(xs):
    """A matrix product, of which each sum begins with a product."""
    rows, columns = ([half[i : i + 4] for i in range(0, 80, 4)] for half in (xs[:80], xs[80:]))
    return F.sum([1.0 / functools.reduce(add, map(mul, x, y)) for x in rows for y in columns])


@pytest.mark.parametrize("backend", ["numpy", C])
@pytest.mark.parametrize(
    ("function", "numbers"),
    [
        (largest, [-0.0, 0.0]),
        (root_beside_sums, [-0.0, 1.0]),
        (all_products, [-0.0] * 20 + [1.0] * 20),
    ],
)
def test_an_infinity_has_the_sign_of_the_zero_that_it_comes_from(function, numbers, backend):
    jitted = jit(function, backend=backend)
    expected = found(lambda rows: [function(*rows)], [numbers])
    for _ in range(2):
        replayed = found(lambda rows: [jitted(*rows)], [numbers])
        assert replayed == pytest.approx(expected, rel=1e-15, nan_ok=True)


@needs_a_c_compiler
def test_a_matrix_product_in_c_has_it_too():
    """In NumPy sums begin with a zero there."""
    numbers = [-0.0] * 80 + [1.0] * 80
    test_an_infinity_has_the_sign_of_the_zero_that_it_comes_from(sums_from_no_zero, numbers, "c")


@pytest.mark.parametrize("backend", ["numpy", C])
@pytest.mark.parametrize(
    "use",
    [
        lambda root, square: root * 0.0 + square,
        lambda root, square: root * (square - square) + square,
        lambda root, square: square * 0.0,
        lambda root, square: square,
        lambda root, square: root,
    ],
)
def test_a_gradient_of_zero_goes_back_from_a_result_and_none_does_not(use, backend):
    """At 0.0 the slope of a root is infinite: 0.0 times that is nan."""

    def results(x):
        return x.sqrt(), x * x

    jitted = jit(results, backend=backend)
    expected = found(lambda rows: [use(*results(*rows[0]))], [[0.0]])
    for _ in range(2):
        replayed = found(lambda rows: [use(*jitted(*rows[0]))], [[0.0]])
        assert replayed == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("odd", [Value.tanh, Value.sin, Value.sqrt, abs, lambda x: x * 1])
def test_minus_zero_keeps_its_sign_where_it_has_one(odd):
    assert signed(odd(Value(-0.0)).data) == (1 if odd is abs else -1)
    assert signed(odd(Value(0.0)).data) == 1
