"""The player in a real browser: what it shows, what its keys do, and that no label runs."""

import html
import inspect
import json
import re
import shutil
import subprocess

import pytest
from test_player import GRAPHS, labelled, neuron

import micrograd.functional as F
from micrograd import Value
from micrograd.engine import topological_order
from micrograd.player import step_through
from micrograd.player.words import number

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = pytest.mark.skipif(not BROWSER, reason=f"none of {', '.join(BROWSERS)} is here")

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-sync", "--disable-background-networking", "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--force-prefers-reduced-motion",
    "--virtual-time-budget=200000", "--dump-dom",
]  # fmt: skip

BEFORE = """<script>
window.ran = 0;
window.alert = () => { window.ran += 1; };
function player(i = 0) { return document.querySelectorAll(".micrograd-player")[i]; }
function all(selector, root = document) { return [...root.querySelectorAll(selector)]; }
function texts(selector, root) { return all(selector, root).map((e) => e.textContent); }
function press(element, key, more = {}) {
  const options = { key, bubbles: true, cancelable: true, ...more };
  return element.dispatchEvent(new KeyboardEvent("keydown", options));
}
function forward(root, times) {
  for (let i = 0; i < times; i++) root.querySelector(".forward").click();
}
function answer(root, ...typed) {
  all("form input", root).forEach((field, i) => { field.value = typed[i]; });
  root.querySelector("form").requestSubmit();
}
</script>"""

AFTER = """<script>
(async () => {%s})().catch(String).then((answer) => {
  const result = document.createElement("pre");
  result.id = "result";
  result.textContent = JSON.stringify(answer);
  document.body.append(result);
});
</script>"""


def in_browser(page, script, folder):
    """What the body of a function returns that runs at the end of a page."""
    start, end, rest = page.replace("<head>", "<head>" + BEFORE, 1).rpartition("</body>")
    copy = folder / "page.html"
    copy.write_text(start + AFTER % script + end + rest, encoding="utf-8")
    command = [BROWSER, *FLAGS, f"--user-data-dir={folder / 'profile'}", copy.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return json.loads(html.unescape(re.search('<pre id="result">(.*?)</pre>', dom, re.S).group(1)))


def saved(player, folder):
    return player.html(folder / "saved.html").read_text(encoding="utf-8")


def exported(folder):
    """A notebook that steps through the neuron, run and exported by nbconvert."""
    nbconvert = pytest.importorskip("nbconvert")
    nbclient = pytest.importorskip("nbclient")
    v4 = pytest.importorskip("nbformat.v4")
    cells = [
        "from micrograd import Value\nfrom micrograd.player import step_through",
        inspect.getsource(labelled) + inspect.getsource(neuron),
        "step_through(neuron())",
    ]
    notebook = v4.new_notebook(cells=list(map(v4.new_code_cell, cells)))
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}).execute()
    return nbconvert.HTMLExporter().from_notebook_node(notebook)[0]


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
def test_forward_through_a_saved_page_ends_with_the_gradients_of_the_engine(name, tmp_path):
    root = GRAPHS[name]()
    player = step_through(root)
    seen = in_browser(saved(player, tmp_path), TO_THE_END, tmp_path)
    wanted = gradients(root)
    assert seen["exact"] == [repr(g) for g in wanted]
    assert seen["shown"] == [number(g) for g in wanted]
    assert seen["count"] == f"{len(player.steps)} / {len(player.steps)}"


def test_forward_through_an_exported_notebook_ends_with_the_gradients_of_the_engine(tmp_path):
    seen = in_browser(exported(tmp_path), TO_THE_END, tmp_path)
    assert seen["exact"] == [repr(g) for g in gradients(neuron())]


def test_steps_fill_the_data_in_and_then_the_gradients(tmp_path):
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
    assert in_browser(saved(step_through(neuron()), tmp_path), script, tmp_path) == [
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


def test_keys_step_while_the_focus_is_in_the_player_and_go_no_further(tmp_path):
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
    seen = in_browser(saved(step_through(neuron()), tmp_path), script, tmp_path)
    assert seen["at"] == [0, 1, 2, 1, 8, 8, 0, 0, 0, 0, *[1] * 7]
    assert (seen["outside"], seen["inside"], seen["passed"]) == (2, [], 10)
    assert seen["defaults"] == [True, *[False] * 7, True, True, False, *[True] * 6]


def test_predict_asks_before_it_shows_and_keeps_the_score(tmp_path):
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
    first, no_number, right, last = in_browser(
        saved(step_through(neuron(), predict=True), tmp_path), script, tmp_path
    )
    assert first == [["v1 gets"], "?", "0,0,0,0,0,1"]
    assert no_number == [["That is not a number yet."], "?", "0,0,0,0,0,1"]
    assert right[0] == ["✓ v1 gets (1 − out²) × upstream = 0.7864 × 1 = 0.7864"]
    assert right[1:] == ["= 0.7864", "0,0,0,0,0.7864,1", ["1 of 1 right"]]
    assert last[0][0].startswith("✓ x gets w × upstream")
    assert last[0][1].startswith("✓ w gets x × upstream")
    assert last[1] == ["4 of 5 right"]


def test_a_wrong_answer_is_told_with_the_right_one(tmp_path):
    script = """
    forward(player(), 5);
    answer(player(), "<b>2</b>/1");
    answer(player(), "2");
    return [texts(".child"), texts(".score"), all("b").length];"""
    seen = in_browser(saved(step_through(neuron(), predict=True), tmp_path), script, tmp_path)
    assert seen[0] == ["✗ not 2: v1 gets (1 − out²) × upstream = 0.7864 × 1 = 0.7864"]
    assert seen[1:] == [["0 of 1 right"], 0]


def test_predict_can_be_switched_and_a_question_left_unanswered(tmp_path):
    script = """
    const root = player(), asks = () => all("form", root).length;
    forward(root, 5);
    const seen = [asks()];
    root.querySelector(".predict").click();
    seen.push(asks());
    all("form button", root)[1].click();
    seen.push(asks(), texts(".score", root)[0], texts(".grad", root).at(-2));
    return seen;"""
    seen = in_browser(saved(step_through(neuron()), tmp_path), script, tmp_path)
    assert seen == [0, 1, 0, "", "0.7864"]


@pytest.mark.parametrize("label", ["<svg onload=alert()>", "</script><img src onerror=alert()>"])
def test_a_label_shows_as_text_and_runs_nothing(label, tmp_path):
    x = Value(2.0, label=label)
    player = step_through(labelled(x * x + x, "y"), predict=True)
    script = """
    forward(player(), 4);
    answer(player(), "1", "1");
    forward(player(), 1);
    await new Promise((done) => setTimeout(done, 500));
    const active = all("img, [onload], [onerror]").length;
    return [window.ran, active, texts(".name")[0], texts("label")];"""
    ran, active, name, labels = in_browser(saved(player, tmp_path), script, tmp_path)
    wanted = label if len(label) <= 24 else label[:23] + "…"
    assert (ran, active, name) == (0, 0, wanted)
    assert labels == [f"{wanted} gets"] * 2


def test_players_of_one_graph_and_of_another_work_on_one_page_and_start_once(tmp_path):
    twin, other = step_through(neuron()), step_through(F.sum([Value(1.0), Value(2.0)]))
    parts = [p._repr_mimebundle_()[0]["text/html"] for p in (twin, other, twin)]
    page = f"<html><head></head><body>{''.join(parts)}</body></html>"
    script = """
    forward(player(0), 1); forward(player(1), 2); forward(player(2), 3);
    for (const source of texts("script"))
      if (/^const story/m.test(source)) (0, eval)(source);
    return [0, 1, 2].map((i) => [player(i).dataset.step, all("svg[role]", player(i)).length]);"""
    assert in_browser(page, script, tmp_path) == [["1", 1], ["2", 1], ["3", 1]]


@pytest.mark.parametrize("predict, stops", [(False, "8"), (True, "5")])
def test_playing_goes_to_the_end_or_to_the_first_question(predict, stops, tmp_path):
    script = """
    const play = player().querySelector(".play"), seen = [play.title];
    play.click();
    seen.push(play.title);
    await new Promise((done) => setTimeout(done, 100000));
    return [...seen, play.title, player().dataset.step];"""
    page = saved(step_through(neuron(), predict=predict), tmp_path)
    assert in_browser(page, script, tmp_path) == ["play", "pause", "play", stops]


@pytest.mark.parametrize("ink, theme", [("#222", "light"), ("#ddd", "dark")])
def test_the_theme_is_that_of_the_page_around(ink, theme, tmp_path):
    fragment = step_through(neuron())._repr_mimebundle_()[0]["text/html"]
    page = f"<html><head></head><body style='color: {ink}'>{fragment}</body></html>"
    assert in_browser(page, "return player().dataset.theme", tmp_path) == theme


def test_in_a_narrow_column_the_picture_scrolls_to_the_current_node(tmp_path):
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
    assert in_browser(page, script, tmp_path) == [400, True, [True] * 7]


def test_every_control_has_a_name_and_the_sentence_is_announced(tmp_path):
    script = """
    forward(player(), 5);
    const controls = all("button, input, select, [role=img], [role=group]");
    const name = (e) => e.ariaLabel || e.labels?.[0]?.textContent || e.textContent.trim();
    return [controls.length, controls.filter((e) => !name(e)).length, player().tabIndex,
            texts("[aria-live=polite] .head")[0]];"""
    page = saved(step_through(neuron(), predict=True), tmp_path)
    controls, nameless, tab_index, said = in_browser(page, script, tmp_path)
    assert (controls, nameless, tab_index) == (13, 0, 0)
    assert "Its gradient 1 is the upstream." in said
