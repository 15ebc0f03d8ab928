"""The expression lab: the engine's numbers, the player's words, and whatever anybody types."""

import json
import math
import random

import pytest

from micrograd import lab, shell
from micrograd.__main__ import main
from micrograd.expression import FUNCTIONS, ExpressionError, evaluate
from micrograd.operations import OPERATIONS
from micrograd.player import page, step_through
from micrograd.raster import flattened

pytestmark = pytest.mark.slow

NUMBERS = {"a": 0.7, "b": -1.3, "c": 2.5}
FIXED = [
    "a",
    "7",
    "a*b + c",
    "x = a*a; x*x - a/x",
    "tanh(a*b + c) ** 2",
    "2**a + a**b + c**0.5 + c**2.0",
    "-a**2 - -b",
    "(a + b).sigmoid() * c.relu()",
    "abs(b) / 3 + sqrt(c)",
    "log(1 + exp(a))\nsoftplus(b) * 1e-7",
    "sin(a) * cos(a) + +b",
    "relu(b) * 1e6 + 123456.5 + 100.25 * a",
    "a ** +2",
    "e = a*b\n\nd = (e +\n c); d * 1e20",
    "é_1 = a; é_1 * ﬁ",
    "((((a))))",
    *(f"{row.name}(c)" for row in OPERATIONS if not row.notation),
]


@pytest.fixture
def scripts(browser):
    """A page on which the functions of the lab can be called."""
    own = (shell.asset(n, "micrograd.lab") for n in lab.SCRIPTS)
    js = "".join([shell.asset("functions.js"), *own])
    story = shell.literal(lab.story("a", {}))
    given = browser.open(
        f"<!doctype html><meta charset='utf-8'><script>{js}\nvar story = {story};</script>"
    )
    assert given.errors() == []
    return given


def told(scripts, text, numbers):
    """What the lab makes of a text: a story, or the sentence of a refusal."""
    return scripts.run(
        """try {
          const numbers = new Map(Object.entries(arguments[1]));
          const graph = microgradGraph(arguments[0], numbers, story.rows);
          const told = microgradStory(graph.nodes, { ...story, font: "sans-serif" });
          const leaves = graph.nodes.map((n, i) => [n.children.length ? "" : n.label, i]);
          const exact = (x) => (Number.isNaN(x) ? "nan" : String(x).replace("Infinity", "inf"));
          return { ...told, names: graph.names, data: exact(graph.nodes.at(-1).data), leaves:
            leaves.filter(([name]) => name).map(([name, i]) => [name, exact(told.gradients[i])]) };
        } catch (error) { return error.message; }""",
        text,
        numbers,
    )


def test_the_story_of_an_expression_is_that_of_the_player(scripts):
    for text in FIXED:
        require_same_story(scripts, text, {**NUMBERS, "fi": 0.25})


def require_same_story(scripts, text, numbers):
    root, _ = evaluate(text, numbers)
    player = step_through(root, names={})
    wanted = page.story(player._words, player.steps, player._scene, False)
    found = told(scripts, text, numbers)
    for node, other in zip(found["nodes"], wanted["nodes"]):
        keys = ("name", "labelled", "constant", "op", "data", "exact")
        assert [node[key] for key in keys] == [other[key] for key in keys]
    wanted = json.loads(json.dumps(wanted))
    for key in ("kind", "node", "lines", "grads"):
        assert [s[key] for s in found["steps"]] == [s[key] for s in wanted["steps"]]
    keys = ("child", "parent", "text")
    flows = [[[flow[key] for key in keys] for flow in each["flows"]] for each in (found, wanted)]
    assert flows[0] == flows[1] and found["title"] == wanted["title"]
    for key in ("predict", "most", "functions", "row", "padding"):
        assert found[key] == wanted[key]


def inside(point, box):
    (x, y), (left, top, w, h) = point, box
    return left + 1 < x < left + w - 1 and top + 1 < y < top + h - 1


def test_no_line_runs_behind_a_box_on_its_way(scripts):
    for text in (
        "e = a*b; d = e*a + tanh(e); d*a - exp(e)",
        "(1 - a)**2 + 10*(b - a**2)**2",
        *FIXED,
    ):
        story = told(scripts, text, {**NUMBERS, "fi": 0.25})
        for flow in story["flows"]:
            others = [n["box"] for i, n in enumerate(story["nodes"]) if i != flow["child"]]
            others += [f["plate"] for f in story["flows"] if f is not flow]
            line = flattened([tuple(point) for point in flow["curve"]])
            assert not any(inside(point, box) for point in line for box in others), (text, flow)


def random_expression(rng, depth=4):
    """A text with the names a, b and c, all operators and functions."""
    if depth == 0 or rng.random() < 0.1:
        return rng.choice(["a", "b", "c", f"{rng.uniform(0, 3):.3g}", str(rng.randint(1, 4))])
    x, y = (random_expression(rng, depth - 1) for _ in range(2))
    form = rng.choice(
        ["{} + {}", "{} - {}", "({})*({})", "({})/({})", "({})**2", "abs({})**({})", "-({})"]
    )
    call = f"{rng.choice(sorted(FUNCTIONS))}({{}})"
    return (call if rng.random() < 0.4 else form).format(x, y)


def near(x, y):
    return x == y or math.isclose(x, y, rel_tol=1e-12) or (math.isnan(x) and math.isnan(y))


def test_two_hundred_expressions_have_the_numbers_of_the_engine(scripts):
    rng, finite = random.Random(0), 0
    for _ in range(200):
        text = random_expression(rng)
        root, names = evaluate(text, NUMBERS)
        root.backward()
        found = told(scripts, text, NUMBERS)
        assert near(float(found["data"]), root.data), text
        for name, grad in found["leaves"]:
            assert near(float(grad), names[name].grad), (text, name)
        finite += math.isfinite(root.data)
    assert finite > 120


def test_every_operation_is_in_the_lab(scripts):
    names = [row.name for row in OPERATIONS]
    lacking = "return arguments[0].filter((name) => !microgradOperations[name])"
    assert scripts.run(lacking, names) == []


REFUSED = {
    "": "type an expression, such as tanh(w*x + b)",
    "a +": "something is missing at the end",
    "2a": "for a product write 2*a",
    "a(b)": "there is no function a",
    "2(a)": "for a product write 2*(…)",
    "tanh(a) tanh(b)": "for a product write (…)*tanh(…)",
    "a^2": "a power is written **",
    "tanh(a, b)": "tanh() takes one number",
    "tanh(a": "a bracket is not closed",
    "(a))": ") is no part of an expression",
    "a = b = c": "only a name can be given a value",
    "lambda: a": "lambda cannot be the name of a number",
    "a.real": "after a dot there is one of abs,",
    "__import__('os')": "there is no function __import__",
    "a.constructor.constructor('alert(1)')()": "after a dot there is one of",
    "a[0]": "[ is no part of an expression",
    "`${alert(1)}`": "` is in a place where a number or a name should be",
    "1" + "0" * 400: "too large for a float",
    "(" * 500 + "a" + ")" * 500: "the expression is nested too deeply",
    "-" * 500 + "a": "the expression is nested too deeply",
    "+".join("a" * 400): "more than 300 values",
    "a" * 2001: "longer than 2000 letters",
}


def test_what_is_no_expression_is_told_what_to_write(scripts):
    for text, sentence in REFUSED.items():
        said = told(scripts, text, NUMBERS)
        assert isinstance(said, str) and sentence in said, text
        if not text.startswith(("a+", "aa", "--")):  # which are only too long for a page
            with pytest.raises(ExpressionError):
                evaluate(text, dict.fromkeys("abc", 1.0))


def test_plain_words_of_javascript_are_names_like_others(scripts):
    for name in ("constructor", "__proto__", "toString", "hasOwnProperty", "undefined"):
        found = told(scripts, f"{name} * {name}", {"x": 1})
        assert found["nodes"][0]["name"] == name and found["data"] == "1"


# The page, used as a person would.


@pytest.fixture
def opened(browser, tmp_path):
    return browser.open(lab.html(tmp_path / "lab.html"))


def numbers_of(page):
    return dict(zip(page.texts(".called"), page.texts(".gradient")))


def test_gradients_follow_a_slider_and_the_expression(opened):
    assert numbers_of(opened) == {"w": "grad 1.573", "x": "grad −2.359", "b": "grad 0.7864"}
    opened.run("all('.number .slider')[2].focus()")
    opened.press("ArrowLeft")
    opened.wait("all('.result')[0].textContent !== '= 0.4621'")
    x = opened.run("return Number(all('.number input[type=text]')[2].value)")
    assert opened.texts(".result") == [f"= {math.tanh(x - 6):.4g}"] and 6 < x < 6.5
    opened.run("all('.expression')[0].select()")
    opened.type(".expression", "")
    opened.run(
        "const f = all('.expression')[0]; f.value = 'p * q'; f.dispatchEvent(new Event('input'))"
    )
    assert numbers_of(opened) == {"p": "grad 1", "q": "grad 1"}
    assert opened.texts(".node .name") == ["p", "q", "v1"] and opened.errors() == []


def test_a_step_downhill_makes_the_result_smaller(opened):
    opened.click(".try", "x*x + x")
    assert opened.texts(".result") == ["= 12"]
    opened.click(".downhill")
    assert opened.texts(".result") == ["= 7.59"]  # x = 3 - 0.1·7


def test_there_is_no_step_along_an_infinite_gradient(opened):
    set_expression = "f.value = arguments[0]; f.dispatchEvent(new Event('input'))"
    opened.run(f"const f = all('.expression')[0]; {set_expression}", "sqrt(z - z)")
    opened.click(".downhill")
    assert opened.texts(".note") == ["no step: the gradient of z is nan"]


def test_the_player_stays_where_it_was_when_a_number_moves(opened):
    opened.click(".first")
    opened.click(".forward")
    opened.click(".downhill")
    assert opened.texts(".count") == ["2 / 9"]


def test_a_mistake_leaves_the_graph_and_says_what_to_write(opened):
    opened.run(
        "const f = all('.expression')[0]; f.value = '2x'; f.dispatchEvent(new Event('input'))"
    )
    assert opened.texts(".note") == ["for a product write 2*x"]
    opened.click(".downhill")
    opened.run("all('.number .slider')[0].dispatchEvent(new Event('input'))")
    opened.run("return new Promise(requestAnimationFrame)")
    assert opened.texts(".node .name") == ["w", "x", "v1", "b", "v2", "v3"]
    assert opened.texts(".result") == ["= 0.4621"] and opened.errors() == []


HOSTILE = "<img src=x onerror=document.title='bad'>"


def test_the_address_holds_the_expression_and_runs_nothing(opened, browser):
    opened.click(".try", "x*x + x")
    address = opened.run("return location.href")
    again = browser.open(address)
    assert again.run("return all('.expression')[0].value") == "x*x + x"
    bare = address.partition("#")[0]
    for hash in (f"e={HOSTILE}", "e=a*b&a=alert(1)&b=1e999", "e=%", f"{HOSTILE}=1&e=x", "e"):
        page = browser.open(f"{bare}#{hash}")
        assert page.run("return document.title") == "Lab: tanh(w*x + b)"
        assert page.texts("img") == [] and page.errors() == []
    assert browser.open(f"{bare}#e=a*b&a=0x10&b=2").texts(".result") == ["= 32"]


def test_hostile_words_in_an_expression_are_refused_or_text(tmp_path, browser, capsys):
    assert main(["draw", HOSTILE, "--lab", "-o", str(tmp_path / "x.html")]) == 2
    numbers = {"e": 1.0, "w": 2.0}
    page = browser.open(lab.html(tmp_path / "lab.html", "e * w # </script><b>", numbers))
    assert page.texts("b") == [] and page.run("return document.title").startswith("Lab: e * w #")


def test_the_command_writes_a_lab_of_its_expression(tmp_path, browser, capsys):
    out = tmp_path / "x.html"
    assert main(["draw", "tanh(u*v)", "u=2", "v=0.25", "--lab", "-o", str(out)]) == 0
    assert "wrote" in capsys.readouterr().out
    page = browser.open(out)
    assert numbers_of(page) == {"u": "grad 0.1966", "v": "grad 1.573"}
    assert main(["draw", "a", "a=1", "--lab", "-o", str(tmp_path / "x.png")]) == 2
    assert "--lab needs a page: -o lab.html" in capsys.readouterr().err
