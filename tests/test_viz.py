"""Drawings: what is in them, the same on every run, safe with any label, clear when they fail."""

import io
import random
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image, ImageColor
from processes import printed

import micrograd.functional as F
from micrograd import Value, fonts, layout
from micrograd.viz import Drawing, GraphTooLargeError, draw_dot, trace

SVG = "{http://www.w3.org/2000/svg}"


def neuron():
    x, w, b = Value(2.0, label="x"), Value(-3.0, label="w"), Value(6.5, label="b")
    out = (x * w + b).tanh()
    out.label = "out"
    out.backward()
    return out


def texts(drawing):
    """The texts of the SVG, each with plain spaces."""
    svg = ElementTree.fromstring(drawing.pipe("svg"))
    return [(t.text or "").replace("\xa0", " ").strip() for t in svg.iter(f"{SVG}text")]


def test_trace_lists_nodes_children_first_and_every_edge():
    a = Value(1.0)
    b = a + a
    nodes, edges = trace(b)
    assert (nodes, edges) == ([a, b], [(a, b), (a, b)])


def test_a_drawing_shows_label_data_gradient_and_operation():
    shown = texts(draw_dot(neuron()))
    expected = {"x", "data 2.0000", "w", "out", "data 0.4621", "grad 1.0000", "grad 1.5729"}
    assert expected <= set(shown)
    assert [shown.count(op) for op in ("*", "+", "tanh")] == [1, 1, 1]


def test_values_are_boxes_and_operations_are_ellipses():
    y = Value(1.0) + Value(2.0)
    svg = ElementTree.fromstring(draw_dot(y).pipe("svg"))
    classes = [g.get("class") for g in svg.iter(f"{SVG}g")]
    assert (classes.count("node"), classes.count("edge")) == (4, 3)
    assert len(list(svg.iter(f"{SVG}ellipse"))) == 1


@pytest.mark.parametrize(
    "x, text",
    [(0.5, "0.5000"), (1e-7, "1e-07"), (12345.678, "12345.6780"), (2e9, "2e+09"),
     (-0.0, "-0.0000"), (float("inf"), "inf"), (float("nan"), "nan")],
)  # fmt: skip
def test_numbers_are_short_but_never_lost(x, text):
    assert f"data {text}" in texts(draw_dot(Value(x)))


def test_expand_spells_a_dot_product_out():
    w, x, b = [Value(2.0), Value(3.0)], [Value(5.0), Value(7.0)], Value(1.0)
    y = F.dot(w, x, b).relu()
    y.backward()
    folded, spelt = texts(draw_dot(y)), texts(draw_dot(y, expand=True))
    assert (folded.count("dot"), spelt.count("dot"), spelt.count("*")) == (1, 0, 2)
    assert {"data 10.0000", "data 21.0000", "data 32.0000", "grad 7.0000"} <= set(spelt)


def test_expand_leaves_an_operation_of_ones_own_called_dot_alone():
    own = Value(7.0, (Value(1.0), Value(2.0)), "dot")
    assert texts(draw_dot(own, expand=True)).count("dot") == 1


def test_a_class_of_ones_own_can_be_drawn():
    class Number:
        def __init__(self, data, prev=(), op=""):
            self.data, self.grad, self._prev, self._op = data, 0, set(prev), op

    a, b = Number(1), Number(2)
    assert texts(draw_dot(Number(3, (a, b), "+"))).count("+") == 1


def test_the_same_drawing_on_every_run():
    program = (
        "from micrograd import Value; from micrograd.viz import draw_dot\n"
        "a, b = Value(1.0), Value(2.0); print(draw_dot((a * b + a).tanh()).source)"
    )
    outputs = {printed(program, hash_seed) for hash_seed in "012"}
    assert len(outputs) == 1 and "tanh" in outputs.pop()


HOSTILE = [
    '"', "'", "\\", "\\\\", '\\"', "\\N \\G \\L \\n \\l \\r", "<", ">", "<b>bold</b>", "<TABLE>",
    "<<TABLE><TR><TD>x</TD></TR></TABLE>>", "{|}", "{", "}", "|", "a|b|c", "<port> x", "&", "&lt;",
    "&amp;amp;", "&#65;", "</script><img src=x onerror=alert(1)>", "]]>", "<!-- x -->", "%s %n {0}",
    "two  spaces   three", " lead and trail ", ";", '" ]; } evil [label="', "//", "/*", "#", "+",
    "é ü ß", "αβγ ∂L/∂w", "数", "🙂", "graph", "node", "strict digraph", "=", "-->", "${x}", "`x`",
]  # fmt: skip


@pytest.mark.parametrize("label", HOSTILE, ids=repr)
def test_labels_are_shown_as_they_are(label):
    drawing = draw_dot(Value(1.0, label=label))
    assert texts(drawing) == [label.strip(), "data 1.0000", "grad 0.0000"]
    svg = ElementTree.fromstring(drawing.pipe("svg"))
    assert not [e for e in svg.iter() if e.tag.split("}")[1] in ("script", "img", "image", "b")]
    assert not [k for e in svg.iter() for k in e.attrib if k.startswith("on") or "href" in k]


@pytest.mark.parametrize("op", ["<b>", '"', "\\N", "{|}", "&lt;", "<i>x</i>"])
def test_operations_are_shown_as_they_are(op):
    assert op in texts(draw_dot(Value(1.0, (Value(2.0),), op)))


@pytest.mark.parametrize(
    "label, shown", [("a\nb", "a\\nb"), ("\x00\x1b", "\\x00\\x1b"), ("a\tb", "a\\tb")]
)
def test_what_does_not_print_is_shown_as_python_writes_it(label, shown):
    assert texts(draw_dot(Value(1.0, label=label)))[0] == shown


def test_a_long_label_is_cut_in_the_box_and_later_in_the_tooltip():
    drawing = draw_dot(Value(1.0, label="x" * 10_000))
    assert texts(drawing)[0] == "x" * 59 + "…"
    assert re.findall("x{61,}…?", drawing.pipe("svg", encoding="utf-8"))[0] == "x" * 299 + "…"


def test_pictures_are_written_beside_their_dot_text(tmp_path):
    drawing = draw_dot(neuron(), format="png")
    assert drawing.render("g", directory=tmp_path) == str(tmp_path / "g.png")
    assert drawing.render(tmp_path / "h", format="svg", cleanup=True) == str(tmp_path / "h.svg")
    assert drawing.render(outfile=tmp_path / "i.svg", cleanup=True) == str(tmp_path / "i.svg")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["g", "g.png", "h.svg", "i.svg"]
    assert (tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")
    assert b"</svg>" in (tmp_path / "i.svg").read_bytes()


def test_a_notebook_gets_svg_png_and_text():
    bundle, metadata = draw_dot(neuron())._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<?xml") and bundle["image/png"][1:4] == b"PNG"
    assert bundle["text/plain"] == "<Graph of 6 values; last out: data 0.462117, grad 1>"
    assert (
        metadata["image/png"]["alt"]
        == metadata["image/svg+xml"]["alt"]
        == bundle["text/plain"][1:-1]
    )


def test_a_graph_too_large_to_see_is_refused_before_it_is_drawn():
    x = Value(1.0)
    for _ in range(10_000):
        x = x + 1
    with pytest.raises(GraphTooLargeError, match="has 20001 values and max_nodes is 1000"):
        draw_dot(x)
    with pytest.raises(GraphTooLargeError):
        draw_dot(Value(1.0) + 1, max_nodes=2)


@pytest.mark.parametrize("settings", [{"rankdir": "UP"}, {"rankdir": 'LR"]'}, {"format": "bmpp"}])
def test_settings_that_do_not_exist_are_refused(settings):
    with pytest.raises(ValueError):
        draw_dot(Value(1.0), **settings)


def test_the_wheel_of_graphviz_is_found_without_path(monkeypatch):
    monkeypatch.delenv("MICROGRAD_DOT", raising=False)
    monkeypatch.setenv("PATH", "")
    if not layout.graphviz_pure():
        pytest.skip("graphviz-pure has no wheel for this system")
    assert isinstance(draw_dot(Value(1.0)), Drawing) and texts(draw_dot(Value(1.0)))


def walls(node):
    """Where the lines of a node stand."""
    lines = [e.get("points", "") for e in node.iter()]
    return sorted({float(x) for points in lines for x in re.findall(r"(-?[\d.]+),", points)})


LONG = ["W" * 60, "數" * 60, "i" * 60, "🙂" * 30, "data", "αβγ" * 20, "Wi" * 30]


@pytest.mark.parametrize("label", LONG)
def test_a_long_label_stays_in_its_box(label, browser):
    svg = draw_dot(Value(1.0, label=label)).pipe("svg", encoding="utf-8")
    [node] = [g for g in ElementTree.fromstring(svg).iter() if g.get("class") == "node"]
    left, right, *_ = walls(node)
    script = "const [box] = all('.node text').map((e) => e.getBBox()); return [box.x, box.width];"
    x, wide = browser.open(svg[svg.index("<svg") :]).run(script)
    assert left <= x and x + wide <= right


def test_svg_and_png_are_of_one_layout(monkeypatch):
    asked = []
    ask = layout.picture
    monkeypatch.setattr(layout, "picture", lambda *a, **k: asked.append(a[1:]) or ask(*a, **k))
    bundle, _ = draw_dot(neuron())._repr_mimebundle_()
    assert asked == [("svg",)]
    size = re.search(r'width="(\d+)pt" height="(\d+)pt"', bundle["image/svg+xml"])
    with Image.open(io.BytesIO(bundle["image/png"])) as image:
        assert image.size == tuple(round(int(n) * 96 / 72) for n in size.groups())
        assert image.getpixel((0, 0))[3] == 0 and image.getextrema()[3] == (0, 255)


def changed(drawing):
    """The drawing with things that Graphviz has and ours have not."""
    drawing.node("mine", shape="box", style="dashed", label="mine")
    return drawing


def test_what_users_add_is_painted_by_the_dot_program():
    before, after = draw_dot(neuron()), changed(draw_dot(neuron()))
    with Image.open(io.BytesIO(before.pipe("png"))), Image.open(io.BytesIO(after.pipe("png"))) as a:
        assert a.mode != "P" and b"dasharray" in after.pipe("svg")


def test_a_letter_of_no_font_shows_as_its_code_point():
    assert fonts.known_letters("a", False)[0][1] == "a"
    assert fonts.known_letters("\U0010fffd", False)[0][1] == "U+10FFFD"
    assert fonts.text_width("\U0010fffd", 10) == fonts.text_width("U+10FFFD", 10)


def test_a_letter_that_the_own_font_lacks_is_taken_from_the_system(monkeypatch):
    own, other = fonts.own(False), fonts.own(True)
    fonts.known_letters.cache_clear()
    monkeypatch.setattr(fonts, "system", lambda: [other])
    monkeypatch.setattr(fonts, "has", lambda path, letter: (path == other) == (letter == "q"))
    assert fonts.pieces.__wrapped__("aqa", False) == [(own, "a"), (other, "q"), (own, "a")]
    fonts.known_letters.cache_clear()


def test_fonts_that_cannot_be_used_are_passed_over(tmp_path, monkeypatch):
    broken, last = tmp_path / "a.ttf", tmp_path / "LastResort.ttf"
    broken.write_bytes(b"no font")
    last.write_bytes(Path(fonts.own(False)).read_bytes())
    found = [str(broken), str(last), fonts.own(True)]
    monkeypatch.setattr("matplotlib.font_manager.findSystemFonts", lambda: found)
    assert fonts.system.__wrapped__() == [fonts.own(True)]


def tangled(n, operands):
    """A graph whose values each are a sum of several that came before, wherever they stand."""
    generator, values = random.Random(0), [Value(1.0) for _ in range(10)]
    while len(values) < n:
        values.append(F.sum(generator.sample(values, operands)))
    return F.sum(values)


@pytest.mark.slow
@pytest.mark.parametrize("n, operands", [(60, 3), (150, 5)])
def test_a_tangle_is_a_picture_or_one_sentence(n, operands):
    bundle, _ = draw_dot(tangled(n, operands))._repr_mimebundle_()
    told = bundle["text/plain"]
    assert "image/svg+xml" in bundle or "did not finish within 5 s; draw a part" in told
    assert len(told) < 300 and "\n" not in told


def luminance(colour):
    """How light a colour is, by the rules for accessible pages (WCAG 2)."""
    parts = [c / 255 for c in ImageColor.getrgb(colour)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(map(float.__mul__, (0.2126, 0.7152, 0.0722), linear))


@pytest.mark.parametrize("paper", ["#ffffff", "#111111", "#1e1e1e"])
def test_lines_stand_out_from_a_white_page_and_from_a_dark_one(paper):
    svg = draw_dot(neuron()).pipe("svg", encoding="utf-8")
    inks = set(re.findall(r'stroke="(#\w+)"', svg))
    assert inks and "black" not in re.findall(r'stroke="(\w+)"', svg)
    for ink in inks:
        low, high = sorted([luminance(ink), luminance(paper)])
        assert (high + 0.05) / (low + 0.05) > 3
