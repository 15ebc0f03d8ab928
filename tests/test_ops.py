"""Every operation against 100 digits: its value, and its derivative by each argument."""

import random

import mpmath as mp
import pytest
from optable import OPS
from reliability.reference import slope, ulps

from micrograd import Value


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_an_op_and_its_derivatives_are_right_to_the_last_digits(op):
    rng = random.Random(op.name)
    with mp.workdps(100):
        for _ in range(200):
            xs = [rng.uniform(*ends) for ends in op.ranges]
            exact = [mp.mpf(x) for x in xs]
            inputs = [Value(x) for x in xs]
            y = op.compute(*inputs)
            y.backward()
            assert ulps(y.data, op.reference(*exact)) <= op.ulps, xs
            for i, x in enumerate(inputs):
                assert ulps(x.grad, slope(op.reference, exact, i)) <= op.ulps, (xs, i)


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_backward_scales_and_accumulates(op):
    xs = [0.5 * (low + high) + 0.3 for low, high in op.ranges]
    inputs = [Value(x) for x in xs]
    y = op.compute(*inputs)
    y.backward()
    once = [x.grad for x in inputs]
    y.backward(2.0)
    assert [x.grad for x in inputs] == pytest.approx([3 * g for g in once], rel=1e-15)
