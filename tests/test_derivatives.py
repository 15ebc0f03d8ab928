"""`grad`: gradients as Values, which can be differentiated again."""

import math
import random
import threading
from collections import namedtuple
from itertools import product

import mpmath as mp
import numpy as np
import pytest
from backends import ALL
from optable import OPS, Op, logsumexp
from reliability.reference import slope

import micrograd.functional as F
from micrograd import Value
from micrograd.compiler import Jit, batched, grad, gradients, jit
from micrograd.compiler.rules import ELEMENTWISE
from micrograd.engine import node, topological_order
from micrograd.function import Function
from micrograd.gradcheck import gradcheck
from micrograd.nn import MLP
from micrograd.optim import SGD
from micrograd.player import step_through
from micrograd.tensor import Tensor
from micrograd.viz import draw_dot

# The op table, and what goes back further on the way.
ROWS = [
    *OPS,
    Op(
        "square of a max",
        lambda a, b: F.max([a**2, b, a * b]) ** 2,
        lambda a, b: max(a**2, b, a * b) ** 2,
        ((2.0, 3.0), (1.0, 4.0)),
    ),
    Op(
        "softmax of products",
        lambda a, b, c: F.softmax([a * c, b * b, c])[-1],
        lambda a, b, c: mp.exp(c - logsumexp(a * c, b * b, c)),
        ((-2.0, 2.0),) * 3,
    ),
    Op(
        "logsumexp of powers",
        lambda a, b: F.logsumexp([a**b, b.tanh(), a.relu()]),
        lambda a, b: logsumexp(a**b, mp.tanh(b), a),
        ((0.5, 2.0), (-2.0, 2.0)),
    ),
]
inf, nan = math.inf, math.nan
Point = namedtuple("Point", "x y")


def rosenbrock(x, y):
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


# Ways to a second derivative, by argument i and then by j


def twice(f, i, j):
    return grad(grad(f, i), j)


def once_and_back(f, i, j):
    return gone_back(grad(f, i), j)


def jitted(f, i, j):
    return jit(twice(f, i, j))


def jitted_and_back(f, i, j):
    return gone_back(jit(grad(f, i)), j)


def gone_back(f, j):
    """The gradient of f by argument j as backward() finds it."""

    def slope(*xs):
        inputs = [Value(x) for x in xs]
        f(*inputs).backward()
        return Value(inputs[j].grad)

    return slope


WAYS = [twice, once_and_back, jitted, jitted_and_back]


def drawn(op, count):
    rng = random.Random(op.name)
    return [[rng.uniform(*ends) for ends in op.ranges] for _ in range(count)]


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_the_first_derivatives_are_those_of_the_engine_to_the_last_bit(op):
    for xs in drawn(op, 20):
        inputs = [Value(x) for x in xs]
        op.compute(*inputs).backward()
        found = grad(op.compute, range(len(xs)))(*xs)
        assert [g.data for g in found] == [x.grad for x in inputs]


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_an_op_has_the_right_second_derivatives(op):
    for i, j in product(range(len(op.ranges)), repeat=2):
        functions = [way(op.compute, i, j) for way in WAYS]
        with mp.workdps(250):
            for xs in drawn(op, 3):
                exact = [mp.mpf(x) for x in xs]
                right = slope(lambda *xs, i=i: slope(op.reference, [*xs], i), exact, j)
                for f in functions:
                    off = abs(f(*xs).data - right)
                    assert off <= 1e-9 * abs(right) + mp.mpf("1e-70"), (xs, i, j)


@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_an_op_has_the_right_third_derivatives(op):
    third = grad(grad(grad(op.compute, 0), -1), 0)
    with mp.workdps(250):
        for xs in drawn(op, 2):
            tame = [math.copysign(min(abs(x), 2.5 + i / 8), x) for i, x in enumerate(xs)]
            right = mp.diff(op.reference, tuple(map(mp.mpf, tame)), orders(len(xs)), h=1e-40)
            found, again = third(*tame).data, jit(third)(*tame).data
            assert abs(found - right) <= 1e-9 * abs(right) + mp.mpf("1e-30"), tame
            assert again == pytest.approx(found, rel=1e-12, abs=1e-30)


def orders(n):
    """How often each of n arguments is differentiated by: first, last, first."""
    return (3,) if n == 1 else (2, *[0] * (n - 2), 1)


@pytest.mark.parametrize("kind", [kind for kind, row in ELEMENTWISE.items()])
def test_every_op_of_one_number_says_how_it_goes_back(kind):
    row = ELEMENTWISE[kind]
    assert len(row.gradients) == ("{a}" in row.scalar) + ("{b}" in row.scalar)


@pytest.mark.parametrize(
    "f, xs, second",
    [
        (Value.relu, [0.0], 0.0),
        (Value.relu, [nan], 0.0),
        (Value.abs, [0.0], 0.0),
        (Value.tanh, [0.0], 0.0),
        (Value.tanh, [1000.0], 0.0),
        (Value.tanh, [-1000.0], 0.0),
        (Value.sigmoid, [-1000.0], 0.0),
        (Value.softplus, [0.0], 0.25),
        (Value.exp, [1000.0], inf),
        (Value.log, [0.0], -inf),
        (Value.log, [1e-300], -inf),
        (Value.sqrt, [0.0], -inf),
        (Value.sqrt, [-1.0], nan),
        (lambda x: x**0, [0.0], 0.0),
        (lambda x: x**1, [0.0], 0.0),
        (lambda x: x**2, [0.0], 2.0),
        (lambda x: x**3, [0.0], 0.0),
        (lambda x: x**0.5, [0.0], -inf),
        (lambda x: x**1.5, [0.0], inf),
        (lambda x: x**-1, [-2.0], -0.25),
        (lambda x, y: x**y, [0.0, 0.0], 0.0),
        (lambda x, y: x**y, [0.0, 2.0], 2.0),
        (lambda x, y: x**y, [0.0, 3.0], 0.0),
        (lambda x, y: x**y, [-2.0, 3.0], -12.0),
        (lambda y, x: x**y, [0.5, 0.0], 0.0),
        (lambda y, x: x**y, [0.0, 1.0], 0.0),
        (lambda x, y: x / y, [1.0, 0.0], 0.0),
        (lambda y, x: x / y, [0.0, 1.0], inf),
        (lambda *xs: F.max(xs), [1.0, 1.0], 0.0),
        (lambda *xs: F.max(xs) ** 2, [1.0, 1.0], 0.5),
        (lambda *xs: F.max(xs) ** 2, [3.0, 1.0], 2.0),
        (lambda *xs: F.max(xs) ** 2, [1.0, 3.0], 0.0),
        (lambda *xs: F.logsumexp(xs), [1000.0, 1000.0], 0.25),
        (lambda *xs: F.logsumexp(xs), [-inf, 0.0], 0.0),
        (lambda *xs: F.softmax(xs)[0], [-inf, 0.0], 0.0),
        (lambda *xs: F.cross_entropy(xs, 0), [-1000.0, 0.0], 0.0),
    ],
)
def test_second_derivatives_at_corners(f, xs, second):
    for way in WAYS:
        assert way(f, 0, 0)(*xs).data == pytest.approx(second, nan_ok=True)


def test_the_hessian_of_rosenbrock_s_function():
    rows = [grad(grad(rosenbrock, i)) for i in (0, 1)]
    for hessian in (rows, map(jit, rows)):
        assert [[h.data for h in row(-1.2, 1.0)] for row in hessian] == [[1330, 480], [480, 200]]
    w = Value(-1.2), Value(1.0)
    grad(rosenbrock, 0)(*w).backward()
    assert [x.grad for x in w] == [1330, 480]


@pytest.mark.parametrize("compiled", [lambda f: f, jit])
def test_newton_s_method_finds_a_minimum_in_a_few_steps(compiled):
    @compiled
    def step(x, y):
        (a, b), (_, c) = (grad(grad(rosenbrock, i))(x, y) for i in (0, 1))
        gx, gy = grad(rosenbrock)(x, y)
        size = a * c - b * b
        return x - (c * gx - b * gy) / size, y - (a * gy - b * gx) / size

    x, y = -1.2, 1.0
    for _ in range(7):
        x, y = (v.data for v in step(x, y))
    assert (x, y) == pytest.approx((1, 1), abs=1e-12)


def test_a_hessian_times_a_vector_needs_no_hessian():
    def f(xs):
        return F.logsumexp(xs) + F.dot(xs, xs[::-1]) * F.max(xs)

    xs, v = [0.3, -0.7, 1.1], [1.0, 2.0, -0.5]
    product = grad(lambda xs: F.dot(grad(f)(xs), v))(xs)
    rows = [grad(lambda xs, i=i: grad(f)(xs)[i])(xs) for i in range(3)]
    expected = [sum(h.data * x for h, x in zip(row, v)) for row in rows]
    assert [p.data for p in product] == pytest.approx(expected, rel=1e-14)


def data(x):
    """What stands in a structure of gradients, as numbers."""
    if isinstance(x, dict):
        return {key: data(item) for key, item in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(*map(data, x)) if isinstance(x, Point) else type(x)(map(data, x))
    if isinstance(x, (Tensor, np.ndarray)):
        return [type(x).__name__, *(None if v is None else v.data for v in getattr(x, "values", x))]
    return x if x is None else x.data


@pytest.mark.parametrize("compiled", [lambda f: f, jit])
@pytest.mark.parametrize(
    "f, args, gradients",
    [
        (lambda x: x * x, [3.0], 6.0),
        (lambda x: x * x, [Value(3.0)], 6.0),
        (lambda x: x * x, [np.float32(3.0)], 6.0),
        (lambda x, y: x * y, [3.0, 2.0], (2.0, 3.0)),
        (lambda x, n: x**n, [3.0, 2], (6.0, None)),
        (lambda xs, name: xs[0] * xs[2], [[3.0, 1, Value(2.0)], "a"], ([2.0, None, 3.0], None)),
        (lambda p: p.x * p.y[0], [Point(3.0, (2.0,))], Point(2.0, (3.0,))),
        (
            lambda p: p["a"] * p["b"],
            [{"a": 3.0, "b": 2.0, "c": 1}],
            {"a": 2.0, "b": 3.0, "c": None},
        ),
        (lambda x: F.sum(x * x), [np.array([1.0, 2.0])], ["ndarray", 2.0, 4.0]),
        (lambda x, i: x[i[0]] * 2, [np.array([1.0, 2.0]), [1]], (["ndarray", 0.0, 2.0], [None])),
        (lambda x: (x * x).sum(), [Tensor([1.0, 2.0])], ["Tensor", 2.0, 4.0]),
        (lambda x: x, [3.0], 1.0),
        (lambda x: Value(2.0), [3.0], 0.0),
        (lambda x, y: x + x, [3.0, 1.0], (2.0, 0.0)),
    ],
)
def test_gradients_come_in_the_structure_of_the_arguments(f, args, gradients, compiled):
    derivative = compiled(grad(f))
    assert data(derivative(*args)) == data(derivative(*args)) == gradients


@pytest.mark.parametrize(
    "argnums, gradients",
    [(None, (4.0, 12.0)), (0, 4.0), (1, 12.0), (-1, 12.0), ((1, 0), (12.0, 4.0)), ([0], (4.0,))],
)
def test_argnums_choose_arguments(argnums, gradients):
    assert data(grad(lambda x, y: x * y * y, argnums)(3.0, 2.0)) == gradients


@pytest.mark.parametrize("compiled", [lambda f: f, jit])
def test_arguments_that_were_not_chosen_are_values_too_and_named_ones(compiled):
    def f(x, y, *, scale, power):
        return x * y[0].exp() * scale.exp() ** power

    assert compiled(grad(f, 0))(3.0, [0.0], scale=0.0, power=2).data == 1


@pytest.mark.parametrize("compiled", [lambda f: f, jit])
@pytest.mark.parametrize(
    "f, expected",
    [
        (lambda x: x * grad(lambda y: x + y)(1.0), 1.0),
        (lambda x: grad(lambda y: x * y)(x), 1.0),
        (lambda x: grad(lambda y: x * x * y * y)(x), 6 * 3.0**2),
        (lambda x: sum(grad(lambda y, z: y * z * z)(x, x)), 6 * 3.0),
        (lambda x: grad(lambda y: grad(lambda z: x * y * z)(x))(x), 1.0),
    ],
)
def test_a_value_among_the_arguments_is_told_from_the_same_one_outside(f, expected, compiled):
    assert compiled(grad(f))(3.0).data == compiled(grad(f))(Value(3.0)).data == expected


def test_backward_of_a_gradient_goes_back_to_arguments_and_to_leaves_outside():
    w, x = Value(3.0), Value(2.0)
    outside = w * w
    g = grad(lambda x: outside * x**3 + w)(x)
    assert (w.grad, x.grad) == (0.0, 0.0)  # `grad` leaves them alone
    g.backward()
    assert (g.data, w.grad, x.grad) == (108.0, 72.0, 108.0)
    assert grad(lambda x: w)(1.0).data == 0.0


@pytest.mark.parametrize("compiled", [lambda f: f, jit])
def test_a_penalty_on_the_slope_of_a_network_trains_its_weights(compiled):
    random.seed(1)
    model = MLP(2, [4, 1], act="tanh")

    def penalty(x):
        return F.sum((1 - g) ** 2 for g in grad(model)(x))

    x, h = [0.5, -1.0], 1e-5
    compiled(penalty)(x).backward()
    for p in model.parameters():
        at, ends = p.data, []
        for p.data in (at + h, at - h):
            ends.append(penalty(x).data)
        p.data = at
        assert p.grad == pytest.approx((ends[0] - ends[1]) / (2 * h), abs=1e-8)


def test_a_step_of_training_may_hold_gradients():
    def f(w):
        return grad(lambda x: (x * w).tanh())(0.5) ** 2

    found = []
    for compiled in (False, True):
        w = Value(0.7)
        optimizer = SGD([w], lr=0.1)
        with jit(lambda w=w: f(w)).training(optimizer) as step:
            for _ in range(5):
                if compiled:
                    step()
                else:
                    optimizer.zero_grad()
                    f(w).backward()
                    optimizer.step()
        found.append(w.data)
    assert found[0] == pytest.approx(found[1], rel=1e-14)


def test_branches_are_taken_anew_at_each_call_also_in_a_recording():
    def f(x):
        return x * x if x > 0 else -3 * x

    for derivative in (grad(f), jit(grad(f))):
        assert [derivative(x).data for x in (2.0, -1.0, 3.0, -2.0, 2.0)] == [4, -3, 6, -3, 4]


def test_jitted_functions_can_be_differentiated():
    w = Value(3.0)
    cube = jit(lambda x: w * x**3)
    assert grad(grad(cube))(2.0).data == 36
    assert grad(lambda x: cube(x) + cube(2.0) * x)(2.0).data == 60
    assert jit(grad(cube))(2.0).data == 36


def test_values_made_by_another_thread_count():
    def f(x):
        found = []
        thread = threading.Thread(target=lambda: found.append(x * x))
        thread.start()
        thread.join()
        return found[0]

    assert grad(f)(3.0).data == 6


@pytest.mark.parametrize("compiled", [lambda f: f, jit])
def test_labels_and_attributes_of_arguments_are_there_inside(compiled):
    def f(xs):
        return F.sum(x * x for x in xs if not getattr(x, "frozen", False) and x.label != "b")

    xs = [Value(1.0), Value(2.0, label="b"), Value(3.0)]
    derivative = compiled(grad(f))
    assert data(derivative(xs)) == [2, 0, 6]
    xs[0].frozen = True
    assert data(derivative(xs)) == [0, 0, 6]


def test_integers_in_arrays_select_anew_in_a_recording_of_derivatives():
    def loss(rows, tokens, target):
        logits = [F.sum(column).tanh() for column in zip(*F.take(rows, tokens))]
        return F.cross_entropy(logits, target) + F.take(logits, target) ** 2 * target

    def penalty(*args):
        return F.sum(g * g for row in grad(loss, 0)(*args) for g in row)

    rows = [[Value(math.sin(3 * i + j)) for j in range(3)] for i in range(4)]
    for f in (grad(loss), grad(penalty)):
        jitted = jit(f)
        for tokens, target in (([0, 1], 2), ([3, 2], 0), ([1, 1], 1)):
            args = rows, np.array(tokens), np.array(target)
            (found, *nothing), (expected, *_) = jitted(*args), f(*args)
            assert nothing == [None, None]
            for row, right in zip(data(found), data(expected)):
                assert row == pytest.approx(right, rel=1e-12, abs=1e-15)
        assert len(jitted._known) == 1


def test_where_a_relu_is_flat_nothing_passes_in_a_recording_either():
    xs = [-1.0, 1.0, -2.0, 2.0, -3.0]
    derivative = grad(lambda xs: F.sum(x.relu() * math.inf for x in xs))
    assert data(derivative(xs)) == data(jit(derivative)(xs)) == [0, inf, 0, inf, 0]


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("f", [abs, Value.relu, lambda y: F.max([y, 1.0])])
def test_an_audit_knows_where_nothing_goes_back(f, backend, monkeypatch):
    monkeypatch.setattr(Jit, "next_audit", lambda self, way: 0.0)  # after every call
    derivative = jit(grad(lambda x: f(x * x)), backend=backend)
    for number in (2.0, inf, 3.0):
        x = Value(number)
        derivative(x).backward()
        assert x.grad == 2.0


def test_a_deep_graph_is_differentiated():
    def f(x):
        for _ in range(5_000):
            x = x.sin()
        return x

    x = Value(1.0)
    f(x).backward()
    assert grad(f)(1.0).data == x.grad


def test_a_gradient_can_be_drawn_and_played():
    g = grad(lambda x: F.max([x.tanh(), F.softmax([x, 2 * x])[0]]))(Value(0.5, label="x"))
    assert "tanh slope" in str(draw_dot(g)) and "backward" in str(step_through(g))
    assert [v.label for v in topological_order(g)].count("x") == 1


@pytest.mark.parametrize("compiled", [lambda f: f, jit])
def test_gradients_of_a_value_are_values_too(compiled):
    @compiled
    def found(x, y):
        z = x * y
        loss = z * z + y
        by_all = gradients(loss, {"x": x, "yz": (y, z), "again": [x, 3]})
        by_both = gradients(by_all["x"], [x, y])
        return [*by_all["yz"], by_all["again"][0], *by_both, by_all["again"][1], by_all["x"]]

    for xs in ((3.0, 2.0), (1.0, 5.0)):
        x, y = map(Value, xs)
        *numbers, nothing, last = found(x, y)
        z = x.data * y.data
        right = [1 + 2 * z * x.data, 2 * z, 2 * z * y.data, 2 * y.data**2, 4 * z]
        assert (data(numbers), nothing) == (right, None)
        last.backward()
        assert [x.grad, y.grad] == right[3:]


def test_the_curvature_of_a_loss_by_the_weights_of_a_model():
    model = MLP(2, [3, 1], act="tanh", seed=0)
    weights = model.parameters()
    loss = F.mse_loss([model([0.5, -1.0]), model([1.0, 2.0])], [1.0, -1.0])
    slopes = gradients(loss, weights)
    rows = [data(gradients(g, weights)) for g in slopes]
    loss.backward()
    assert data(slopes) == [w.grad for w in weights]
    assert np.allclose(rows, np.transpose(rows), rtol=1e-12, atol=1e-15)
    for i, g in enumerate(slopes):
        model.zero_grad()
        g.backward()
        assert [w.grad for w in weights] == pytest.approx(rows[i], rel=1e-12, abs=1e-15)


def test_the_gradient_by_what_was_not_used_is_zero():
    x, y = Value(1.0), Value(2.0)
    assert data(gradients(x * x, [y, x])) == [0.0, 2.0]
    assert data(gradients(x, x)) == 1.0


class Square(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        return 2 * ctx.saved_tensors[0] * grad


class Both(Square):
    @staticmethod
    def forward(ctx, x):
        return x, x


def double(x):
    return node(2 * x.data, (x,), "double", lambda grad: None)


MODEL = MLP(1, [1])


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: grad(math.exp)(3.0), "would drop its gradient"),
        (lambda: grad(lambda x: Both.apply(x)[1])(3.0), "'Both', a Function: "),
        (lambda: jit(grad(Square.apply))(3.0), "'Square', a Function: "),
        (lambda: grad(grad(Square.apply))(3.0), "'Square', a Function: "),
        (lambda: grad(double)(3.0), "'double', no operation of micrograd's: "),
        (
            lambda: grad(lambda parameters: MODEL([1.0]))(MODEL.parameters()),
            "found outside, which were passed too: let it compute with its arguments",
        ),
    ],
)
def test_what_cannot_be_differentiated_is_refused(call, words):
    with pytest.raises(TypeError, match=words):
        call()


def test_a_function_of_one_s_own_beside_the_arguments_is_a_constant():
    assert grad(lambda x: x * Square.apply(3.0))(2.0).data == 9


def test_errors_of_the_function_come_through_and_leave_nothing_behind():
    with pytest.raises(ZeroDivisionError):
        grad(lambda x: 1 / 0)(3.0)
    assert jit(grad(lambda x: x * x))(3.0).data == 6


@pytest.mark.parametrize("compiled", [lambda f: f, jit])
def test_slopes_for_each_example_of_a_batch(compiled):
    model = MLP(2, [3, 1], act="sigmoid", seed=0)
    X = np.random.RandomState(0).randn(6, 2)

    def penalty(x):
        return F.sum(g * g for g in grad(model)(x))

    found = []
    for f in (compiled(batched(penalty)), lambda X: F.mean(map(penalty, X))):
        model.zero_grad()
        loss = f(X)
        loss.backward()
        found.append([loss.data, *(p.grad for p in model.parameters())])
    assert found[0] == pytest.approx(found[1], rel=1e-12, abs=1e-16)


@pytest.mark.parametrize("compiled", [lambda f: f, jit])
def test_gradcheck_takes_a_gradient_as_any_function(compiled):
    assert gradcheck(compiled(grad(lambda x, y: x.tanh() ** y, 1)), 0.7, 2.5)


def test_keyword_arguments_alone_are_nothing_to_differentiate_by():
    with pytest.raises(TypeError, match="got keyword arguments only, which are constants: x, y"):
        grad(lambda x, y: x * y)(x=3.0, y=2.0)
    assert grad(lambda x, y: x * y)(3.0, y=2.0).data == 2.0
