"""Autodiff in 200 lines: grids, expressions, and logistic regression, row by row."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

import micrograd.functional as F
from micrograd import Value
from micrograd.data import square
from micrograd.regression import logistic_regression
from micrograd.tensor import Tensor


def gradients(y, *leaves):
    y.backward()
    return [x.grad for x in leaves]


def test_s1_1_adding_two_grids():
    """The listing as it is printed."""
    x1_val = 2 * np.ones(3)
    x2_val = 3 * np.ones(3)
    x1 = Tensor(x1_val)
    x2 = Tensor(x2_val)
    y = x1 + x2
    assert np.array_equal(y.data, x1_val + x2_val)
    y.backward()
    assert np.array_equal(x1.grad, np.ones_like(x1_val))
    assert np.array_equal(x2.grad, np.ones_like(x2_val))


@pytest.mark.parametrize(
    ("f", "number", "slope"),
    [
        (lambda x: 5 / x, 2.5, -1.25),
        (lambda x: x / 5, 0.4, 0.2),
        (lambda x: 5 + x, 7.0, 1.0),
        (lambda x: x + 5, 7.0, 1.0),
        (lambda x: 5 - x, 3.0, -1.0),
        (lambda x: x - 5, -3.0, 1.0),
        (lambda x: 5 * x, 10.0, 5.0),
        (lambda x: x * 5, 10.0, 5.0),
    ],
)
@pytest.mark.parametrize("kind", [Value, Tensor])
def test_s1_2_constants_on_either_side(kind, f, number, slope):
    x = kind(2.0)
    y = f(x)
    y.backward()
    assert (y.data, x.grad) == (number, slope)


def test_s1_3_a_quotient():
    x1, x2 = Value(2.0), Value(5.0)
    assert gradients(x1 / x2, x1, x2) == pytest.approx([0.2, -0.08], rel=1e-15)


def test_s1_4_products_that_share_a_factor():
    x1, x2, x3 = map(Value, (1.0, 2.0, 3.0))
    y = x1 + x2 * x3 * x1
    assert (y.data, *gradients(y, x1, x2, x3)) == (7, 7, 3, 2)
    x1, x2, x3, x4 = map(Value, (1.0, 2.0, 3.0, 4.0))
    y = x1 + x2 * x3 * x4
    assert (y.data, *gradients(y, x1, x2, x3, x4)) == (25, 1, 12, 8, 6)


def test_s1_5_a_polynomial_of_a_polynomial():
    x2, x3 = Value(2.0), Value(3.0)
    z = x2 * x2 + x2 + x3 + 3
    y = z * z + x3
    assert (y.data, *gradients(y, x2, x3)) == (147, 120, 25)


def test_s1_6_logarithm_and_exponential():
    x1, x2 = Value(2.0), Value(3.0)
    assert gradients((x1 * x2).log(), x1, x2) == pytest.approx([1 / 2, 1 / 3], rel=1e-15)
    x1, x2 = Value(2.0), Value(4.0)
    y = ((x1 * x2).log() + 1).exp()
    slopes = gradients(y, x1, x2)
    assert (y.data, *slopes) == pytest.approx((8 * math.e, 4 * math.e, 2 * math.e), rel=1e-14)


def test_s1_7_a_sigmoid_from_exp_and_division():
    for number in (-3.0, -0.5, 0.0, 2.0):
        n = Value(number)
        s = 1 / (1 + (-n).exp())
        assert gradients(s, n) == pytest.approx([s.data * (1 - s.data)], rel=1e-10)


@pytest.mark.parametrize("target", [0, 1])
def test_s1_7_the_gradient_of_the_log_likelihood(target):
    x, w = [0.4, -1.3, 1.0], Tensor([0.7, 0.2, -0.5])
    s = 1 / (1 + (-(w @ x)).exp())
    (target * s.log() + (1 - target) * (1 - s).log()).backward()
    np.testing.assert_allclose(w.grad, (target - s.data) * np.array(x), rtol=1e-10)


def test_s1_8_a_mean():
    x = Tensor([1.0, 2.0, 3.0, 4.0])
    y = x.mean()
    y.backward()
    assert y.data == 2.5
    assert x.grad.tolist() == [0.25, 0.25, 0.25, 0.25]


def test_s1_8_a_matrix_product():
    a, b = Tensor(np.arange(6.0).reshape(2, 3)), Tensor(np.arange(12.0).reshape(3, 4) - 5)
    seed = np.array([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
    y = a @ b
    y.backward(seed)
    np.testing.assert_allclose(y.data, a.data @ b.data)
    np.testing.assert_allclose(a.grad, seed @ b.data.T)
    np.testing.assert_allclose(b.grad, a.data.T @ seed)


def test_s1_9_gradients_add_up_over_uses_and_are_cleared_for_the_next_batch():
    a = Tensor([3.0])
    for number, slope in ((3.0, 7.0), (5.0, 11.0)):
        a.data = [number]
        a.zero_grad()
        (a * a + a).backward()
        assert a.grad.item() == slope


# Row 10: logistic regression.


def log_likelihood(w, X, y):
    """The sum over the points of the logarithm of the probability given to their label."""
    logits = [F.dot(w, [*x, 1.0]) for x in X]
    return -len(y) * F.binary_cross_entropy_with_logits(logits, y).data


def right(w, X, y):
    """How many points lie on their label's side of the line."""
    return sum((F.dot(w, [*x, 1.0]) >= 0) == (t == 1) for x, t in zip(X, y))


def decision_line(w, X, y):
    """The points in the unit square, and the line where the model changes its mind."""
    w1, w2, bias = w
    figure = Figure(figsize=(4, 4))
    ax = figure.subplots()
    for label, color in enumerate(("#2166ac", "#b2182b")):
        ax.scatter(*X[y == label].T, c=color, s=22, label=f"y = {label}")
    ax.axline((0, -bias / w2), slope=-w1 / w2, color="black")
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="x₁", ylabel="x₂")
    ax.legend()
    return figure


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_s1_10_logistic_regression_separates_the_square(seed, tmp_path):
    X, y = square(n=100, seed=seed)
    start = [1.0] * 3
    *_, last = logistic_regression(X, y)
    w = last.weights
    assert right(start, X, y) == (y == 1).sum()  # a line outside the square: every point is a 1
    assert 35 <= right(start, X, y) <= 65
    assert right(w, X, y) >= 95
    assert log_likelihood(w, X, y) > -26
    decision_line(w, X, y).savefig(tmp_path / "square.png")
    assert (tmp_path / "square.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.slow
def test_s1_11_doublings_cost_nodes_and_not_paths(score):
    x = y = Value(1.0)
    for _ in range(100_000):
        y = (y + y) / 2
    y.backward()
    score(
        "y = (y + y) / 2, 100,000 times",
        "1.0, at last",
        f"{x.grad}, at last",
        theme="Memory and depth",
        hurt="who uses a number twice: paths double with every line",
        peer="100 times never end",
    )
    assert x.grad == 1.0


@pytest.mark.slow
def test_s1_11_doublings_of_a_grid():
    x = y = Tensor([1.0, 0.5])
    for _ in range(100):
        y = y + y
    y.backward([1.0, 1.0])
    assert x.grad.tolist() == [2.0**100, 2.0**100]
