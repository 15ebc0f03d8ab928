"""Films of trainings: which steps they keep, what they refuse, how small they are."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stories import story_of

import micrograd.functional as F
from micrograd import Value, data, nn, optim
from micrograd.film import Camera, Film, snapshot
from micrograd.film.camera import chosen
from micrograd.film.packed import in_order, packed, text
from micrograd.nn import ACTIVATIONS
from micrograd.train import fit

X, Y = data.moons(60, seed=0)
SIGNS = 2 * Y - 1


def trained(steps=20, sizes=(4, 1), y=SIGNS, act="relu", loss=F.hinge_loss, points=X, **settings):
    model = nn.MLP(2, list(sizes), act=act, seed=1)
    optimizer = optim.Adam(model.parameters(), 0.05)
    settings = {"progress": False, "film": True, "jit": True, "loss": loss} | settings
    return model, fit(model, points, y, optimizer, steps=steps, **settings)


def story(film):
    """What a page tells its script."""
    return story_of(film._repr_mimebundle_()[0]["text/html"])


@pytest.mark.parametrize("jit", [False, True])
def test_a_film_has_the_weights_before_each_step_and_after_the_last(jit):
    model, history = trained(5, jit=jit)
    film, again = history.film, nn.MLP(2, [4, 1], seed=1)
    assert film.steps == [0, 1, 2, 3, 4, 5] and film.losses[:5] == history.losses
    assert film.weights[0].tolist() == [p.data for p in again.parameters()]
    assert film.weights[-1].tolist() == [p.data for p in model.parameters()]
    wanted = F.hinge_loss([model(x) for x in X], SIGNS).data
    assert film.losses[5:] == [pytest.approx(wanted, rel=1e-12)]


@pytest.mark.parametrize(
    "settings, steps",
    [
        ({"steps": 0}, [0]),
        ({"batch_size": 7, "seed": 1, "jit": False}, [0, 1, 2, 3]),
        ({"on_step": lambda history: len(history.losses) == 2}, [0, 1, 2]),
        ({"film": False}, None),
    ],
)
def test_the_steps_of_a_film_are_those_of_the_training(settings, steps):
    film = trained(**{"steps": 3} | settings)[1].film
    assert (film and film.steps) == steps


def test_an_interrupted_training_ends_its_film():
    def interrupt(history):
        if len(history.losses) == 3:
            raise KeyboardInterrupt

    model, history = trained(9, on_step=interrupt)
    assert history.interrupted and history.film.steps == [0, 1, 2, 3]
    assert history.film.weights[-1].tolist() == [p.data for p in model.parameters()]


@pytest.mark.parametrize("last, most", [(5, 6), (5, 9), (100, 50), (10_000, 178), (3, 2), (0, 1)])
def test_both_ends_are_kept_and_more_of_the_start(last, most):
    kept = chosen(last, most)
    gaps = np.diff(kept)
    assert kept[0] == 0 and kept[-1] == last and len(kept) <= most
    assert (gaps > 0).all() and (np.diff(gaps) >= -1).all()
    assert last >= most or kept == list(range(last + 1))


def test_the_history_of_a_callback_grows_by_a_step_each_time():
    seen = []
    _, history = trained(3, on_step=lambda h: seen.append((len(h.losses), len(h.accuracies))))
    assert seen == [(1, 1), (2, 2), (3, 3)] and len(history.losses) == 3


@pytest.mark.parametrize("act", ACTIVATIONS)
def test_a_film_computes_what_the_model_does(act):
    model = nn.MLP(2, [5, 4, 3], act=act, seed=2)
    film = snapshot(model, X, Y)
    wanted = [[v.data for v in model(x)] for x in X]
    assert film.scores(0, X) == pytest.approx(np.array(wanted), rel=1e-12, abs=1e-14)


class Own:
    """A neuron as a learner writes it, whose activation is a method of Value."""

    def __init__(self, act):
        self.w, self.b, self.act = [Value(0.5), Value(-1.5)], Value(0.25), act

    def __call__(self, x):
        return self.act(sum((w * xi for w, xi in zip(self.w, x)), self.b))


def straight(n):
    return n


class Doubled(nn.MLP):
    def __call__(self, x):
        return 2 * super().__call__(x)


def test_a_learners_own_neuron_can_be_filmed():
    film = snapshot(Own(Value.tanh), X, SIGNS)
    assert film.network.acts == [["tanh"]] and film.network.sizes == [2, 1]


SHOWN = "of the activations relu, tanh, sigmoid, softplus, linear"


@pytest.mark.parametrize(
    "model, points, y, kind, says",
    [
        (lambda x: x, X, Y, TypeError, "a film shows an MLP, a Layer or a Neuron, got function"),
        (nn.MLP(3, [1]), np.ones((4, 3)), Y[:4], ValueError, "X has the shape (4, 3)"),
        (nn.MLP(3, [1]), X, Y, ValueError, "networks of two inputs, this one has 3"),
        (nn.MLP(2, [6]), X, Y, ValueError, "up to 5 classes, this one has 6 outputs"),
        (nn.MLP(2, [4, 1], act=Value.exp), X, Y, ValueError, "neuron 0 of layer 0 has exp"),
        (Own(straight), X, Y, ValueError, "neuron 0 of layer 0 has straight"),
        (Doubled(2, [4, 1], seed=0), X, Y, ValueError, "compute what their layers say"),
        (nn.MLP(2, [200, 200, 1]), X, Y, ValueError, "15000 parameters, this model has 41001"),
        (nn.MLP(2, [1]), [["a", "b"]], [1], TypeError, "points of two numbers, got [['a', 'b']]"),
        (nn.MLP(2, [1]), [[1, np.inf]], [1], ValueError, "finite points, got inf"),
        (nn.MLP(2, [1]), X, Y[:-1], ValueError, "each of 60 points, y has shape (59,)"),
        (nn.MLP(2, [1]), X, ["a"] * 60, TypeError, "a number for each point, got ['a'"),
        (nn.MLP(2, [1]), X, [np.nan] * 60, ValueError, "finite targets, got nan"),
        (nn.MLP(2, [3]), X, SIGNS, ValueError, "classes from 0 to 2, got -1"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_refused_by_name(model, points, y, kind, says):
    with pytest.raises(kind) as error:
        snapshot(model, points, y)
    assert says in str(error.value)


@pytest.mark.parametrize(
    "wrong, kind, says",
    [
        ({"film": 1}, ValueError, "film is True or False, got 1"),
        ({"on_step": 1}, TypeError, "on_step is a function of the history, got 1"),
    ],
)
def test_what_fit_cannot_use_is_refused(wrong, kind, says):
    with pytest.raises(kind) as error:
        trained(**wrong)
    assert says in str(error.value)


def test_nothing_is_trained_where_there_can_be_no_film():
    model = nn.MLP(2, [4, 6], seed=1)
    before = model.state_dict()
    with pytest.raises(ValueError, match="up to 5 classes"):
        fit(model, X, Y, optim.SGD(model.parameters()), loss=F.cross_entropy, film=True)
    assert model.state_dict() == before


def test_floats_in_order_are_whole_numbers_in_order():
    floats = np.array([-np.inf, -3e38, -1.5, -1.0, -1e-40, 0.0, 1e-40, 1.0, 1.5, np.inf], "f4")
    assert (np.diff(in_order(floats).astype(float)) > 0).all()
    back = in_order(in_order(floats).view("f4"))
    assert back.view("f4").tolist() == floats.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("steps, frames", [(100, 101), (1000, 170)])
def test_a_film_of_moons_is_small(steps, frames, tmp_path, score):
    points, y = data.moons(100, seed=0)
    film = trained(steps, (16, 16, 1), 2 * y - 1.0, points=points)[1].film
    page = film.html(tmp_path / "film.html")
    bundle, _ = film._repr_mimebundle_()
    shown = len(bundle["text/html"]) + 4 * len(bundle["image/png"]) // 3
    assert len(film.steps) == frames and max(page.stat().st_size, shown) <= 150_000
    score(f"a film of {steps} steps of 2-16-16-1", 150, f"{page.stat().st_size // 1000} kB")


def test_frames_for_which_there_is_no_room_are_left_out():
    model = nn.MLP(2, [60, 60, 1], seed=1)
    camera, rng = Camera(model, X, SIGNS, 40), np.random.RandomState(0)
    for k in range(40):
        camera.see(k)
        for p, noise in zip(model.parameters(), rng.normal(size=3901)):
            p.data = noise
    camera.end(40)
    film = Film(camera, [])
    told = story(film)
    assert 10 < len(film.steps) <= 15 and len(told["weights"]) <= 96_000
    assert (
        told["steps"][0] == 0 and told["steps"][-1] == 40 and len(told["steps"]) < len(film.steps)
    )


@pytest.mark.parametrize(
    "y, outputs, labels",
    [
        (SIGNS, 1, ["−1", "1"]),
        (Y, 1, ["0", "1"]),
        (X[:, 0], 1, ["≤ 0", "> 0"]),
        (np.arange(60) % 3, 3, ["0", "1", "2"]),
    ],
)
def test_labels_are_the_targets(y, outputs, labels):
    told = story(snapshot(nn.MLP(2, [outputs], seed=0), X, y))
    assert told["labels"] == labels and len(told["classes"]) == 60


def test_the_still_says_in_words_what_it_shows():
    _, history = trained(20, seed=0)
    bundle, metadata = history.film._repr_mimebundle_()
    right = round(60 * F.accuracy([Value(s) for s in history.film.scores(-1, X)[:, 0]], SIGNS))
    alt = metadata["image/png"]["alt"]
    assert alt.startswith(f"MLP 2-4-1 after 20 steps: {right} of 60 points right, loss ")
    assert bundle["image/png"].startswith(b"\x89PNG") and len(bundle["image/png"]) < 20_000
    assert repr(history.film) == bundle["text/plain"] == "<Film of MLP 2-4-1, 20 steps, 21 frames>"
    before_the_script = bundle["text/html"].partition("<script>")[0]
    assert "Run this cell, or trust the notebook, to play it." in before_the_script
    assert alt in before_the_script


def test_a_film_becomes_an_animation(tmp_path):
    _, history = trained(3)
    with Image.open(history.film.gif(tmp_path / "film.gif")) as image:
        image.seek(3)
        assert image.n_frames == 4 and image.info["duration"] == 2000


def test_the_bar_of_a_notebook_is_quiet_and_leaves_nothing():
    nbclient = pytest.importorskip("nbclient")
    v4 = pytest.importorskip("nbformat.v4")
    code = (
        "from micrograd.progress import progress_bar\n"
        "import time\n"
        "for i in progress_bar(range(4), True, desc='training'):\n"
        "    time.sleep(0.2)"
    )
    notebook, seen = v4.new_notebook(cells=[v4.new_code_cell(code)]), []
    client = nbclient.NotebookClient(notebook, timeout=60)
    client.on_notebook_start = None
    note = client.process_message
    client.process_message = lambda m, *rest: seen.append(m["content"]) or note(m, *rest)
    client.execute()
    shown = [content["data"]["text/html"] for content in seen if content.get("data")]
    assert shown and all("<progress" in html and "training" in html for html in shown)
    assert [output.get("data") for output in notebook.cells[0].outputs] == [{}]


@pytest.mark.parametrize("number", ["00", "11", "12"])
def test_a_lesson_shows_a_small_film(number):
    [path] = (Path(__file__).parent.parent / "notebooks").glob(f"{number}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    shown = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    films = [data for data in shown if "microgradFilm" in "".join(data.get("text/html", []))]
    sizes = [sum(len("".join(text)) for text in data.values()) for data in films]
    assert len(sizes) == 1 and max(sizes) <= 150_000


def test_numbers_beyond_float32_are_infinite_without_a_warning():
    whole = np.frombuffer(base64.b64decode(text(np.array([1e39, -1e300, 1.0]))), "<f4")
    assert whole.tolist() == [np.inf, -np.inf, 1.0]
    assert packed(np.array([[1e39], [1.0]]))
