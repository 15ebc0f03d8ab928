"""The player in a real browser: what it shows, what its keys do, and that no label runs."""

import pytest
from test_player import GRAPHS, labelled, neuron

import micrograd.functional as F
from micrograd import Value
from micrograd.engine import topological_order
from micrograd.player import step_through
from micrograd.player.words import number

# What the scripts use, besides what those of every test do.
HERE = """
window.ran = 0;
window.alert = () => { window.ran += 1; };
const player = (i = 0) =>
  document.querySelectorAll(".micrograd-page")[i].shadowRoot.querySelector(".frame");
const press = (element, key, more = {}) => element.dispatchEvent(
  new KeyboardEvent("keydown", { key, bubbles: true, composed: true, cancelable: true, ...more }));
const forward = (root, times) => {
  for (let i = 0; i < times; i++) root.querySelector(".forward").click();
};
const answer = (root, ...typed) => {
  root.querySelectorAll("form input").forEach((field, i) => { field.value = typed[i]; });
  root.querySelector("form").requestSubmit();
};
"""


@pytest.fixture
def run(browser):
    """A function that opens a page, runs a script there and returns what that returns."""
    return lambda page, script: browser.open(page, before=HERE).run(script)


def saved(player, folder):
    return player.html(folder / "saved.html")


def exported(player):
    """What nbconvert makes of a notebook in which a cell shows the player."""
    nbconvert = pytest.importorskip("nbconvert")
    v4 = pytest.importorskip("nbformat.v4")
    html = {"text/html": player._repr_mimebundle_()[0]["text/html"]}
    cell = v4.new_code_cell("player", outputs=[v4.new_output("display_data", html)])
    return nbconvert.HTMLExporter().from_notebook_node(v4.new_notebook(cells=[cell]))[0]


TO_THE_END = """
const root = player();
const steps = Number(root.querySelector(".slider").max);
forward(root, steps);
return {
  count: root.querySelector(".count").textContent,
  shown: texts(".grad", root),
  exact: texts("title", root).map((text) => text.replace(/^.* grad /s, "")),
};
"""


def gradients(root):
    graph = topological_order(root)
    for v in graph:
        v.grad = 0.0
    root.backward()
    return [v.grad for v in graph]


@pytest.mark.parametrize("name", ["a shared value", "cross_entropy", "dot", "infinity and nan"])
def test_forward_through_a_saved_page_ends_with_the_gradients_of_the_engine(name, tmp_path, run):
    root = GRAPHS[name]()
    player = step_through(root)
    seen = run(saved(player, tmp_path), TO_THE_END)
    wanted = gradients(root)
    assert seen["exact"] == [repr(g) for g in wanted]
    assert seen["shown"] == [number(g) for g in wanted]
    assert seen["count"] == f"{len(player.steps)} / {len(player.steps)}"


def test_forward_through_an_exported_notebook_ends_with_the_gradients_of_the_engine(run):
    seen = run(exported(step_through(neuron())), TO_THE_END)
    assert seen["exact"] == [repr(g) for g in gradients(neuron())]


def test_steps_fill_the_data_in_and_then_the_gradients(tmp_path, run):
    script = """
    const seen = [];
    for (let i = 0; i < 9; i++) {
      const boxes = all(".view g").filter((g) => g.querySelector(".box"));
      const named = (name) => texts(".name", boxes.filter((g) => g.classList.contains(name))
        .reduce((holder, g) => { holder.append(g.cloneNode(true)); return holder; },
          document.createElement("div")));
      seen.push([named("waiting").length, named("reached").length, named("on").join(),
                 named("gets").join(), texts(".plate.shown .added").length]);
      forward(player(), 1);
    }
    return seen;"""
    assert run(saved(step_through(neuron()), tmp_path), script) == [
        [3, 0, "", "", 0],
        [2, 0, "m", "", 0],
        [1, 0, "v1", "", 0],
        [0, 0, "out", "", 0],
        [0, 1, "out", "", 0],
        [0, 2, "out", "v1", 1],
        [0, 4, "v1", "m,b", 3],
        [0, 6, "m", "x,w", 5],
        [0, 6, "", "", 5],
    ]


def test_keys_step_while_the_focus_is_in_the_player_and_go_no_further(tmp_path, run):
    script = """
    const leaked = [], at = [], defaults = [];
    for (const capture of [true, false])
      document.addEventListener("keydown", (e) => leaked.push(e.key), capture);
    const key = (element, name, more) => {
      defaults.push(press(element, name, more));
      at.push(Number(player().dataset.step));
    };
    key(document.body, "ArrowRight");
    const outside = leaked.splice(0).length;
    player().focus();
    for (const name of ["ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight", "Home",
                        "ArrowLeft", "d", "Enter"]) key(player(), name);
    key(player().querySelector(".forward"), "ArrowRight");
    const inside = leaked.splice(0);
    for (const more of [{ctrlKey: true}, {metaKey: true}, {altKey: true}])
      key(player(), "ArrowRight", more);
    key(player(), "Enter", {shiftKey: true});
    key(player(), "Tab");
    const passed = leaked.splice(0).length;
    player().blur();
    key(player(), "ArrowRight");
    return { outside, inside, passed, at, defaults };"""
    seen = run(saved(step_through(neuron()), tmp_path), script)
    assert seen["at"] == [0, 1, 2, 1, 8, 8, 0, 0, 0, 0, *[1] * 7]
    assert (seen["outside"], seen["inside"], seen["passed"]) == (2, [], 10)
    assert seen["defaults"] == [True, *[False] * 7, True, True, False, *[True] * 6]


def test_predict_asks_before_it_shows_and_keeps_the_score(tmp_path, run):
    script = """
    const root = player(), said = () => texts(".child", root);
    const shown = () => [texts(".plate.back .added", root).join(), texts(".grad", root).join()];
    forward(root, 5);
    const log = [[said(), ...shown()]];
    answer(root, "not this");
    log.push([texts(".note", root), ...shown()]);
    answer(root, "0.786");
    log.push([said(), ...shown(), texts(".score", root)]);
    forward(root, 1);
    answer(root, "0.7864", "−3*2");
    forward(root, 1);
    answer(root, "-3 × 0,7864", "(1/2) * 3.1456");
    log.push([said(), texts(".score", root)]);
    return log;"""
    first, no_number, right, last = run(
        saved(step_through(neuron(), predict=True), tmp_path), script
    )
    assert first == [["v1 gets"], "?", "0,0,0,0,0,1"]
    assert no_number == [["That is not a number yet."], "?", "0,0,0,0,0,1"]
    assert right[0] == ["✓ v1 gets (1 − out²) × upstream = 0.7864 × 1 = 0.7864"]
    assert right[1:] == ["= 0.7864", "0,0,0,0,0.7864,1", ["1 of 1 right"]]
    assert last[0][0].startswith("✓ x gets w × upstream")
    assert last[0][1].startswith("✓ w gets x × upstream")
    assert last[1] == ["4 of 5 right"]


def test_a_wrong_answer_is_told_with_the_right_one(tmp_path, run):
    script = """
    forward(player(), 5);
    answer(player(), "<b>2</b>/1");
    answer(player(), "2");
    return [texts(".child"), texts(".score"), all("b").length];"""
    seen = run(saved(step_through(neuron(), predict=True), tmp_path), script)
    assert seen[0] == ["✗ not 2: v1 gets (1 − out²) × upstream = 0.7864 × 1 = 0.7864"]
    assert seen[1:] == [["0 of 1 right"], 0]


def test_predict_can_be_switched_and_a_question_left_unanswered(tmp_path, run):
    script = """
    const root = player(), asks = () => all("form", root).length;
    forward(root, 5);
    const seen = [asks()];
    root.querySelector(".predict").click();
    seen.push(asks());
    all("form button", root)[1].click();
    seen.push(asks(), texts(".score", root)[0], texts(".grad", root).at(-2));
    return seen;"""
    seen = run(saved(step_through(neuron()), tmp_path), script)
    assert seen == [0, 1, 0, "", "0.7864"]


@pytest.mark.parametrize("label", ["<svg onload=alert()>", "</script><img src onerror=alert()>"])
def test_a_label_shows_as_text_and_runs_nothing(label, tmp_path, run):
    x = Value(2.0, label=label)
    player = step_through(labelled(x * x + x, "y"), predict=True)
    script = """
    forward(player(), 4);
    answer(player(), "1", "1");
    forward(player(), 1);
    await new Promise((done) => setTimeout(done, 500));
    const active = all("img, [onload], [onerror]").length;
    return [window.ran, active, texts(".name")[0], texts("label")];"""
    ran, active, name, labels = run(saved(player, tmp_path), script)
    wanted = label if len(label) <= 24 else label[:23] + "…"
    assert (ran, active, name) == (0, 0, wanted)
    assert labels == [f"{wanted} gets"] * 2


def test_players_of_one_graph_and_of_another_work_on_one_page_and_start_once(tmp_path, run):
    twin, other = step_through(neuron()), step_through(F.sum([Value(1.0), Value(2.0)]))
    parts = [p._repr_mimebundle_()[0]["text/html"] for p in (twin, other, twin)]
    page = f"<html><head></head><body>{''.join(parts)}</body></html>"
    script = """
    forward(player(0), 1); forward(player(1), 2); forward(player(2), 3);
    for (const source of texts("script"))
      if (/^const story/m.test(source)) (0, eval)(source);
    return [0, 1, 2].map((i) => [player(i).dataset.step, all("svg[role]", player(i)).length]);"""
    assert run(page, script) == [["1", 1], ["2", 1], ["3", 1]]


@pytest.mark.parametrize("predict, stops", [(False, "8"), (True, "5")])
def test_playing_goes_to_the_end_or_to_the_first_question(predict, stops, tmp_path, browser):
    script = """
    const play = player().querySelector(".play"), before = play.title;
    play.click();
    return [before, play.title];"""
    page = browser.open(saved(step_through(neuron(), predict=predict), tmp_path), before=HERE)
    assert page.run(script) == ["play", "pause"]
    page.skip(100)
    end = "return [player().querySelector('.play').title, player().dataset.step]"
    assert page.run(end) == ["play", stops]


@pytest.mark.parametrize("ink, theme", [("#222", "light"), ("#ddd", "dark")])
def test_the_theme_is_that_of_the_page_around(ink, theme, tmp_path, run):
    fragment = step_through(neuron())._repr_mimebundle_()[0]["text/html"]
    page = f"<html><head></head><body style='color: {ink}'>{fragment}</body></html>"
    assert run(page, "return player().dataset.theme") == theme


def test_in_a_narrow_column_the_picture_scrolls_to_the_current_node(tmp_path, run):
    fragment = step_through(neuron())._repr_mimebundle_()[0]["text/html"]
    page = f"<html><head></head><body><div style='width: 400px'>{fragment}</div></body></html>"
    script = """
    const view = player().querySelector(".view").getBoundingClientRect();
    const fits = [];
    for (let i = 0; i < 7; i++) {
      forward(player(), 1);
      const box = player().querySelector(".on .box").getBoundingClientRect();
      fits.push(view.left <= box.left && box.right <= view.right);
    }
    return [player().getBoundingClientRect().width, view.width < 400, fits];"""
    assert run(page, script) == [400, True, [True] * 7]


def test_every_control_has_a_name_and_the_sentence_is_announced(tmp_path, run):
    script = """
    forward(player(), 5);
    const controls = all("button, input, select, [role=img], [role=group]");
    const name = (e) => e.ariaLabel || e.labels?.[0]?.textContent || e.textContent.trim();
    return [controls.length, controls.filter((e) => !name(e)).length, player().tabIndex,
            texts("[aria-live=polite] .head")[0]];"""
    page = saved(step_through(neuron(), predict=True), tmp_path)
    controls, nameless, tab_index, said = run(page, script)
    assert (controls, nameless, tab_index) == (15, 0, 0)
    assert "Its gradient 1 is the upstream." in said
