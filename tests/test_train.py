"""The training loop: it learns, shows its progress on stderr, and can be interrupted."""

import math

import numpy as np
import pytest

import micrograd.functional as F
from micrograd import data, nn, optim
from micrograd.compiler.training import Training
from micrograd.train import accuracies, fit


def setup(classes=2, seed=0):
    X, y = data.moons(40, seed=seed) if classes == 2 else data.blobs(40, seed=seed)
    model = nn.MLP(2, [16, 1 if classes == 2 else classes], seed=seed)
    return model, X, 2 * y - 1 if classes == 2 else y, optim.Adam(model.parameters(), lr=0.05)


@pytest.mark.slow
def test_a_classifier_learns_moons():
    model, X, y, optimizer = setup()
    history = fit(model, X, y, optimizer, steps=120, progress=False)
    assert len(history.losses) == len(history.accuracies) == 120 and not history.interrupted
    assert history.losses[-1] < 0.2 * history.losses[0]
    assert F.accuracy([model(x) for x in X], y) >= 0.95


def test_several_classes_are_learned_from_cross_entropy():
    model, X, y, optimizer = setup(classes=3)
    history = fit(model, X, y, optimizer, loss=F.cross_entropy, steps=40, progress=False)
    assert history.accuracies[-1] == 1.0


def test_batches_are_drawn_by_seed():
    runs = []
    for seed in (1, 1, 2):
        model, X, y, optimizer = setup()
        run = fit(model, X, y, optimizer, steps=5, batch_size=10, seed=seed, progress=False)
        runs.append(run.losses)
    assert runs[0] == runs[1] != runs[2]


def test_the_bar_is_on_stderr_with_loss_and_accuracy(capsys):
    model, X, y, optimizer = setup()
    fit(model, X, y, optimizer, steps=3)
    out, err = capsys.readouterr()
    assert out == "" and "loss=" in err and "accuracy=" in err and "3/3" in err


def test_an_interrupted_training_keeps_what_was_learned():
    model, X, y, optimizer = setup()
    calls = 0

    def interrupted_loss(scores, targets):
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        return F.hinge_loss(scores, targets)

    history = fit(model, X, y, optimizer, loss=interrupted_loss, steps=10, progress=False)
    twin, _, _, other = setup()
    fit(twin, X, y, other, steps=3, progress=False)
    assert history.interrupted and len(history.losses) == 3
    assert model.state_dict() == twin.state_dict()


def test_a_compiled_training_that_is_interrupted_tells_of_the_steps_it_made(monkeypatch):
    X, y = data.moons(40, seed=0)
    histories, use = [], Training.use

    def use_until(self, new):
        use(self, new)
        if self.optimizer.steps == last:
            raise KeyboardInterrupt

    monkeypatch.setattr(Training, "use", use_until)
    for last in (37, 100):
        model = nn.MLP(2, [16, 1], seed=0)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        histories.append(fit(model, X, 2 * y - 1, optimizer, steps=90, progress=False, jit=True))
        assert optimizer.steps == min(last, 90)
    short, whole = histories
    assert short.interrupted and not whole.interrupted and len(whole.losses) == 90
    assert 36 <= len(short.losses) == len(short.accuracies) <= 37
    assert short.losses == pytest.approx(whole.losses[: len(short.losses)], rel=1e-12)


def test_a_training_out_of_bounds_stops_at_the_step_before():
    model, X, y, _ = setup()
    optimizer = optim.SGD(model.parameters(), lr=1e200)
    with pytest.raises(optim.NonFiniteError):
        fit(model, X, y, optimizer, loss=F.mse_loss, steps=10, progress=False)
    assert all(abs(p.data) < float("inf") for p in model.parameters())


def test_x_and_y_of_different_lengths_are_refused():
    model, X, y, optimizer = setup()
    for targets in (y[:-1], [*y, 1]):
        with pytest.raises(ValueError, match=r"fit\(\) needs a target for each sample, got 40 and"):
            fit(model, X, targets, optimizer, progress=False)


@pytest.mark.parametrize(
    ("wrong", "kind", "says"),
    [
        ({"X": None}, TypeError, "fit() needs X as a list or array, got NoneType"),
        ({"y": None}, TypeError, "fit() needs y as a list or array, got NoneType"),
        ({"steps": True}, ValueError, "steps is a whole number from 0, got True"),
        ({"batch_size": True}, ValueError, "batch_size is from 1 to the 40 samples, got True"),
        ({"seed": "a"}, ValueError, "seed is a whole number or None, got 'a'"),
        ({"jit": "yes"}, ValueError, "jit is True, False, 'numpy', 'c' or 'xla', got 'yes'"),
        ({"model": nn.MLP(2, [1])}, ValueError, "an optimizer of the model's parameters"),
    ],
)
def test_what_cannot_be_trained_gets_a_sentence_that_names_it(wrong, kind, says):
    model, X, y, optimizer = setup()
    rest = {"model": model, "X": X, "y": y, "optimizer": optimizer, "progress": False} | wrong
    with pytest.raises(kind) as error:
        fit(**rest)
    assert says in str(error.value)


INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("scores", "targets"),
    [
        ([0.5, -0.5, 0.0, NAN, INF, -INF, 0.0], [1, 1, 1, 1, 1, -1, -1]),
        ([0.5, -0.5, NAN], [0.0, 0.0, 0.0]),
        ([[1.0, 2.0, 2.0], [NAN, 1.0, 0.0], [0.0, 1.0, NAN], [INF, INF, 0.0]], [1, 0, 1, 1]),
        ([[1.0], [NAN]], [0, 0]),
    ],
)
def test_the_accuracies_of_many_steps_are_those_of_each(scores, targets):
    flat = np.array(scores).ravel().tolist()
    found = accuracies([[9.0, *flat]] * 2, [targets, list(targets)], np.shape(scores))
    assert found == [F.accuracy(scores, targets)] * 2


class InTwoParts:
    """Scores that are tuples, as no network of ours has them."""

    def __init__(self):
        self.net = nn.MLP(2, [3], seed=0)

    def parameters(self):
        return self.net.parameters()

    def __call__(self, x):
        return tuple(self.net(x))


@pytest.mark.parametrize("batch_size", [None, 8])
def test_a_compiled_training_tells_what_the_engines_does(batch_size, capsys):
    X, y = data.blobs(30, seed=0)
    told = []
    for jit in (False, True):
        model = InTwoParts()
        settings = {"loss": F.cross_entropy, "batch_size": batch_size, "seed": 1, "steps": 450}
        history = fit(model, X, y, optim.SGD(model.parameters(), lr=0.1), jit=jit, **settings)
        told.append((np.round(history.losses, 9).tolist(), history.accuracies))
        assert "450/450" in capsys.readouterr().err
    assert told[0] == told[1] and len(told[1][0]) == 450


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("batch_size", [None, 5])
def test_targets_may_be_rows_that_a_loss_of_ones_own_takes(jit, batch_size):
    X, y = data.blobs(12, seed=0)
    histories = []
    for targets, row in ((np.eye(3)[y], lambda t: t), (y, lambda t: [t == i for i in range(3)])):
        model = nn.MLP(2, [4, 3], seed=0)

        def loss(scores, targets, row=row):
            rows = ([F.softmax(s), row(t)] for s, t in zip(scores, targets))
            return F.mean([F.mse_loss(*pair) for pair in rows])

        optimizer = optim.Adam(model.parameters(), lr=0.05)
        settings = {"steps": 9, "batch_size": batch_size, "seed": 0, "jit": jit, "loss": loss}
        histories.append(fit(model, X, targets, optimizer, progress=False, **settings))
    assert histories[0].losses == pytest.approx(histories[1].losses, rel=1e-12)
    assert histories[0].accuracies == histories[1].accuracies
