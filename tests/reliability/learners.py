"""Programs as learners write them, each to be run in the engine and under the jit.

A program takes `jit`, or what stands for it in the engine, and yields after each call of its jitted
function what a learner would look at. It goes on as long as it is asked.
"""

# ruff: noqa: PLW0603, RUF007 - as people write it

import argparse
import collections
import copy
import dataclasses
import functools
import heapq
import itertools
import logging
import math
import random
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import micrograd.functional as F
from micrograd import Value, data, nn, optim
from micrograd.compiler import batched
from micrograd.function import Function
from micrograd.tensor import Tensor

LEARNERS = {}


def learner(program):
    LEARNERS[program.__name__] = program
    return program


def descend(parameters, loss, lr=0.05):
    """A step as most people write it; what is left to look at."""
    for p in parameters:
        p.grad = 0.0
    loss.backward()
    for p in parameters:
        p.data -= lr * p.grad
    return [loss.data, *(p.data for p in parameters[:3])]


def points(n=12, seed=0):
    rng = random.Random(seed)
    xs = [rng.uniform(-1, 1) for _ in range(n)]
    return xs, [2 * x - 0.5 + rng.gauss(0, 0.1) for x in xs]


def moons(n=16, hidden=4, act="tanh"):
    X, y = data.moons(n, seed=0)
    return X, 2.0 * y - 1, nn.MLP(2, [hidden, 1], act=act, seed=0)


# Lines and curves


@learner
def a_line_by_hand(jit):
    xs, ys = points()
    w, b = Value(0.0), Value(0.0)

    @jit
    def loss():
        return sum((w * x + b - y) ** 2 for x, y in zip(xs, ys)) / len(xs)

    while True:
        yield descend([w, b], loss())


@learner
def a_line_on_one_point_at_a_time(jit):
    w, b = Value(0.0), Value(0.0)
    loss = jit(lambda x, y: (w * x + b - y) ** 2)
    for x, y in itertools.cycle(zip(*points())):
        yield descend([w, b], loss(x, y))


@learner
def a_polynomial_with_lasso(jit):
    xs, ys = points()
    coefficients = [Value(0.0) for _ in range(4)]

    def predict(x):
        return sum((c * x**n for n, c in enumerate(coefficients)), Value(0.0))

    @jit
    def loss(strength):
        fit = sum((predict(x) - y) ** 2 for x, y in zip(xs, ys)) / len(xs)
        return fit + strength * sum(abs(c) for c in coefficients)

    while True:
        yield descend(coefficients, loss(0.01))


@learner
def a_penalty_that_decays_in_a_closure(jit):
    xs, ys = points()
    w, strength = Value(0.0), 1.0

    @jit
    def loss():
        return sum((w * x - y) ** 2 for x, y in zip(xs, ys)) + strength * w * w

    while True:
        yield descend([w], loss(), 0.01)
        strength *= 0.9


@learner
def a_penalty_that_decays_as_an_argument(jit):
    xs, ys = points()
    w, strength = Value(0.0), 1.0
    loss = jit(lambda s: sum((w * x - y) ** 2 for x, y in zip(xs, ys)) + s * w * w)
    while True:
        yield descend([w], loss(strength), 0.01)
        strength *= 0.9


@learner
def an_epoch_as_an_int(jit):
    xs, ys = points()
    w = Value(0.0)

    @jit
    def loss(epoch):
        return sum((w * x - y) ** 2 for x, y in zip(xs, ys)) / (1 + epoch)

    for epoch in itertools.count():
        yield descend([w], loss(epoch))


@learner
def an_epoch_as_a_float(jit):
    xs, ys = points()
    w = Value(0.0)
    loss = jit(lambda t: sum((w * x - y) ** 2 for x, y in zip(xs, ys)) / (1 + t))
    for epoch in itertools.count():
        yield descend([w], loss(float(epoch)))


@learner
def a_derivative_by_small_steps(jit):
    w = Value(0.3)
    f = jit(lambda x: (w * x).sin() * w.exp())
    while True:
        w.data += 1e-4
        up = f(2.0).data
        w.data -= 2e-4
        down = f(2.0).data
        w.data += 1e-4
        yield [(up - down) / 2e-4]
        y = f(2.0)
        yield descend([w], y, 0.01)


@learner
def exponents_of_an_argument(jit):
    w = Value(0.5)
    loss = jit(lambda x, t: (w * math.exp(x) - t) ** 2)
    while True:
        yield descend([w], loss(0.5, 1.0))


@learner
def floats_made_values_once_more(jit):
    w, b = Value(0.1), Value(0.0)

    @jit
    def loss(row, target):
        xs = list(map(Value, row))
        return (F.sum(w * x for x in xs) + b - Value(target)) ** 2

    for i in itertools.count():
        yield descend([w, b], loss([0.1 * i % 1, 0.5, -0.2], 1.0))


@learner
def a_value_or_a_number(jit):
    w = Value(0.1)

    def as_value(x):
        return x if isinstance(x, Value) else Value(x)

    loss = jit(lambda x, t: (as_value(x) * w - as_value(t)) ** 2)
    while True:
        yield descend([w], loss(0.5, 1.0))


# Networks


@learner
def moons_by_closure(jit):
    X, y, model = moons()
    loss = jit(lambda: F.hinge_loss([model(x) for x in X], y))
    while True:
        yield descend(model.parameters(), loss())


@learner
def moons_as_most_write_it(jit):
    X, y, model = moons(act="relu")

    @jit
    def loss():
        inputs = [list(map(Value, row)) for row in X]
        scores = list(map(model, inputs))
        losses = [(1 + -yi * si).relu() for yi, si in zip(y, scores)]
        data_loss = sum(losses) * (1.0 / len(losses))
        return data_loss + 1e-4 * sum(p * p for p in model.parameters())

    while True:
        yield descend(model.parameters(), loss())


@learner
def moons_by_arguments_and_adam(jit):
    X, y, model = moons()
    optimizer = optim.Adam(model.parameters(), lr=0.05)

    @jit
    def loss(X, y):
        return F.binary_cross_entropy_with_logits([model(x) for x in X], (y + 1) / 2)

    while True:
        error = loss(X, y)
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        yield [error.data, *(p.data for p in model.parameters()[:2])]


@learner
def a_whole_step(jit):
    X, y, model = moons()
    optimizer = optim.SGD(model.parameters(), lr=optim.cosine(0.5, 0.01, 40), momentum=0.5)
    with jit(lambda: F.hinge_loss([model(x) for x in X], y)).training(optimizer) as step:
        while True:
            yield [step(), model.parameters()[0].data, model.parameters()[1].grad]


@learner
def whole_steps_that_are_never_the_same(jit):
    X, y, model = moons()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    decay, p = [1.0], model.parameters()
    loss = jit(lambda: F.mse_loss([model(x) for x in X[:4]], y[:4]) + decay[0] * F.dot(p, p))
    with loss.training(optimizer) as step:
        for i in itertools.count():
            if i < 30:
                decay[0] *= 0.9
            p[0].data += 0.01
            yield [step(), p[0].data, p[1].grad, optimizer.state[0][1], copy.deepcopy(p[2]).data]


@learner
def whole_steps_by_index(jit):
    X, y, model = moons()
    rng = random.Random(0)
    loss = jit(lambda batch: F.mse_loss([model(X[i]) for i in batch], [y[i] for i in batch]))
    with loss.training(optim.Adam(model.parameters(), lr=0.01)) as step:
        while True:
            yield [step(rng.sample(range(len(X)), 4)), model.parameters()[0].data]


# Many steps at once


@learner
def many_whole_steps(jit):
    X, y, model = moons()
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    with jit(lambda: F.hinge_loss([model(x) for x in X], y)).training(optimizer) as step:
        for n in itertools.cycle([1, 5, 0, 20]):
            yield [*step.many(n), model.parameters()[0].data, model.parameters()[1].grad]


@learner
def many_minibatches(jit):
    X, y, model = moons()
    rng = np.random.default_rng(0)
    loss = jit(lambda X, y: F.mse_loss([model(x) for x in X], y))
    with loss.training(optim.Adam(model.parameters(), lr=optim.cosine(0.05, 0.01, 99))) as step:
        while True:
            yield [*step.many(rng.integers(0, 16, (6, 4)), X, y), model.parameters()[0].data]


@learner
def many_minibatches_of_classes(jit):
    X, y = data.blobs(12, seed=0)
    model = nn.MLP(2, [4, 3], seed=0)
    rng = np.random.default_rng(0)
    loss = jit(lambda X, y: F.cross_entropy([model(x) for x in X], y))
    with loss.training(optim.SGD(model.parameters(), lr=0.1)) as step:
        while True:
            yield [*step.many(rng.integers(-12, 12, (5, 3)), X, y), model.parameters()[0].data]


@learner
def many_steps_with_a_branch(jit):
    w = Value(0.0)

    @jit
    def loss():
        return (w - 3.0) ** 2 if w < 1.0 else (w + 3.0) ** 2

    with loss.training(optim.SGD([w], lr=0.05)) as step:
        while True:
            yield [*step.many(7), w.data]


@learner
def many_steps_that_cool_down(jit):
    X, y, model = moons()
    heat = [1.0]

    def lr(step):
        heat[0] = 1.0 / (1 + step // 5)
        return 0.1 * heat[0]

    loss = jit(lambda: F.mse_loss([model(x) * heat[0] for x in X], y))
    with loss.training(optim.SGD(model.parameters(), lr=lr)) as step:
        while True:
            yield [*step.many(4), model.parameters()[0].data]


@learner
def many_steps_of_a_loss_that_looks_at_the_optimizer(jit):
    xs, ys = points()
    w = Value(0.0)
    optimizer = optim.SGD([w], lr=0.01)

    @jit
    def loss():
        strength = 0.5 ** (optimizer.steps // 3)
        return sum((w * x - y) ** 2 for x, y in zip(xs, ys)) + strength * w * w

    with loss.training(optimizer) as step:
        while True:
            yield [*step.many(5), w.data]


@learner
def many_steps_beside_a_frozen_layer(jit):
    X, y, model = moons()
    first, last = model.layers
    loss = jit(lambda: F.mse_loss([model(x) for x in X], y))
    with loss.training(optim.SGD(last.parameters(), lr=0.05)) as step:
        while True:
            yield [*step.many(4), *(p.grad for p in first.parameters()), last.parameters()[0].data]


@learner
def many_steps_and_a_look_between(jit):
    X, y, model = moons()
    scale = {"of the loss": 1.0}
    loss = jit(lambda: F.mse_loss([model(x) for x in X], y) * scale["of the loss"])
    p = model.parameters()[0]
    with loss.training(optim.SGD(model.parameters(), lr=0.05)) as step:
        while True:
            seen = step.many(3)
            p.data *= 0.9
            scale["of the loss"] *= 0.9
            yield [*seen, loss().data, p.data, p.grad]


@learner
def many_clipped_steps(jit):
    class Clipped(optim.SGD):
        def step(self):
            for p in self.parameters:
                p.grad = max(-0.01, min(0.01, p.grad))
            super().step()

    X, y, model = moons()
    loss = jit(lambda: F.mse_loss([model(x) for x in X], y))
    with loss.training(Clipped(model.parameters(), lr=0.5)) as step:
        while True:
            yield [*step.many(3), model.parameters()[0].data]


# The call form


@learner
def gradients_of_several_calls_added_up(jit):
    X, y, model = moons()
    loss = jit(lambda i: F.mse_loss([model(x) for x in X[i : i + 4]], y[i : i + 4]))
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    while True:
        optimizer.zero_grad()
        losses = [loss(i) for i in (0, 4, 8)]
        for error in losses:
            error.backward()
        optimizer.step()
        yield [*(error.data for error in losses), *(p.grad for p in model.parameters())]


@learner
def a_jitted_layer_within_the_engine(jit):
    X, y, model = moons()
    first, last = model.layers
    hidden = jit(first)
    while True:
        rows = [hidden(x) for x in X[:6]]
        error = F.mse_loss([last(row) for row in rows], y[:6])
        yield descend(model.parameters(), error) + [row[0].grad for row in rows]


@learner
def a_jitted_layer_behind_the_engine(jit):
    X, y, model = moons()
    first, last = model.layers
    last = jit(last)
    while True:
        rows = [first(x) for x in X[:6]]
        error = F.mse_loss([last(row) for row in rows], y[:6])
        yield descend(model.parameters(), error) + [row[0].grad for row in rows]


@learner
def parameters_set_to_other_numbers(jit):
    w = [Value(0.5), Value(-0.5), Value(2.0)]
    loss = jit(lambda: (w[0] * w[1]).tanh() / w[2] + w[0] ** 2)
    for i in itertools.count():
        w[i % 3].data = [0, 0.25, -0.0, 1, True, 1e-300, 3.5][i % 7]
        w[2].data = w[2].data or 1.5
        yield [*descend(w, loss(), 0.01), *(x.grad for x in w)]


# Batches


@learner
def minibatches_by_random_and_a_branch(jit):
    X, y, model = moons()

    @jit
    def loss(X, y):
        total = sum((model(x) - t) ** 2 for x, t in zip(X, y))
        return total if total < 8.0 else total * 0.5

    random.seed(1)
    while True:
        batch = random.sample(range(len(X)), 6)
        yield descend(model.parameters(), loss(X[batch], y[batch]), 0.02)


@learner
def minibatches_by_numpy(jit):
    X, y, model = moons()
    rng = np.random.default_rng(0)
    loss = jit(lambda X, y: F.mse_loss([model(x) for x in X], y))
    while True:
        order = rng.permutation(len(X))
        for i in range(0, len(X), 8):
            batch = order[i : i + 8]
            yield descend(model.parameters(), loss(X[batch], y[batch]))


@learner
def minibatches_from_a_generator(jit):
    X, y, model = moons()

    def batches():
        while True:
            for i in range(0, len(X), 5):  # the last one is smaller
                yield X[i : i + 5], y[i : i + 5]

    loss = jit(lambda X, y: F.mse_loss([model(x) for x in X], y))
    for batch in batches():
        yield descend(model.parameters(), loss(*batch))


@learner
def minibatches_by_index(jit):
    X, y, model = moons()
    rng = random.Random(0)
    loss = jit(lambda batch: F.mse_loss([model(X[i]) for i in batch], [y[i] for i in batch]))
    while True:
        yield descend(model.parameters(), loss(rng.sample(range(len(X)), 4)))


@learner
def more_samples_from_time_to_time(jit):
    X, y, model = moons()
    for i in itertools.count():
        if i == 0:
            loss = jit(lambda X, y: F.mse_loss([model(x) for x in X], y))
        n = min(4 + i // 6, len(X))
        yield descend(model.parameters(), loss(X[:n], y[:n]))


@learner
def tensors_of_weights(jit):
    X, y, _ = moons()
    W, b, v = Tensor.randn(2, 4, seed=1), Tensor.zeros(4), Tensor.randn(4, seed=2)

    @jit
    def loss(X, y):
        errors = (X @ W + b).tanh() @ v - y
        return (errors * errors).mean()

    while True:
        error = loss(Tensor(X), Tensor(y))
        for t in (W, b, v):
            t.zero_grad()
        error.backward()
        for t in (W, b, v):
            t.data -= 0.1 * t.grad
        yield [error.data, *v.data]


@learner
def arrays_of_values(jit):
    xs, ys = points()
    w = np.array([Value(0.1), Value(-0.2)], dtype=object)
    loss = jit(lambda: np.mean([(w @ np.array([x, 1.0]) - y) ** 2 for x, y in zip(xs, ys)]))
    while True:
        yield descend(list(w), loss())


@learner
def a_model_as_a_class(jit):
    class Net(nn.Module):
        def __init__(self):
            self.layers = [nn.Layer(2, 3, seed=0), nn.Layer(3, 1, seed=1, nonlin=False)]
            self.scale = Value(1.0)

        def __call__(self, x):
            for layer in self.layers:
                x = layer(x)
            return x * self.scale

    X, y, _ = moons()
    net = Net()
    loss = jit(lambda: F.hinge_loss([net(x) for x in X], y))
    while True:
        yield descend(net.parameters(), loss())


@learner
def a_trainer_with_a_history(jit):
    X, y, model = moons(8, 3)

    class Trainer:
        def __init__(self):
            self.model, self.history = model, []

        @jit
        def loss(self, X, y):
            return F.mse_loss([self.model(x) for x in X], y)

    trainer = Trainer()
    while True:
        yield descend(model.parameters(), trainer.loss(X, y))
        trainer.history.append(len(trainer.history))


@learner
def a_method_trained_in_whole_steps(jit):
    X, y, model = moons(8, 3)

    class Net:
        @jit
        def loss(self, X, y):
            return F.mse_loss([model(x) for x in X], y)

    with Net().loss.training(optim.SGD(model.parameters(), lr=0.1)) as step:
        while True:
            yield [step(X, y)]


@learner
def a_model_with_a_training_flag(jit):
    class Net(nn.Module):
        def __init__(self):
            self.body, self.training = nn.MLP(2, [3, 1], seed=0), True

        def __call__(self, x):
            y = self.body(x)
            return y * 0.5 if self.training else y

    X, y, _ = moons()
    net = Net()
    forward = jit(net)
    for i in itertools.count():
        net.training = i % 10 != 9
        scores = [forward(x) for x in X[:4]]
        yield descend(net.parameters(), F.hinge_loss(scores, y[:4]))


@learner
def neurons_added_on_the_way(jit):
    X, y, model = moons(8, 2)
    loss = jit(lambda: F.mse_loss([model(x) for x in X], y))
    for i in itertools.count():
        yield descend(model.parameters(), loss())
        if i % 12 == 11 and i < 40:
            model.layers[0].neurons.append(nn.Neuron(2, act="tanh", seed=i))
            model.layers[1].neurons[0].w.append(Value(0.0))


@learner
def pruned_weights(jit):
    X, y, model = moons(8, 4)
    mask = [1] * 4

    def forward(x):
        hidden = model.layers[0](x)
        return model.layers[1]([h * m for h, m in zip(hidden, mask)])

    loss = jit(lambda: F.mse_loss([forward(x) for x in X], y))
    for i in itertools.count():
        yield descend(model.parameters(), loss())
        if i == 15:
            mask[2] = 0


@learner
def a_frozen_layer(jit):
    X, y, model = moons(8, 3)
    parameters = model.parameters()

    @jit
    def loss():
        trained = [p for p in parameters if not getattr(p, "frozen", False)]
        fit = F.mse_loss([model(x) for x in X], y)
        return fit + 0.01 * sum(p * p for p in trained)

    for i in itertools.count():
        if i == 10:
            for p in model.layers[0].parameters():
                p.frozen = True
        if i == 20:
            parameters[0].frozen = False
        yield descend(parameters, loss())


@learner
def weights_told_apart_by_label(jit):
    X, y, model = moons(8, 3)
    for p in model.parameters():
        p.label = "decay"

    @jit
    def loss():
        decayed = [p for p in model.parameters() if p.label == "decay"]
        return F.mse_loss([model(x) for x in X], y) + 0.1 * sum(p * p for p in decayed)

    for i in itertools.count():
        yield descend(model.parameters(), loss())
        if i == 8:
            model.layers[1].neurons[0].b.label = "bias"


@learner
def two_networks_against_each_other(jit):
    maker, judge = nn.MLP(1, [3, 1], seed=0, act="tanh"), nn.MLP(1, [3, 1], seed=1, act="tanh")

    @jit
    def judged(noise, real):
        fake = [judge([maker([z])]) for z in noise]
        true = [judge([x]) for x in real]
        return F.mean(s.softplus() for s in fake) + F.mean((-s).softplus() for s in true)

    @jit
    def made(noise):
        return F.mean((-judge([maker([z])])).softplus() for z in noise)

    rng = random.Random(0)
    while True:
        noise = [rng.gauss(0, 1) for _ in range(4)]
        yield descend(judge.parameters(), judged(noise, [rng.gauss(2, 0.5) for _ in range(4)]))
        yield descend(maker.parameters(), made(noise))


@learner
def a_teacher_and_a_student(jit):
    X, _, teacher = moons(8, 3)
    student = nn.MLP(2, [2, 1], seed=4, act="tanh")
    inner = jit(lambda x: teacher(x).tanh())
    loss = jit(lambda: F.mean((student(x) - inner(x)) ** 2 for x in X))
    while True:
        yield descend(student.parameters(), loss())


@learner
def a_target_network(jit):
    actor = nn.MLP(2, [3, 2], seed=0, act="tanh")
    target = copy.deepcopy(actor)

    @jit
    def loss(state, action, reward, after):
        best = max(target(after))
        return (actor(state)[action] - (reward + 0.9 * best)) ** 2

    rng = random.Random(0)
    for i in itertools.count():
        state, after = ([rng.gauss(0, 1), rng.gauss(0, 1)] for _ in range(2))
        yield descend(actor.parameters(), loss(state, i % 2, rng.random(), after))
        if i % 10 == 9:
            target.load_state_dict(actor.state_dict())


@learner
def a_policy_with_sampled_actions(jit):
    policy = nn.MLP(1, [3, 3], seed=0, act="tanh")

    @jit
    def loss(state, action, reward):
        return -F.softmax(policy([state]))[action].log() * reward

    rng = random.Random(0)
    while True:
        action = rng.randrange(3)
        yield descend(policy.parameters(), loss(rng.gauss(0, 1), action, float(action)))


@learner
def an_ensemble_by_index(jit):
    xs, ys = points(6)
    models = [nn.MLP(1, [2, 1], seed=i, act="tanh") for i in range(3)]
    loss = jit(lambda i: F.mse_loss([models[i]([x]) for x in xs], ys))
    for i in itertools.cycle(range(3)):
        yield descend(models[i].parameters(), loss(i))


@learner
def activations_by_name(jit):
    activations = {"tanh": Value.tanh, "relu": Value.relu, "leaky": lambda x: x.relu() + 0.1 * x}
    w = [Value(0.5), Value(-0.3)]
    loss = jit(lambda x, name: (activations[name](w[0] * x) * w[1] - 1.0) ** 2)
    for i, name in enumerate(itertools.cycle(activations)):
        yield descend(w, loss(0.1 * (i % 7), name))


@learner
def a_factory_of_losses(jit):
    xs, ys = points(6)

    def make_loss(model, power):
        def loss():
            return F.mean(abs(model([x]) - y) ** power for x, y in zip(xs, ys))

        return jit(loss)

    models = [nn.MLP(1, [2, 1], seed=i, act="tanh") for i in range(2)]
    losses = [make_loss(model, i + 1) for i, model in enumerate(models)]
    while True:
        for model, loss in zip(models, losses):
            yield descend(model.parameters(), loss())


@learner
def a_partial(jit):
    xs, ys = points(6)
    model = nn.MLP(1, [2, 1], seed=0, act="tanh")

    def loss(model, xs, ys, scale):
        return scale * F.mse_loss([model([x]) for x in xs], ys)

    partial = jit(functools.partial(loss, model, scale=0.5))
    while True:
        yield descend(model.parameters(), partial(xs, ys))


@learner
def a_leaky_unit_by_if(jit):
    X, y, model = moons(6, 3, "linear")

    def leaky(x):
        return x if x > 0 else 0.1 * x

    def forward(x):
        return model.layers[1]([leaky(h) for h in model.layers[0](x)])

    loss = jit(lambda: F.mse_loss([forward(x) for x in X], y))
    while True:
        yield descend(model.parameters(), loss(), 0.1)


@learner
def a_hinge_by_max(jit):
    X, y, model = moons(8, 3)
    loss = jit(lambda: sum(max(0, 1 - t * model(x)) for x, t in zip(X, y)) * 0.1 + Value(0.0))
    while True:
        yield descend(model.parameters(), loss())


@learner
def a_trimmed_loss(jit):
    xs, ys = points()
    w, b = Value(0.0), Value(0.0)

    @jit
    def loss():
        errors = sorted((w * x + b - y) ** 2 for x, y in zip(xs, ys))
        return F.mean(errors[:-3])

    while True:
        yield descend([w, b], loss())


@learner
def iterations_until_close(jit):
    a = Value(2.0)

    @jit
    def root(x):
        for _ in range(20):
            if abs(x * x - a) < 1e-3:
                break
            x = (x + a / x) / 2
        return x

    for i in itertools.count():
        y = root(1.0 + i % 5)
        a.grad = 0.0
        y.backward()
        yield [y.data, a.grad]


@learner
def an_error_caught_inside(jit):
    model = nn.MLP(2, [2, 1], seed=0)

    @jit
    def score(x):
        try:
            return model(x)
        except ValueError:
            return model([x[0], 0.0])

    for i in itertools.count():
        yield descend(model.parameters(), score([0.1, 0.2][: 1 + i % 2]))


@learner
def layers_by_recursion(jit):
    w = [Value(0.3), Value(0.7), Value(-0.4)]

    def tree(node):
        if isinstance(node, tuple):
            left, right = map(tree, node)
            return (left * w[0] + right * w[1] + w[2]).tanh()
        return node * 1.0

    loss = jit(lambda t: (tree(t) - 0.5) ** 2)
    shapes = [((1.0, 2.0), 3.0), (1.0, (0.5, -1.0)), ((0.1, 0.2), (0.3, 0.4))]
    for t in itertools.cycle(shapes):
        yield descend(w, loss(t))


@learner
def an_operation_of_ones_own(jit):
    class Swish(Function):
        @staticmethod
        def forward(ctx, x):
            s = 1 / (1 + math.exp(-x))
            ctx.save_for_backward(x, s)
            return x * s

        @staticmethod
        def backward(ctx, grad):
            x, s = ctx.saved_tensors
            return grad * (s + x * s * (1 - s))

    xs, ys = points(6)
    w, b = Value(0.1), Value(0.0)
    loss = jit(lambda: F.mean((Swish.apply(w * x + b) - y) ** 2 for x, y in zip(xs, ys)))
    while True:
        yield descend([w, b], loss())


# Sequences


@learner
def a_bigram_model(jit):
    table = [[Value(0.01 * (i - j)) for j in range(5)] for i in range(5)]
    loss = jit(lambda pairs: F.mean(F.cross_entropy(table[a], b) for a, b in pairs))
    words = [[0, 1, 2, 0], [0, 3, 4, 0], [0, 2, 2, 0]]
    for word in itertools.cycle(words):
        yield descend([v for row in table for v in row], loss(list(zip(word, word[1:]))), 0.5)


def attend(embedding, tokens):
    xs = [embedding[t] for t in tokens]
    out = []
    for i, query in enumerate(xs):
        weights = F.softmax([F.dot(query, key) for key in xs[: i + 1]])
        out.append([F.dot(weights, column) for column in zip(*xs[: i + 1])])
    return out


@learner
def attention_over_a_name(jit):
    rng = random.Random(0)
    embedding = [[Value(rng.gauss(0, 0.5)) for _ in range(3)] for _ in range(4)]

    @jit
    def loss(tokens):
        logits = [[F.dot(h, e) for e in embedding] for h in attend(embedding, tokens[:-1])]
        return F.cross_entropy(logits, tokens[1:])

    for tokens in itertools.cycle([[0, 1, 2, 0], [0, 3, 1, 0], [0, 1, 2, 3, 0]]):
        yield descend([v for row in embedding for v in row], loss(tokens), 0.1)


@learner
def names_that_come_only_once(jit):
    rng = random.Random(0)
    embedding = [[Value(rng.gauss(0, 0.5)) for _ in range(3)] for _ in range(9)]

    @jit
    def loss(tokens):
        logits = [[F.dot(h, e) for e in embedding] for h in attend(embedding, tokens[:-1])]
        return F.cross_entropy(logits, tokens[1:])

    while True:
        tokens = [rng.randrange(9) for _ in range(rng.randrange(4, 8))]
        yield descend([v for row in embedding for v in row], loss(tokens), 0.1)


@learner
def a_cache_that_is_appended_to(jit):
    w = [Value(0.4), Value(-0.6)]

    @jit
    def step(cache, x):
        cache.append(w[0] * x)
        return F.sum(cache) * w[1]

    while True:
        cache = []
        for x in (0.1, 0.5, -0.3):
            y = step(cache, x)
            yield [y.data, float(len(cache))]
        yield descend(w, y)


@learner
def a_cache_in_a_dict(jit):
    w = Value(0.4)

    @jit
    def step(state, x):
        state["sum"] = state["sum"] * 0.9 + w * x
        return state["sum"] * 1.0

    state = {"sum": 0.0}
    while True:
        y = step(state, 0.5)
        yield [y.data]


@learner
def a_cache_that_is_returned(jit):
    w = [Value(0.4), Value(-0.6)]

    @jit
    def step(cache, x):
        cache = [*cache, w[0] * x]
        return F.sum(cache) * w[1], cache

    while True:
        cache = []
        for x in (0.1, 0.5, -0.3):
            y, cache = step(cache, x)
            yield [y.data, *(v.data for v in cache)]
        yield descend(w, y)


def cell(w, h, x):
    return [(w[0] * x + w[1] * h[0] + w[2]).tanh(), (w[3] * x + w[4] * h[1]).tanh()]


@learner
def a_state_passed_on_as_floats(jit):
    w = [Value(0.1 * i - 0.2) for i in range(5)]
    step = jit(lambda h, x: cell(w, h, x))
    h = [0.0, 0.0]
    for i in itertools.count():
        new = step(h, math.sin(i))
        yield descend(w, (new[0] - new[1]) ** 2)
        h = [v.data for v in new]


@learner
def a_state_passed_on_as_values(jit):
    w = [Value(0.1 * i - 0.2) for i in range(5)]
    step = jit(lambda h, x: cell(w, h, x))
    while True:
        h = [Value(0.0), Value(0.0)]
        for i in range(5):
            h = step(h, math.sin(i))
            yield [v.data for v in h]
        yield descend(w, (h[0] * h[1] - 0.1) ** 2, 0.5)


@learner
def a_state_kept_in_the_model(jit):
    class Recurrent:
        def __init__(self):
            self.w, self.h = [Value(0.1 * i - 0.2) for i in range(5)], [0.0, 0.0]

        @jit
        def step(self, x):
            self.h = cell(self.w, self.h, x)
            return self.h[0] + self.h[1]

    model = Recurrent()
    for i in itertools.count():
        yield [model.step(math.sin(i)).data]


@learner
def texts_of_one_length(jit):
    w = [Value(0.1 * i - 0.2) for i in range(5)]

    @jit
    def loss(xs):
        h, total = [0.0, 0.0], Value(0.0)
        for x, target in zip(xs, xs[1:]):
            h = cell(w, h, x)
            total += (h[0] + h[1] - target) ** 2
        return total

    for i in itertools.count():
        yield descend(w, loss([math.sin(i + j) for j in range(5)]))


@learner
def scheduled_sampling_by_a_bool(jit):
    w = [Value(0.1 * i - 0.2) for i in range(5)]
    rng = random.Random(3)

    @jit
    def loss(xs, forced):
        h, x, total = [0.0, 0.0], xs[0], Value(0.0)
        for target in xs[1:]:
            h = cell(w, h, x)
            total += (h[0] - target) ** 2
            x = target if forced else h[0]
        return total

    for i in itertools.count():
        yield descend(w, loss([math.sin(i + j) for j in range(4)], rng.random() < 0.5))


# Noise


@learner
def dropout_inside(jit):
    _, y, model = moons(6, 4)
    X = moons(6)[0]
    random.seed(0)

    def forward(x):
        return model.layers[1]([h * (random.random() < 0.8) for h in model.layers[0](x)])

    loss = jit(lambda: F.mse_loss([forward(x) for x in X], y))
    while True:
        yield descend(model.parameters(), loss())


@learner
def dropout_by_masks_of_floats(jit):
    X, y, model = moons(6, 4)
    rng = np.random.RandomState(0)

    def forward(x, mask):
        return model.layers[1]([h * m for h, m in zip(model.layers[0](x), mask)])

    loss = jit(lambda masks: F.mse_loss([forward(x, m) for x, m in zip(X, masks)], y))
    while True:
        yield descend(model.parameters(), loss((rng.rand(6, 4) < 0.8) / 0.8))


@learner
def dropout_by_masks_of_ints(jit):
    X, y, model = moons(4, 3)
    rng = random.Random(0)

    def forward(x, mask):
        return model.layers[1]([h * m for h, m in zip(model.layers[0](x), mask)])

    loss = jit(lambda masks: F.mse_loss([forward(x, m) for x, m in zip(X, masks)], y))
    while True:
        masks = [[int(rng.random() < 0.8) for _ in range(3)] for _ in X]
        yield descend(model.parameters(), loss(masks))


@learner
def noise_from_a_generator_made_inside(jit):
    w = Value(0.5)
    seeds = itertools.count()

    @jit
    def loss(seed):
        rng = random.Random(seed)
        return sum((w * rng.gauss(0, 1) - 0.5) ** 2 for _ in range(4))

    while True:
        yield descend([w], loss(next(seeds) % 3))


@learner
def noise_without_a_seed(jit):
    w = Value(0.5)
    clock = itertools.count()

    @jit
    def loss():
        rng = random.Random(next(clock))
        return sum((w * rng.gauss(0, 1) - 0.5) ** 2 for _ in range(4))

    while True:
        yield descend([w], loss())


# Books that are kept


@learner
def losses_collected_inside(jit):
    xs, ys = points(6)
    w, history = Value(0.0), []

    @jit
    def loss():
        error = F.mean((w * x - y) ** 2 for x, y in zip(xs, ys))
        history.append(error)
        return error

    while True:
        yield [*descend([w], loss()), float(len(history))]


@learner
def numbers_collected_inside(jit):
    w, history = Value(0.0), []

    @jit
    def loss(x):
        error = (w * x - 1) ** 2
        history.append(error.data)
        return error

    while True:
        yield [*descend([w], loss(0.5)), history[-1]]


@learner
def calls_counted_by_a_global(jit):
    w = Value(0.0)

    @jit
    def loss(x):
        global calls
        calls += 1
        return (w * x - 1) ** 2 / calls

    global calls
    calls = 0
    while True:
        yield descend([w], loss(0.5))


calls = 0


@learner
def calls_counted_by_nonlocal(jit):
    w, count = Value(0.0), 0

    @jit
    def loss(x):
        nonlocal count
        count += 1
        return (w * x - 1) ** 2

    while True:
        yield [*descend([w], loss(0.5)), count]


@learner
def calls_counted_on_the_function(jit):
    w = Value(0.0)

    @jit
    def loss(x):
        loss.calls += 1
        return (w * x - 1) ** 2 * (1 + 1 / loss.calls)

    loss.calls = 0
    while True:
        yield descend([w], loss(0.5))


@learner
def a_scale_on_the_function(jit):
    w = Value(0.0)

    @jit
    def loss(x):
        return (w * x - 1) ** 2 * loss.scale

    loss.scale = 1.0
    for i in itertools.count():
        yield descend([w], loss(0.5))
        if i % 10 == 9:
            loss.scale *= 0.5


@learner
def loss_printed_inside(jit):
    w = Value(0.0)

    @jit
    def loss(x):
        error = (w * x - 1) ** 2
        f"{error}"
        return error

    while True:
        yield descend([w], loss(0.5))


@learner
def loss_logged_inside(jit):
    w, log = Value(0.0), logging.getLogger("learners")

    @jit
    def loss(x):
        error = (w * x - 1) ** 2
        log.debug("loss %s", error)
        return error

    while True:
        yield descend([w], loss(0.5))


@learner
def the_best_kept_inside(jit):
    w, best = Value(0.0), {"loss": math.inf}

    @jit
    def loss(x):
        error = (w * x - 1) ** 2
        if error < best["loss"]:
            best["loss"] = error
        return error

    while True:
        yield descend([w], loss(0.5))


@learner
def early_stopping(jit):
    xs, ys = points(6)
    while True:
        w, best, patience = Value(5.0), math.inf, 3
        loss = jit(lambda: F.mean((w * x - y) ** 2 for x, y in zip(xs, ys)))  # noqa: B023
        for _ in range(40):
            error = loss()
            yield descend([w], error, 0.9)
            best, patience = (error.data, 3) if error.data < best - 1e-3 else (best, patience - 1)
            if not patience:
                break


@learner
def the_gradient_of_a_hidden_layer(jit):
    X, y, model = moons(6, 3)

    @jit
    def forward():
        hidden = [model.layers[0](x) for x in X]
        return F.mse_loss([model.layers[1](h) for h in hidden], y), hidden

    while True:
        loss, hidden = forward()
        yield descend(model.parameters(), loss)
        yield [h.grad for row in hidden for h in row]


@learner
def several_losses_in_a_dict(jit):
    X, y, model = moons(6, 3)

    @jit
    def losses():
        fit = F.mse_loss([model(x) for x in X], y)
        decay = 0.01 * sum(p * p for p in model.parameters())
        return {"fit": fit, "decay": decay, "total": fit + decay}

    while True:
        found = losses()
        yield descend(model.parameters(), found["total"])
        yield [v.data for v in found.values()] + [found["fit"].grad]


@learner
def losses_added_up_before_going_back(jit):
    xs, ys = points(5)
    w, b = Value(0.0), Value(0.0)
    loss = jit(lambda x, y: (w * x + b - y) ** 2)
    while True:
        yield descend([w, b], sum(loss(x, y) for x, y in zip(xs, ys)))


@learner
def gradients_accumulated(jit):
    xs, ys = points(5)
    w, b = Value(0.0), Value(0.0)
    loss = jit(lambda x, y: (w * x + b - y) ** 2)
    while True:
        w.grad = b.grad = 0.0
        for x, y in zip(xs, ys):
            loss(x, y).backward()
            yield [w.grad, b.grad]
        w.data, b.data = w.data - 0.05 * w.grad, b.data - 0.05 * b.grad


@learner
def a_step_between_forward_and_backward(jit):
    w = Value(0.0)
    loss = jit(lambda x: (w * x - 1) ** 2)
    while True:
        first, second = loss(0.5), loss(2.0)
        yield descend([w], first)
        yield descend([w], second)


@learner
def clipped_gradients(jit):
    X, y, model = moons(6, 3)
    loss = jit(lambda: 10 * F.mse_loss([model(x) for x in X], y))
    while True:
        model.zero_grad()
        error = loss()
        error.backward()
        norm = math.sqrt(sum(p.grad**2 for p in model.parameters()))
        for p in model.parameters():
            p.data -= 0.1 * p.grad * min(1.0, 1.0 / norm)
        yield [error.data, norm]


# Settings


@learner
def settings_in_a_namespace(jit):
    w, args = Value(0.0), argparse.Namespace(scale=1.0, power=2)
    loss = jit(lambda x: abs(w * x - 1) ** args.power * args.scale)
    for i in itertools.count():
        yield descend([w], loss(0.5))
        if i == 10:
            args.scale = 0.5
        if i == 20:
            args.power = 3


@dataclasses.dataclass
class Config:
    scale: float = 1.0
    layers: list = dataclasses.field(default_factory=lambda: [1, 1])


@learner
def settings_in_a_dataclass(jit):
    w, config = Value(0.0), Config()
    loss = jit(lambda x: (w * x - 1) ** 2 * config.scale * len(config.layers))
    for i in itertools.count():
        yield descend([w], loss(0.5))
        if i == 10:
            config.scale = 0.5
        if i == 20:
            config.layers.append(1)


@learner
def settings_as_an_argument(jit):
    w, config = Value(0.0), Config()
    loss = jit(lambda config, x: (w * x - 1) ** 2 * config.scale)
    for i in itertools.count():
        yield descend([w], loss(config, 0.5))
        if i == 10:
            config.scale = 0.5
        if i == 20:
            config = Config(0.25)


class AttrDict(dict):
    __getattr__ = dict.__getitem__


@learner
def settings_in_a_dict_with_dots(jit):
    w, config = Value(0.0), AttrDict(scale=1.0)
    loss = jit(lambda x: (w * x - 1) ** 2 * config.scale)
    for i in itertools.count():
        yield descend([w], loss(0.5))
        if i == 10:
            config["scale"] = 0.5


@learner
def settings_in_a_default_dict(jit):
    w = Value(0.0)
    loss = jit(lambda c, x: (w * x - 1) ** 2 * c["scale"] + c["decay"] * w * w)
    config = collections.defaultdict(float, scale=0.5)
    while True:
        yield descend([w], loss(config, 0.5))


@learner
def settings_in_a_module_imported_inside(jit):
    settings = sys.modules["learners_settings"] = types.ModuleType("learners_settings")
    settings.scale = 1.0
    w = Value(0.0)

    @jit
    def loss(x):
        import learners_settings

        return (w * x - 1) ** 2 * learners_settings.scale

    for i in itertools.count():
        yield descend([w], loss(0.5))
        if i == 10:
            settings.scale = 0.5


@learner
def the_learning_rate_as_a_penalty(jit):
    X, y, model = moons(6, 3)
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    @jit
    def loss():
        decay = optimizer.lr * sum(p * p for p in model.parameters())
        return F.mse_loss([model(x) for x in X], y) + decay

    for i in itertools.count():
        error = loss()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        yield [error.data, model.parameters()[0].data]
        if i % 10 == 9:
            optimizer.lr *= 0.7


@learner
def a_table_made_once(jit):
    w = Value(0.3)

    @functools.lru_cache
    def position(i):
        return math.sin(i), math.cos(i)

    @jit
    def loss(xs):
        return sum((w * x * position(i)[0] + position(i)[1]) ** 2 for i, x in enumerate(xs))

    for i in itertools.count():
        yield descend([w], loss([0.1 * i, 0.2, 0.3][: 2 + i % 2]))


@learner
def weights_made_when_first_needed(jit):
    w = {}

    @jit
    def loss(x):
        if "w" not in w:
            w["w"] = Value(0.5)
        return (w["w"] * x - 1) ** 2

    while True:
        error = loss(0.5)
        yield descend([w["w"]], error)


@learner
def a_cache_as_default(jit):
    w = Value(0.5)

    @jit
    def loss(x, n, known={}):  # noqa: B006
        if n not in known:
            known[n] = math.factorial(n)
        return (w * x - 1) ** 2 / known[n]

    for i in itertools.count():
        yield descend([w], loss(0.5, i % 3))


# Threads


@learner
def samples_in_a_pool_of_threads(jit):
    X, y, model = moons(6, 3)

    @jit
    def loss():
        with ThreadPoolExecutor(2) as pool:
            return F.mse_loss(list(pool.map(model, X)), y)

    while True:
        yield descend(model.parameters(), loss())


@learner
def two_models_in_two_threads(jit):
    X, y, _ = moons(6, 3)
    models = [nn.MLP(2, [3, 1], seed=i, act="tanh") for i in range(2)]
    losses = [
        jit(lambda m=m: F.mse_loss([m(x) for x in X], y))  # a default each
        for m in models
    ]
    while True:
        found = [None, None]

        def work(i):
            found[i] = descend(models[i].parameters(), losses[i]())  # noqa: B023

        threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        yield found[0] + found[1]


# Tokens and classes in arrays of integers


def texts(n=9, seed=0):
    """Texts of tokens from 0 to 4, of 3 to 6 letters."""
    rng = np.random.RandomState(seed)
    return [rng.randint(0, 5, rng.randint(3, 7)) for _ in range(n)]


def embedding(rows=5, columns=3, seed=0):
    rng = random.Random(seed)
    return [[Value(rng.gauss(0, 0.5)) for _ in range(columns)] for _ in range(rows)]


def flat(rows):
    return [v for row in rows for v in row]


@learner
def a_bigram_model_of_texts(jit):
    table = embedding(5, 5)
    loss = jit(lambda text: F.cross_entropy(F.take(table, text[:-1]), text[1:]))
    for text in itertools.cycle(texts()):
        yield descend(flat(table), loss(text))


@learner
def a_bigram_model_with_an_optimizer(jit):
    table = embedding(5, 5)
    loss = jit(lambda text: F.cross_entropy(F.take(table, text[:-1]), text[1:]))
    with loss.training(optim.Adam(flat(table), lr=0.05)) as step:
        for text in itertools.cycle(texts()):
            yield [step(text), *(v.data for v in table[0])]


@learner
def a_table_of_pairs_of_letters(jit):
    table = embedding(25, 5)

    @jit
    def loss(text):
        rows = F.take(table, text[:-2] * 5 + text[1:-1])
        return F.cross_entropy(rows, text[2:])

    for text in itertools.cycle(texts()):
        yield descend(flat(table), loss(text))


@learner
def attention_over_the_letters_so_far(jit):
    table, w = embedding(), embedding(5, 3, 1)

    @jit
    def loss(text):
        rows, scores = F.take(table, text), []
        for i in range(1, len(rows)):
            shares = F.softmax([F.dot(rows[i], row) for row in rows[:i]])
            mixed = [F.dot(shares, column) for column in zip(*rows[:i])]
            scores.append([F.dot(row, mixed) for row in w])
        return F.cross_entropy(scores, text[1:])

    for text in itertools.cycle(texts()):
        yield descend(flat(table) + flat(w), loss(text))


@learner
def tokens_as_indices_of_a_list(jit):
    table = embedding(5, 5)
    loss = jit(lambda text: F.cross_entropy([table[t] for t in text[:-1]], text[1:]))
    for text in itertools.cycle(texts()):
        yield descend(flat(table), loss(text))


@learner
def tokens_as_rows_of_ones(jit):
    table = embedding(5, 5)

    @jit
    def loss(text):
        rows = [[F.dot(hot, column) for column in zip(*table)] for hot in np.eye(5)[text[:-1]]]
        return F.cross_entropy(rows, text[1:])

    for text in itertools.cycle(texts()):
        yield descend(flat(table), loss(text))


@learner
def a_letter_that_ends_a_text(jit):
    table = embedding(5, 5)

    @jit
    def loss(text):
        losses = []
        for now, then in zip(text, text[1:]):
            losses.append(F.cross_entropy(F.take(table, now), then))
            if then == 0:
                break
        return F.mean(losses)

    for text in itertools.cycle(texts()):
        yield descend(flat(table), loss(text))


@learner
def classes_in_an_array_that_is_filled_anew(jit):
    X, _, _ = moons(6, 3)
    model, batch = nn.MLP(2, [4, 3], seed=0), np.zeros(6, int)
    loss = jit(lambda t: F.cross_entropy([model(x) for x in X], t))
    for i in itertools.count():
        batch[:] = (np.arange(6) * i) % 3
        yield descend(model.parameters(), loss(batch))


@learner
def pixels_as_small_integers(jit):
    images = np.random.RandomState(0).randint(0, 256, (8, 4)).astype("uint8")
    w = [Value(0.1) for _ in range(4)]
    loss = jit(lambda image: (F.dot(w, image / 255) - 1) ** 2)
    darker = jit(lambda image: (F.dot(w, image - 128) / 255) ** 2)
    for i in itertools.count():
        yield [*descend(w, loss(images[i % 8])), darker(images[i % 8]).data]


@learner
def dice_that_are_counted(jit):
    w = [Value(0.1 * i) for i in range(6)]
    loss = jit(lambda rolls: F.dot(w, np.bincount(rolls, minlength=6)).tanh())
    rng = np.random.RandomState(0)
    while True:
        yield descend(w, loss(rng.randint(0, 6, 4)))


@learner
def ratings_from_one_to_five(jit):
    users, films = embedding(4), embedding(5, 3, 1)

    @jit
    def loss(u, f, stars):
        guesses = [F.dot(a, b) for a, b in zip(F.take(users, u), F.take(films, f))]
        return F.mse_loss(guesses, stars)

    rng = np.random.RandomState(0)
    while True:
        drawn = rng.randint(0, 4, 6), rng.randint(0, 5, 6), rng.randint(1, 6, 6)
        yield descend(flat(users) + flat(films), loss(*drawn))


# Examples of a batch


@learner
def moons_by_batched(jit):
    X, y, model = moons()
    loss = jit(batched(lambda x, t: (1 - t * model(x)).relu()))
    while True:
        yield descend(model.parameters(), loss(X, y))


@learner
def batches_drawn_anew(jit):
    X, y, model = moons(40)
    loss, rng = jit(batched(lambda x, t: (1 - t * model(x)).relu())), np.random.RandomState(0)
    while True:
        rows = rng.randint(0, 40, 8)
        yield descend(model.parameters(), loss(X[rows], y[rows]))


@learner
def batched_with_weight_decay(jit):
    X, y, model = moons()
    p = model.parameters()
    mean_loss = batched(lambda x, t: F.hinge_loss([model(x)], [t]))
    loss = jit(lambda X, y: mean_loss(X, y) + 0.01 * F.dot(p, p))
    with loss.training(optim.SGD(p, lr=0.1)) as step:
        while True:
            yield [step(X, y), p[0].data]


@learner
def texts_of_one_length_by_batched(jit):
    table = embedding(5, 5)
    loss = jit(batched(lambda text: F.cross_entropy(F.take(table, text[:-1]), text[1:])))
    rng = np.random.RandomState(0)
    while True:
        yield descend(flat(table), loss(rng.randint(0, 5, (6, 4))))


@learner
def texts_of_different_lengths_by_batched(jit):
    table = embedding(5, 5)
    loss = jit(batched(lambda text: F.cross_entropy(F.take(table, text[:-1]), text[1:])))
    every = texts(20)
    for i in itertools.count():
        yield descend(flat(table), loss(every[i % 15 : i % 15 + 3]))


@learner
def a_branch_for_each_example(jit):
    X, y, model = moons(8, 3)

    def one(x, t):
        margin = 1 - t * model(x)
        return margin**2 if margin > 0 else margin * 0.01

    loss = jit(batched(one))
    while True:
        yield descend(model.parameters(), loss(X, y))


@learner
def examples_that_are_counted(jit):
    X, y, model = moons(8, 3)

    @jit
    def loss(X, y):
        wrong = []

        def one(x, t):
            score = model(x)
            if t * score < 0:
                wrong.append(score)
            return (1 - t * score).relu()

        return batched(one)(X, y) + 0.1 * len(wrong)

    while True:
        yield descend(model.parameters(), loss(X, y))


@learner
def experts_chosen_by_their_place(jit):
    gate = nn.MLP(1, [3], seed=0)
    experts = [nn.MLP(1, [2, 1], seed=i, act="tanh") for i in range(3)]

    @jit
    def loss(x, t):
        shares = F.softmax(gate([x]))
        i = shares.index(max(shares))
        first, second = heapq.nlargest(2, range(3), key=shares.__getitem__)
        return (shares[i] * experts[first]([x]) - t) ** 2 + 0.01 * shares[second]

    parameters = [p for model in (gate, *experts) for p in model.parameters()]
    rng = random.Random(0)
    while True:
        yield descend(parameters, loss(rng.uniform(-1, 1), 0.5))


@learner
def rows_made_standard_inside(jit):
    X, y, model = moons(8, 3)
    loss = jit(lambda X, y: F.mse_loss([model(x) for x in (X - X.mean(0)) / X.std(0)], y))
    rng = np.random.RandomState(0)
    while True:
        rows = rng.permutation(8)[:6]
        yield descend(model.parameters(), loss(X[rows], y[rows]))


@learner
def a_logarithm_by_numpy(jit):
    w = Value(0.5)
    loss = jit(lambda x: (w * np.log1p(x) - 1) ** 2)
    while True:
        yield descend([w], loss(0.5))


@learner
def a_rate_in_a_format(jit):
    w = Value(0.5)
    loss = jit(lambda x: (w * x - len(f"{x:.2f}")) ** 2)
    while True:
        yield descend([w], loss(0.5))


@learner
def the_worst_example(jit):
    X, y, model = moons(8, 3)
    loss = jit(lambda X, y: F.max([(1 - t * model(x)).relu() for x, t in zip(X, y)]))
    while True:
        yield descend(model.parameters(), loss(X, y))


@learner
def pairs_of_examples(jit):
    X, y, model = moons(6, 3)

    @jit
    def loss(X, y):
        def one(x, t):
            return batched(lambda z, u: (model(x) - model(z) - t + u) ** 2)(X, y)

        return batched(one)(X, y)

    while True:
        yield descend(model.parameters(), loss(X, y))


@learner
def noise_on_every_example(jit):
    X, y, model = moons(6, 3)
    rng = np.random.RandomState(0)
    loss = jit(batched(lambda x, t: (model(x + rng.normal(0, 0.1, 2)) - t) ** 2))
    while True:
        yield descend(model.parameters(), loss(X, y))
