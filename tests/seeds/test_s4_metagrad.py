"""Metagrad: maximum, slices, reshaping and transposing of grids, row by row."""

import numpy as np
import pytest

from micrograd import Value
from micrograd.function import Function
from micrograd.tensor import Tensor

MATRIX = [
    [1.0, 1.0, 8.0, 9.0, 1.0],
    [4.0, 5.0, 9.0, 9.0, 8.0],
    [8.0, 6.0, 9.0, 7.0, 9.0],
    [8.0, 6.0, 1.0, 9.0, 8.0],
]
THIRD = 1 / 3
COLUMN_SHARES = [
    [0, 0, 0, THIRD, 0],
    [0, 0, 0.5, THIRD, 0],
    [0.5, 0.5, 0.5, 0, 1],
    [0.5, 0.5, 0, THIRD, 0],
]
ROW_SHARES = [
    [0, 0, 0, 1, 0],
    [0, 0, 0.5, 0.5, 0],
    [0, 0, 0.5, 0, 0.5],
    [0, 0, 0, 1, 0],
]


@pytest.mark.parametrize("axis", [None, 0, -1, (0,)])
def test_s4_1_the_largest_gets_the_gradient(axis):
    x = Tensor([1, 2, 3, 6, 7, 9, 2])
    z = x.max(axis=axis)
    z.backward()
    assert z.data == 9
    assert x.grad.tolist() == [0, 0, 0, 0, 0, 1, 0]


def test_s4_2_two_largest_share_it():
    x = Tensor([1, 2, 3, 9, 7, 9, 2])
    z = x.max()
    z.backward()
    assert z.data == 9
    assert x.grad.tolist() == [0, 0, 0, 0.5, 0, 0.5, 0]


@pytest.mark.parametrize("axis", [None, (0, 1), (-1, 0)])
def test_s4_3_six_largest_of_a_matrix_share_it(axis):
    x = Tensor(MATRIX)
    z = x.max(axis=axis)
    z.backward()
    assert z.data == 9
    assert x.grad.tolist() == [[1 / 6 if number == 9 else 0 for number in row] for row in MATRIX]


@pytest.mark.parametrize(
    ("axis", "keepdims", "largest", "shares"),
    [
        (0, False, [8, 6, 9, 9, 9], COLUMN_SHARES),
        (0, True, [[8, 6, 9, 9, 9]], COLUMN_SHARES),
        (-2, False, [8, 6, 9, 9, 9], COLUMN_SHARES),
        (1, False, [9, 9, 9, 9], ROW_SHARES),
        (1, True, [[9], [9], [9], [9]], ROW_SHARES),
        (-1, True, [[9], [9], [9], [9]], ROW_SHARES),
    ],
)
def test_s4_4_the_largest_along_an_axis(axis, keepdims, largest, shares):
    x = Tensor(MATRIX)
    z = x.max(axis=axis, keepdims=keepdims)
    z.backward(np.ones_like(largest))
    assert z.tolist() == largest
    assert x.grad.tolist() == shares


@pytest.mark.parametrize(
    ("data", "index", "part", "grad"),
    [
        ([1, 2, 3, 4, 5, 6, 7], 2, 3, [0, 0, 1, 0, 0, 0, 0]),
        ([1, 2, 3, 4, 5, 6, 7], slice(2, 4), [3, 4], [0, 0, 1, 1, 0, 0, 0]),
        (
            MATRIX,
            (slice(1, 3), slice(2, 4)),
            [[9, 9], [9, 7]],
            [[0, 0, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 0]],
        ),
        ([1, 2, 3], [0, 0], [1, 1], [2, 0, 0]),
    ],
)
def test_s4_5_slices_pass_the_gradient_to_their_elements(data, index, part, grad):
    x = Tensor(data)
    z = x[index]
    Tensor(z).backward(np.ones_like(part))
    assert np.array_equal(z.data, part)
    assert x.grad.tolist() == grad


@pytest.mark.parametrize(("shape", "other"), [((9,), (3, 3)), ((2, 6), (4, 3))])
def test_s4_6_reshaping(shape, other):
    x = Tensor(np.arange(np.prod(shape)).reshape(shape))
    z = x.reshape(other)
    z.backward(np.ones(other))
    assert z.tolist() == x.data.reshape(other).tolist()
    assert x.grad.tolist() == np.ones(shape).tolist()
    x.zero_grad()
    z.backward(np.arange(z.size).reshape(other))  # ones would not show a gradient out of place
    assert x.grad.tolist() == x.tolist()


@pytest.mark.parametrize(
    ("shape", "transposed", "other"),
    [
        ((2, 3), lambda x: x.T, (3, 2)),
        ((2, 6, 1), lambda x: x.transpose((0, 2, 1)), (2, 1, 6)),
        ((2, 3, 4), lambda x: x.transpose(1, 2, 0), (3, 4, 2)),  # not its own inverse
    ],
)
def test_s4_7_transposing(shape, transposed, other):
    x = Tensor(np.arange(np.prod(shape)).reshape(shape))
    z = transposed(x)
    z.backward(np.ones(other))
    assert z.shape == other
    assert z.tolist() == transposed(x.data).tolist()
    assert x.grad.tolist() == np.ones(shape).tolist()
    x.zero_grad()
    z.backward(z.data)
    assert x.grad.tolist() == x.tolist()


def test_s4_8_a_seed_has_the_shape_of_the_output():
    x = Tensor(MATRIX)
    z = x.max(axis=0)
    z.backward([1, 2, 3, 4, 5])
    assert x.grad.sum(axis=0).tolist() == [1, 2, 3, 4, 5]
    for seed in (1.0, [1, 1, 1, 1], np.ones((1, 5)), np.ones((4, 5))):
        with pytest.raises(ValueError, match=r"backward\(\) needs .* shape \(5,\)"):
            z.backward(seed)


def test_s4_9_a_custom_op_saves_what_its_backward_needs():
    class Product(Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, grad):
            x, y = ctx.saved_tensors
            return y * grad, x * grad

    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            return 2 * x * grad

    a, b = Value(3.0), Value(4.0)
    y = Product.apply(Square.apply(a), b)
    y.backward()
    assert (y.data, a.grad, b.grad) == (36.0, 24.0, 9.0)
