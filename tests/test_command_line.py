"""The command line: what it writes and prints, and one clear sentence for every mistake."""

import os
from pathlib import Path

import pytest

from micrograd import demos
from micrograd.__main__ import main
from micrograd.expression import FUNCTIONS, ExpressionError, evaluate
from micrograd.nn import MLP

PNG = b"\x89PNG"


def run(*arguments):
    """Exit code of a command in this process; argparse's exits included."""
    try:
        return main(arguments)
    except SystemExit as end:
        return end.code


@pytest.mark.slow
def test_the_demo_learns_moons_and_draws(tmp_path, capsys):
    weights = tmp_path / "weights.json"
    assert run("demo", "--out", str(tmp_path / "new folder"), "--save", str(weights)) == 0
    out, err = capsys.readouterr()
    for name in ("moons.png", "graph.png"):
        assert (tmp_path / "new folder" / name).read_bytes().startswith(PNG)
        assert f"{tmp_path / 'new folder' / name} (" in out
    assert "MLP 2-16-16-1, 337 parameters" in out
    assert "100% after training" in out
    assert "100/100" in err and "accuracy=" in err
    MLP(2, [16, 16, 1]).load(weights)


@pytest.mark.parametrize(
    "what, lines, last",
    [("line", 40, "epoch 40: loss 0.016167, w 3.8211"), ("square", 11, "97 of 100 right")],
)
def test_the_regressions_of_the_articles_run(what, lines, last, tmp_path, capsys):
    assert run("demo", what, "--out", str(tmp_path)) == 0
    *log, wrote = capsys.readouterr().out.splitlines()
    assert len(log) == lines and last in log[-1] and wrote.startswith("wrote")
    assert (tmp_path / f"{what}.png").read_bytes().startswith(PNG)


def test_the_demo_prints_the_same_on_every_run(tmp_path, capsys):
    command = ("demo", "--out", str(tmp_path), "--steps", "3", "--seed", "7")
    assert {run(*command), run(*command)} == {0}
    out = capsys.readouterr().out
    assert out[: len(out) // 2] == out[len(out) // 2 :]


@pytest.mark.parametrize("dataset", demos.DATASETS)
@pytest.mark.parametrize("optimizer", demos.OPTIMIZERS)
def test_every_dataset_and_optimizer_can_be_named(dataset, optimizer, tmp_path, capsys):
    command = ["demo", "--data", dataset, "--optimizer", optimizer, "--steps", "1", "--hidden", "3"]
    assert run(*command, "--lr", "0.1", "--out", str(tmp_path)) == 0
    assert f"100 points of {dataset}" in capsys.readouterr().out
    assert (tmp_path / f"{dataset}.png").exists()


def test_an_expression_is_drawn_and_its_gradients_are_printed(tmp_path, capsys):
    picture = tmp_path / "L.png"
    text = "e = a*b; d = e + c; L = d * f"
    assert run("draw", text, "a=2", "b=-3", "c=10", "f=-2", "-o", str(picture)) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["a", "2.0", "6.0"] in rows and ["e", "-6.0", "-2.0"] in rows
    assert ["L", "-8.0", "1.0"] in rows and rows[-1][0] == "wrote"
    assert picture.read_bytes().startswith(PNG)


def test_an_svg_is_drawn_for_its_suffix(tmp_path):
    assert run("draw", "tanh(x)**2", "x=0.5", "--out", str(tmp_path / "g.svg")) == 0
    assert b"<svg" in (tmp_path / "g.svg").read_bytes()


MISTAKES = [
    ([], "the following arguments are required"),
    (["dmeo"], "invalid choice: 'dmeo'"),
    (["demo", "--data", "mars"], "argument --data: invalid choice: 'mars'"),
    (["demo", "--nonsense"], "unrecognized arguments: --nonsense"),
    (["demo", "--optimizer", "adagrad"], "argument --optimizer: invalid choice: 'adagrad'"),
    (["demo", "--hidden", "16,x"], "'16,x' is not a list of sizes, such as 16,16"),
    (["demo", "--hidden", "0"], "'0' is not a list of sizes"),
    (["demo", "--hidden", ""], "'' is not a list of sizes"),
    (["demo", "--steps", "0"], "'0' is not a whole number from 1"),
    (["demo", "--steps", "many"], "'many' is not a whole number from 1"),
    (["demo", "--lr", "-1"], "'-1' is not a number above 0"),
    (["demo", "--lr", "nan"], "'nan' is not a number above 0"),
    (["demo", "--seed", "-1"], "'-1' is not a whole number from 0"),
    (["demo", "--seed", "99999999999"], "'99999999999' is not a whole number from 0"),
    (["demo", "--out", "FILE/sub"], "cannot make the folder"),
    (["demo", "--save", "FOLDER"], "it is a folder"),
    (["demo", "--lr", "1e300", "--optimizer", "sgd", "--out", "FOLDER"], "try a smaller --lr"),
    (["demo", "line", "--hidden", "3"], "--hidden is for the network, not for line"),
    (["demo", "line", "--lr", "1e300", "--out", "FOLDER"], "try a smaller --lr"),
    (["demo", "cube"], "argument what: invalid choice: 'cube'"),
    (["draw"], "the following arguments are required: expression"),
    (["draw", "a +", "a=1"], "cannot read 'a +': invalid syntax"),
    (["draw", "a*b", "a=1"], "'b' has no value; add one, such as b=1"),
    (["draw", "a", "a=x"], "'a=x' is not name=number, such as a=2"),
    (["draw", "a", "2=a"], "'2=a' is not name=number, such as a=2"),
    (["draw", "a", "a=1", "a=2"], "a name was given two numbers"),
    (["draw", "a", "a=1", "-o", "graph.pdf"], "'graph.pdf' ends in neither .png nor .svg"),
    (["draw", "a", "a=1", "-o", "FILE/g.png"], "cannot make the folder"),
    (["draw", "__import__('os')"], "cannot use \"__import__('os')\""),
    (["draw", "a.__class__", "a=1"], "cannot use 'a.__class__'"),
    (["draw", "a if a else a", "a=1"], "cannot use 'a if a else a'"),
    (["draw", "+".join(["2"] * 600)], "values and max_nodes is 1000"),
    (["draw", ""], "the expression is empty"),
    (["lessons", "--port", "x"], "'x' is not a whole number from 1"),
    (["lessons", "--reset", "x"], "'x' is not a whole number from 0"),
    (["lessons", "--reset", "99"], "there is no lesson 99"),
    (["lessons", "--reset", "5"], "05_sums_over_paths.ipynb is not there"),
    (["progress"], "there is no folder micrograd-lessons"),
    (["progress", "--csv", "nobody"], "there is no folder nobody"),
]


@pytest.mark.parametrize(
    "arguments, sentence", MISTAKES, ids=lambda x: "" if isinstance(x, str) else " ".join(x)[:40]
)
def test_a_mistake_gets_one_sentence_and_exit_code_2(arguments, sentence, tmp_path, capsys):
    (tmp_path / "file").touch()
    named = {"FILE/sub": "file/sub", "FILE/g.png": "file/g.png", "FOLDER": ""}
    arguments = [str(tmp_path / named[a]) if a in named else a for a in arguments]
    os.chdir(tmp_path)
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if line and "training:" not in line]
    assert out == "" and len(lines) == 1, err
    assert lines[0].startswith("micrograd") and sentence in lines[0]


@pytest.fixture(autouse=True)
def stay_here():
    here = Path.cwd()
    yield
    os.chdir(here)


def test_a_file_that_may_not_be_written_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write anywhere
    assert run("demo", "--out", str(tmp_path)) == 2
    assert capsys.readouterr().err.endswith("moons.png: permission denied\n")


# Expressions.

EXPRESSIONS = [
    ("a*b + 2", {"a": 3, "b": 4}, 14),
    ("-a**2", {"a": 3}, -9),
    ("(a/b - +a)", {"a": 3, "b": 2}, -1.5),
    ("2**a", {"a": 3}, 8),
    ("a.relu() + relu(a)", {"a": 3}, 6),
    ("x = 2; y = x * x\nx * y", {}, 8),
    ("9**9**9", {}, float("inf")),
    ("1/0", {}, float("inf")),
    ("1e999", {}, float("inf")),
    *((f"{name}(a)", {"a": 0.25}, None) for name in FUNCTIONS),
]


@pytest.mark.parametrize("text, variables, expected", EXPRESSIONS)
def test_expressions(text, variables, expected):
    result, names = evaluate(text, variables)
    result.backward()
    assert expected is None or result.data == expected
    assert {name: names[name].label for name in names} == {name: name for name in names}


BAD = ["", "a b", "1j", "'x'", "True", "a < b", "f(a)", "exp(a, a)", "[a]", "lambda: a", "a[0]",
       "a @ a", "a // a", "a % a", "~a", "x, y = a, a", "import os", "a = b = 1; c", "relu(x=a)",
       "del a", "(" * 300 + "a" + ")" * 300, "-" * 5000 + "a", "9" * 400, 
       "a**" + "9" * 400, "\0"]  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=lambda t: t[:20])
def test_what_is_no_expression_is_refused(text):
    with pytest.raises(ExpressionError):
        evaluate(text, {"a": 1.0, "b": 2.0})
