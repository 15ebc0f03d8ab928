"""Drawings where no program can be run: the same boxes and words, in columns, without Graphviz."""

import itertools
import re
from xml.etree import ElementTree

import pytest

from micrograd import Value, columns, layout, raster
from micrograd.layout import DrawError
from micrograd.nn import MLP
from micrograd.player import step_through
from micrograd.viz import Drawing, draw_dot

HOSTILE = [
    'a "b"',
    "{|}<x>",
    "back\\slash",
    "&amp;",
    "</svg><script>",
    "two  spaces ",
    "é ŷ₁",
    "\n",
]


@pytest.fixture(autouse=True)
def in_a_browser(monkeypatch):
    def refused(*_, **__):
        raise OSError("a browser runs no programs")

    monkeypatch.setattr(layout, "IN_A_BROWSER", True)
    monkeypatch.setattr("subprocess.Popen", refused)


def network():
    model = MLP(2, [3, 1], act="tanh", seed=0)
    y = model([1.0, 2.0])
    y.backward()
    return y, {"model": model}


def labelled(texts):
    return sum((Value(1.0, label=text) for text in texts), start=Value(0))


GRAPHS = [
    (Value(2.0), None),
    (labelled("abc").tanh() ** 2, None),
    network(),
    (labelled(HOSTILE), None),
]


def boxes(svg):
    """The outlines of the nodes of an SVG: x, y, right, bottom."""
    for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}g"):
        if node.get("class") == "node":
            outline = node[1]
            if outline.tag.endswith("ellipse"):
                x, y, rx, ry = (float(outline.get(key)) for key in ("cx", "cy", "rx", "ry"))
                yield x - rx, y - ry, x + rx, y + ry
            else:
                numbers = [float(x) for x in re.findall(r"-?[\d.]+", outline.get("points"))]
                yield min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2])


def words(svg):
    return sorted(text.text for text in ElementTree.fromstring(svg).iter() if "text" in text.tag)


def apart(a, b):
    return a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]


@pytest.mark.parametrize("rankdir", ["LR", "TB", "RL", "BT"])
@pytest.mark.parametrize(("root", "names"), GRAPHS, ids=str)
def test_the_drawing_has_the_words_of_graphvizs_and_no_boxes_overlap(
    root, names, rankdir, monkeypatch
):
    drawing = draw_dot(root, rankdir=rankdir, names=names)
    own = drawing.svg()
    monkeypatch.undo()
    assert words(own) == words(drawing.svg())
    found = list(boxes(own))
    assert len(found) == own.count('class="node"')
    assert all(itertools.starmap(apart, itertools.combinations(found, 2)))
    sideways = rankdir in ("LR", "RL")
    starts = [box[0 if sideways else 1] for box in found]
    first, last = starts[0], starts[-1] if root._op == "" else starts[-2]
    assert first == last or (first < last) == (rankdir in ("LR", "TB"))
    assert "<script" not in own


def test_it_is_shown_in_a_notebook_and_as_pixels():
    drawing = draw_dot(labelled("ab"))
    bundle, metadata = drawing._repr_mimebundle_()
    assert bundle["image/png"].startswith(b"\x89PNG") and bundle["image/svg+xml"].startswith("<svg")
    assert metadata["image/svg+xml"]["alt"] == drawing.alt
    assert raster.png(drawing.svg(), 96).startswith(b"\x89PNG")


def test_dot_of_ones_own_is_drawn_as_far_as_it_goes():
    drawing = Drawing()
    drawing.attr("node", shape="box")
    drawing.edges(["ab", "bc", "ca"])
    drawing.node("lonely one", shape="circle")
    svg = drawing.svg()
    assert words(svg) == ["a", "b", "c", "lonely one"] and svg.count('class="edge"') == 3
    with drawing.subgraph(name="cluster_1") as part:
        part.node("inner")
    with pytest.raises(DrawError, match="without Graphviz, it has a part within the graph"):
        drawing.svg()
    with pytest.raises(DrawError, match="a browser draws 'svg', not 'pdf'"):
        draw_dot(Value(1.0)).pipe("pdf")


@pytest.mark.parametrize("source", ["", "graph { a -- b }", "digraph", "digraph { a"])
def test_what_is_no_digraph_is_refused(source):
    with pytest.raises(columns.UnknownError, match="it is no digraph"):
        columns.svg(source)


def test_the_player_stands_in_columns():
    a = Value(2.0, label="a")
    player = step_through((a * a + a).tanh())
    assert "microgradPlayer" in player._repr_mimebundle_()[0]["text/html"]
    corners = [(b.x, b.y, b.x + b.w, b.y + b.h) for b in player._scene.boxes]
    assert all(itertools.starmap(apart, itertools.combinations(corners, 2)))
