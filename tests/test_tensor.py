"""The Tensor: NumPy's answers on random programs, the gradients of these, refusals."""

import copy
import math
import operator
from dataclasses import dataclass
from fractions import Fraction

import hypothesis.extra.numpy as hnp
import mpmath as mp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import micrograd.functional as F
from micrograd import Value
from micrograd.engine import topological_order
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


# Random programs: a step is written once, and runs on arrays and Tensors alike.

NUMPY = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0),
    "abs": np.abs,
    "neg": np.negative,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
}
STEPS = {
    "index": lambda x, key: x[key],
    "reshape": lambda x, shape: x.reshape(shape),
    "transpose": lambda x, axes: x.transpose(axes),
    "T": lambda x: x.T,
    "reduce": lambda x, name, axis, keepdims: getattr(x, name)(axis=axis, keepdims=keepdims),
    "operate": lambda x, f, other: f(x, other),
    "reflect": lambda x, f, other: f(other, x),
    "call": lambda x, name: called(name, x),
}


def called(name, x):
    if isinstance(x, np.ndarray):
        return NUMPY[name](x)
    return -x if name == "neg" else getattr(x, name)()


def run(program, inputs):
    """What a program makes of the first of its inputs; its steps may use the others."""
    x = inputs[0]
    for name, *arguments in program:
        x = STEPS[name](x, *(inputs[a.i] if isinstance(a, Input) else a for a in arguments))
    return x


@dataclass
class Input:
    """Stands in a step for one of the program's inputs."""

    i: int


@st.composite
def programs(draw):
    """Steps that stay where functions are smooth and numbers moderate, and arrays to start from."""
    rng = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    x = rng.uniform(
        draw(st.sampled_from([-2, 0.1])),
        2,
        draw(hnp.array_shapes(min_dims=2, max_dims=3, max_side=3)),
    )
    inputs, program = [x], []
    for _ in range(draw(st.integers(3, 7))):
        name = draw(st.sampled_from(sorted(DRAWN)))
        step = DRAWN[name](draw, x, rng, inputs)
        y = run([step], [x, *inputs[1:]])
        if np.size(y) > 24 or np.abs(y).max(initial=0.0) > 1e3:
            continue
        program.append(step)
        x = y
        if np.ndim(x) == 0:
            break
    return program, inputs


def index(draw, x, rng, inputs):
    keys = [hnp.basic_indices(x.shape, allow_newaxis=True, max_dims=4), hnp.arrays(bool, x.shape)]
    if x.size:
        keys.append(hnp.integer_array_indices(x.shape))
        keys.append(st.lists(st.integers(-len(x), len(x) - 1), max_size=4))
    return "index", draw(st.one_of(keys))


def reshape(draw, x, rng, inputs):
    shapes = [x.shape[::-1], (1, *x.shape), (*x.shape, 1), (x.size,)]
    return "reshape", draw(st.sampled_from(shapes + [-1] * (x.size > 0)))


def transpose(draw, x, rng, inputs):
    return "transpose", tuple(draw(st.permutations(range(x.ndim))))


def turn(draw, x, rng, inputs):
    return ("T",)


def reduce(draw, x, rng, inputs):
    axes = st.none() | st.integers(-x.ndim, x.ndim - 1) | hnp.valid_tuple_axes(x.ndim)
    names = ("sum", "mean", "max", "min") if x.size else ("sum",)
    return "reduce", draw(st.sampled_from(names)), draw(axes), draw(st.booleans())


def call(draw, x, rng, inputs):
    positive, small = x.min(initial=inf) > 0.05, x.max(initial=-inf) < 5
    allowed = {"log": positive, "sqrt": positive, "exp": small}
    return "call", draw(st.sampled_from([name for name in NUMPY if allowed.get(name, True)]))


def operate(draw, x, rng, inputs):
    """x + other and the like; other is an input, an array, a list or a number, from 0.5 to 2."""
    shape = draw(hnp.broadcastable_shapes(x.shape, max_dims=3, max_side=3))
    allowed = [operator.add, operator.sub, operator.mul]
    if 0.05 < x.min(initial=inf) and x.max(initial=-inf) < 5:
        allowed += [operator.truediv, operator.pow]
    f = draw(st.sampled_from(allowed))
    return side(draw), f, operand(draw, rng.uniform(0.5, 2, shape), inputs)


def square(draw, x, rng, inputs):
    return "operate", operator.pow, draw(st.sampled_from([2, 3]))


def multiply(draw, x, rng, inputs):
    """Matrix products of every number of dimensions, the other operand on either side."""
    name = side(draw)
    k = x.shape[-1] if name == "operate" else x.shape[-2:][0]
    stack = draw(st.sampled_from([(), x.shape[:-2], (2, *x.shape[:-2])]))
    j = draw(st.integers(0, 3))
    matrix = (*stack, k, j) if name == "operate" else (*stack, j, k)
    shape = draw(st.sampled_from([(k,), matrix]))
    return name, operator.matmul, operand(draw, rng.uniform(0.5, 2, shape), inputs)


def side(draw):
    return draw(st.sampled_from(["operate", "reflect"]))


def operand(draw, other, inputs):
    kind = draw(st.sampled_from(["input", "array", "list"]))
    if kind == "input":
        inputs.append(other)
        return Input(len(inputs) - 1)
    return other if kind == "array" or not other.size else other.tolist()


DRAWN = {
    f.__name__: f
    for f in (index, reshape, transpose, turn, reduce, call, operate, square, multiply)
}

thorough = settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@settings(thorough, max_examples=1000)
@given(programs())
def test_a_tensor_computes_what_numpy_computes(drawn):
    program, inputs = drawn
    y, expected = run(program, [Tensor(x) for x in inputs]), run(program, inputs)
    assert type(y) is (Tensor if isinstance(expected, np.ndarray) else Value)
    assert np.shape(y.data) == np.shape(expected)
    np.testing.assert_allclose(y.data, expected, rtol=1e-11, atol=1e-11)


# Gradients, against differences at 50 digits of what was recorded.

REPLAY = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": mp.power,
    "neg": operator.neg,
    "abs": abs,
    "ReLU": lambda x: max(x, mp.mpf(0)),
    "tanh": mp.tanh,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "exp": mp.exp,
    "log": mp.log,
    "sqrt": mp.sqrt,
    "sin": mp.sin,
    "cos": mp.cos,
    "sum": lambda *xs: mp.fsum(xs),
    "mean": lambda *xs: mp.fsum(xs) / len(xs),
    "max": lambda *xs: max(xs),
    "dot": lambda *xs: mp.fdot(zip(xs[: len(xs) // 2], xs[len(xs) // 2 :])),  # without a bias
}


def rule(op):
    """A node's op in mpmath; "**2" and the like hold their exponent."""
    if op in REPLAY:
        return REPLAY[op]
    exponent = mp.mpf(float(op.removeprefix("**")))
    return lambda x: x**exponent


def slope(outputs, seeds, leaf):
    """The derivative by a leaf of the outputs times seeds, a central difference."""
    h = mp.mpf("1e-18")
    order = topological_order(Value(0.0, outputs))[:-1]

    def replayed(shift):
        numbers = {v: mp.mpf(v.data) for v in order if not v._prev}
        numbers[leaf] = mp.mpf(leaf.data) + shift
        for v in order:
            if v._prev:
                numbers[v] = rule(v._op)(*(numbers[child] for child in v._prev))
        return mp.fdot((numbers[v], seed) for v, seed in zip(outputs, seeds))

    return (replayed(h) - replayed(-h)) / (2 * h)


@settings(thorough, max_examples=1000)
@given(programs(), st.integers(0, 2**32 - 1))
def test_gradients_are_those_of_what_was_recorded(drawn, seed):
    program, arrays = drawn
    inputs = [Tensor(x) for x in arrays]
    y = Tensor(run(program, inputs))
    seeds = np.random.RandomState(seed).uniform(-1, 1, y.shape)
    y.backward(seeds)
    outputs, seeds = tuple(y.values.flat), seeds.ravel()
    with mp.workdps(50):
        for leaf in (v for x in inputs for v in x.values.flat):
            reference = slope(outputs, seeds, leaf)
            assert leaf.grad == pytest.approx(float(reference), rel=1e-9, abs=1e-9)


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
    pass_on = b._chain
    b._chain = lambda grad: (visits.append(grad), pass_on(grad))
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
    (lambda x: x.backward(), ValueError, "seed of shape (2, 3), got None"),
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
