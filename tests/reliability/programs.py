"""Random Tensor programs: a step is written once, and runs on Tensors and on arrays of any kind."""

import math
import operator
from dataclasses import dataclass

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import strategies as st
from reliability.graphs import TABLE

inf = math.inf

NUMPY = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: np.exp(-np.logaddexp(0, -x)),
    "softplus": lambda x: np.logaddexp(0, x),
    "abs": np.abs,
    "neg": np.negative,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
}
MPMATH = {name: np.frompyfunc(TABLE[name].reference, 1, 1) for name in NUMPY}
STEPS = {
    "index": lambda x, key: x[key],
    "reshape": lambda x, shape: x.reshape(shape),
    "transpose": lambda x, axes: x.transpose(axes),
    "T": lambda x: x.T,
    "reduce": lambda x, name, axis, keepdims: getattr(x, name)(axis=axis, keepdims=keepdims),
    "operate": lambda x, f, other: f(x, other),
    "reflect": lambda x, f, other: f(other, x),
    "twice": lambda x, f: f(x, x),
    "gram": lambda x: x.T @ x,
    "call": lambda x, name: called(name, x),
}


def called(name, x):
    if isinstance(x, np.ndarray):
        return (MPMATH if x.dtype == object else NUMPY)[name](x)
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


def twice(draw, x, rng, inputs):
    """x with itself, or its transpose with it."""
    if x.ndim < 3 and draw(st.booleans()):
        return ("gram",)
    return "twice", draw(st.sampled_from([operator.add, operator.sub, operator.mul]))


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
    for f in (index, reshape, transpose, turn, reduce, call, operate, square, twice, multiply)
}
