"""Words that act somewhere, as every name that a user can give: shown as they are, or spelt out."""

import functools
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hostile import TEXTS, prints

import micrograd.functional as F
from micrograd import Value, arrays, columns, course, lesson, nn, optim, puzzle, weights
from micrograd.__main__ import main
from micrograd.compiler import grad, jit
from micrograd.compiler.backends import BACKENDS
from micrograd.compiler.errors import JitError
from micrograd.engine import node
from micrograd.expression import evaluate
from micrograd.film import snapshot
from micrograd.function import Function
from micrograd.gradcheck import gradcheck
from micrograd.nn import Module
from micrograd.player import step_through
from micrograd.text import visible
from micrograd.viz import draw_dot

THEME = "Attacks"


def shown(text, longest):
    whole = visible(text)
    return whole if len(whole) <= longest else whole[: longest - 1] + "…"


def named(text, thing):
    """The thing, called so."""
    thing.__name__ = text
    return thing


def forest():
    """A graph in which each text is a label, a name and an operation, and its names."""
    known = {text: Value(2.0) for text in TEXTS}
    made = [Value(3.0, (Value(1.0, label=text), x), text) for text, x in known.items()]
    return F.sum(made), known


# Drawings


@functools.cache
def drawing():
    root, known = forest()
    return draw_dot(root, names=known)


def texts(svg):
    return [
        "".join(t.itertext()) for t in ElementTree.fromstring(svg).iter() if t.tag[-4:] == "text"
    ]


@pytest.mark.parametrize("layout", ["graphviz", "columns"])
def test_a_drawing_shows_the_words(layout, score):
    svg = drawing().svg() if layout == "graphviz" else columns.svg(drawing().source)
    seen = {re.sub(r"\s+", " ", text.replace("\xa0", " ")).strip() for text in texts(svg)}
    wanted = {re.sub(r"\s+", " ", shown(text, 60)).strip() for text in TEXTS}
    assert wanted - seen == set()
    tags = {e.tag.rpartition("}")[2] for e in ElementTree.fromstring(svg).iter()}
    assert tags <= {"svg", "g", "a", "title", "text", "polygon", "polyline", "path", "ellipse"}
    line(score)


def line(score, places=1):
    """Adds places in which all words were put to the row of the scoreboard."""
    score(
        f"{len(TEXTS)} words that act somewhere, as every name and label",
        "shown as they are or spelt out; nothing runs, nothing stops",
        "in {places} places, all shown",
        hurt="who opens a page, a drawing or a terminal with names from somebody else",
        places=places,
    )


@pytest.mark.slow
def test_a_drawing_is_painted(score):
    labelled = draw_dot(F.sum([Value(1.0, label=text) for text in TEXTS]))
    assert labelled.pipe("png").startswith(b"\x89PNG")
    line(score)


def test_dot_holds_each_name_in_quotes():
    lines = [x.strip() for x in drawing().source.splitlines() if "label=" in x]
    node = re.compile(
        r'v\d+(?:op)? \[label=("(?:[^"\\]|\\.)*"|-?[\w.]+) [^"]*(?:"(?:[^"\\]|\\.)*"[^"]*)*\]'
    )
    assert [x for x in lines if not node.fullmatch(x)] == []


def test_the_diagram_of_a_puzzle_shows_the_words():
    words = [text for text in TEXTS if text.split() == [text] and text[-1] != "s"]
    svg = puzzle.diagram("f", " ".join(words[:-1]), words[-1]).svg()
    assert {shown(text, 60) for text in words} - set(texts(svg)) == set()


# Programs


def program(backend, text):
    """A program of a function with these words in all places, and what is told of it."""
    times = type(
        text.replace("\0", "0").encode("utf-8", "replace").decode(),
        (Function,),
        {
            "forward": staticmethod(lambda ctx, x: 2 * x),
            "backward": staticmethod(lambda ctx, g: 2 * g),
        },
    )
    model = Module()
    setattr(model, text, Value(1.5, label=text))
    vars(model)["parts"] = {text: [Value(0.5, label=text)]}

    def f(given):
        w, (b,) = vars(model)[text], model.parts[text]
        y = times.apply(given[text] * w + b)
        y.label = text
        return {text: y.tanh(), "more": y**2}

    compiled = jit(named(text, f), backend=backend)
    for _ in range(3):
        compiled({text: 0.25})[text].backward()
    return compiled.program, re.sub(r"(?m)^build .*", "", compiled.explain())


@pytest.fixture(params=sorted(BACKENDS))
def backend(request):
    """The name of a backend, where what it needs is there."""
    try:
        jit(lambda x: x * 2, backend=request.param)(1.0)
    except (ImportError, JitError) as error:
        pytest.skip(str(error))
    return request.param


def test_no_word_reaches_a_program(backend, score):
    wanted = program(backend, "harmless")
    few = TEXTS if backend == "numpy" else TEXTS[::9]
    assert [text for text in few if program(backend, text) != wanted] == []
    line(score)


def test_a_number_that_writes_itself_otherwise_is_a_number_in_a_program(backend):
    class Evil(float):
        def __repr__(self):
            return "2.5\n#error stop\nraise SystemExit #"

        __str__ = __repr__

        def __format__(self, form):
            return repr(self)

    compiled = jit(lambda x: x ** Evil(2.5) + Evil(2.5) * x, backend=backend)
    for _ in range(3):
        assert compiled(4.0).data == 42.0
    assert "stop" not in compiled.program + compiled.explain()


# Sentences


def weights_of(text):
    model = Module()
    vars(model)[text] = Value(1.0)
    return model


def custom(text):
    return Value(2.0, (Value(1.0),), text)


def failing(text):
    y = custom(text)
    y._backward = lambda: 1 / 0
    y.backward()


def function_class(text, **methods):
    name = text.replace("\0", "0").encode("utf-8", "replace").decode()
    return type(name, (Function,), {k: staticmethod(f) for k, f in methods.items()})


def optimized(text):
    p = Value(1.0, label=text)
    p.grad = float("nan")
    optim.SGD([p], 0.1).step()


def wrong_slope(x):
    return Value(2 * x.data, (x,), (3.0,))


def changing(text):
    seen = []
    return jit(named(text, lambda x: seen.append(1) or x * x))(Value(2.0))


def holding(text):
    holder = Module()
    vars(holder)[text] = Value(1.0)

    def f(x):
        vars(holder)[text] = Value(2.0)
        return x * 2

    return jit(f)(Value(1.0))


SENTENCES = {
    "weights, not finite": lambda t: weights.checked({t: float("nan")}),
    "weights, other names": lambda t: weights_of("w").load_state_dict({t: 1.0}),
    "weights, another shape": lambda t: weights_of(t).load_arrays({arrays.place(t)[0]: [1.0, 2.0]}),
    "weights, no file": lambda t: weights_of("w").load(t.replace("\0", "0") + "/none.json"),
    "an optimizer": optimized,
    "gradcheck": lambda t: gradcheck(wrong_slope, Value(1.0, label=t)),
    "gradcheck, names": lambda t: gradcheck(wrong_slope, x := Value(1.0), names={t: x}),
    "names of numbers": lambda t: draw_dot(Value(1.0) * 2, names={t: 3.0}),
    "an operation, backward": failing,
    "an operation, jit": lambda t: jit(lambda w: node(2.0, (w,), t, print))(Value(1.0)),
    "an operation, grad": lambda t: grad(lambda x: Value(2.0, (x,), t))(1.0),
    "a Function, forward": lambda t: function_class(t, forward=lambda c, x: "no").apply(1.0),
    "a Function, backward": lambda t: (
        function_class(t, forward=lambda c, x: x, backward=lambda c, g: "no")
        .apply(Value(1.0))
        .backward()
    ),
    "a Function, nothing": lambda t: function_class(t).apply(),
    "a function, not called": lambda t: jit(named(t, lambda x: x)).program,
    "a function, changing": changing,
    "an attribute, changed": holding,
    "a backend": lambda t: jit(lambda x: x, backend=t),
    "an expression": lambda t: evaluate(t + " ?", {}),
    "a variable": lambda t: evaluate("x", {t + " ": 1.0}),
    "a direction": lambda t: draw_dot(Value(1.0), rankdir=t),
    "an activation": lambda t: nn.MLP(2, [1], act=t),
    "first weights": lambda t: nn.MLP(2, [1], init=t),
    "a film": lambda t: snapshot(nn.MLP(2, [2, 1], act=named(t, lambda x: x)), [[0, 1]], [1]),
    "onnx": lambda t: nn.MLP(2, [2, 1], act=named(t, lambda x: x)).save("never.onnx"),
    "live data": lambda t: pytest.importorskip("micrograd.live").live(t),
}


@pytest.fixture
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", SENTENCES)
def test_a_sentence_with_the_words_prints(name, in_a_folder, score):
    if name == "onnx":
        pytest.importorskip("onnx")
    for text in TEXTS:
        with pytest.raises(Exception) as raised:
            SENTENCES[name](text)
        assert not isinstance(raised.value, (UnicodeError, KeyError, IndexError)), repr(text)
        said = str(raised.value)
        assert prints(said) and said, (text, said)
        said.encode("utf-8")
    line(score)


def test_what_a_thing_is_called_prints():
    for text in TEXTS:
        f = named(text, lambda x: x)
        assert prints(repr(nn.MLP(2, [1, 1], act=f)) + repr(jit(f)))


def test_a_check_of_a_lesson_prints(capsys):
    def stops(x):
        raise ValueError(x)

    for text in TEXTS:
        said = named(text, lambda x: x)
        lesson.check_cases(said, [(text, 2.0)])
        lesson.check_cases(said, [(text, "right")], "look again")
        lesson.check_cases(stops, [(text, "right")])
        answer = {text: text}
        lesson.check("answer", {"right": len(answer)})
    said = capsys.readouterr().out
    assert prints(said) and said.count("Not right") == 4 * len(TEXTS)
    lesson.wrong_answers.clear()


def test_a_command_prints(in_a_folder, capsys, score):
    names = [t for t in TEXTS if not {"\0", "/"} & {*t} and len(t.encode("utf-8", "replace")) < 200]
    for text in names:
        assert main(["draw", text.lstrip("-") + " ?", "-o", "x.svg"]) == 2
        assert main(["draw", "x", "--", text]) == 2
    told = capsys.readouterr()
    assert not told.out and told.err.count("\n") >= 2 * len(names) and prints(told.err)
    line(score)


@pytest.mark.skipif(sys.platform == "win32", reason="such names are for no file there")
def test_a_command_prints_what_a_file_and_a_folder_are_called(in_a_folder, monkeypatch, capsys):
    Path("\x1b[2J\u202e").mkdir()
    monkeypatch.chdir("\x1b[2J\u202e")
    monkeypatch.setattr(course, "open_in_jupyter", lambda *_: None)
    for command in (["draw", "x", "x=1", "-o", "\x1b[31m.svg"], ["lessons"]):
        assert main(command) == 0
        assert prints(capsys.readouterr().out)


# Files


def test_weights_of_any_name_come_back(tmp_path):
    model = Module()
    for i, text in enumerate(TEXTS):
        vars(model)[f"{text}."] = Value(float(i))
    model.save(tmp_path / "w.json")
    found = model.state_dict()
    for p in model.parameters():
        p.data = -1.0
    model.load(tmp_path / "w.json")
    assert model.state_dict() == found and len(found) == len(TEXTS)


def test_a_player_tells_the_words(score):
    root, known = forest()
    told = str(step_through(root, names=known))
    assert prints(told)
    assert [t for t in TEXTS if shown(t, 24).strip() and shown(t, 24) not in told] == []
    line(score)


def test_the_table_is_long_and_names_nothing_twice():
    assert len(TEXTS) >= 100 and len({*TEXTS}) == len(TEXTS)
    assert not all(map(prints, TEXTS)) and np.mean([*map(prints, TEXTS)]) > 0.5
