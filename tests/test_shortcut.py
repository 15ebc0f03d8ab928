"""Steps of a training that are shortcuts, guards and all: they see all that others see."""

import contextlib
import functools
import gc
import math
import random
import shutil
import sys
import threading

import numpy as np
import pytest
from reliability.beside_the_engine import engine, outcome
from reliability.hiding import PLACES, PROBES

import micrograd.functional as F
from micrograd import Value, data, nn, optim
from micrograd.compiler import JitError, addresses, jit
from micrograd.compiler.guards import Guards
from micrograd.optim import NonFiniteError

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="needs a C compiler"
)
backends = pytest.mark.parametrize("backend", ["c", "numpy"])


class Stepping:
    """A function whose calls are steps of a training that move nothing the loss depends on."""

    def __init__(self, function, backend):
        self.idle = Value(0.0)
        self.compiled = jit(lambda *args: function(*args) + self.nothing(), backend=backend)
        self.stack = contextlib.ExitStack()
        training = self.compiled.training(optim.SGD([self.idle], lr=0.1))
        self.step = self.stack.enter_context(training)
        self.made = 0

    def nothing(self):
        """Zero, by so many operations that it pays to replay them."""
        return sum(self.idle * 0.0 for _ in range(40))

    def __call__(self, *args):
        found = Value(self.step(*args))
        self.made += self.step.shortcut is not None and self.step.shortcut.made > 0
        return found


@backends
@pytest.mark.parametrize("name", PLACES)
def test_a_change_in_any_place_is_seen(name, backend, monkeypatch):
    monkeypatch.setattr(
        "micrograd.compiler.AUDITS", 1e-9
    )  # so that it is not an audit that sees it
    steppings = []

    def stepping(function):
        steppings.append(Stepping(function, backend))
        return steppings[-1]

    found = outcome(PROBES[f"a number in {name}"], stepping, 9)
    assert found == "same" or found.startswith("JitError at 1:")
    assert name in NO_NUMBERS or found != "same" or sum(each.made for each in steppings) >= 2


NO_NUMBERS = {  # which are no steps at all, or ask for more than guards
    "a Value's data",
    "a Value's label",
    "a Value's attribute",
    "a Value's attribute, set before",
}


def places():
    """What C looks at; a change of each; and whether it is told by its address alone."""
    xs, config, names = [1.0, Value(2.0)], {"k": 1.0, "l": [3.0]}, {"a", "b"}
    net, array, cell = nn.MLP(1, [1], seed=0), np.ones(2), 1.0

    class Own(nn.Module):
        rate = 1.0

    def function(x, k=1.0, *, scale=2.0):
        return x

    def seen():
        return xs, config, names, net, array, cell, Own, function

    def rebind():
        nonlocal cell
        cell = 2.0

    changes = [
        lambda: xs.__setitem__(0, 2.0),
        lambda: xs.append(1.0),
        xs.pop,
        lambda: config.__setitem__("k", 2.0),
        lambda: config.__setitem__("m", 2.0),
        lambda: config.pop("k"),
        lambda: config["l"].append(1.0),
        lambda: names.add("c"),
        lambda: setattr(net, "act", "tanh"),
        lambda: setattr(net.layers[0].neurons[0], "__class__", Own),
        lambda: array.__setitem__(1, 2.0),
        rebind,
        lambda: setattr(Own, "rate", 2.0),
        lambda: setattr(Own, "more", 2.0),
        lambda: delattr(Own, "rate"),
        lambda: setattr(function, "__defaults__", (3.0,)),
        lambda: setattr(function, "__kwdefaults__", {"scale": 3.0}),
        lambda: setattr(function, "__kwdefaults__", None),
        lambda: setattr(function, "__code__", (lambda x, k=1.0, *, scale=2.0: -x).__code__),
        lambda: setattr(function, "note", 1),
    ]
    return seen, changes


@pytest.mark.parametrize("i", range(len(places()[1])))
def test_each_change_alone_is_noticed_and_nothing_else_is(i):
    seen, changes = places()
    compared = addresses.Addresses(Guards([seen]))
    in_c = addresses.bound("hold", compared.words.ctypes.data)
    for _ in range(3):
        assert in_c() and compared.rest_holds()
        gc.collect(1)
    changes[i]()
    assert not (in_c() and compared.rest_holds())


def test_what_is_changed_back_holds_again():
    xs, config = [1.0, 2.0], {"k": 1.0}
    guards = Guards([xs, config])
    in_c = addresses.bound("hold", addresses.Addresses(guards).words.ctypes.data)
    one, other = xs[0], 1.0 + random.random()
    for x, y in ((xs, 0), (config, "k")):
        before = x[y]
        x[y] = other
        assert not in_c()
        x[y] = before
        assert in_c() and xs[0] is one


def test_nothing_is_kept_or_let_go_too_often(monkeypatch):
    monkeypatch.setattr("micrograd.compiler.AUDITS", 1e-9)
    model, seen = nn.MLP(2, [16, 1], seed=0), [1.0, None, "text"]
    cell = object()

    def loss(x):
        assert cell and seen
        return model([x, 1.0]) ** 2

    with jit(loss, backend="c").training(optim.Adam(model.parameters(), lr=1e-9)) as step:
        for _ in range(20):
            step(0.5)
        watched = [None, cell, seen, model, loss, loss.__code__, 0.5, step, step.optimizer]
        before = [sys.getrefcount(x) for x in watched]
        for _ in range(2000):
            step(0.5)
        assert step.shortcut.made >= 1900
        after = [sys.getrefcount(x) for x in watched]
    assert all(abs(x - y) < 20 for x, y in zip(before, after))


# What is done between steps, and what they are given: as in the engine

X, Y = data.moons(12, noise=0.1, seed=0)
Y = 2.0 * Y - 1.0


def change_rates(step, optimizer):
    for i in range(12):
        if i == 5:
            optimizer.lr, optimizer.momentum = 0.05, 0.5
        if i == 8:
            optimizer.lr, optimizer.weight_decay = optim.linear(0.1, 0.01, 12), 0.01
        if i == 10:
            optimizer.lr = lambda number: 0.1 / (number + 1)
        yield step(X, Y)


def change_numbers(step, optimizer):
    kept = None
    for i in range(14):
        if i == 5:
            kept = optimizer.state_dict()
            optimizer.parameters[0].data = -0.5
        if i == 8:
            optimizer.load_state_dict(kept)
        if i == 11:
            optimizer.steps = 100
        yield step(X, Y)
        yield optimizer.parameters[0].data
        yield optimizer.parameters[3].grad


def replace_the_step(step, optimizer):
    usual = optimizer.step
    for i in range(12):
        if i == 6:
            optimizer.step = lambda: (usual(), setattr(optimizer.parameters[0], "data", 0.1))
        if i == 9:
            del optimizer.step
        yield step(X, Y)


def replace_the_update(step, optimizer):
    usual = optimizer.update
    for i in range(12):
        if i == 6:
            optimizer.update = lambda lr, *numbers: usual(lr / 2, *numbers)
        if i == 9:
            del optimizer.update
        yield step(X, Y)
        yield optimizer.parameters[0].data


def change_arguments(step, optimizer):
    twice = X[:, :1] * Y[:, None]
    for _ in range(8):
        yield step(X, Y)
    for i in range(8):
        yield step(X[i : i + 3], Y[i : i + 3])
    for _ in range(4):
        yield step(np.float32(X), Y)
        yield step(X, Y.astype(int))
        yield step(X.tolist(), Y.tolist())
        yield step(X=X, Y=Y)
    for _ in range(4):
        yield step(twice, twice)
        yield step(twice, twice.copy())


def give_numbers(step, optimizer):
    for i in range(20):
        yield step(X[:2].tolist(), [1.0, -1.0], i * 0.1, i > 12, [2, 3][i % 2])


SCENARIOS = [
    *(change_rates, change_numbers, replace_the_step, replace_the_update),
    *(change_arguments, give_numbers),
]


@backends
@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda x: x.__name__)
def test_steps_are_the_engines_whatever_happens_between(scenario, kind, backend, monkeypatch):
    monkeypatch.setattr("micrograd.compiler.AUDITS", 1e-9)

    def numbers(jit):
        model = nn.MLP(2, [5, 1], seed=0)

        def loss(X, Y, scale=1.0, doubled=False, power=2):
            rows = [[*row, 1.0][:2] for row in X]
            targets = [y if np.ndim(y) == 0 else y[0] for y in Y]
            errors = [(model(x) - y) ** power for x, y in zip(rows, targets)]
            return F.mean(errors) * scale * (2.0 if doubled else 1.0)

        optimizer = kind(model.parameters(), lr=0.02)
        with jit(loss).training(optimizer) as step:
            yield from scenario(step, optimizer)

    jitted = functools.partial(jit, backend=backend)
    found, expected = list(numbers(jitted)), list(numbers(engine))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


@backends
def test_what_was_missing_may_become_none(backend, monkeypatch):
    monkeypatch.setattr("micrograd.compiler.AUDITS", 1e-9)
    idle = [Value(0.0) for _ in range(40)]
    loss = jit(lambda: F.sum(v * 0.0 for v in idle) + (5.0 if max else 1.0), backend=backend)
    with loss.training(optim.SGD(idle, lr=0.1)) as step:
        assert [step() for _ in range(9)] == [5.0] * 9 and step.shortcut
        monkeypatch.setitem(globals(), "max", None)
        assert step() == 1.0


@backends
def test_an_array_given_twice_is_not_two(backend, monkeypatch):
    monkeypatch.setattr("micrograd.compiler.AUDITS", 1e-9)
    xs, w = np.arange(40.0), Value(1.0)
    loss = jit(lambda xs, ys: F.sum((w * x - y) ** 2 for x, y in zip(xs, ys)), backend=backend)
    with loss.training(optim.SGD([w], lr=1e-12)) as step:
        assert [step(xs, xs) for _ in range(9)] == [0.0] * 9 and step.shortcut
        assert step(xs, xs + 1.0) == 40.0
        assert step(xs, xs) == pytest.approx(0.0)


@backends
def test_parameters_stay_those_of_the_beginning(backend):
    w = [Value(0.5) for _ in range(60)]
    optimizer = optim.SGD(w, lr=0.1)
    with jit(lambda: F.sum(x * x for x in w), backend=backend).training(optimizer) as step:
        for _ in range(5):
            step()
        for change in (list.pop, list.reverse):
            with pytest.raises(TypeError):
                change(optimizer.parameters)
        optimizer.parameters = w[::-1]
        with pytest.raises(JitError, match="has other parameters than when its training began"):
            step()
    assert {type(x) for x in w} == {Value} and optimizer.parameters == w[::-1]
    optimizer.parameters.pop()
    with pytest.raises(ValueError, match="has 59 parameters, and kept numbers for another count"):
        step.__enter__()


@backends
@pytest.mark.parametrize("x", [None, "1.5", 1j, [1.0]])
def test_numbers_of_parameters_in_training_are_numbers(x, backend):
    w = Value(0.5)
    with jit(lambda: w * w, backend=backend).training(optim.SGD([w], lr=0.1)) as step:
        step()
        for name in ("data", "grad"):
            with pytest.raises(TypeError, match="of a parameter in training needs a real number"):
                setattr(w, name, x)
        assert step() == pytest.approx(0.16)


def in_c(function):
    return jit(function, backend="c")


@backends
def test_several_results_come_as_they_are_nested(backend):
    w = [Value(0.1 * i) for i in range(1, 30)]

    def loss(x):
        parts = [(v * x).tanh() for v in w]
        return {"loss": F.sum(parts), "ends": (parts[0], [parts[-1]])}

    with jit(loss, backend=backend).training(optim.SGD(w, lr=1e-12)) as step:
        for i in range(9):
            found, expected = step(0.1 * i), loss(0.1 * i)
            assert found["loss"] == pytest.approx(expected["loss"].data, rel=1e-6)
            first, (last,) = found["ends"]
            assert last == pytest.approx(expected["ends"][1][0].data, rel=1e-6)
            assert first == pytest.approx(expected["ends"][0].data, rel=1e-6)


@backends
def test_a_step_that_cannot_be_made_changes_nothing_and_says_why(backend):
    w = [Value(0.5) for _ in range(60)]
    optimizer = optim.SGD(w, lr=0.1)
    with jit(lambda x: F.sum((v * x).exp() for v in w), backend=backend).training(
        optimizer
    ) as step:
        for _ in range(9):
            step(0.1)
        before = [v.data for v in w], optimizer.steps
        with pytest.raises(NonFiniteError, match="parameter 0 is inf"):
            step(1e10)
        assert before == ([v.data for v in w], optimizer.steps)
        assert math.isfinite(step(0.1))


def test_an_audit_comes_to_steps_that_are_shortcuts(monkeypatch):
    hidden, w = [1.0], [Value(0.5) for _ in range(60)]
    monkeypatch.setitem(sys.modules, KEY, hidden)
    f = in_c(lambda x: F.sum(v * x for v in w) * sys.modules[KEY][0])
    with f.training(optim.SGD(w, lr=0.1)) as step:
        for _ in range(9):
            step(0.1)
        hidden[0] = 2.0
        with pytest.raises(JitError, match=r"Results of calls? \d+.* may be wrong"):
            for _ in range(10**6):
                step(0.1)
        assert step(0.0) == 0.0


KEY = "a module that " + "is not there"


def test_where_c_cannot_look_at_objects_steps_are_made_without(monkeypatch):
    monkeypatch.setattr("micrograd.compiler.training.loaded", lambda: None)
    w = [Value(0.5) for _ in range(60)]
    with in_c(lambda x: F.sum(v * x for v in w)).training(optim.SGD(w, lr=0.1)) as step:
        losses = [step(0.1) for _ in range(9)]
        assert step.shortcut is None
    assert losses == pytest.approx([0.1 * (0.5 * 60 - 0.1 * 0.1 * 60 * i) for i in range(9)])


@backends
def test_two_threads_may_make_steps_of_one_training(backend):
    w = [Value(0.5) for _ in range(60)]
    with jit(lambda x: F.sum(v * x for v in w), backend=backend).training(
        optim.SGD(w, lr=0.1)
    ) as step:
        threads = [
            threading.Thread(target=lambda: [step(0.001) for _ in range(500)]) for _ in range(4)
        ]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert step.optimizer.steps == 2000
    assert w[0].data == pytest.approx(0.5 - 2000 * 0.1 * 0.001)
