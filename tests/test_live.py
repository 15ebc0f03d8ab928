"""Live training: what can be set, that one's own model is trained, and the view in Jupyter."""

import re
import time

import pytest
from browser import until
from test_jupyter import PATHS, ran_the_cell, served

import micrograd.functional as F
from micrograd import Value, data, nn, optim
from micrograd.train import fit

pytest.importorskip("anywidget")

from micrograd.live import live
from micrograd.live.session import DATASETS, Toy

__all__ = ["served"]  # a fixture

X, Y = data.moons(40, seed=0)
SIGNS = 2.0 * Y - 1


def own(**settings):
    model = nn.MLP(2, [4, 1], seed=1)
    return model, live(model, X, SIGNS, held=0, **{"optimizer": "sgd", "lr": 0.1} | settings)


def told(view, *messages):
    """What a view sends to its page, which asks for something."""
    sent = []
    view.send = lambda content, buffers=None: sent.append(content)
    for message in messages:
        view.asked(view, message, [])
    return sent


@pytest.mark.parametrize("jit", [False, True])
def test_the_learners_own_model_is_trained_as_fit_does_it(jit):
    model, view = own(jit=jit)
    frame = told(view, {"do": "speed", "with": [5]}, {"do": "step"})[-1]["frame"]
    twin = nn.MLP(2, [4, 1], seed=1)
    history = fit(twin, X, SIGNS, optim.SGD(twin.parameters(), 0.1), steps=5, progress=False)
    assert view.session.losses == pytest.approx(history.losses, rel=1e-12)
    assert model.state_dict() == pytest.approx(twin.state_dict(), rel=1e-12)
    assert frame["step"] == 5 and frame["held"] is None
    assert frame["loss"] == pytest.approx(F.hinge_loss([model(x) for x in X], SIGNS).data)


def test_an_optimizer_of_ones_own_is_used_as_it_is():
    model = nn.MLP(2, [4, 1], seed=1)
    optimizer = optim.Adam(model.parameters(), optim.linear(0.1, 0.01, 50))
    view = live(model, X, SIGNS, optimizer=optimizer)
    told(view, {"do": "step"})
    settings = view.session.story()["settings"]
    assert optimizer.steps == 1 and settings["optimizer"] == "own"
    assert settings["lr"] == pytest.approx(0.0982) and "data" not in settings
    told(view, {"do": "restart"})
    assert optimizer.steps == 0 and not any(optimizer.state[0])


def test_a_share_is_held_out_and_not_trained_on():
    view = live("moons", held=0.25)
    session = view.session
    assert len(session.held) == 25 and len(session.train) == 75
    rows = {tuple(row) for row in session.train} | {tuple(row) for row in session.test}
    frame = told(view, {"do": "hello"})[-1]["frame"]
    wanted = F.hinge_loss([session.model(x) for x in session.test], session.tests).data
    assert len(rows) == 100 and frame["held"] == pytest.approx(wanted)


def test_going_back_begins_with_the_same_weights():
    model, view = own()
    before = model.state_dict()
    told(view, {"do": "step"})
    assert model.state_dict() != before
    sent = told(view, {"do": "restart"})
    assert model.state_dict() == before and sent[-1]["frame"]["step"] == 0


@pytest.mark.parametrize("name", DATASETS)
def test_every_data_set_can_be_trained_on(name):
    view = live(name)
    first = told(view, {"do": "hello"})[-1]["frame"]["loss"]
    told(view, {"do": "speed", "with": [30]})
    assert told(view, {"do": "step"})[-1]["frame"]["loss"] < first


@pytest.mark.parametrize(
    "name, text, value",
    [
        ("data", "xor", "xor"),
        ("points", "60", 60),
        ("noise", "0.3", 0.3),
        ("held", "0", 0),
        ("hidden", "3, 2", (3, 2)),
        ("hidden", "", ()),
        ("act", "relu", "relu"),
        ("seed", "7", 7),
        ("lr", 0.5, 0.5),
        ("optimizer", "momentum", "momentum"),
    ],
)
def test_what_is_set_is_told_back(name, text, value):
    view = live("moons")
    sent = told(view, {"do": "set", "with": [name, text]})
    settings = sent[0]["settings"] if "settings" in sent[0] else sent[0]["story"]["settings"]
    assert settings[name] == value


@pytest.mark.parametrize(
    "name, text, says",
    [
        ("noise", "x", "noise needs a number, got 'x'"),
        ("points", "3", "points is from 10 to 1000, got 3"),
        ("held", "1", "held is from 0 to 0.9, got 1"),
        ("hidden", "4 99", "a hidden layer is from 1 to 32, got 99"),
        ("act", "step", "act is one of relu, tanh"),
        ("seed", "-1", "seed is a whole number from 0"),
        ("lr", 0, "lr is from 1e-06"),
        ("optimizer", "own", "optimizer is one of sgd, momentum, adam, got 'own'"),
        ("colour", "red", "the live view sets no 'colour'"),
    ],
)
def test_what_cannot_be_set_is_a_sentence_in_the_view(name, text, says):
    view = live("moons")
    before = view.session.story()
    sent = told(view, {"do": "set", "with": [name, text]})
    assert says in sent[-1]["error"]
    assert view.session.story() == before


@pytest.mark.parametrize(
    "arguments, kind, says",
    [
        ((nn.MLP(2, [1]),), TypeError, "live() needs X and y beside a model"),
        (("moon",), ValueError, "data is one of moons, circles"),
        ((nn.MLP(2, [1]), X, SIGNS, 1.0), ValueError, "held is from 0 to 0.9, got 1.0"),
        ((nn.MLP(3, [1]), X, SIGNS), ValueError, "networks of two inputs"),
    ],
)
def test_what_cannot_be_trained_is_refused(arguments, kind, says):
    *places, held = arguments if len(arguments) == 4 else (*arguments, 0.2)
    with pytest.raises(kind) as error:
        live(*places, held=held)
    assert says in str(error.value)


def test_an_optimizer_of_another_model_is_refused():
    other = optim.SGD(nn.MLP(2, [1]).parameters())
    with pytest.raises(ValueError, match=r"live\(\) needs an optimizer of the model's parameters"):
        live(nn.MLP(2, [1]), X, SIGNS, optimizer=other)


def test_a_loss_that_wants_other_labels_says_so_in_the_view():
    view = live(nn.MLP(2, [1], seed=0), X, Y)
    first = told(view, {"do": "hello"})[-1]["frame"]
    assert first["loss"] is None and "ValueError: hinge_loss() needs targets" in first["error"]
    assert "hinge_loss() needs targets" in told(view, {"do": "step"})[-1]["error"]


def test_a_training_out_of_bounds_says_so_and_keeps_its_weights():
    model = nn.MLP(2, [1], seed=0)
    view = live(model, X, SIGNS, loss=F.mse_loss, optimizer="sgd", lr=1e6, jit=False)
    told(view, {"do": "speed", "with": [100]})
    assert "NonFiniteError" in told(view, {"do": "step"})[-1]["error"]
    assert all(abs(p.data) < float("inf") for p in model.parameters())


def test_closing_leaves_the_film_of_what_was_trained():
    _, view = own()
    told(view, {"do": "step"}, {"do": "step"}, {"do": "step"})
    film = view.session.film()
    assert film.steps == [0, 1, 2, 3] and len(film.losses) == 4
    shown, view.shown = [], type("Handle", (), {"update": lambda *a, **k: shown.append(a[1])})()
    told(view, {"do": "close"})
    assert "microgradFilm" in shown[0]["text/html"] and "image/png" in shown[0]


def test_a_data_set_comes_with_its_own_noise():
    view = live("spirals")
    noises = [view.session.toy.noise]
    for name in ("circles", "square"):
        told(view, {"do": "set", "with": ["data", name]})
        noises.append(view.session.toy.noise)
    assert noises == [0.02, 0.05, 0.0]


def test_a_toy_is_the_same_for_its_seed():
    (one, *_), (two, *_), (other, *_) = (Toy(seed=k).made() for k in (1, 1, 2))
    assert one.state_dict() == two.state_dict() != other.state_dict()


def step(page):
    return int(re.search(r"step (\d+)", page.texts(".count")[0])[1])


def played(page, seconds):
    """How many frames came in a time, while it plays."""
    first, began = step(page), time.monotonic()
    until(lambda: step(page) > first and time.monotonic() > began + seconds, "frames")
    return (step(page) - first) / (time.monotonic() - began)


def write(page, selector, text, event):
    script = "const [e] = all(arguments[0]); e.value = arguments[1];"
    page.run(script + "e.dispatchEvent(new Event(arguments[2]))", selector, text, event)


@pytest.mark.slow
@pytest.mark.parametrize("program", PATHS)
def test_a_training_is_steered_in_a_live_notebook(program, served, browser):
    cell = "from micrograd.live import live\nlive('moons', jit=False)"
    page = browser.open(served(program, cell), width=1300, height=1000)
    page.wait("all('.jp-Notebook-ExecutionIndicator[data-status=idle]').length")
    until(lambda: ran_the_cell(page), "the cell to run")
    page.wait("texts('.count').includes('step 0')")
    page.click(".forward")
    page.wait("texts('.count').includes('step 1')")
    page.click(".play")
    assert played(page, 2) > 0
    page.click(".play")
    page.wait("all('.frame')[0].dataset.playing === 'false'")
    page.click(".play")
    assert played(page, 1) > 0
    page.click("[data-command='notebook:interrupt-kernel']")
    page.wait("all('.frame')[0].dataset.playing === 'false'")
    stopped = step(page)
    write(page, ".rate", "0", "input")
    page.wait("texts('output').includes('1')")
    write(page, ".past", "0", "input")
    page.wait(f"texts('.count').includes('step 0 of {stopped}')")
    write(page, "input.noise", "x", "change")
    page.wait("texts('.error')[0].includes('noise needs a number')")
    write(page, "input.hidden", "3", "change")
    page.wait("all('.neuron').length === 6 && texts('.count').includes('step 0')")
    page.click(".play")
    assert played(page, 1) > 0
    assert ran_the_cell(page) == 1  # again, while it plays
    page.wait("texts('.count').includes('step 0')")
    page.click(".play")
    assert played(page, 1) > 0
    page.click(".close")
    page.wait("texts('.count').some((text) => /^step (\\d+) . \\1$/.test(text))")
    assert page.run("return all('.rate').length") == 0


def test_a_value_is_no_model():
    with pytest.raises(TypeError, match="a film shows an MLP"):
        live(Value(1.0), X, SIGNS)
