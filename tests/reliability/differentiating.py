"""Programs of learners and probes that differentiate inside, by `grad`; see learners and hiding."""

# ruff: noqa: PLW0108, PLW0603 - as people write it

import functools
import math
import random
import types

import numpy as np
from reliability.hiding import probe
from reliability.learners import descend, learner, moons, points

import micrograd.functional as F
from micrograd import Value, nn, optim
from micrograd.compiler import grad
from micrograd.function import Function


def numbers(xs):
    return [x.data for x in xs]


def bowl(x, y):
    return (1 - x) ** 2 + 10 * (y - x * x) ** 2


# Learners


@learner
def newton_s_method_for_a_root(jit):
    slope = grad(lambda x: x**3 - 2 * x - 5)
    step = jit(lambda x: x - (x**3 - 2 * x - 5) / slope(x))
    x = 2.0
    while True:
        x = step(x).data
        yield x


@learner
def newton_s_method_in_two_dimensions(jit):
    @jit
    def step(x, y):
        (a, b), (_, d) = (grad(grad(bowl, i))(x, y) for i in (0, 1))
        gx, gy = grad(bowl)(x, y)
        size = a * d - b * b
        return x - (d * gx - b * gy) / size, y - (a * gy - b * gx) / size

    x, y = -1.2, 1.0
    while True:
        x, y = numbers(step(x, y))
        yield x, y


@learner
def descent_without_backward(jit):
    slopes = jit(grad(bowl))
    x, y = -1.2, 1.0
    while True:
        gx, gy = numbers(slopes(x, y))
        x, y = x - 0.01 * gx, y - 0.01 * gy
        yield x, y


@learner
def weights_in_a_dict(jit):
    xs, ys = points()

    def loss(weights, xs, ys):
        return F.mse_loss([weights["w"] * x + weights["b"] for x in xs], ys)

    slopes = jit(grad(loss, argnums=0))
    weights = {"w": 0.0, "b": 0.0}
    while True:
        found = slopes(weights, xs, ys)
        weights = {name: x - 0.1 * found[name].data for name, x in weights.items()}
        yield list(weights.values())


@learner
def a_penalty_on_slopes(jit):
    X, y, model = moons(8)

    @jit
    def loss():
        slopes = F.mean(F.sum(g * g for g in grad(model)(x)) for x in X)
        return F.hinge_loss([model(x) for x in X], y) + 0.1 * slopes

    while True:
        yield descend(model.parameters(), loss())


@learner
def a_critic_with_slopes_of_one(jit):
    critic, rng = nn.MLP(2, [6, 1], act="softplus", seed=0), random.Random(0)

    @jit
    def loss(real, made, between):
        gap = F.mean(map(critic, made)) - F.mean(map(critic, real))
        sizes = [F.sum(g * g for g in grad(critic)(x)).sqrt() for x in between]
        return gap + 10 * F.mean((size - 1) ** 2 for size in sizes)

    while True:
        real = [[rng.gauss(1, 0.1), rng.gauss(0, 0.1)] for _ in range(3)]
        made = [[rng.gauss(0, 1), rng.gauss(0, 1)] for _ in range(3)]
        between = [[(a + b) / 2 for a, b in zip(*pair)] for pair in zip(real, made)]
        yield descend(critic.parameters(), loss(real, made, between), 0.01)


@learner
def a_differential_equation(jit):
    """u'' = -u, u(0) = 0, u'(0) = 1."""
    u = nn.MLP(1, [6, 1], act="tanh", seed=1)
    times = [0.0, 0.4, 0.8, 1.2, 1.6]

    def at(t):
        return u([t])

    @jit
    def loss():
        rest = [grad(grad(at))(t) + at(t) for t in times]
        return F.mean(r * r for r in rest) + at(0.0) ** 2 + (grad(at)(0.0) - 1) ** 2

    optimizer = optim.Adam(u.parameters(), lr=0.01)
    with jit(loss.function).training(optimizer) as step:
        while True:
            yield step()


@learner
def a_pendulum(jit):
    def energy(q, p):
        return p * p / 2 - q.cos()

    @jit
    def step(q, p):
        p = p - 0.05 * grad(energy, 0)(q, p)
        q = q + 0.1 * grad(energy, 1)(q, p)
        return q, p - 0.05 * grad(energy, 0)(q, p)

    q, p = 1.0, 0.0
    while True:
        q, p = numbers(step(q, p))
        yield q, p


@learner
def conjugate_gradients(jit):
    def f(xs):
        return F.logsumexp(xs) + F.dot(xs, xs)

    curved = jit(grad(lambda xs, v: F.dot(grad(f)(xs), v), 0))
    slopes = jit(grad(f))
    xs = [1.0, -0.5, 0.25]
    while True:
        r = [-g for g in numbers(slopes(xs))]
        d, left = r, sum(x * x for x in r)
        for _ in range(3):
            h = numbers(curved(xs, d))
            t = left / (sum(map(float.__mul__, d, h)) or 1.0)
            xs = [x + t * y for x, y in zip(xs, d)]
            r = [x - t * y for x, y in zip(r, h)]
            before, left = left, sum(x * x for x in r)
            d = [x + left / (before or 1.0) * y for x, y in zip(r, d)]
        yield xs


@learner
def learning_to_learn(jit):
    """Weights from which one step of descent does well on each of several lines."""
    tasks = [([0.5, 1.0], [a * 0.5, a]) for a in (1.0, 2.0, 3.0)]
    w, b = Value(0.1), Value(0.0)

    def loss(w, b, xs, ys):
        return F.mse_loss([w * x + b for x in xs], ys)

    @jit
    def after_a_step():
        total = Value(0.0)
        for xs, ys in tasks:
            gw, gb = grad(loss, (0, 1))(w, b, xs, ys)
            total = total + loss(w - 0.1 * gw, b - 0.1 * gb, xs, ys)
        return total

    while True:
        yield descend([w, b], after_a_step())


@learner
def the_learning_rate_by_its_gradient(jit):
    def after(lr, x, y):
        for _ in range(3):
            gx, gy = grad(bowl)(x, y)
            x, y = x - lr * gx, y - lr * gy
        return bowl(x, y)

    by_rate = jit(grad(after, 0))
    lr = 0.005
    while True:
        lr -= 1e-7 * by_rate(lr, -1.2, 1.0).data
        yield lr


@learner
def a_jacobian_row_by_row(jit):
    def f(x):
        return [x[0] * x[1], x[0].sin(), F.max(x), (x[0] - x[1]).relu()]

    rows = jit(lambda x: [grad(lambda x, i=i: f(x)[i])(x) for i in range(4)])
    for i in range(1000):
        yield [v.data for row in rows([math.sin(i), math.cos(i)]) for v in row]


@learner
def a_laplacian(jit):
    def f(x, y, z):
        return 1 / (x * x + y * y + z * z).sqrt()

    laplacian = jit(lambda *at: F.sum(grad(grad(f, i), i)(*at) for i in range(3)))
    for i in range(1000):
        yield laplacian(1.0 + i / 10, math.sin(i), 0.5).data


@learner
def the_curve_of_a_classifier(jit):
    X, y, model = moons(8)
    targets = np.array([int(t > 0) for t in y])

    def loss(p, X, targets):
        return F.cross_entropy([[-model(x) * p, model(x) * p] for x in X], targets)

    curve = jit(grad(grad(loss, 0), 0))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    while True:
        optimizer.zero_grad()
        loss(Value(1.0), X, targets).backward()
        optimizer.step()
        yield curve(1.0, X, targets).data


@learner
def tokens_of_a_gradient(jit):
    rows = [[Value(math.sin(3 * i + j)) for j in range(3)] for i in range(4)]

    def loss(rows, tokens):
        mean = [F.mean(column) for column in zip(*F.take(rows, tokens))]
        return F.logsumexp(mean) - mean[0]

    @jit
    def size(tokens):
        return F.sum(g * g for row in grad(loss, 0)(rows, tokens) for g in row)

    rng = random.Random(1)
    while True:
        tokens = np.array([rng.randrange(4) for _ in range(3)])
        yield descend([v for row in rows for v in row], size(tokens))


@learner
def a_gradient_of_a_jitted_loss(jit):
    xs, ys = points()
    loss = jit(lambda w, b: F.mse_loss([w * x + b for x in xs], ys))
    slopes = jit(grad(loss))
    w, b = 0.0, 0.0
    while True:
        gw, gb = numbers(slopes(w, b))
        w, b = w - 0.1 * gw, b - 0.1 * gb
        yield w, b, loss(w, b).data


@learner
def a_slope_with_branches(jit):
    def huber(x):
        return x * x / 2 if abs(x) < 1 else abs(x) - 0.5

    slope = jit(grad(huber))
    for i in range(1000):
        yield slope(3 * math.sin(i)).data


@learner
def shares_of_a_prediction(jit):
    _, _, model = moons()
    shares = jit(lambda x: [g * v for g, v in zip(grad(model)(x), x)])
    for i in range(1000):
        yield numbers(shares([math.sin(i), math.cos(2 * i)]))


# Probes


@probe
def grad_of_a_weight_that_is_replaced(jit):
    held = {"w": Value(1.0)}
    f = jit(grad(lambda x: held["w"] * x * x))
    for i in range(9):
        if i in (4, 6):
            held["w"] = Value(float(i))
        yield f(1.5).data


@probe
def grad_of_a_global_number(jit):
    global factor
    factor = 1.0
    f = jit(grad(lambda x: x * x * factor))
    for i in range(9):
        if i in (4, 6):
            factor = float(i)
        yield f(1.5).data


@probe
def grad_of_a_function_that_is_replaced(jit):
    inner = Value.tanh
    f = jit(lambda x: grad(lambda y: inner(y))(x))
    for i in range(9):
        if i == 4:
            inner = Value.sin
        yield f(0.5).data


@probe
def grad_by_an_argument_that_changes(jit):
    at = 0
    f = jit(lambda x, y: grad(lambda x, y: x * y * y, at)(x, y))
    for i in range(9):
        at = int(i > 4)
        yield f(2.0, 3.0).data


@probe
def grad_of_a_method(jit):
    model = types.SimpleNamespace(k=1.0)
    model.f = lambda x: x * x * model.k
    f = jit(lambda x: grad(model.f)(x))
    for i in range(9):
        model.k = float(i > 4)
        yield f(1.5).data


@probe
def grad_of_a_partial(jit):
    xs = [2.0, 3.0]
    f = jit(grad(functools.partial(F.dot, xs)))
    for i in range(9):
        if i == 4:
            xs[0] = 5.0
        yield [g.data for g in f([1.0, 1.0])]


@probe
def grad_where_an_argument_is_frozen_later(jit):
    xs = [Value(1.0), Value(2.0)]
    f = jit(grad(lambda xs: F.sum(x * x for x in xs if not getattr(x, "frozen", False))))
    for i in range(9):
        xs[0].frozen = 3 < i < 7
        yield [g.data for g in f(xs)]


@probe
def grad_where_a_label_is_changed(jit):
    x = Value(1.5, label="a")
    f = jit(grad(lambda x: x * x if x.label == "a" else 3 * x))
    for i in range(9):
        x.label = "ab"[i > 4]
        yield f(x).data


@probe
def a_gradient_kept_from_the_call_before(jit):
    kept = [Value(0.0)]

    @jit
    def f(x):
        g = grad(lambda y: y * y)(x) + kept[0]
        kept[0] = g
        return g

    for _ in range(9):
        yield f(1.5).data


@probe
def data_read_inside_of_what_is_differentiated(jit):
    f = jit(grad(lambda x: x * x.data))
    for i in range(9):
        yield f(float(i)).data


@probe
def a_function_of_one_s_own_beside_a_gradient(jit):
    class Cube(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            return 3 * ctx.saved_tensors[0] ** 2 * g

    w = Value(2.0)
    f = jit(lambda x: grad(lambda y: y * y * Cube.apply(w))(x))
    for i in range(9):
        w.data = float(i)
        yield f(1.5).data


@probe
def draws_inside_of_what_is_differentiated(jit):
    rng = random.Random(0)
    f = jit(grad(lambda x: x * x * rng.random()))
    for _ in range(9):
        yield f(1.5).data


@probe
def backward_of_a_gradient_after_data_changed(jit):
    w = Value(1.0)
    f = jit(grad(lambda x: w * x * x))
    for i in range(9):
        x = Value(1.5)
        g = f(x)
        if i == 4:
            w.data = 7.0
        g.backward()
        yield w.grad, x.grad
