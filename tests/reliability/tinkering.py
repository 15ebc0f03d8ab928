"""More programs of learners: what people do to a training beside the textbook; see learners."""

import collections
import copy
import dataclasses
import enum
import functools
import io
import itertools
import json
import math
import operator
import pickle
import random
import statistics
import tempfile
import typing
import warnings
from pathlib import Path

import numpy as np
from reliability.learners import descend, learner, moons, points

import micrograd.functional as F
from micrograd import Value, data, gradcheck, nn, optim
from micrograd.compiler import batched, grad, gradients
from micrograd.film import Film
from micrograd.function import Function
from micrograd.tensor import Tensor

# How long, how fast


@learner
def a_loop_that_stops_early_and_keeps_the_best(jit):
    X, y, model = moons()
    loss = jit(lambda: F.hinge_loss([model(x) for x in X], y))
    best, kept, patience = math.inf, None, 0
    while True:
        found = descend(model.parameters(), loss(), 0.3)
        patience = 0 if found[0] < best else patience + 1
        if found[0] < best:
            best, kept = found[0], [p.data for p in model.parameters()]
        if patience > 3:  # back to the best, and on from there
            for p, x in zip(model.parameters(), kept):
                p.data = x
            patience = 0
        yield [*found, best]


@learner
def a_learning_rate_finder(jit):
    X, y, model = moons()
    loss, lr = jit(lambda: F.mse_loss([model(x) for x in X], y)), 1e-4
    while True:
        yield [*descend(model.parameters(), loss(), lr), lr]
        lr *= 1.3
        if lr > 0.3:
            lr = 1e-4


@learner
def a_learning_rate_finder_on_a_copy(jit):
    X, y, model = moons()

    def tried(lr):
        other = copy.deepcopy(model)
        loss = jit(lambda: F.mse_loss([other(x) for x in X], y))
        for _ in range(2):
            descend(other.parameters(), loss(), lr)
        return loss().data

    for i in itertools.count():
        yield tried(0.01 * (1 + i % 5))


@learner
def clipped_by_norm_by_hand(jit):
    X, y, model = moons()
    loss = jit(lambda: 30 * F.mse_loss([model(x) for x in X], y))
    while True:
        error = loss()
        model.zero_grad()
        error.backward()
        norm = math.sqrt(sum(p.grad**2 for p in model.parameters()))
        for p in model.parameters():
            p.data -= 0.05 * p.grad * min(1.0, 1.0 / norm)
        yield [error.data, norm]


@learner
def clipped_between_backward_and_step(jit):
    X, y, model = moons()
    loss, own = jit(lambda: F.mse_loss([model(x) for x in X], y)), optim.Adam(model.parameters())
    while True:
        own.zero_grad()
        error = loss()
        error.backward()
        for p in own.parameters:
            p.grad = max(-0.1, min(0.1, p.grad))
        own.step()
        yield [error.data, own.parameters[0].data]


@learner
def warm_up_and_cool_down(jit):
    X, y, model = moons()
    own = optim.SGD(model.parameters(), lr=lambda t: 0.1 * min(1, t / 5) * 0.95**t + 1e-4)
    with jit(lambda: F.hinge_loss([model(x) for x in X], y)).training(own) as step:
        while True:
            yield [step(), own.parameters[0].data]


@learner
def another_optimizer_half_way(jit):
    X, y, model = moons()
    f = jit(lambda: F.hinge_loss([model(x) for x in X], y))
    kinds = itertools.cycle((optim.SGD, optim.Adam))
    while True:
        with f.training(next(kinds)(model.parameters(), lr=0.02)) as step:
            for _ in range(4):
                yield step()


@learner
def the_rate_set_on_the_optimizer(jit):
    X, y, model = moons()
    own = optim.Adam(model.parameters(), lr=0.1)
    with jit(lambda: F.hinge_loss([model(x) for x in X], y)).training(own) as step:
        while True:
            yield [step(), own.lr]
            own.lr *= 0.9


# Batches


@learner
def a_batch_size_that_grows(jit):
    X, y, model = moons(32)
    loss = jit(batched(lambda x, t: (model(x) - t) ** 2))
    for i in itertools.count():
        n = 2 + i // 4
        yield descend(model.parameters(), loss(X[:n], y[:n]))


@learner
def a_last_batch_that_is_smaller(jit):
    X, y, model = moons(20)
    loss = jit(lambda X, y: F.mse_loss([model(x) for x in X], y))
    for i in itertools.cycle(range(0, 20, 8)):
        yield descend(model.parameters(), loss(X[i : i + 8], y[i : i + 8]))


@learner
def a_batch_of_one(jit):
    X, y, model = moons(12)
    loss = jit(batched(lambda x, t: (model(x) - t) ** 2))
    for i in itertools.cycle(range(12)):
        yield descend(model.parameters(), loss(X[i : i + 1], y[i : i + 1]))


@learner
def shuffled_in_place(jit):
    X, y, model = moons(12)
    rng = np.random.default_rng(0)
    loss = jit(batched(lambda x, t: (model(x) - t) ** 2))
    while True:
        order = rng.permutation(12)
        X[:], y[:] = X[order], y[order]
        yield descend(model.parameters(), loss(X[:6], y[:6]))


@learner
def shuffled_in_place_behind_the_function(jit):
    X, y, model = moons(12, 3)
    rng = np.random.default_rng(0)
    loss = jit(lambda: F.mse_loss([model(x) for x in X[:6]], y[:6]))
    while True:
        order = rng.permutation(12)
        X[:], y[:] = X[order], y[order]
        yield descend(model.parameters(), loss())


@learner
def weights_for_examples(jit):
    X, y, model = moons(12)
    weights = np.ones(12)
    loss = jit(batched(lambda x, t, w: w * (model(x) - t) ** 2))
    while True:
        error = descend(model.parameters(), loss(X, y, weights))
        weights *= np.where(np.arange(12) % 3 == 0, 1.05, 0.98)
        yield error


@learner
def float32_from_a_file(jit):
    X, y, model = moons(12)
    X, y = X.astype(np.float32), y.astype(np.float32)
    loss = jit(batched(lambda x, t: (model(x) - t) ** 2))
    while True:
        yield descend(model.parameters(), loss(X, y))


@learner
def columns_of_a_large_table(jit):
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(600, 2)), [Value(0.1), Value(-0.2), Value(0.0)]
    y = X @ [1.5, -0.5] + 0.25
    loss = jit(batched(lambda x, t: (F.dot(w[:2], x) + w[2] - t) ** 2))
    while True:
        yield descend(w, loss(X, y), 0.1)


# Dropout, noise, chance


@learner
def dropout_with_a_generator_outside(jit):
    X, y, model = moons(8, 3)
    rng, scale = random.Random(0), nn.MLP(3, [1], seed=1)

    @jit
    def loss(masks):
        rows = [[h * m for h, m in zip(model.layers[0](x), mask)] for x, mask in zip(X, masks)]
        return F.mse_loss([scale(row) for row in rows], y)

    while True:
        masks = [[float(rng.random() < 0.8) / 0.8 for _ in range(3)] for _ in X]
        yield descend([*model.parameters(), *scale.parameters()], loss(masks))


@learner
def dropout_with_a_generator_of_ones_own_inside(jit):
    X, y, model = moons(8, 3)
    rng = np.random.default_rng(0)

    @jit
    def loss():
        keep = rng.random(3) < 0.8
        last = model.layers[1]
        hidden = ([h * bool(k) for h, k in zip(model.layers[0](x), keep)] for x in X)
        return F.mse_loss([last(h) for h in hidden], y)

    while True:
        yield descend(model.parameters(), loss())


@learner
def dropout_as_a_module_with_a_flag(jit):
    class Dropout(nn.Module):
        def __init__(self):
            self.mask, self.on = [1, 0, 1], True

        def __call__(self, xs):
            return [x * m for x, m in zip(xs, self.mask)] if self.on else list(xs)

    X, y, model = moons(8, 3)
    drop, rng = Dropout(), random.Random(0)
    loss = jit(lambda: F.mse_loss([model.layers[1](drop(model.layers[0](x))) for x in X], y))
    for i in itertools.count():
        drop.on = i % 5 != 4
        yield descend(model.parameters(), loss())
        drop.mask = [rng.randint(0, 1) for _ in range(3)]


@learner
def noise_as_an_argument(jit):
    X, y, model = moons(8, 3)
    rng = np.random.default_rng(0)
    loss = jit(batched(lambda x, e, t: (model([a + b for a, b in zip(x, e)]) - t) ** 2))
    while True:
        yield descend(model.parameters(), loss(X, rng.normal(0, 0.1, X.shape), y))


# Weights that are shared, frozen, saved, copied


@learner
def tied_weights(jit):
    xs, _ = points(6)
    w = [[Value(0.1 * (i - j)) for j in range(3)] for i in range(2)]

    @jit
    def loss():
        total = Value(0.0)
        for x in xs:
            given = [x, x * x]
            code = [F.dot([w[i][j] for i in range(2)], given).tanh() for j in range(3)]
            total += sum((F.dot(row, code) - g) ** 2 for row, g in zip(w, given))
        return total

    while True:
        yield descend([v for row in w for v in row], loss(), 0.02)


@learner
def frozen_half_way(jit):
    X, y, model = moons()
    loss = jit(lambda: F.hinge_loss([model(x) for x in X], y))
    for i in itertools.count():
        trained = model.parameters() if i < 6 else model.layers[-1].parameters()
        yield descend(trained, loss(), 0.2)
        model.zero_grad()


@learner
def frozen_half_way_with_trainings(jit):
    X, y, model = moons()
    loss = jit(lambda: F.hinge_loss([model(x) for x in X], y))
    for part in itertools.cycle((model, model.layers[-1])):
        with loss.training(optim.SGD(part.parameters(), lr=0.1)) as step:
            for _ in range(3):
                yield [step(), *(p.data for p in model.parameters()[:3])]


@learner
def a_model_copied_as_a_target(jit):
    X, y, model = moons(8, 3)
    old = copy.deepcopy(model)

    @jit
    def loss():
        aims = [0.5 * old(x) + 0.5 * t for x, t in zip(X, y)]
        return F.mse_loss([model(x) for x in X], aims)

    for i in itertools.count():
        yield descend(model.parameters(), loss())
        if i % 4 == 3:
            for p, q in zip(old.parameters(), model.parameters()):
                p.data = q.data
        old.zero_grad()


@learner
def a_new_copy_from_time_to_time(jit):
    X, y, model = moons(8, 3)
    loss = jit(lambda model, X: F.mse_loss([model(x) for x in X], y))
    for i in itertools.count():
        yield descend(model.parameters(), loss(model, X))
        if i % 6 == 5:
            model = copy.deepcopy(model)


@learner
def saved_and_loaded_between_steps(jit):
    X, y, model = moons(8, 3)
    loss = jit(lambda: F.mse_loss([model(x) for x in X], y))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.json"
        for i in itertools.count():
            yield descend(model.parameters(), loss())
            if i % 5 == 1:
                model.save(path)
            elif i % 5 == 4:
                model.load(path)


@learner
def an_optimizer_saved_and_loaded(jit):
    X, y, model = moons(8, 3)
    loss = jit(lambda: F.mse_loss([model(x) for x in X], y))
    own, text = optim.Adam(model.parameters(), lr=0.05), ""
    for i in itertools.count():
        with loss.training(own) as step:
            found = [step() for _ in range(2)]
            if i % 3 == 0:
                text = json.dumps(own.state_dict())
        if i % 3 == 2:
            own.load_state_dict(json.loads(text))
        yield found


@learner
def a_model_through_pickle(jit):
    X, y, model = moons(8, 3)
    for _ in itertools.count():
        loss = jit(functools.partial(lambda model, X: F.mse_loss([model(x) for x in X], y), model))
        for _ in range(3):
            yield descend(model.parameters(), loss(X))
        model = pickle.loads(pickle.dumps(model))


@learner
def averaged_weights(jit):
    X, y, model = moons(8, 3)
    average = [p.data for p in model.parameters()]
    loss = jit(lambda: F.mse_loss([model(x) for x in X], y))
    while True:
        found = descend(model.parameters(), loss())
        average = [0.9 * a + 0.1 * p.data for a, p in zip(average, model.parameters())]
        yield [*found, *average[:2]]


@learner
def weights_decayed_by_hand_inside_a_training(jit):
    X, y, model = moons(8, 3)
    with jit(lambda: F.mse_loss([model(x) for x in X], y)).training(
        optim.SGD(model.parameters(), lr=0.05)
    ) as step:
        while True:
            yield [step(), model.parameters()[0].data]
            for p in model.parameters():
                p.data *= 0.99


@learner
def weights_replaced_by_new_ones(jit):
    xs, ys = points()
    w = [Value(0.0), Value(0.0)]
    loss = jit(lambda: F.mse_loss([w[0] * x + w[1] for x in xs], ys))
    while True:
        error = loss()
        error.backward()
        w[:] = [Value(v.data - 0.05 * v.grad) for v in w]
        yield [error.data, *(v.data for v in w)]


# Caches, states, closures


@learner
def a_cache_of_features_by_int(jit):
    cache: dict = {}

    def features(n):
        if n not in cache:
            cache[n] = [math.sin(n * k) for k in range(3)]
        return cache[n]

    w = [Value(0.1) for _ in range(3)]
    loss = jit(lambda n: (F.dot(w, features(n)) - 1.0) ** 2)
    for n in itertools.cycle(range(4)):
        yield descend(w, loss(n))


@learner
def a_cache_filled_before(jit):
    cache = {n: [math.sin(n * k) for k in range(3)] for n in range(4)}
    w = [Value(0.1) for _ in range(3)]
    loss = jit(lambda n: (F.dot(w, cache[n]) - 1.0) ** 2)
    for n in itertools.cycle(range(4)):
        yield descend(w, loss(n))


@learner
def a_cache_by_lru(jit):
    @functools.lru_cache
    def features(n):
        return tuple(math.sin(n * k) for k in range(3))

    w = [Value(0.1) for _ in range(3)]
    loss = jit(lambda n: (F.dot(w, features(n)) - 1.0) ** 2)
    for n in itertools.cycle(range(4)):
        yield descend(w, loss(n))


@learner
def a_cell_that_keeps_its_state(jit):
    class Cell(nn.Module):
        def __init__(self):
            self.neuron, self.h = nn.Neuron(2, seed=0), Value(0.0)

        def __call__(self, x):
            self.h = self.neuron([x, self.h])
            return self.h

    cell = Cell()

    @jit
    def loss(xs):
        cell.h = Value(0.0)
        return sum((cell(x) - 0.5 * x) ** 2 for x in xs)

    for i in itertools.count():
        yield descend(cell.neuron.parameters(), loss([math.sin(i + k) for k in range(4)]))


@learner
def a_state_kept_between_calls_as_a_number(jit):
    w, u, h = Value(0.5), Value(0.3), 0.0

    @jit
    def one(x, h):
        h = (w * x + u * h).tanh()
        return (h - 0.5 * x) ** 2, h

    for i in itertools.count():
        error, new = one(math.sin(i), h)
        h = new.data
        yield [*descend([w, u], error), h]


@learner
def a_state_in_a_list_of_the_closure(jit):
    w, u, h = Value(0.5), Value(0.3), [0.0]

    @jit
    def one(x):
        return ((w * x + u * h[0]).tanh() - 0.5 * x) ** 2

    for i in itertools.count():
        yield descend([w, u], one(math.sin(i)))
        h[0] = math.tanh(w.data * math.sin(i) + u.data * h[0])


@learner
def a_counter_in_the_closure(jit):
    w, calls = Value(0.5), 0

    @jit
    def loss(x):
        return (w * x - calls / 10) ** 2

    while True:
        yield descend([w], loss(1.5))
        calls += 1


@learner
def a_counter_by_an_object(jit):
    w, counter = Value(0.5), collections.Counter()

    @jit
    def loss(x):
        counter["calls"] += 1
        return (w * x - 1) ** 2

    while True:
        yield [*descend([w], loss(1.5)), counter["calls"]]


@learner
def a_counter_by_a_decorator(jit):
    def counted(function):
        @functools.wraps(function)
        def wrapper(*args):
            wrapper.calls += 1
            return function(*args)

        wrapper.calls = 0
        return wrapper

    w = Value(0.5)
    loss = counted(jit(lambda x: (w * x - 1) ** 2))
    while True:
        yield [*descend([w], loss(1.5)), loss.calls]


@learner
def a_deque_of_the_last_losses(jit):
    w, last = Value(0.5), collections.deque([0.0] * 3, maxlen=3)
    loss = jit(lambda x: (w * x - 1) ** 2 + 0.01 * w * sum(last))
    while True:
        found = descend([w], loss(1.5))
        last.append(found[0])
        yield found


@learner
def a_history_of_values(jit):
    w, history = Value(0.5), []
    loss = jit(lambda x: (w * x - 1) ** 2)
    for i in itertools.count():
        history.append(loss(1.5 + i % 3))
        if len(history) == 3:
            total = sum(history)
            history = []
            yield descend([w], total, 0.02)


@learner
def a_history_printed_to_a_string(jit):
    w, out = Value(0.5), io.StringIO()
    loss = jit(lambda x: (w * x - 1) ** 2)
    while True:
        error = loss(1.5)
        print(f"loss {error.data:.3f}", file=out)
        yield [*descend([w], error), len(out.getvalue())]


@learner
def a_history_printed_inside(jit):
    w, out = Value(0.5), io.StringIO()

    @jit
    def loss(x):
        error = (w * x - 1) ** 2
        print("loss", error, file=out)
        return error

    while True:
        yield descend([w], loss(1.5))


@learner
def a_generator_that_trains(jit):
    w = Value(0.5)
    loss = jit(lambda x: (w * x - 1) ** 2)

    def training():
        while True:
            yield descend([w], loss(1.5))

    yield from training()


@learner
def layers_by_a_generator(jit):
    X, y, model = moons(8, 3)

    def outputs():
        for x in X:
            yield model(x)

    loss = jit(lambda: F.mse_loss(list(outputs()), y))
    while True:
        yield descend(model.parameters(), loss())


# Exceptions


@learner
def a_try_around_log(jit):
    w = Value(0.5)

    @jit
    def loss(x):
        try:
            return -(w * x).log() if w * x > 0 else (w * x) ** 2
        except ValueError:
            return Value(0.0)

    for x in itertools.cycle((1.0, 2.0, -1.0)):
        yield descend([w], loss(x))


@learner
def a_try_around_math(jit):
    w = Value(0.5)

    @jit
    def loss(x, n):
        try:
            scale = math.log(n - 2)
        except ValueError:
            scale = 0.5
        return (w * x - scale) ** 2

    for n in itertools.cycle((1, 5, 9)):
        yield descend([w], loss(1.5, n))


@learner
def an_error_in_the_middle(jit):
    w = Value(0.5)

    @jit
    def loss(x, n):
        if n == 3:
            raise KeyError(n)
        return (w * x - n) ** 2

    for n in itertools.cycle(range(5)):
        try:
            yield descend([w], loss(1.5, n), 0.01)
        except KeyError:
            yield [-1.0, w.data]


@learner
def an_error_in_the_middle_of_a_training(jit):
    w = Value(0.5)

    @jit
    def loss(x):
        if x > 2:
            raise ValueError("too large")
        return (w * x - 1) ** 2

    with loss.training(optim.SGD([w], lr=0.05)) as step:
        for x in itertools.cycle((1.0, 1.5, 2.5)):
            try:
                yield [step(x), w.data]
            except ValueError:
                yield [0.0, w.data]


@learner
def a_nan_that_is_skipped(jit):
    w = Value(0.5)
    loss = jit(lambda x: (w * x - 1) ** 2)
    for x in itertools.cycle((1.0, math.nan, 1.5)):
        error = loss(x)
        if error.data != error.data:
            yield [0.0, w.data]
        else:
            yield descend([w], error)


@learner
def an_assert_inside(jit):
    w = Value(0.5)

    @jit
    def loss(xs):
        assert len(xs) > 1, "no data"
        error = F.mse_loss([w * x for x in xs], xs)
        assert error >= 0
        return error

    while True:
        yield descend([w], loss([1.0, 2.0]))


@learner
def a_warning_inside(jit):
    w = Value(0.5)

    @jit
    def loss(x):
        warnings.warn("slow", stacklevel=2)
        return (w * x - 1) ** 2

    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield descend([w], loss(1.5))


# Python of all kinds


@learner
def settings_in_a_frozen_dataclass(jit):
    @dataclasses.dataclass(frozen=True)
    class Config:
        power: int = 2
        strength: float = 0.1
        layers: tuple = (1, 2)

    xs, ys = points(6)
    w = Value(0.3)
    loss = jit(lambda c: sum((w * x - y) ** c.power for x, y in zip(xs, ys)) + c.strength * w * w)
    for i in itertools.count():
        yield descend([w], loss(Config(strength=0.1 * (i % 3))))


@learner
def a_model_as_a_dataclass(jit):
    @dataclasses.dataclass
    class Line:
        w: Value = dataclasses.field(default_factory=lambda: Value(0.1))
        b: Value = dataclasses.field(default_factory=lambda: Value(0.0))

        def __call__(self, x):
            return self.w * x + self.b

    xs, ys = points(6)
    line = Line()
    loss = jit(lambda: F.mse_loss(list(map(line, xs)), ys))
    while True:
        yield descend([line.w, line.b], loss())


@learner
def a_model_as_a_named_tuple(jit):
    class Line(typing.NamedTuple):
        w: Value
        b: Value

    xs, ys = points(6)
    line = Line(Value(0.1), Value(0.0))
    loss = jit(lambda line: F.mse_loss([line.w * x + line.b for x in xs], ys))
    while True:
        yield descend(list(line), loss(line))


@learner
def activations_by_an_enum(jit):
    class Act(enum.Enum):
        TANH = "tanh"
        RELU = "relu"

    w = Value(0.5)
    loss = jit(lambda x, act: (getattr(w * x, act.value)() - 1) ** 2)
    for act in itertools.cycle(Act):
        yield descend([w], loss(1.5, act))


@learner
def a_match_by_a_dict_of_functions(jit):
    w = Value(0.5)
    kinds = {"square": lambda v: v**2, "abs": abs, "huber": lambda v: (v * v + 1).sqrt() - 1}
    loss = jit(lambda x, kind: kinds[kind](w * x - 1))
    for kind in itertools.cycle(kinds):
        yield descend([w], loss(1.5, kind))


@learner
def a_dict_of_functions_that_changes(jit):
    w = Value(0.5)
    kinds = {"loss": lambda v: v**2}
    loss = jit(lambda x: kinds["loss"](w * x - 1))
    for i in itertools.count():
        if i == 5:
            kinds["loss"] = abs
        yield descend([w], loss(1.5))


@learner
def partials_of_partials(jit):
    w = Value(0.5)

    def loss(power, scale, x):
        return scale * (w * x - 1) ** power

    inner = functools.partial(loss, 2)
    whole = jit(functools.partial(inner, scale=0.5))
    while True:
        yield descend([w], whole(x=1.5))


@learner
def reduce_and_accumulate(jit):
    ws = [Value(0.1 * i + 0.5) for i in range(4)]

    @jit
    def loss(xs):
        product = functools.reduce(operator.mul, ws)
        sums = list(itertools.accumulate(w * x for w, x in zip(ws, xs)))
        return (product - 1) ** 2 + sum(s * s for s in sums)

    while True:
        yield descend(ws, loss([1.0, -0.5, 0.25, 2.0]), 0.02)


@learner
def a_jitted_function_inside_another(jit):
    w, b = Value(0.5), Value(0.1)
    line = jit(lambda x: w * x + b)
    loss = jit(lambda xs: sum((line(x) - 1) ** 2 for x in xs))
    for i in itertools.count():
        yield descend([w, b], loss([1.0, 2.0, i / 30]) if i % 2 else line(1.5) ** 2)


@learner
def a_jitted_function_jitted(jit):
    w = Value(0.5)
    loss = jit(jit(lambda x: (w * x - 1) ** 2))
    while True:
        yield descend([w], loss(1.5))


@learner
def a_method_and_a_property(jit):
    class Model:
        def __init__(self):
            self.w, self.log_scale = Value(0.5), Value(0.0)

        @property
        def scale(self):
            return self.log_scale.exp()

        @jit
        def loss(self, x):
            return (self.w * x * self.scale - 1) ** 2

    model = Model()
    while True:
        yield descend([model.w, model.log_scale], model.loss(1.5))


@learner
def a_static_method(jit):
    class Losses:
        @staticmethod
        def huber(d):
            return (d * d + 1).sqrt() - 1

    w = Value(0.5)
    loss = jit(lambda x: Losses.huber(w * x - 1))
    for i in itertools.count():
        if i == 4:
            Losses.huber = staticmethod(lambda d: d * d)
        yield descend([w], loss(1.5))


@learner
def a_model_that_calls_itself(jit):
    w = Value(0.5)

    @jit
    def power(x, n):
        return w * x if n == 0 else power(x, n - 1) * 0.9 + w

    for n in itertools.cycle((1, 3)):
        yield descend([w], (power(1.5, n) - 1) ** 2)


@learner
def statistics_of_predictions(jit):
    w, b = Value(0.5), Value(0.1)

    @jit
    def loss(xs):
        ys = [w * x + b for x in xs]
        center = F.mean(ys)
        return F.mean([(y - center) ** 2 for y in ys]) + (center - 1) ** 2

    xs, _ = points(6)
    while True:
        yield [*descend([w, b], loss(xs)), statistics.mean(xs)]


@learner
def sorted_by_a_key_of_numbers(jit):
    w = Value(0.5)

    @jit
    def loss(rows):
        first = sorted(rows, key=lambda row: row[0])[0]
        return (w * first[1] - 1) ** 2

    for i in itertools.count():
        yield descend([w], loss([(i % 3, 0.5), (1, 1.5), (2, 2.5)]))


# NumPy among it


@learner
def arrays_of_values_by_matmul(jit):
    rng = np.random.default_rng(0)
    W = np.array([[Value(x) for x in row] for row in rng.normal(size=(2, 3))])
    X = rng.normal(size=(5, 3))

    @jit
    def loss(X):
        return ((X @ W.T) ** 2).sum() + W.sum()

    while True:
        yield descend(list(W.flat), loss(X), 0.01)


@learner
def numpy_sums_and_means_of_values(jit):
    w = np.array([Value(0.1), Value(0.4)])
    loss = jit(lambda x: np.mean((w * x - 1) ** 2) + np.dot(w, w))
    while True:
        yield descend(list(w), loss(np.array([1.0, 2.0])))


@learner
def numpy_where_on_data_outside(jit):
    X, y, model = moons(8, 3)
    loss = jit(lambda X, y: F.mse_loss([model(x) for x in X], y))
    while True:
        yield descend(model.parameters(), loss(np.where(X > 0, X, 0.1 * X), np.sign(y)))


@learner
def numpy_scalars_as_arguments(jit):
    w = Value(0.5)
    loss = jit(lambda x, n: (w * x - n) ** 2)
    for i in itertools.count():
        yield descend([w], loss(np.float64(i / 10), np.int64(i % 2)), 0.02)


@learner
def a_tensor_model(jit):
    rng = np.random.default_rng(0)
    W, b = Tensor(rng.normal(size=(2, 3)).tolist()), Tensor([0.0, 0.1, 0.2])
    v = Tensor([[0.1], [0.2], [0.3]])
    X, y = data.moons(6, seed=0)

    @jit
    def loss(X):
        scores = (Tensor(X) @ W + b).tanh() @ v
        return ((scores - Tensor([[t] for t in y.tolist()])) ** 2).mean()

    parameters = [*W.values.flat, *b.values.flat, *v.values.flat]
    while True:
        yield descend(parameters, loss(X))


@learner
def a_tensor_as_an_argument(jit):
    w = Value(0.5)
    loss = jit(lambda t: ((t * w - 1) ** 2).sum())
    for i in itertools.count():
        yield descend([w], loss(Tensor([1.0, i / 10])), 0.02)


@learner
def one_hot_by_numpy(jit):
    rng = np.random.default_rng(0)
    W = [[Value(x) for x in row] for row in rng.normal(size=(4, 3)) / 3]

    @jit
    def loss(one_hot, targets):
        rows = [[F.dot(x, [w[j] for w in W]) for j in range(3)] for x in one_hot]
        return F.cross_entropy(rows, targets)

    while True:
        i = rng.integers(4, size=5)
        yield descend([w for row in W for w in row], loss(np.eye(4)[i], i % 3), 0.5)


# Operations of one's own, gradients, several results


@learner
def a_straight_through_step(jit):
    class Step(Function):
        @staticmethod
        def forward(ctx, x):
            return float(x > 0)

        @staticmethod
        def backward(ctx, g):
            return g

    w, b = Value(0.5), Value(-0.2)
    loss = jit(lambda x: (Step.apply(w * x + b) - 0.3) ** 2 + 0.1 * w * w)
    for i in itertools.count():
        yield descend([w, b], loss(math.sin(i)))


@learner
def a_function_of_two_results(jit):
    class Polar(Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return math.hypot(x, y), math.atan2(y, x)

        @staticmethod
        def backward(ctx, gr, ga):
            x, y = ctx.saved_tensors
            r = math.hypot(x, y)
            return gr * x / r - ga * y / r**2, gr * y / r + ga * x / r**2

    a, b = Value(0.5), Value(0.7)

    @jit
    def loss(x):
        r, angle = Polar.apply(a * x, b)
        return (r - 1) ** 2 + angle * angle

    for i in itertools.count():
        yield descend([a, b], loss(1.0 + i / 20))


@learner
def several_heads(jit):
    X, y, _ = moons(6, 3)
    body, heads = nn.MLP(2, [3], seed=0), [nn.MLP(3, [1], seed=i) for i in range(2)]

    @jit
    def losses(X):
        codes = [body(x) for x in X]
        return [F.mse_loss([h(c) for c in codes], y * s) for h, s in zip(heads, (1, -1))]

    parameters = [p for m in (body, *heads) for p in m.parameters()]
    for i in itertools.count():
        found = losses(X)
        yield [
            *descend(parameters, found[0] + 0.5 * found[1] if i % 2 else found[1]),
            found[0].data,
        ]


@learner
def a_penalty_on_a_slope(jit):
    model = nn.MLP(1, [3, 1], act="tanh", seed=0)
    xs, ys = points(4)

    @jit
    def loss():
        slopes = [grad(lambda x: model([x]))(x) for x in xs]
        return F.mse_loss([model([x]) for x in xs], ys) + 0.01 * sum(s * s for s in slopes)

    while True:
        yield descend(model.parameters(), loss())


@learner
def newtons_method(jit):
    slope = jit(grad(lambda x: x.exp() - 3 * x))
    curve = jit(grad(grad(lambda x: x.exp() - 3 * x)))
    x = 2.0
    while True:
        x -= slope(x).data / curve(x).data
        yield x


@learner
def gradients_of_a_jitted_part(jit):
    w = Value(0.5)
    f = jit(lambda x: gradients((w * x).sin(), w) ** 2)
    for i in itertools.count():
        yield descend([w], f(1.0 + i / 10), 0.05)


@learner
def gradients_checked_on_the_way(jit):
    w, b = Value(0.5), Value(0.1)
    f = jit(lambda x: (w * x + b).tanh())
    for i in itertools.count():
        found = descend([w, b], f(1.0 + i / 10))
        if i % 10 == 0:
            gradcheck.gradcheck(lambda a: a.tanh() * 2, Value(0.3))
        yield found


@learner
def a_training_that_is_filmed_by_hand(jit):
    X, y, model = moons(8, 3)
    loss = jit(lambda: F.mse_loss([model(x) for x in X], y))
    frames = []
    while True:
        found = descend(model.parameters(), loss())
        frames.append([p.data for p in model.parameters()])
        yield [*found, len(frames), Film is not None]


@learner
def scores_returned_with_the_loss(jit):
    X, y, model = moons(8, 3)

    @jit
    def loss(X):
        scores = [model(x) for x in X]
        return {"loss": F.hinge_loss(scores, y), "scores": scores}

    while True:
        found = loss(X)
        right = F.accuracy(found["scores"], y)
        yield [*descend(model.parameters(), found["loss"]), right]


@learner
def many_steps_and_single_ones(jit):
    X, y, model = moons(8, 3)
    own = optim.Adam(model.parameters(), lr=0.05)
    with jit(lambda X, y: F.mse_loss([model(x) for x in X], y)).training(own) as step:
        for i in itertools.count():
            rows = (np.arange(12).reshape(3, 4) + i) % 8
            yield [*step.many(rows, X, y), step(X, y), *step.many(2, X[:4], y[:4])]


@learner
def leftovers_of_another_loss(jit):
    X, y, model = moons(8, 3)
    first = jit(lambda: F.mse_loss([model(x) for x in X], y))
    second = jit(lambda: 0.01 * F.dot(model.parameters(), model.parameters()))
    while True:
        model.zero_grad()
        a = first()
        a.backward()
        b = second()
        b.backward()
        for p in model.parameters():
            p.data -= 0.1 * p.grad
        yield [a.data, b.data, model.parameters()[0].data]
