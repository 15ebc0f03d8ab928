"""The player: gradients as the engine gives them, words that are true, pictures that are safe."""

import json
import random
import re
import sys
from html.parser import HTMLParser

import pytest
from optable import OPS
from PIL import Image
from processes import printed
from stories import story_of
from test_viz import HOSTILE

import micrograd.functional as F
from micrograd import Value
from micrograd.engine import topological_order
from micrograd.function import Function
from micrograd.player import DrawError, GraphTooLargeError, step_through
from micrograd.player.words import number
from micrograd.text import visible


def labelled(value, label):
    value.label = label
    return value


def neuron():
    x, w, b = Value(2.0, label="x"), Value(-3.0, label="w"), Value(6.5, label="b")
    m = labelled(x * w, "m")
    return labelled((m + b).tanh(), "out")


def fused():
    """A dot product that meets one Value twice, and an operation on it."""
    a, b, c = Value(2.0, label="a"), Value(-3.0, label="b"), Value(0.5, label="c")
    return labelled(F.dot([a, b, a], [b, c, a], c), "d") * a


def overwriting(v):
    """An operation whose backward has `=` where `+=` belongs."""
    out = Value(3 * v.data, (v,), "triple")

    def backward():
        v.grad = 3 * out.grad

    out._backward = backward
    return out


def added_once(v):
    """An operation that uses v twice, and adds to its gradient once."""
    out = Value(v.data * v.data, (v, v), "square")

    def backward():
        v.grad += 2 * v.data * out.grad

    out._backward = backward
    return out


def impostor(op, data):
    """An operation of the user's with the name of another one."""
    out = Value(data, (A,), op)

    def backward():
        A.grad += 5.0 * out.grad

    out._backward = backward
    return out


class Halves(Function):
    """A Function with two outputs."""

    @staticmethod
    def forward(ctx, x):
        return 0.5 * x, x * x

    @staticmethod
    def backward(ctx, half, square):
        return 0.5 * half + 2.0 * square


class Clip(Function):
    """A Function whose backward does not multiply."""

    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, grad):
        return min(grad, 1.0)


def from_table(op):
    operands = [Value(low + (high - low) * 0.7 + i) for i, (low, high) in enumerate(op.ranges)]
    y = op.compute(*operands)
    return y * operands[0] + y


A = Value(3.0, label="a")
GRAPHS = {
    **{op.name: (lambda op=op: from_table(op)) for op in OPS},
    "a leaf": lambda: Value(3.0),
    "a shared value": lambda: (A * A + A) * (A + A),
    "known local derivatives": lambda: Value(6.0, (A, A), (2.0, 1.0)) * A,
    "a set gradient": lambda: overwriting(A) * A,
    "two uses added as one": lambda: added_once(A) * A,
    "several outputs": lambda: F.dot(Halves.apply(A), [Value(7.0), A]) * A,
    "several outputs, one used": lambda: Halves.apply(A)[1] * A,
    "a backward that clips": lambda: Clip.apply(A) * 5.0,
    "a sum of nothing": lambda: F.sum([]) + A,
    "infinity and nan": lambda: (Value(0.0) / Value(0.0)) * (A / Value(0.0)).relu(),
    "a fused dot": fused,
    "a fused dot without a bias": lambda: F.dot([A, Value(2.0)], [A, Value(4.0)]),
}


def bits(numbers):
    """Numbers as text, in which nan equals nan."""
    return [repr(float(x)) for x in numbers]


@pytest.mark.parametrize("name", GRAPHS)
def test_the_last_step_has_the_gradients_of_the_engine(name):
    root = GRAPHS[name]()
    graph = topological_order(root)
    player = step_through(root)
    for v in graph:
        v.grad = 0.0
    root.backward()
    last = player.steps[-1].grads
    assert bits(last[i] for i in range(len(graph))) == bits(v.grad for v in graph)


@pytest.mark.parametrize("name", GRAPHS)
def test_each_node_has_one_step_forward_and_one_backward(name):
    root = GRAPHS[name]()
    graph = topological_order(root)
    computed = [i for i, v in enumerate(graph) if v._prev]
    turns = [(s.kind, s.node) for s in step_through(root).steps]
    assert turns == [
        ("start", len(graph) - 1),
        *(("forward", i) for i in computed),
        ("seed", len(graph) - 1),
        *(("backward", i) for i in reversed(computed)),
        ("end", len(graph) - 1),
    ]


@pytest.mark.parametrize("name", sorted(GRAPHS.keys() - {"a set gradient", "infinity and nan"}))
def test_what_flows_to_a_node_adds_up_to_its_gradient(name):
    player = step_through(GRAPHS[name]())
    flows = [f for s in player.steps for f in s.flows]
    for i, grad in player.steps[-1].grads.items():
        seed = 1.0 if i == len(player.steps[-1].grads) - 1 else 0.0
        got = seed + sum(f.added for f in flows if f.child == i)
        assert got == pytest.approx(grad, rel=1e-12, abs=1e-300)
    for f in flows:
        assert f.local is None or f.local * f.upstream == pytest.approx(f.added, rel=1e-9)


@pytest.mark.parametrize("name", GRAPHS)
def test_stepping_leaves_the_graph_as_it_was(name):
    root = GRAPHS[name]()
    graph = topological_order(root)
    root.backward(0.1)
    before = [(v.data, v.grad, getattr(v, "grads", [])[:], v.__dict__.copy()) for v in graph]
    str(step_through(root)), str(step_through(root, expand=True))
    after = [(v.data, v.grad, getattr(v, "grads", []), v.__dict__) for v in graph]
    assert repr(after) == repr(before)


def test_a_backward_that_raises_is_named_and_leaves_the_graph_as_it_was():
    a = Value(2.0)
    broken = Value(1.0, (a,), "broken")
    y = broken * a

    def backward():
        a.data = a.grad = 7.0
        raise ValueError("no")

    broken._backward = backward
    a.grad = broken.grad = y.grad = 5.0
    with pytest.raises(RuntimeError, match="backward of 'broken' failed: no"):
        step_through(y)
    assert (a.data, a.grad, broken.grad, y.grad) == (2.0, 5.0, 5.0, 5.0)


def test_a_player_is_a_recording():
    root = neuron()
    player = step_through(root)
    told = str(player)
    for v in topological_order(root):
        v.data, v.grad, v.label = 99.0, 99.0, "changed"
    assert str(player) == told and "changed" not in json.dumps(story(player))


def test_the_classes_people_write_by_hand_can_be_stepped_through():
    class Number:
        def __init__(self, data, _children=(), _op=""):
            self.data, self.grad, self._prev, self._op = data, 0, set(_children), _op
            self._backward = lambda: None

        def __mul__(self, other):
            out = Number(self.data * other.data, (self, other), "*")

            def backward():
                self.grad += other.data * out.grad
                other.grad += self.data * out.grad

            out._backward = backward
            return out

    x, y = Number(2), Number(3)
    player = step_through(x * x * y)
    assert sorted(player.steps[-1].grads.values()) == [1.0, 3.0, 4.0, 12.0]
    assert (x.grad, y.grad) == (0, 0)


def story(player):
    """What the script shows, read back from the page."""
    return story_of(player._repr_mimebundle_()[0]["text/html"])


def names(player):
    return [node["name"] for node in story(player)["nodes"]]


def ops(player):
    return [node["op"] for node in story(player)["nodes"] if node["op"]]


def flows_into(player, name):
    place = names(player).index(name)
    flows = [f for s in player.steps for f in s.flows if f.child == place]
    return [(f.local, f.upstream, f.added) for f in flows]


def test_a_value_used_twice_gets_a_share_for_each_use():
    a = Value(3.0, label="a")
    assert flows_into(step_through(a * a), "a") == [(3.0, 1.0, 3.0), (3.0, 1.0, 3.0)]
    assert flows_into(step_through(F.max([a, Value(1.0), a])), "a") == [(0.5, 1.0, 0.5)] * 2


def test_uses_that_backward_does_not_tell_apart_share_one_arrow():
    assert flows_into(step_through(added_once(A)), "a") == [(6.0, 1.0, 6.0)]


def test_a_gradient_of_zero_still_has_its_local_derivative():
    a, b = Value(3.0, label="a"), Value(4.0)
    assert flows_into(step_through(F.dot([a], [b]) * 0.0), "a") == [(4.0, 0.0, 0.0)]
    assert flows_into(step_through(F.dot([a], [a]) * 0.0), "a") == [(3.0, 0.0, 0.0)] * 2


def test_expand_opens_dot_products_with_the_same_gradients():
    root = fused()
    closed, opened = step_through(root), step_through(root, expand=True)
    assert ops(opened) == ["*", "*", "*", "+", "*"]
    for name in ("a", "b", "c", "d"):
        closed_at, opened_at = (names(p).index(name) for p in (closed, opened))
        wanted = pytest.approx(closed.steps[-1].grads[closed_at], rel=1e-12)
        assert opened.steps[-1].grads[opened_at] == wanted


@pytest.mark.parametrize("bias", [(), (5.0,)])
def test_expand_takes_the_bias_only_where_there_is_one(bias):
    opened = step_through(F.dot([A, Value(2.0)], [A, Value(4.0)], *bias), expand=True)
    assert ops(opened) == ["*", "*", "+"]
    assert len(opened.steps[-4].flows) == 2 + len(bias)
    assert opened.steps[-1].grads[0] == 6.0


def test_expand_leaves_an_operation_that_is_only_called_dot():
    y = Value(5.0, (Value(1.0), Value(2.0), Value(3.0)), "dot")
    y._backward = lambda: None
    assert len(names(step_through(y, expand=True))) == 4


# Words


@pytest.mark.parametrize(
    "graph, said",
    [
        (neuron, "m = x·w = 2 × (−3) = −6"),
        (neuron, "out = tanh(v1) = tanh(0.5) = 0.4621"),
        (neuron, "x gets w × upstream = −3 × 0.7864 = −2.359"),
        (neuron, "v1 gets (1 − out²) × upstream = 0.7864 × 1 = 0.7864"),
        (lambda: A * A, "a gets a × upstream = 3 × 1 = 3, added to what a had: 3 + 3 = 6"),
        (lambda: A**2, "v1 = a**2 = 3**2 = 9"),
        (lambda: A**2, "a gets 2·a × upstream = 6 × 1 = 6"),
        (lambda: A**-0.5, "a gets −0.5·a**−1.5 × upstream = −0.09623 × 1 = −0.09623"),
        (lambda: 2**A, "a gets v2·log(v1) × upstream = 5.545 × 1 = 5.545"),
        (lambda: A - 4.0, "v1 gets (−1) × upstream = −1 × 1 = −1"),
        (lambda: A / 4.0, "v1 gets (−v2/v1) × upstream = −0.1875 × 1 = −0.1875"),
        ((-A).relu, "v1 gets (v1 > 0) × upstream = 0 × 1 = 0"),
        (lambda: F.mean([A, A, A]), "a gets 1/3 × upstream = 0.3333 × 1 = 0.3333"),
        (lambda: F.sum([A] * 9), "v1 = sum(a, a, …, a) = sum(3, 3, …, 3) = 27"),
        (lambda: F.sum([A] * 9), "… and 3 more in the same way."),
        (fused, "d = a·b + b·c + a·a + c = 2 × (−3) + (−3) × 0.5 + 2 × 2 + 0.5 = −3"),
        (lambda: F.dot([A], [A]), "v1 = a·a = 3 × 3 = 9"),
        (lambda: F.max([A, Value(1.0)]), "a gets local derivative × upstream = 1 × 1 = 1"),
        (lambda: overwriting(A) * A, "a gets local derivative × upstream = 3 × 3 = 9, "
         "which replaces the 9 that a had"),
        (lambda: Clip.apply(A) * 5.0, "a gets 1"),
        (lambda: Halves.apply(A)[1] * A, "a gets 6, added to what a had: 9 + 6 = 15"),
        (lambda: impostor("neg", 7.0), "v1 = neg(a) = neg(3) = 7"),
        (lambda: impostor("neg", -3.0), "v1 = neg(a) = neg(3) = −3"),
        (lambda: impostor("neg", -3.0), "a gets local derivative × upstream = 5 × 1 = 5"),
        (lambda: impostor("*", 7.0), "v1 = *(a) = *(3) = 7"),
        (lambda: labelled(Value(1.0), "s*t + u") * A, "a gets (s*t + u) × upstream = 1 × 1 = 1"),
        (neuron, "add 0.001 to x, and out changes by about −0.002359."),
    ],
)  # fmt: skip
def test_what_is_said(graph, said):
    assert said in str(step_through(graph()))


@pytest.mark.parametrize(
    "op",
    [op for op in OPS if op.name not in ("max", "logsumexp", "softmax", "cross_entropy")],
    ids=lambda op: op.name,
)
def test_the_derivative_of_an_operation_of_calculus_is_written_out(op):
    assert "local derivative" not in str(step_through(from_table(op)))


def test_nothing_is_said_of_a_single_number_but_that():
    assert str(step_through(A)).splitlines()[0] == "a is a given number; nothing was computed."


@pytest.mark.parametrize(
    "x, text",
    [(3.0, "3"), (-0.5, "−0.5"), (-0.0, "0"), (2 / 3, "0.6667"), (12345.6, "12346"),
     (1e-7, "1e−07"), (2e9, "2e+09"), (float("-inf"), "−inf"), (float("nan"), "nan")],
)  # fmt: skip
def test_numbers_are_short(x, text):
    assert number(x) == text


def plain(text):
    return float(text.replace("−", "-"))


def test_an_equals_sign_stands_only_where_the_shown_numbers_give_the_shown_result():
    generator = random.Random(7)
    said = ""
    for _ in range(40):
        a, b, c = (Value(generator.gauss(0, 3)) for _ in range(3))
        said += str(step_through((a * b + c) / a * (a - c)))
    signs = [0, 0]
    for x, operator, y, sign, z in re.findall(
        r"= (−?[\d.e−]+) ([×+−/]) \(?(−?[\d.e−]+)\)? ([=≈]) (−?[\d.e−]+)", said
    ):
        a, b = plain(x), plain(y)
        exactly = {"×": a * b, "+": a + b, "−": a - b, "/": a / b}[operator]
        assert (number(exactly) == z) == (sign == "="), (x, operator, y, sign, z)
        signs[sign == "="] += 1
    assert min(signs) > 50


def test_values_without_a_label_get_names_that_no_label_has():
    v2 = Value(1.0, label="v2")
    assert names(step_through(Value(5.0) * v2 + 3.0)) == ["v1", "v2", "v3", "v4", "v5"]


# Pictures


class Elements(HTMLParser):
    """The elements of a page with the names of their attributes."""

    def __init__(self, page):
        super().__init__()
        self.elements = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, sorted(name for name, _ in attributes)))


FRAGMENT = [
    ("div", ["class", "data-story"]),
    ("img", ["alt", "src", "style", "width"]),
    ("p", []),
    ("script", []),
]


def test_a_notebook_gets_html_png_and_text():
    bundle, metadata = step_through(neuron())._repr_mimebundle_()
    assert bundle["text/plain"] == "<Player of 6 values, 9 steps>"
    assert bundle["image/png"].startswith(b"\x89PNG") and metadata["image/png"]["width"] > 500
    assert "x: data 2, grad −2.359" in metadata["image/png"]["alt"]
    assert Elements(bundle["text/html"]).elements == FRAGMENT
    assert "out: data 0.4621, grad 1" in bundle["text/html"]
    assert "Run this cell, or trust the notebook" in bundle["text/html"]


@pytest.mark.parametrize(
    "label", [*HOSTILE, "x" * 10_000, "a\nb", "\u202e", "{a}", "{0!r}"], ids=repr
)
def test_a_label_is_text_and_nothing_else(label):
    x = Value(2.0, label=label)
    player = step_through(labelled(labelled(x * x, label) + x, "y"))
    bundle, _ = player._repr_mimebundle_()
    assert Elements(bundle["text/html"]).elements == FRAGMENT
    name = story(player)["nodes"][0]["name"]
    whole = visible(label.strip())
    assert name == (whole if len(whole) <= 24 else whole[:23] + "…")


def test_minus_is_shown_as_a_minus_sign():
    assert story(step_through(A - 1.0))["nodes"][-1]["op"] == "−"


@pytest.mark.parametrize("op", ["<b>", "</script>", "{a}", "\\", '"', "**x", "**", "", "-"])
def test_an_operation_is_text_and_nothing_else(op):
    y = Value(1.0, (Value(2.0),), op)
    assert Elements(step_through(y)._repr_mimebundle_()[0]["text/html"]).elements == FRAGMENT


def test_each_run_writes_the_same_page():
    program = """if True:
        from micrograd import Value
        from micrograd.player import step_through
        a, b = Value(2.0, label="a"), Value(3.0)
        print(step_through((a * b + a).tanh() * b)._repr_mimebundle_())"""
    assert printed(program, hash_seed="1") == printed(program, hash_seed="2")


def test_two_stories_have_two_keys():
    pages = [step_through(g)._repr_mimebundle_()[0]["text/html"] for g in (neuron(), A * A)]
    first, second = (re.search('data-story="(.*?)"', page).group(1) for page in pages)
    assert first != second


def test_a_page_of_twenty_values_is_small():
    y = A
    for i in range(6):
        y = (y * Value(1.5 - i, label=f"w{i}") + A).tanh()
    bundle, _ = step_through(y)._repr_mimebundle_()
    assert len(topological_order(y)) == 25
    assert len(bundle["text/html"]) < 100_000 and len(bundle["image/png"]) < 40_000


def test_the_page_needs_nothing_from_elsewhere(tmp_path):
    page = step_through(neuron()).html(tmp_path / "n.html").read_text(encoding="utf-8")
    assert set(re.findall(r"\w+://[^\s\"]*", page)) == {"http://www.w3.org/2000/svg"}
    assert "<title>out, step by step</title>" in page


def size(path):
    with Image.open(path) as image:
        return image.size


def test_frames_are_one_picture_a_step_all_in_one_size(tmp_path):
    player = step_through(neuron())
    paths = player.frames(tmp_path / "deep" / "down")
    assert [p.name for p in paths] == [f"step_{i:03}.png" for i in range(9)]
    assert len({path.read_bytes() for path in paths}) == 9
    assert len(set(map(size, paths))) == 1


def test_the_animation_leaves_time_to_read(tmp_path):
    path = step_through(neuron()).gif(tmp_path / "n.gif")
    with Image.open(path) as animation:
        times = []
        for i in range(animation.n_frames):
            animation.seek(i)
            times.append(animation.info["duration"])
    assert len(times) == 9 and min(times) > 1000 and max(times) < 10_000


def test_without_a_dot_program_the_notebook_gets_the_words(monkeypatch, tmp_path):
    monkeypatch.setenv("MICROGRAD_DOT", "no-such-program")
    player = step_through(neuron())
    bundle, _ = player._repr_mimebundle_()
    assert list(bundle) == ["text/plain"]
    assert "no-such-program" in bundle["text/plain"]
    assert "x gets w × upstream" in bundle["text/plain"]
    for write in (player.html, player.frames, player.gif):
        with pytest.raises(DrawError):
            write(tmp_path / "x")


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for dot is a shell script")
def test_half_an_answer_of_dot_is_a_draw_error(monkeypatch, tmp_path):
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\necho graph 1 3 2\necho node n0 1 1 1 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("MICROGRAD_DOT", str(program))
    with pytest.raises(DrawError, match="no complete PLAIN"):
        step_through(A * A).html(tmp_path / "x.html")


# Refusals


def test_a_large_graph_is_refused_and_max_nodes_lifts_that():
    y = A
    for _ in range(500):
        y = -y
    with pytest.raises(GraphTooLargeError, match=r"the graph has 501 values and max_nodes is 500"):
        step_through(y)
    assert len(step_through(y, max_nodes=501).steps) == 1003


def test_the_size_that_counts_is_that_of_the_opened_graph():
    y = F.dot([Value(1.0)] * 60, [Value(2.0)] * 60)
    assert len(step_through(y).steps) == 5
    with pytest.raises(GraphTooLargeError, match="the graph has 63 values and max_nodes is 62"):
        step_through(y, expand=True, max_nodes=62)


def test_a_graph_deeper_than_the_stack_can_be_stepped_through():
    y = A
    for _ in range(1500):
        y = -y
    assert step_through(y, max_nodes=10_000).steps[-1].grads[0] == 1.0
