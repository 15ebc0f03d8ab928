"""The Tensor: what it is made from and shows, its operators, backward passes, refusals.

Random programs are in reliability/.
"""

import copy
import math
import operator
from fractions import Fraction

import numpy as np
import pytest

import micrograd.functional as F
from micrograd import Value
from micrograd.nn import MLP
from micrograd.tensor import Tensor

inf, nan = math.inf, math.nan


def grid():
    return Tensor([[1.0, -2.0, 3.0], [4.0, 5.0, 6.0]])


# What a Tensor is made from, and shows.


@pytest.mark.parametrize(
    ("data", "numbers"),
    [
        (3, 3.0),
        ([1, 2.5, True], [1.0, 2.5, 1.0]),
        ([[1, 2], [3, 4]], [[1.0, 2.0], [3.0, 4.0]]),
        (((1, 2),), [[1.0, 2.0]]),
        (range(3), [0.0, 1.0, 2.0]),
        ([Fraction(1, 4), inf], [0.25, inf]),
        (np.arange(6).reshape(1, 2, 3), [[[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]]),
        (np.array([True, False]), [1.0, 0.0]),
        (np.float32(0.5), 0.5),
        (Value(3.0), 3.0),
        ([Value(1.0), 2], [1.0, 2.0]),
        (np.array([[Value(1.0)], [2]], dtype=object), [[1.0], [2.0]]),
        (Tensor([1, 2]), [1.0, 2.0]),
        ([Tensor([1, 2]), [3, 4]], [[1.0, 2.0], [3.0, 4.0]]),
        ([], []),
        (np.zeros((2, 0)), [[], []]),
    ],
)
def test_a_tensor_is_made_from_any_grid_of_numbers(data, numbers):
    x = Tensor(data)
    assert x.tolist() == numbers
    assert (x.shape, x.ndim, x.size) == (np.shape(numbers), np.ndim(numbers), np.size(numbers))
    assert all(type(v) is Value for v in x.values.flat)
    assert x.data.dtype == x.grad.dtype == float


def test_the_values_are_kept():
    a, b = Value(1.0), Value(2.0)
    x = Tensor([[a, b]])
    assert x[0, 0] is a
    assert Tensor(x)[0, 1] is b


def test_a_tensor_shows_its_numbers():
    assert repr(Tensor([[1, 2], [3, 4]])) == "Tensor([[1., 2.],\n        [3., 4.]])"
    assert repr(Tensor(0.5)) == "Tensor(0.5)"


def test_constructors():
    assert Tensor.zeros(2, 1).tolist() == [[0.0], [0.0]]
    assert Tensor.ones(2).tolist() == [1.0, 1.0]
    assert Tensor.randn(2, 3, seed=7).shape == (2, 3)
    assert Tensor.randn(2, seed=7).tolist() == Tensor.randn(2, seed=7).tolist()
    assert Tensor.randn(2, seed=7).tolist() != Tensor.randn(2, seed=8).tolist()


def test_a_tensor_is_a_sequence_of_rows_and_a_row_of_values():
    x = grid()
    assert len(x) == 2
    assert [row.tolist() for row in x] == x.tolist()
    assert list(x[0]) == list(x.values[0])
    assert x[1, 2:].item() == 6.0


def test_data_can_be_set_but_not_in_part():
    x = grid()
    x.data = x.data - 1
    x.data *= 2
    x.data += x.grad
    assert x.tolist() == [[0.0, -6.0, 4.0], [6.0, 8.0, 10.0]]
    assert type(x.data * 1) is type(np.array([x.data[0, 0]])) is np.ndarray
    with pytest.raises(ValueError, match="read-only"):
        x.data[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        x.grad[0] = 1


def test_leaves_can_be_copied_and_computed_tensors_refuse():
    x = grid()
    y = copy.deepcopy(x)
    assert y.tolist() == x.tolist() and y[0, 0] is not x[0, 0]
    with pytest.raises(TypeError, match="cannot be copied"):
        copy.deepcopy(x + 1)


# Operators.

OPERATORS = [
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.pow),
    *(operator.lt, operator.le, operator.gt, operator.ge),
]
OTHERS = [2, 2.5, True, np.float32(2), Value(2.0), [1, 2, 3], [[3], [4]], [Value(2.0), 1, 2]]
OTHERS += [np.arange(1, 4), np.array(2.0), np.ones((2, 1, 3)), Tensor([1, 2, 3]), Tensor(2)]


@pytest.mark.parametrize("other", OTHERS, ids=repr)
@pytest.mark.parametrize("f", OPERATORS)
def test_operators_take_anything_on_either_side(f, other):
    x = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    number = Tensor(other).data
    for y, expected in ((f(x, other), f(x.data, number)), (f(other, x), f(number, x.data))):
        assert type(y) is (Tensor if expected.dtype == float else np.ndarray)
        np.testing.assert_allclose(getattr(y, "data", y), expected, rtol=1e-15)


@pytest.mark.parametrize("other", [np.eye(3), np.eye(3).tolist(), Tensor(np.eye(3))])
def test_matmul_takes_anything_on_either_side(other):
    x = Tensor(np.arange(9.0).reshape(3, 3))
    assert (x @ other).tolist() == (other @ x).tolist() == x.tolist()


def test_equality_is_identity():
    x = grid()
    assert x == x and x != grid() and len({x, x}) == 1


def test_a_plain_exponent_stays_plain():
    assert {v._op for v in (grid() ** 2).values.flat} == {"**2"}


def test_an_assignment_with_an_operator_leaves_the_old_tensor_alone():
    x = y = grid()
    x += 1
    assert y.tolist() == grid().tolist() and x.tolist() == (grid() + 1).tolist()


@pytest.mark.parametrize(
    ("y", "op"),
    [
        (grid().sum(), "sum"),
        (grid().mean(), "mean"),
        (grid().max(), "max"),
        (grid()[0] @ grid()[1], "dot"),
    ],
)
def test_a_reduction_is_one_node_of_leaves(y, op):
    assert y._op == op
    assert not any(child._prev for child in y._prev)


# Where there is no derivative: ties and corners, exactly.


@pytest.mark.parametrize(
    ("y", "seed", "expected"),
    [
        (lambda x: x.max(), 1.0, [[0.0, 0.25, 0.25], [0.0, 0.25, 0.25]]),
        (lambda x: x.max(axis=0), [1.0, 2.0, 4.0], [[0.0, 1.0, 2.0], [1.0, 1.0, 2.0]]),
        (lambda x: x.max(axis=-1), [2.0, 6.0], [[0.0, 1.0, 1.0], [0.0, 3.0, 3.0]]),
        (lambda x: x.max(-1, keepdims=True), [[2.0], [6.0]], [[0.0, 1.0, 1.0], [0.0, 3.0, 3.0]]),
        (lambda x: x.min(), 1.0, [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]),
        (lambda x: x[:, 1:].min(axis=(0, 1)), 1.0, [[0.0, 0.25, 0.25], [0.0, 0.25, 0.25]]),
        (lambda x: (x - 5).relu(), np.ones((2, 3)), [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]),
        (lambda x: (x - 5).abs(), np.ones((2, 3)), [[-1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]),
    ],
)
def test_ties_share_and_corners_are_flat(y, seed, expected):
    x = Tensor([[1, 5, 5], [2, 5, 5]])
    y(x).backward(seed)
    assert x.grad.tolist() == expected


# Arrangements keep the Values.


@pytest.mark.parametrize(
    "arrange",
    [
        lambda x: x.reshape(3, 2),
        lambda x: x.reshape((-1,)),
        lambda x: x.T,
        lambda x: x.transpose(1, 0),
        lambda x: x.transpose((1, 0)),
        lambda x: x[1],
        lambda x: x[-1, ::-2],
        lambda x: x[..., None, 1:],
        lambda x: x[[0, 0], [1, 2]],
        lambda x: x[[[1, 0], [0, 1]]],
        lambda x: x[x > 2],
        lambda x: x[np.newaxis],
    ],
)
def test_arrangements_make_no_new_values(arrange):
    x = grid()
    y, expected = arrange(x), arrange(x.values)
    assert y.shape == expected.shape
    assert all(a is b for a, b in zip(y.values.flat, expected.flat))


def test_a_repeated_element_gets_each_of_its_gradients():
    x = Tensor([1.0, 2.0])
    x[[0, 0, 1, 0]].backward([1, 10, 100, 1000])
    assert x.grad.tolist() == [1011.0, 100.0]


# Backward passes.


def test_leaves_accumulate_and_computed_values_start_from_zero():
    x = Tensor([1.0, 2.0])
    y = x * x
    z = y * y
    for times in (1, 2):
        z.backward([1.0, 1.0])
        assert y.grad.tolist() == [2.0, 8.0]
        assert x.grad.tolist() == [4.0 * times, 32.0 * times]
    x.zero_grad()
    assert x.grad.tolist() == [0.0, 0.0]


def test_elements_that_are_computed_from_each_other_are_one_pass():
    a = Value(3.0)
    b = a * a
    c = b * b
    visits = []
    pass_on = b._backward
    b._backward = lambda: (visits.append(b.grad), pass_on())
    Tensor([a, b, c, c]).backward([1, 10, 100, 1000])
    assert visits == [10 + 1100 * 18]
    assert a.grad == 1 + 6 * visits[0]


def test_backward_is_that_of_the_sum_of_elements_times_seed():
    one, other = grid(), grid()
    seed = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    (one.tanh() @ one.T.exp()[:, :1]).backward([[1.0], [2.0]])
    F.dot((other.tanh() @ other.T.exp()[:, :1]).reshape(-1), [1.0, 2.0]).backward()
    assert one.grad.tolist() == other.grad.tolist()
    one.zero_grad()
    one.backward(seed)
    assert one.grad.tolist() == seed


@pytest.mark.parametrize("odd", [inf, -inf, nan])
def test_an_infinite_element_or_seed_stays_alone(odd):
    x = Tensor([odd, 2.0])
    (x * [1.0, 3.0]).backward([1.0, 1.0])
    assert x.grad.tolist() == [1.0, 3.0]
    y = Tensor([1.0, 2.0])
    (y * 3).backward([odd, 1.0])
    assert y.grad[1] == 3.0 and str(y.grad[0]) == str(odd)


@pytest.mark.parametrize("x", [Tensor(2.0), Tensor([2.0]), Tensor([[2.0]])])
def test_a_single_element_needs_no_seed(x):
    (x.reshape(1) ** 2).backward()
    assert x.grad.item() == 4.0


def test_an_empty_tensor_has_an_empty_backward():
    x = Tensor.zeros(0, 3)
    (x * 2).backward(np.ones((0, 3)))
    assert x.grad.shape == (0, 3)


def test_a_long_chain():
    x = y = Tensor([1.0, 2.0])
    for _ in range(10_000):
        y = y + x
    y.backward([1.0, 2.0])
    assert x.grad.tolist() == [10_001.0, 20_002.0]


def test_rows_are_inputs_of_networks_and_losses():
    x = grid()
    scores = Tensor([MLP(3, [2], seed=0)(row) for row in x])
    loss = F.cross_entropy(scores, [0, 1])
    loss.backward()
    assert scores.shape == (2, 2) and x.grad.all()


# Refusals: the exception, and what its message holds.

REFUSALS = [
    (lambda x: Tensor("abc"), TypeError, "got str 'abc'"),
    (lambda x: Tensor(["a", 1]), TypeError, "got str 'a'"),
    (lambda x: Tensor(b"ab"), TypeError, "got bytes b'ab'"),
    (lambda x: Tensor(None), TypeError, "got NoneType None"),
    (lambda x: Tensor([1, None]), TypeError, "got NoneType None"),
    (lambda x: Tensor(1j), TypeError, "got complex 1j"),
    (lambda x: Tensor(np.array([1j, 2])), TypeError, "got complex 1j"),
    (lambda x: Tensor({1: 2}), TypeError, "got dict {1: 2}"),
    (lambda x: Tensor({1}), TypeError, "got set {1}"),
    (lambda x: Tensor(i for i in "ab"), TypeError, "got generator"),
    (lambda x: Tensor(np.array(["2020"], dtype="M8[D]")), TypeError, "got date "),
    (lambda x: Tensor(np.array([object], dtype=object)), TypeError, "got type <class 'object'>"),
    (lambda x: Tensor([[1, 2], [3]]), ValueError, "rows of equal length, got [[1, 2], [3]]"),
    (lambda x: Tensor([1, [2]]), ValueError, "rows of equal length, got [1, [2]]"),
    (lambda x: Tensor([[1, 2], [3, ()]]), ValueError, "rows of equal length"),
    (lambda x: Tensor([x, 1]), TypeError, "got Tensor Tensor([["),
    (lambda x: Tensor(), TypeError, "'data'"),
    (lambda x: Tensor.zeros(2, -1), ValueError, "negative"),
    (lambda x: Tensor.ones(1.5), TypeError, "integer"),
    (lambda x: Tensor.randn(2), TypeError, "'seed'"),
    (lambda x: Tensor.randn(2, seed=-1), ValueError, "eed"),
    (lambda x: x + "a", TypeError, "got str 'a'"),
    (lambda x: "a" + x, TypeError, "got str 'a'"),
    (lambda x: x * None, TypeError, "got NoneType None"),
    (lambda x: x - 1j, TypeError, "got complex 1j"),
    (lambda x: [[1], [2, 3]] / x, ValueError, "rows of equal length"),
    (lambda x: x ** "2", TypeError, "got str '2'"),
    (lambda x: x < "a", TypeError, "got str 'a'"),
    (lambda x: x // 2, TypeError, "unsupported operand"),
    (lambda x: np.ones(2) % x, TypeError, "Tensor"),
    (lambda x: x * [1, 2], ValueError, "shapes (2,3) (2,)"),
    (lambda x: np.ones((3, 2)) * x, ValueError, "shapes (3,2) (2,3)"),
    (np.exp, TypeError, "Tensor"),
    (float, TypeError, "Tensor"),
    (lambda x: np.asarray(x, dtype=float), TypeError, "use value.data"),
    (lambda x: x @ x, ValueError, "got (2, 3) @ (2, 3)"),
    (lambda x: x @ [1, 2], ValueError, "got (2, 3) @ (2,)"),
    (lambda x: np.ones(3) @ x, ValueError, "got (3,) @ (2, 3)"),
    (lambda x: x @ 2, ValueError, "got (2, 3) @ ()"),
    (lambda x: Value(2) @ x, ValueError, "got () @ (2, 3)"),
    (lambda x: x[None, [0, 1, 0]] @ np.ones((2, 1, 3, 3)) @ x, ValueError, "@ (2, 3)"),
    (lambda x: x @ "a", TypeError, "got str 'a'"),
    (lambda x: x.sum(axis=2), IndexError, "axis 2 is out of bounds"),
    (lambda x: x.mean(axis=-3), ValueError, "axis -3 is out of bounds"),
    (lambda x: x.max(axis=(0, 2)), ValueError, "axis 2 is out of bounds"),
    (lambda x: x.sum(axis=(0, 0)), ValueError, "repeated axis"),
    (lambda x: x.sum(axis=(0, 1, 1)), ValueError, "repeated axis"),
    (lambda x: x.sum(axis=1.5), TypeError, "integer"),
    (lambda x: x.sum(axis="0"), TypeError, "'str'"),
    (lambda x: x.sum(axis=[0]), TypeError, "'list'"),
    (lambda x: x[:, :0].max(), ValueError, "at least one number, got none"),
    (lambda x: x[:, :0].mean(axis=1), ValueError, "at least one number, got none"),
    (lambda x: x[2], IndexError, "index 2 is out of bounds"),
    (lambda x: x[0, 0, 0], IndexError, "too many indices"),
    (lambda x: x[1.0], IndexError, "valid indices"),
    (lambda x: x["a"], IndexError, "valid indices"),
    (lambda x: x[[0.5]], IndexError, "integer"),
    (lambda x: x[Value(1)], IndexError, "valid indices"),
    (lambda x: x[x], IndexError, "valid indices"),
    (lambda x: x[[True, False, True]], IndexError, "boolean index did not match"),
    (lambda x: operator.setitem(x, 0, 1), TypeError, "item assignment"),
    (lambda x: x.reshape(4, 2), ValueError, "size 6 into shape (4,2)"),
    (lambda x: x.reshape("a"), TypeError, "'str'"),
    (lambda x: x.transpose(0), ValueError, "axes don't match"),
    (lambda x: x.transpose(0, 2), ValueError, "axis 2 is out of bounds"),
    (lambda x: x.item(), ValueError, "size 1"),
    (lambda x: len(Tensor(1)), TypeError, "unsized"),
    (lambda x: list(Tensor(1)), TypeError, "0-d"),
    (lambda x: x.backward(1.0), ValueError, "shape (2, 3), got shape ()"),
    (lambda x: x.backward(np.ones((3, 2))), ValueError, "shape (2, 3), got shape (3, 2)"),
    (lambda x: x.backward([[1, 1, 1], [1, 1]]), ValueError, "shape (2, 3), got shape (2,)"),
    (lambda x: x.backward([[1, 1, 1], [1, 1, "1"]]), TypeError, "got str '1'"),
    (lambda x: x.backward(np.full((2, 3), 1j)), TypeError, "got complex 1j"),
    (lambda x: x.backward(x), TypeError, "got a Value"),
    (lambda x: setattr(x, "data", [1, 2, 3]), ValueError, "shape (2, 3), got shape (3,)"),
    (lambda x: setattr(x, "data", [[1, 2, 3], [4, 5, None]]), TypeError, "got NoneType None"),
    (lambda x: setattr(x, "grad", x.data), AttributeError, "grad"),
]


@pytest.mark.parametrize(("use", "error", "message"), REFUSALS)
def test_refusals(use, error, message):
    x = grid()
    with pytest.raises(error) as caught:
        use(x)
    assert message in str(caught.value)
    assert x.tolist() == grid().tolist() and not x.grad.any()
