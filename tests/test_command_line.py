"""The command line: what it writes and prints, and one clear sentence for every mistake."""

import pytest

from micrograd import demos
from micrograd.__main__ import main
from micrograd.expression import FUNCTIONS, evaluate
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
    assert (tmp_path / "new folder" / "training.html").stat().st_size < 150_000
    assert "MLP 2-16-16-1, 337 parameters" in out
    assert "100% after training" in out
    assert "100/100" in err and "accuracy=" in err
    MLP(2, [16, 16, 1]).load(weights)


@pytest.mark.slow
@pytest.mark.parametrize(
    "what, lines, last",
    [("line", 40, "epoch 40: loss 0.016167, w 3.8211"), ("square", 11, "97 of 100 right")],
)
def test_the_regressions_of_the_articles_run(what, lines, last, tmp_path, capsys):
    assert run("demo", what, "--out", str(tmp_path)) == 0
    *log, wrote = capsys.readouterr().out.splitlines()
    assert len(log) == lines and last in log[-1] and wrote.startswith("wrote")
    assert (tmp_path / f"{what}.png").read_bytes().startswith(PNG)


@pytest.mark.slow
def test_the_demo_prints_the_same_on_every_run(tmp_path, capsys):
    command = ("demo", "--out", str(tmp_path), "--steps", "3", "--seed", "7")
    assert {run(*command), run(*command)} == {0}
    out = capsys.readouterr().out
    assert out[: len(out) // 2] == out[len(out) // 2 :]


@pytest.mark.slow
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
    assert run("draw", text, "a=2", "b=-3", "-o", str(picture), "c=10", "f=-2") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["a", "2.0", "6.0"] in rows and ["e", "-6.0", "-2.0"] in rows
    assert ["L", "-8.0", "1.0"] in rows and rows[-1][0] == "wrote"
    assert picture.read_bytes().startswith(PNG)


def test_an_svg_is_drawn_for_its_suffix(tmp_path):
    assert run("draw", "tanh(x)**2", "x=0.5", "--out", str(tmp_path / "g.svg")) == 0
    assert b"<svg" in (tmp_path / "g.svg").read_bytes()


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
