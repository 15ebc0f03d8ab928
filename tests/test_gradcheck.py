"""Differences and gradcheck: what right operations pass, which faults are caught, what is said."""

import math
import random

import numpy as np
import pytest
from optable import OPS

import micrograd.functional as F
from micrograd import Value
from micrograd.function import Function
from micrograd.gradcheck import GradientError, gradcheck, numerical_diff
from micrograd.nn import MLP
from micrograd.tensor import Tensor


def times(y, factor):
    """y, with a backward that is wrong by a factor."""
    return Value(y.data, (y,), (factor,))


# Differences.


@pytest.mark.parametrize("number", [float, Value, Tensor])
def test_the_figures_of_the_central_difference(number):
    assert numerical_diff(lambda x: x * x, number(2.0)) == 4.000000000004


def test_a_function_of_floats():
    assert numerical_diff(math.exp, 0.0) == pytest.approx(1.0, rel=1e-8)


def test_the_error_shrinks_with_the_square_of_eps():
    errors = [numerical_diff(math.exp, 1.0, eps=eps) - math.e for eps in (1e-2, 1e-3)]
    assert errors[0] / errors[1] == pytest.approx(100, rel=1e-3)


def test_several_inputs_give_a_tuple():
    slopes = numerical_diff(lambda x, y: x * y, 2.0, Value(3.0))
    assert type(slopes) is tuple
    assert slopes == pytest.approx((3.0, 2.0))


def test_a_tensor_gives_an_array_of_its_shape():
    x, w = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), Tensor([[1.0], [10.0], [100.0]])
    by_x, by_w = numerical_diff(lambda x, w: (x @ w).sum(), x, w)
    np.testing.assert_allclose(by_x, [[1, 10, 100], [1, 10, 100]], rtol=1e-9)
    np.testing.assert_allclose(by_w, [[5], [7], [9]], rtol=1e-9)


def test_a_result_may_be_a_tensor_of_one_element():
    x = Tensor([[3.0]])
    assert numerical_diff(lambda x: x * x, x) == pytest.approx(np.array([[6.0]]))
    assert gradcheck(lambda x: x * x, x)


# What is right passes.


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_every_operation_passes(op):
    rng = random.Random(op.name)
    for _ in range(20):
        assert gradcheck(op.compute, *(rng.uniform(*r) for r in op.ranges))


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (Value.log, 1e-12),
        (Value.log, 1e12),
        (Value.sqrt, 1e-30),
        (lambda x: 1 / x, -1e-9),
        (lambda x: x**3, 1e20),
        (lambda x: x**3, -1e-20),
        (Value.exp, 700.0),
        (Value.exp, -700.0),
        (Value.exp, -740.0),
        (Value.tanh, 1000.0),
        (Value.sigmoid, -300.0),
        (Value.sin, 1e6),
        (lambda x: (1e6 * x).sin(), 1.0),
        (lambda x: (1e6 * x).tanh(), 0.0),
        (Value.cos, 0.0),
        (Value.relu, 1e-9),
        (Value.relu, -1e-9),
        (lambda x: x.relu() + 1, -1e-9),
        (lambda x: 3 * x, 5e-324),
        (abs, -1e-6),
        (lambda x: x + 1, 1e-8),
        (lambda x: x + 1e10, 1.0),
        (lambda x: (x + 1e8) - 1e8, 1.0),
        (lambda x: (x - 1) ** 2, 1.0),
        (lambda x: Value(5.0), 1.0),
        (lambda x: x, 1.0),
    ],
)
def test_any_magnitude_passes(f, x):
    assert gradcheck(f, x)


def test_tensors_and_numbers_pass_together():
    x, w = Tensor([[1.0, 2.0], [4.0, 5.5]]), Tensor([[0.1], [-0.2]])
    assert gradcheck(lambda x, w, b: (x @ w + b).tanh().max(), x, w, 0.3)


def test_parameters_that_the_function_holds_pass():
    model = MLP(2, [3, 1], seed=1)
    assert gradcheck(lambda *_: (model([0.3, -0.7]) - 1) ** 2, *model.parameters())


def test_a_step_out_of_the_domain_is_not_counted():
    class Log(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return math.log(x)

        @staticmethod
        def backward(ctx, grad):
            return grad / ctx.saved_tensors[0]

    assert gradcheck(lambda x: Log.apply(x) + 1e9, 1e-5)


def test_an_old_gradient_of_an_unused_input_does_no_harm():
    x = Value(1.0)
    x.grad = 7.0
    assert gradcheck(lambda x, y: 3 * y, x, 2.0)


def test_a_smooth_function_is_computed_once_and_four_times_for_each_input():
    points = []
    gradcheck(lambda x, y: points.append((x.data, y.data)) or x * y, 2.0, 3.0)
    assert len(points) == 9


# What is wrong is caught.


@pytest.mark.parametrize("factor", [-1.0, 0.0, 0.5, 1.00001, 2.0, math.inf, math.nan])
@pytest.mark.parametrize("scale", [1e-12, 1e-5, 1.0, 1e5, 1e12])
def test_a_wrong_sign_or_factor_is_caught_at_any_scale(scale, factor):
    def f(x):
        return times(scale * x.tanh(), factor)

    with pytest.raises(GradientError):
        gradcheck(f, 0.7)


@pytest.mark.parametrize("x", [1e-9, 1e-3, 1e3, 1e9])
def test_a_wrong_sign_is_caught_at_inputs_of_any_size(x):
    with pytest.raises(GradientError):
        gradcheck(lambda x: times(x * x, -1.0), x)


@pytest.mark.parametrize(
    ("f", "factor"), [(lambda x: (1e6 * x).sin(), 1.01), (lambda x: 1e12 + x * x, -1.0)]
)
def test_a_fault_is_caught_in_a_wave_and_far_from_zero(f, factor):
    with pytest.raises(GradientError):
        gradcheck(lambda x: times(f(x), factor), 1.0)


class IgnoresUpstream(Function):
    """An addition whose backward is right only where the gradient it gets is one."""

    @staticmethod
    def forward(ctx, x, y):
        return x + y

    @staticmethod
    def backward(ctx, grad):
        return 1.0, 1.0


def test_an_ignored_upstream_gradient_needs_a_second_operation_to_show():
    assert gradcheck(IgnoresUpstream.apply, 10.0, 20.0)
    message = r"^input 0: backward gives 1, differences give 3, relative error 0\.67$"
    with pytest.raises(GradientError, match=message):
        gradcheck(lambda x, y: 3 * IgnoresUpstream.apply(x, y), 10.0, 20.0)


def overwriting_square(x):
    """A square made with = for +=."""
    out = Value(x.data**2, (x,), "square")

    def backward():
        x.grad = 2 * x.data * out.grad

    out._backward = backward
    return out


def test_an_overwritten_gradient_needs_a_value_used_twice_to_show():
    assert gradcheck(lambda x: 3 * overwriting_square(x), 2.0)
    with pytest.raises(GradientError, match="backward gives 4, differences give 8"):
        gradcheck(lambda x: overwriting_square(x) + overwriting_square(x), 2.0)


def test_a_branch_that_lost_its_gradient_is_caught():
    with pytest.raises(GradientError, match=r"^input 1: backward gives 0, differences give 2"):
        gradcheck(lambda x, y: x * Value(y.data), 2.0, 3.0)


# What is said.


def test_a_wrong_gradient_is_a_failed_assertion():
    with pytest.raises(AssertionError):
        gradcheck(lambda x: times(x, 2.0), 1.0)


@pytest.mark.parametrize(
    ("inputs", "place"),
    [
        ((1.0, 2.0), "input 1"),
        ((1.0, Value(2.0, label="w")), r"input 1 \(w\)"),
        ((1.0, Tensor([2.0, 3.0])), r"input 1\[0\]"),
        ((1.0, Tensor([[2.0], [3.0]])), r"input 1\[0, 0\]"),
        ((1.0, Tensor(2.0)), "input 1"),
    ],
)
def test_the_message_says_which_input_and_how_far(inputs, place):
    def f(x, y):
        return x + times(F.sum(Tensor(y).values.flat), 0.25)

    message = rf"^{place}: backward gives 0\.25, differences give 1, relative error 0\.75$"
    with pytest.raises(GradientError, match=message):
        gradcheck(f, *inputs)


def test_the_first_wrong_element_is_named():
    def f(x):
        return F.sum([x[0, 0], x[0, 1], times(x[1, 0], 2.0), times(x[1, 1], 2.0)])

    with pytest.raises(GradientError, match=r"^input 0\[1, 0\]: backward gives 2,"):
        gradcheck(f, Tensor([[1.0, 2.0], [3.0, 4.0]]))


@pytest.mark.parametrize(
    ("f", "x"),
    [(Value.log, -1.0), (lambda x: 0 * x.log(), -1.0), (Value.sqrt, 0.0), (Value.tanh, math.nan)],
)
def test_where_there_are_no_differences_nothing_passes(f, x):
    with pytest.raises(GradientError, match="differences give nan"):
        gradcheck(f, x)


def test_a_kink_has_no_slope_to_compare_with():
    with pytest.raises(GradientError, match=r"backward gives 0, differences give 0\.5"):
        gradcheck(Value.relu, 0.0)


# What is left behind: nothing.


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_data_and_gradients_stay_as_they_were(factor):
    x, w, other = Value(2.0), Tensor([[3.0, 4.0]]), Value(5.0)
    x.grad = other.grad = 7.0
    (w * 6).backward([[1.0, 2.0]])

    def state():
        return x.data, x.grad, w.tolist(), w.grad.tolist(), other.data, other.grad

    before = state()
    numerical_diff(lambda x, w: x * w.sum() * other, x, w)
    try:
        gradcheck(lambda x, w: times(x * w.sum() * other, factor), x, w)
    except GradientError:
        assert factor != 1
    assert state() == before


def test_a_failing_function_leaves_the_data_as_they_were():
    x = Value(2.0)

    def f(x):
        return x * 1 if x.data == 2 else {}["missing"]

    for check in (gradcheck, numerical_diff):
        with pytest.raises(KeyError):
            check(f, x)
    assert x.data == 2.0


def test_a_failing_backward_leaves_the_gradients_as_they_were():
    class NoBackward(Function):
        @staticmethod
        def forward(ctx, x):
            return x

    x = Value(2.0)
    x.grad = 7.0
    with pytest.raises(RuntimeError, match="'NoBackward'"):
        gradcheck(lambda x: NoBackward.apply(x) + x, x)
    assert (x.data, x.grad) == (2.0, 7.0)
