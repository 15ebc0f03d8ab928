"""step.many: as many calls of the step, in less time."""

import copy
import random
import types

import numpy as np
import pytest
from backends import ALL, C

import micrograd.functional as F
from micrograd import Value, data, nn, optim
from micrograd.compiler import JitError, jit
from micrograd.compiler.training import Batches
from micrograd.function import Function
from micrograd.optim import NonFiniteError

STEPS = 50


class Moons:
    """A model in training; the same for the same optimizer."""

    def __init__(self, optimizer=optim.SGD, backend="numpy", **settings):
        self.X, y = data.moons(30, seed=0)
        self.y = y.astype(float)
        self.model = model = nn.MLP(2, [6, 1], act="tanh", seed=0)
        self.optimizer = optimizer(model.parameters(), **settings)
        self.loss = jit(
            lambda X, y: F.binary_cross_entropy_with_logits([model(x) for x in X], y),
            backend=backend,
        )

    def training(self):
        return self.loss.training(self.optimizer)

    def state(self):
        return self.model.state_dict(), self.optimizer.state_dict()


class SignDescent(optim.SGD):
    def update(self, lr, data, grads):
        return [x - lr * ((g > 0) - (g < 0)) for x, g in zip(data, grads)], self.state


class Clipped(optim.SGD):
    def step(self):
        for p in self.parameters:
            p.grad = max(-0.01, min(0.01, p.grad))
        super().step()


OPTIMIZERS = [
    (optim.SGD, {"lr": 0.1}),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    (optim.SGD, {"lr": optim.linear(0.1, 0.01, 40)}),
    (optim.SGD, {"lr": lambda step: 0.1 / (1 + step)}),
    (optim.Adam, {"lr": 0.05}),
    (SignDescent, {"lr": 0.01}),
    (Clipped, {"lr": 0.1, "momentum": 0.5}),
]


def rows(seed=0, n=30, batch=8):
    return np.random.default_rng(seed).integers(-n, n, (STEPS, batch))


@pytest.mark.parametrize("backend", ["numpy", C])
@pytest.mark.parametrize("kind, settings", OPTIMIZERS)
def test_many_steps_are_as_many_calls_to_the_last_bit(kind, settings, backend):
    one, many = (Moons(kind, backend, **settings) for _ in range(2))
    with one.training() as step:
        expected = [step(one.X, one.y) for _ in range(STEPS)]
    with many.training() as step:
        losses = step.many(STEPS - 1, many.X, many.y) + step.many(np.int64(1), many.X, many.y)
    assert losses == expected and {type(x) for x in losses} == {float}
    assert many.state() == one.state()
    assert [p.grad for p in many.model.parameters()] == [p.grad for p in one.model.parameters()]


@pytest.mark.parametrize("backend", ["numpy", C])
@pytest.mark.parametrize("kind, settings", OPTIMIZERS)
def test_rows_of_indices_are_steps_on_these_rows(kind, settings, backend):
    one, many = (Moons(kind, backend, **settings) for _ in range(2))
    with one.training() as step:
        expected = [step(one.X[batch], one.y[batch]) for batch in rows()]
    with many.training() as step:
        assert step.many(rows(), many.X, many.y) == expected
    assert many.state() == one.state()


def test_classes_are_taken_as_floats_are():
    X, y = data.blobs(20, seed=0)
    model = nn.MLP(2, [5, 3], seed=0)
    loss = jit(lambda X, y: F.cross_entropy([model(x) for x in X], y))
    batches = rows(n=20, batch=3)[:6]
    with loss.training(optim.SGD(model.parameters(), lr=0.1)) as step:
        losses = step.many(batches, X, y)
    twin = nn.MLP(2, [5, 3], seed=0)
    optimizer = optim.SGD(twin.parameters(), lr=0.1)
    for batch, found in zip(batches, losses):
        expected = F.cross_entropy([twin(x) for x in X[batch]], y[batch])
        optimizer.zero_grad()
        expected.backward()
        optimizer.step()
        assert found == pytest.approx(expected.data, rel=1e-12)


def test_what_the_function_sees_is_looked_at_once_for_many_steps(monkeypatch):
    looks, moons = [], Moons(lr=0.1)
    monkeypatch.setattr("micrograd.compiler.training.LOOP_SECONDS", 60)
    with moons.training() as step:
        step.many(3, moons.X, moons.y)
        guards = next(iter(moons.loss._known.values())).ways[0].guards
        monkeypatch.setattr(guards, "hold", lambda: looks.append(1) or True)
        step.many(1000, moons.X, moons.y)
    assert len(looks) < 5 and moons.optimizer.steps == 1003


@pytest.mark.parametrize("backend", ["numpy", C])
def test_the_next_batch_is_all_that_a_step_looks_at(backend, monkeypatch):
    taken, moons, take = [], Moons(backend=backend, lr=0.1), Batches.__getitem__
    monkeypatch.setattr("micrograd.compiler.training.LOOP_SECONDS", 60)
    monkeypatch.setattr(Batches, "__getitem__", lambda self, i: taken.append(i) or take(self, i))
    with moons.training() as step:
        step.many(np.tile(rows(), (4, 1)), moons.X, moons.y)
    assert len(taken) <= 4 * len(set(taken)) == 4 * 4 * STEPS


def test_a_schedule_of_ones_own_may_change_what_the_function_sees():
    scale, w = [1.0], Value(0.0)

    def lr(step):
        scale[0] = 2.0 if step >= 6 else 1.0
        return 0.1

    with jit(lambda: (w * scale[0] - 1.0) ** 2).training(optim.SGD([w], lr=lr)) as step:
        losses = step.many(12)
    w, scale = 0.0, 1.0
    for i, loss in enumerate(losses):
        assert loss == pytest.approx((w * scale - 1.0) ** 2, rel=1e-12)
        w, scale = w - 0.1 * 2 * scale * (w * scale - 1.0), 2.0 if i >= 6 else 1.0


def test_a_schedule_of_ones_own_reads_parameters_as_they_are():
    w, seen = Value(1.0), []

    def lr(step):
        seen.append(w.data)
        return 0.25

    with jit(lambda: w * w).training(optim.SGD([w], lr=lr)) as step:
        step.many(5)
    assert seen == [1.0, 0.5, 0.25, 0.125, 0.0625]


def test_an_optimizer_given_another_step_makes_that_one():
    w = Value(1.0)
    optimizer = optim.SGD([w], lr=0.25)
    calls, plain = [], optimizer.step
    with jit(lambda: w * w).training(optimizer) as step:
        step.many(2)
        optimizer.step = lambda: (calls.append(w.data), plain())
        step.many(3)
    assert calls == [0.25, 0.125, 0.0625] and w.data == 0.03125


class Double(Function):
    """It could do anything."""

    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, grad):
        return 2 * grad


def test_with_a_function_of_ones_own_all_is_looked_at_each_step(monkeypatch):
    looks, w = [], Value(1.0)
    f = jit(lambda: Double.apply(w) * w)
    with f.training(optim.SGD([w], lr=0.25)) as step:
        step.many(3)
        guards = next(iter(f._known.values())).ways[0].guards
        monkeypatch.setattr(guards, "hold", lambda: looks.append(1) or True)
        step.many(30)
    assert len(looks) >= 30


def test_what_looks_at_the_optimizer_is_looked_at_each_step():
    w = Value(1.0)
    optimizer = optim.SGD([w], lr=0.25)
    with jit(lambda: w * w * float(optimizer.steps < 5)).training(optimizer) as step:
        losses = step.many(8)
    assert losses == [0.25**i for i in range(5)] + [0.0] * 3


def test_a_comparison_that_comes_out_otherwise_takes_the_other_way():
    def bounced(w):
        return (w - 3.0) ** 2 if w < 1.0 else (w + 3.0) ** 2

    losses = []
    for many in (False, True):
        w = Value(0.0)
        with jit(lambda: bounced(w)).training(optim.SGD([w], lr=0.05)) as step:  # noqa: B023
            losses.append(step.many(200) if many else [step() for _ in range(200)])
    assert losses[0] == losses[1] and max(losses[1]) > 9.5


@pytest.mark.parametrize("backend", ALL)
def test_a_step_that_is_not_finite_ends_many_after_the_last_whole_step(backend):
    ends = []
    for count in (None, 10):
        w = Value(1.0)
        optimizer = optim.SGD([w], lr=3e99)
        f = jit(lambda: w * w, backend=backend)  # noqa: B023
        with f.training(optimizer) as step, pytest.raises(optim.NonFiniteError) as error:
            while count is None:
                step()
            step.many(count)
        ends.append((w.data, optimizer.steps, str(error.value)))
    assert ends[0] == ends[1] and abs(ends[0][0]) > 1e200


def test_gradients_of_what_is_not_trained_add_up():
    found = []
    for many in (False, True):
        w, b, x = Value(1.0), Value(2.0), Value(3.0)
        f = jit(lambda x: (w * x + b) ** 2)  # noqa: B023
        with f.training(optim.SGD([w, Value(7.0)], lr=0.01)) as step:
            losses = step.many(9, x) if many else [step(x) for _ in range(9)]
        found.append((losses, w.data, b.grad, x.grad))
    assert found[0] == found[1] and found[0][2] != 0.0


@pytest.mark.parametrize("backend", ALL)
@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_parameters_may_be_arguments(kind, backend, recwarn):
    def trained(as_many):
        v, w, idle = Value(0.5), Value(-1.0), Value(2.0)
        f = jit(lambda w, idle: (v * w * idle - 3.0) ** 2 + F.mean([w] * 40) ** 2, backend=backend)
        with f.training(kind([v, w], lr=0.01)) as step:
            losses = step.many(20, w, idle) if as_many else [step(w, idle) for _ in range(20)]
        return [*losses, v.data, w.data, idle.grad]

    assert trained(True) == trained(False) and not recwarn.list


def test_a_step_that_is_not_made_adds_to_no_gradient():
    w, idle = Value(1.0), Value(1.0)
    f = jit(lambda idle: F.sum(w * 1e200 for _ in range(40)) + idle)
    with f.training(optim.SGD([w], lr=2e106)) as step, pytest.raises(NonFiniteError):
        step.many(5, idle)
    assert len(step.losses) == 2 and idle.grad == 3.0  # once for that which cannot be made


def test_gradients_that_need_care_get_it():
    w, b = Value(1.0), Value(0.0)
    with jit(lambda: w * w + (b - 1.0).relu() * b.log()).training(optim.SGD([w], lr=0.1)) as step:
        losses = step.many(5)
        assert losses[0] != losses[0]  # 0 · log(0)
    assert w.data == pytest.approx(0.8**5)


def test_parameters_set_between_two_calls_are_used():
    moons = Moons(lr=0.1)
    p = moons.model.parameters()[0]
    with moons.training() as step:
        step.many(5, moons.X, moons.y)
        p.data = 2.0
        twin = copy.deepcopy(moons.model)
        (loss,) = step.many(1, moons.X, moons.y)
    expected = F.binary_cross_entropy_with_logits([twin(x) for x in moons.X], moons.y)
    assert loss == pytest.approx(expected.data, rel=1e-12)


class Line:
    def __init__(self):
        self.w = Value(0.0)

    @jit
    def loss(self, x, y):
        return F.mse_loss([self.w * x for x in x], y)


def test_a_method_makes_many_steps_and_kwargs_are_passed_on():
    line, x = Line(), np.array([1.0, 2.0, 3.0])
    with line.loss.training(optim.SGD([line.w], lr=0.1)) as step:
        step.many(np.array([[0, 1], [1, 2]] * 20), x, 2 * x)
        step.many(5, x, y=2 * x)
        step.many(np.array([[0, 1], [0, 1]]), x, y=[2.0, 4.0])  # the same in all steps
    assert line.w.data == pytest.approx(2.0, rel=1e-9)


def test_no_steps_change_nothing():
    moons = Moons(lr=0.1)
    before = moons.state()
    with moons.training() as step:
        assert step.many(0, moons.X, moons.y) == []
        assert step.many(rows()[:0], moons.X, moons.y) == []
    assert moons.state() == before


@pytest.mark.parametrize(
    "args, kind, says",
    [
        ((-1, X := np.ones((4, 2))), ValueError, "a number of steps from 0, got -1"),
        ((2.0, X), TypeError, "a number of steps, or an array of integers"),
        ((True, X), TypeError, "a number of steps, or an array of integers"),
        (([0, 1], X), TypeError, r"integers (steps, batch size), got list [0, 1]"),
        (([[0.0]], X), TypeError, r"(steps, batch size), got list [[0.0]]"),
        (([[0, 1], [2]], X), TypeError, r"(steps, batch size), got list [[0, 1], [2]]"),
        (([[0]],), TypeError, "needs arrays to take rows of, got none"),
        (([[0]], [1.0, 2.0]), TypeError, "needs arrays to take rows of, got list"),
        (([[0]], X, X[:3]), ValueError, "arrays of one length, got [3, 4]"),
        (([[0, 4]], X), IndexError, "indices from -4 to 3, got 4"),
        (([[-5, 1]], X), IndexError, "indices from -4 to 3, got -5"),
        (([[0]], X[:0]), IndexError, "indices of rows, of which the arrays have none, got 0"),
    ],
)
def test_what_cannot_be_many_steps_gets_a_sentence(args, kind, says):
    w = Value(1.0)
    f = jit(lambda *arrays: F.sum([w * x for row in arrays[0] for x in row]))
    with f.training(optim.SGD([w], lr=0.1)) as step, pytest.raises(kind) as error:
        step.many(*args)
    assert says in str(error.value) and w.data == 1.0


@pytest.mark.parametrize("labels", [np.zeros(3), [0.0, 0.0, 0.0]])
def test_rows_passed_by_keyword_are_refused(labels):
    line, x = Line(), np.array([1.0, 2.0, 3.0])
    with line.loss.training(optim.SGD([line.w], lr=0.1)) as step:
        with pytest.raises(ValueError, match=r"got y= with as many rows, 3: pass it by position"):
            step.many([[0, 1, 2], [2, 1, 0]], x, y=labels)
        assert len(step.many([[0, 1], [2, 1]], x, y=labels[:2])) == 2
    assert line.w.data == 0.0


def test_audits_look_into_many_steps_too(monkeypatch):
    monkeypatch.setattr("micrograd.compiler.AUDITS", 1e9)
    monkeypatch.setattr("micrograd.compiler.training.LOOP_SECONDS", 0)
    hidden, w = types.SimpleNamespace(k=1.0), Value(1.0)
    monkeypatch.setitem(__import__("sys").modules, KEY, hidden)

    def lr(step):
        hidden.k = 2.0 if step == 6 else hidden.k
        return 0.01

    f = jit(lambda: w * w * __import__("sys").modules[KEY].k)
    wrong = pytest.raises(JitError, match="Results of call 8 may be wrong")
    with f.training(optim.SGD([w], lr=lr)) as step, wrong:
        step.many(20)


KEY = "a module that " + "is not here"


@pytest.mark.slow
def test_what_runs_in_the_engine_makes_many_steps_there():
    rng = random.Random(0)
    w = Value(0.5)

    def loss():
        return w * rng.random() if rng.random() < 2 else w

    with jit(lambda n: F.sum([w * n])).training(optim.SGD([w], lr=1e-6)) as step:
        losses = [x for n in range(300) for x in step.many(2, n)]
    expected, x = [], 0.5
    for n in range(300):
        for _ in range(2):
            expected.append(x * n)
            x -= 1e-6 * n
    assert losses == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("backend", ["numpy", C])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_losses_until_an_error_are_kept(error, backend):
    w = Value(1.0)

    def lr(step):
        if step == 4:
            raise error
        return 0.25

    with jit(lambda: w * w, backend=backend).training(optim.SGD([w], lr=lr)) as step:
        with pytest.raises(error):
            step.many(9)
        assert step.losses == [1.0, 0.25, 0.0625, 0.015625]
    assert w.data == 0.0625


def test_a_training_of_nothing_is_told_of_once(recwarn):
    w, other = Value(1.0), Value(2.0)
    with jit(lambda: other * other).training(optim.SGD([w])) as step:
        step.many(3)
        step()
    (warning,) = recwarn
    assert "depends on none of the optimizer's parameters" in str(warning.message)
    assert warning.filename == __file__
    with jit(lambda: other * w).training(optim.SGD([w, Value(3.0)])) as step:
        step()
    assert len(recwarn) == 1
