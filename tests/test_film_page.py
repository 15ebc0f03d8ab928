"""A film in a browser: it computes what the engine does, plays, answers, and fits its page."""

import numpy as np
import pytest
from test_film import SIGNS, X, trained
from test_player_browser import exported
from test_player_page import GUESTS

import micrograd.functional as F
from micrograd import data, nn, plot
from micrograd.film import page as film_page
from micrograd.film import snapshot
from micrograd.film.packed import packed
from micrograd.nn import ACTIVATIONS

HERE = """
const go = (k) => {
  const [slider] = all(".slider");
  slider.value = k;
  slider.dispatchEvent(new Event("input"));
};
const frame = () => all(".frame")[0];
const over = (element, type, more = {}) =>
  element.dispatchEvent(new PointerEvent(type, { pointerType: "mouse", bubbles: true, ...more }));
const atPlace = (x, y, type = "pointermove") => {
  const box = all(".map")[0].getBoundingClientRect();
  over(all(".map")[0], type, { clientX: box.x + x * box.width, clientY: box.y + y * box.height });
};
"""


def at(page, script, *arguments):
    """What a script returns that may use the functions above."""
    return page.run(HERE + script, *arguments)


def hover(page, selector):
    """Moves the mouse to an element."""
    x, y = page.middle(selector)
    page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)


@pytest.fixture
def shown(browser):
    """A function that opens a page, or what a notebook shows of a film, when its map is there."""

    def shown(content, **settings):
        if not isinstance(content, str) and hasattr(content, "_repr_mimebundle_"):
            content = content._repr_mimebundle_()[0]["text/html"]
            content = f"<html><head></head><body>{content}</body></html>"
        opened = browser.open(content, **settings)
        opened.wait("all('.map').length && all('.frame')[0].dataset.theme")
        return opened

    return shown


def scripts(browser):
    return browser.open(f"<script>{film_page.scripts()}</script>")


@pytest.mark.parametrize("act", ACTIVATIONS)
def test_the_page_computes_the_scores_of_the_engine(act, browser):
    """To a millionth of the largest score, at 200 points, from weights as the page has them."""
    model, history = trained(30, (8, 3), np.arange(60) % 3, act, F.cross_entropy)
    network, points = history.film.network, np.random.RandomState(1).normal(size=(200, 2)) * 2
    script = """
    const [table, rows, sizes, acts, xs, ys] = arguments;
    const weights = (await microgradRows(table, rows))[rows - 1];
    return microgradNetwork(sizes, acts).outputs(weights, [xs, ys]).at(-1).map((s) => [...s]);"""
    table = packed(history.film.weights)
    found = scripts(browser).run(
        script, table, 31, network.sizes, network.acts, *points.T.tolist()
    )  # fmt: skip
    wanted = np.array([[v.data for v in model(x)] for x in points])
    assert np.abs(np.array(found).T - wanted).max() <= 1e-6 * np.abs(wanted).max()


def test_the_page_unpacks_all_floats(browser):
    rng = np.random.RandomState(0)
    bits = rng.randint(-(2**31), 2**31, size=(7, 50)).astype("i4").view("f4")
    table = np.where(np.isfinite(bits), bits, 0.0)
    script = "return (await microgradRows(arguments[0], 7)).map((row) => [...row])"
    assert scripts(browser).run(script, packed(table)) == table.tolist()


def test_it_goes_through_all_steps_and_says_what_is_there(shown):
    _, history = trained(12)
    page = shown(history.film)
    script = """
    const seen = [];
    for (let k = 0; k <= Number(all(".slider")[0].max); k++) {
      go(k);
      seen.push([texts(".count")[0], texts(".told")[0], texts(".chart-value")]);
    }
    return seen;"""
    seen = at(page, script)
    assert [count for count, _, _ in seen] == [f"step {k} / 12" for k in range(13)]
    for k, (_, told, (loss, right)) in enumerate(seen):
        assert loss == f"{history.film.losses[k]:.4f}"
        assert right == f"{history.film.right(k)} of 60"
        steps = "step" if k == 1 else "steps"
        assert f"After {k} {steps}: loss {loss}, {right} points right" in told


def test_it_plays_to_the_end_and_stops_when_asked(shown):
    page = shown(trained(12)[1].film)
    page.click(".first")
    page.click(".play")
    page.skip(2)
    page.click(".play")
    step = at(page, "return Number(frame().dataset.step)")
    page.skip(5)
    assert at(page, "return Number(frame().dataset.step)") == step and 0 < step < 12
    page.click(".play")
    page.skip(60)
    assert at(page, "return [frame().dataset.step, all('.play')[0].title]") == ["12", "play"]


def test_keys_step_play_and_choose_neurons_and_points(shown):
    page = shown(trained(12)[1].film)
    at(page, "frame().focus()")
    seen = "return [frame().dataset.step, frame().dataset.chosen, frame().dataset.point]"
    for key, state in [
        ("Home", ["0", None, None]),
        ("ArrowRight", ["1", None, None]),
        ("ArrowDown", ["1", "0.0", ""]),
        ("ArrowDown", ["1", "0.1", ""]),
        ("ArrowDown", ["1", "1.0", ""]),
        ("PageDown", ["1", "", "0"]),
        ("PageDown", ["1", "", "1"]),
        ("PageUp", ["1", "", "0"]),
        ("PageUp", ["1", "", ""]),
        ("ArrowUp", ["1", "2.0", ""]),
        ("End", ["12", "2.0", ""]),
    ]:
        page.press(key)
        assert at(page, seen) == state, key
    page.press("Home")
    page.press("Space")
    assert at(page, "return all('.play')[0].title") == "pause"


def test_a_neuron_under_the_pointer_is_shown_in_large_and_told(shown):
    model, history = trained(12)
    page = shown(history.film)
    hover(page, "[data-neuron='1.2']")
    neuron = model.layers[0].neurons[2]
    numbers = [f"{abs(p.data):.2f}" for p in (*neuron.w, neuron.b)]
    assert page.texts(".view-name") == ["layers[0].neurons[2]"]
    assert all(number in page.texts(".asked")[0] for number in numbers)
    assert "relu(" in page.texts(".asked")[0]
    hover(page, ".view-name")
    assert page.texts(".view-name") == ["what the network says"]
    page.click("[data-neuron='1.1']")
    hover(page, "[data-neuron='1.2']")
    assert page.texts(".view-name") == ["layers[0].neurons[1]"]  # it stays until it is clicked
    page.click("[data-neuron='1.1']")
    assert page.texts(".view-name") == ["what the network says"]


def test_at_a_point_every_neuron_says_its_number(shown):
    model, history = trained(12)
    page = shown(history.film)
    at(page, "frame().focus()")
    for _ in range(3):
        page.press("PageDown")
    hidden = [v.data for v in model.layers[0](X[2])]
    score = model(X[2]).data
    wanted = [*X[2], *hidden, score]
    assert [float(text.replace("−", "-")) for text in page.texts(".says")] == pytest.approx(
        wanted, abs=0.051
    )
    verdict = "right" if (score > 0) == (SIGNS[2] > 0) else "wrong"
    assert page.texts(".asked")[0].endswith(f"score {score:.2f}, {verdict}.".replace("-", "−"))
    place = "return all('.map')[0].getBoundingClientRect().width > 0 && frame().dataset.point"
    low, high = X.min(axis=0), X.max(axis=0)
    margin = 0.15 * (high - low)
    x, y = (X[5] - low + margin) / (high - low + 2 * margin)
    at(page, "atPlace(arguments[0], arguments[1])", x, 1 - y)
    assert at(page, place) == "5"
    at(page, "atPlace(0.02, 0.02)")
    assert at(page, place) == "-1" and page.texts(".asked")[0].startswith("At (")
    at(page, "atPlace(0, 0, 'pointerleave')")
    assert at(page, place) == "" and set(page.texts(".says")) == {""}


def test_a_press_in_a_chart_leads_to_its_step(shown):
    page = shown(trained(20)[1].film)
    script = """
    const svg = all(".loss svg")[0], box = svg.getBoundingClientRect();
    svg.setPointerCapture = () => {};
    const clientX = box.x + (32 + 0.5 * (190 - 36)) / 190 * box.width;
    over(svg, "pointerdown", { buttons: 1, clientX });
    return Number(frame().dataset.step);"""
    assert at(page, script) == 10


def test_dead_neurons_are_those_that_say_zero_at_every_point(shown):
    model, history = trained(6, (12, 12, 1))
    outputs = [[model.layers[0](x) for x in X]]
    outputs.append([model.layers[1](h) for h in outputs[0]])
    dead = [
        f"{layer + 1}.{i}"
        for layer, rows in enumerate(outputs)
        for i in range(12)
        if all(row[i].data == 0 for row in rows)
    ]
    page = shown(history.film)
    page.wait("all('.dead').length")
    assert at(page, "return all('.dead').map((e) => e.dataset.neuron)") == dead != []
    number = f"{len(dead)} dead neuron" + ("s." if len(dead) > 1 else ".")
    assert page.texts(".told")[0].endswith(number)


def classes(k):
    points, y = data.blobs(60, centers=k, seed=0)
    return trained(8, (5, k), y.tolist(), "tanh", F.cross_entropy, points=points)[1].film


@pytest.mark.parametrize("k", [2, 5])
def test_several_classes_have_their_colours_and_scores(k, shown):
    film = classes(k)
    page = shown(film)
    assert page.texts(".legend > span") == [str(c) for c in range(k)]
    assert page.texts(".chart-value")[1] == f"{film.right(-1)} of 60"
    at(page, "atPlace(0.5, 0.5)")
    assert page.texts(".asked")[0].count(",") == k and page.errors() == []


def test_a_snapshot_is_a_page_without_steps(shown):
    page = shown(snapshot(nn.Neuron(2, act="tanh", seed=1), X, SIGNS))
    assert at(page, "return all('.slider, .chart').length") == 0
    assert "of 60 points right." in page.texts(".told")[0] and page.errors() == []


@pytest.mark.parametrize("around", GUESTS)
@pytest.mark.parametrize("width", [1280, 700, 400])
def test_the_page_never_scrolls_sideways_and_letters_have_their_size(around, width, browser):
    html = trained(12, (16, 16, 1))[1].film._repr_mimebundle_()[0]["text/html"]
    if around == "Jupyter":
        html = html.replace("max-width: 60px", "")
    page = browser.open(GUESTS[around].format(html), width=width)
    page.wait("all('.map').length")
    if around == "hostile":
        at(page, "document.querySelector('style').remove()")
    assert at(page, "return document.documentElement.scrollWidth") <= width
    letters = "text, .layer, .input, .key, .told, .asked, .count, .view-name, .legend"
    sizes = [size for _, size in page.letters(letters)]
    assert len(sizes) > 10 and min(sizes) >= 9
    assert page.errors() == []


@pytest.mark.parametrize("width", [1280, 700, 400])
def test_what_is_below_does_not_move(width, shown):
    page = shown(trained(12, (16, 16, 1))[1].film, width=width)
    script = """
    const seen = new Set();
    for (let k = 0; k <= 12; k += 3) {
      go(k);
      for (const id of ["0.0", "1.3", "2.0", "3.0"]) {
        const neuron = all(`[data-neuron="${id}"]`)[0];
        over(neuron, "pointerenter");
        seen.add(document.documentElement.scrollHeight);
        over(neuron, "pointerleave");
      }
      atPlace(0.4, 0.4);
      seen.add(document.documentElement.scrollHeight);
    }
    return [...seen];"""
    assert len(at(page, script)) == 1


def test_a_saved_page_asks_nobody_for_anything(tmp_path, browser):
    page = browser.open("<p>before</p>")
    page.call("Network.enable")
    page.go(trained(6)[1].film.html(tmp_path / "film.html"))
    page.wait("all('.map').length")
    page.click(".first")
    asked = [event["request"]["url"] for event in page.seen("Network.requestWillBeSent")]
    assert {url.partition(":")[0] for url in asked} <= {"file", "blob", "data"}
    assert page.errors() == []


def test_it_plays_in_an_exported_notebook(shown):
    page = shown(exported(trained(6)[1].film), width=900)
    page.click(".first")
    assert page.texts(".count") == ["step 0 / 6"]


def test_every_control_has_a_name_and_playing_is_not_read_aloud(shown):
    page = shown(trained(12)[1].film)
    script = """
    const controls = all("button, input, select, [role=img], [role=group]");
    const name = (e) => e.ariaLabel || e.textContent.trim();
    const live = () => all(".say")[0].getAttribute("aria-live");
    const before = live();
    all(".first")[0].click();
    all(".play")[0].click();
    return [controls.length, controls.filter((e) => !name(e)).length, before];"""
    assert at(page, script) == [10, 0, "polite"]
    page.skip(1)
    assert at(page, "return all('.say')[0].getAttribute('aria-live')") == "off"


@pytest.mark.parametrize("ink, theme", [("#222", "light"), ("#ddd", "dark")])
def test_the_maps_take_the_colours_of_the_theme(ink, theme, shown):
    html = trained(12)[1].film._repr_mimebundle_()[0]["text/html"]
    page = shown(f"<html><head></head><body style='color: {ink}'>{html}</body></html>")
    script = """
    const dots = all(".map")[0].getContext("2d").getImageData(0, 0, 400, 400).data;
    let sum = 0;
    for (let i = 0; i < dots.length; i += 4) sum += dots[i] + dots[i + 1] + dots[i + 2];
    return [frame().dataset.theme, sum / dots.length * 4 / 3];"""
    page.wait("all('.map')[0].getContext('2d').getImageData(9, 9, 1, 1).data[3]")  # is drawn
    found, light = at(page, script)
    assert found == theme and (light > 140) == (theme == "light")


def test_the_colours_of_classes_are_those_of_the_pictures():
    style = film_page.asset("film.css")
    assert all(f"--c{c}: {colour};" in style for c, colour in enumerate(plot.CLASS_COLORS))
