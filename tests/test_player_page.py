"""The player as a page: readable whatever is around it, quick, and nothing jumps."""

import re

import pytest
from test_player import labelled, neuron
from test_player_browser import exported

import micrograd.functional as F
from micrograd import Value, data, nn
from micrograd.expression import FUNCTIONS, evaluate
from micrograd.player import step_through

LEAST = 9  # pixels of a letter


def network(k=1, **settings):
    """A player of the loss of a 2-2-1 network at k points."""
    X, y = data.moons(10, seed=0)
    model = nn.MLP(2, [2, 1], seed=0, act="tanh")
    loss = labelled(F.hinge_loss([model(x) for x in X[:k]], 2 * y[:k] - 1), "loss")
    return step_through(loss, names={"model": model}, **settings)


def fragment(player):
    return player._repr_mimebundle_()[0]["text/html"]


HOSTILE_STYLE = """<style>
* { max-width: 60px !important; font-size: 4px !important; letter-spacing: 9px !important;
    color: lime !important; display: block !important; transform: scale(0.5) !important }
svg, svg * { width: 10px !important; height: 10px !important; fill: none !important }
button, input, select, text { display: none !important }
</style>"""

GUESTS = {  # what stands around a player
    "a page": "{}",
    "Jupyter": "<style>.out svg, .out img {{ max-width: 100%; height: auto }}</style>"
    "<div class='out' style='width: 300px'>{}</div>",
    "hostile": HOSTILE_STYLE.replace("{", "{{").replace("}", "}}") + "{}",
}


@pytest.mark.parametrize("around", GUESTS)
@pytest.mark.parametrize("width", [1280, 400])
def test_letters_have_their_size_whatever_is_around(around, width, browser):
    page = browser.open(GUESTS[around].format(fragment(network())), width=width)
    page.click(".last") if around != "hostile" else page.run("all('.last')[0].click()")
    if around == "hostile":
        page.run("document.querySelector('style').remove()")  # it scales what it cannot style
    sizes = [size for _, size in page.letters(".view text")]
    assert len(sizes) > 50 and min(sizes) >= LEAST


@pytest.mark.parametrize("width", [1280, 400])
def test_letters_have_their_size_in_an_exported_notebook(width, browser):
    page = browser.open(exported(network(8)), width=width)
    sizes = [size for _, size in page.letters(".view text")]
    assert len(sizes) > 500 and min(sizes) >= LEAST


def test_a_wide_graph_scrolls_within_the_player_and_follows_the_node_at_work(browser):
    page = browser.open(fragment(network(3)), width=400)
    script = """
    const view = all(".view")[0], seen = [];
    while (all(".count")[0].textContent.split(" / ")[0] < Number(all(".slider")[0].max)) {
      all(".forward")[0].click();
      const [box] = all(".on .box").map((e) => e.getBoundingClientRect());
      const around = view.getBoundingClientRect();
      seen.push(box.left >= around.left && box.right <= around.right
        && box.top >= around.top && box.bottom <= around.bottom);
    }
    return [seen.length, seen.every(Boolean), document.documentElement.scrollWidth];"""
    steps, all_seen, wide = page.run(script)
    assert steps > 30 and all_seen and wide == 400


def test_the_picture_can_be_made_to_fit_and_is_itself_again(browser):
    page = browser.open(fragment(network()), width=700)
    wide = "const [v] = all('.view'); return [v.scrollWidth > v.clientWidth, all('svg[role]')[0]"
    wide += ".getBoundingClientRect().width <= v.clientWidth]"
    before = page.run(wide)
    page.click(".fit")
    fits = page.run(wide)
    page.click(".fit")
    assert (before, fits, page.run(wide)) == ([True, False], [False, True], [True, False])


@pytest.mark.parametrize(
    "name, step", [("out", 4), ("v1", 5), ("m", 6), ("b", 6), ("x", 7), ("w", 7)]
)
def test_a_clicked_box_leads_to_the_step_that_completes_its_gradient(name, step, browser):
    page = browser.open(fragment(step_through(neuron())), width=1600)
    i = page.texts(".name").index(name)
    page.click(f"[data-node='{i}'] .box")
    assert page.run("return Number(all('.frame')[0].dataset.step)") == step


@pytest.mark.parametrize("predict", [False, True])
@pytest.mark.parametrize("width", [1280, 400])
def test_what_is_below_does_not_move(predict, width, browser):
    page = browser.open(fragment(network(2, predict=predict)) + "<p id='below'>b</p>", width=width)
    script = """
    const seen = new Set(), below = document.getElementById("below");
    for (let k = 0; k <= Number(all(".slider")[0].max); k++) {
      seen.add(below.offsetTop);
      const [show] = all("form button").slice(1);
      if (show) { show.click(); seen.add(below.offsetTop); }
      all(".forward")[0].click();
    }
    return [...seen];"""
    assert len(page.run(script)) == 1


def test_a_step_changes_only_what_changes(browser):
    page = browser.open(fragment(network(8)))
    page.wait("document.querySelector('[data-shown]')")  # a large story is unpacked first
    script = """
    let writes = 0, worst = 0;
    const watch = new MutationObserver((records) => { writes += records.length; });
    const [picture] = all("svg[role]");
    watch.observe(picture, {
      subtree: true, childList: true, attributes: true, characterData: true });
    for (let k = 0; k < Number(all(".slider")[0].max); k++) {
      all(".forward")[0].click();
      await null;
      worst = Math.max(worst, writes);
      writes = 0;
    }
    return [all("[data-node]").length, worst];"""
    nodes, worst = page.run(script)
    assert nodes > 100 and 10 < worst < 100


# Predicting

CALCULATIONS = [
    ("2", 2), ("-2", -2), ("−2.5", -2.5), ("3 * -0.5", -1.5), ("3 × 0,5", 1.5), ("2·3", 6),
    ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("8 / 4 / 2", 1), ("7 - 2 - 1", 4), ("2**3**2", 512),
    ("-3**2", -9), ("(-3)**2", 9), ("2**-1", 0.5), ("1e-3", 0.001), (".5", 0.5), ("5.", 5),
    ("1 - 0.5**2", 0.75), ("2*(1 - tanh(0.5)**2)", None), ("--1", 1), ("+1", 1),
    *((f"{name}(0.25)", None) for name in FUNCTIONS), *((f"{name}(-(0.5))", None)
    for name in FUNCTIONS if name not in ("log", "sqrt")),
]  # fmt: skip
NO_NUMBERS = [
    "", " ", "x", "a b", "1 2", "1 +", "* 2", "(1", "1)", "()", "tanh", "tanh 1", "tanh()", "1..2",
    "alert(1)", "constructor(1)", "toString()", "window", "1;2", "[1]", "'1'", "1=1", "0x10", "inf",
    "NaN", "exp(exp", "1e", "**2", "2***3", "(" * 9999, "random()", "log(-1)", "__proto__(1)",
]  # fmt: skip


def value(page, text):
    """What the player reads in a text: None for no number."""
    script = "const x = microgradNumber(...arguments); return Number.isNaN(x) ? null : x"
    return page.run(script, text, sorted(FUNCTIONS))


@pytest.fixture(scope="module")
def calculator(chromium):
    from micrograd import shell
    from micrograd.player.page import asset

    scripts = shell.asset("functions.js") + asset("number.js")
    yield chromium.open(f"<script>{scripts}</script>")
    chromium.close_pages()


def test_calculations_are_read_as_python_reads_them(calculator):
    for text, known in CALCULATIONS:
        wanted = evaluate(text, {})[0].data if known is None else known
        assert value(calculator, text) == pytest.approx(wanted, rel=1e-12), text


def test_what_is_no_calculation_is_no_number_and_runs_nothing(calculator):
    assert [text for text in NO_NUMBERS if value(calculator, text) is not None] == []


def test_a_typed_calculation_is_judged(browser):
    page = browser.open(fragment(step_through(neuron(), predict=True)))
    page.run("for (let i = 0; i < 5; i++) all('.forward')[0].click()")
    page.type("form input", "1 - tanh(0.5)**2")
    page.press("Enter")
    assert page.texts(".score") == ["1 of 1 right"] and page.texts(".verdict") == ["✓ "]


# What stands where no script runs


def test_with_predict_the_still_shows_the_first_step():
    told, asked = step_through(neuron()), step_through(neuron(), predict=True)
    (bundle, metadata), (other, untold) = told._repr_mimebundle_(), asked._repr_mimebundle_()
    assert bundle["image/png"] != other["image/png"]
    assert "out: data 0.4621, grad 1" in metadata["image/png"]["alt"]
    alt = untold["image/png"]["alt"]
    assert alt.startswith("x: data 2, grad 0; w: data −3, grad 0; m: data to come, grad 0;")
    still = other["text/html"][: other["text/html"].index("<script>")]
    assert "The first of 9 steps." in still and "0.4621" not in still and "2.359" not in still


def test_a_saved_page_says_what_to_do_where_no_script_runs(tmp_path, browser):
    path = step_through(neuron()).html(tmp_path / "n.html")
    text = path.read_text(encoding="utf-8")
    hint = "The last of 9 steps. This page steps through all of them where scripts may run"
    assert hint in browser.open(re.sub("<script>.*?</script>", "", text, flags=re.S)).texts("p")[0]
    page = browser.open(path)
    assert page.texts("p") == [] and page.run("return all('img').length") == 0


def test_of_a_large_graph_the_part_around_its_end_stands_still():
    y = Value(1.0)
    for i in range(100):
        y = y * Value(float(i))
    still = step_through(y)._still
    assert still.width <= 1150 and len(still.png) < 40_000
    assert still.alt.endswith("; and 141 more")


# Constants


def test_a_constant_is_its_number_and_is_not_asked_for(browser):
    x = Value(3.0)
    page = browser.open(fragment(step_through(x * 2.0, names={"x": x}, predict=True)))
    page.run("for (let i = 0; i < 3; i++) all('.forward')[0].click()")
    assert page.texts(".name") == ["x", "2", "v1"] and len(page.texts(".grad")) == 2
    assert page.texts("label") == ["x gets"]
