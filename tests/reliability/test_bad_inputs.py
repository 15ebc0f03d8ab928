"""Bad inputs over the whole public API and the command line: each is refused, and changes nothing.

The table is bad_inputs.txt: the type of the error, and the words of it that matter.
"""
# ruff: noqa: F401  # it is the rows, which are text, that use most imports

import copy
import math
import operator
import pickle
import re
import shlex
import sys
from decimal import Decimal
from functools import partial
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from micrograd import Value, data, lesson, nn, optim, regression, train, weights
from micrograd import functional as F
from micrograd.__main__ import main
from micrograd.compiler import batched, grad, gradients, jit
from micrograd.engine import topological_order
from micrograd.expression import ExpressionError, evaluate
from micrograd.function import Function
from micrograd.gradcheck import GradientError, gradcheck, numerical_diff
from micrograd.layout import DrawError
from micrograd.nn import MLP, Layer, Neuron, WeightsError
from micrograd.optim import SGD, Adam, NonFiniteError, Optimizer
from micrograd.player import step_through
from micrograd.tensor import Tensor
from micrograd.viz import GraphTooLargeError, draw_dot, trace

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from micrograd import plot

THEME = "Mistakes"
WEIGHT_FILE = '{"format": "micrograd weights", "version": 1, "weights": '
FILES = {
    "empty.json": b"",
    "text.json": b"no weights",
    "binary.json": b"\xff\xfe",
    "list.json": b"[]",
    "another_format.json": b'{"format": "safetensors"}',
    "later.json": b'{"format": "micrograd weights", "version": 2, "weights": {}}',
    "nan.json": (WEIGHT_FILE + '{"x": NaN}}').encode(),
    "infinite.json": (WEIGHT_FILE + '{"x": 1e999}}').encode(),
    "text_for_number.json": (WEIGHT_FILE + '{"x": "1"}}').encode(),
    "no_weights.json": b'{"format": "micrograd weights", "version": 1}',
    "twice.json": (WEIGHT_FILE + '{"x": 1, "x": 2}}').encode(),
    "wrong_checksum.json": (WEIGHT_FILE + '{"x": 1}, "sha256": "0"}').encode(),
}

X, Y = data.moons(10)
X3, Y3 = np.ones((4, 3)), [1, -1, 1, -1]
AxisError = getattr(np, "exceptions", np).AxisError
FolderError = PermissionError if sys.platform == "win32" else IsADirectoryError


class OnlyForward(Function):
    @staticmethod
    def forward(ctx, x):
        return x


def custom(forward=1.0, backward=1.0):
    """A Function of the name Custom that returns these, or what they give if they are functions."""

    def answer(result):
        return staticmethod(lambda ctx, *args: result(*args) if callable(result) else result)

    return type("Custom", (Function,), {"forward": answer(forward), "backward": answer(backward)})


def every(x):
    return dict.fromkeys(MLP(1, [1]).state_dict(), x)


def evaluated(text):
    return evaluate(text, {"c": 1.0})


def world():
    """What the rows use, new for each."""
    a, b, lost, steep = Value(2.0), Value(3.0), Value(5.0), Value(7.0, label="steep")
    lost.grad, steep.grad = math.nan, 100.0
    unset = Value(0.0)
    unset.grad = None
    model = MLP(3, [2, 1], seed=0)
    return {
        "a": a,
        "b": b,
        "y": a * b,
        "lost": lost,
        "steep": steep,
        "unset": unset,
        "t": Tensor([[1.0, -2.0, 3.0], [4.0, 5.0, 6.0]]),
        "model": model,
        "small": MLP(1, [1], seed=0),
        "flat": MLP(2, [2, 1], seed=0),
        "wide": MLP(2, [3], seed=0),
        "adam": Adam([a]),
        "fit": partial(fit, SGD(model.parameters())),
    }


def fit(usual, model, X, y, *optimizer, steps=3, **settings):
    return train.fit(model, X, y, *(optimizer or [usual]), steps=steps, progress=False, **settings)


def state(things):
    """All numbers of a world, and all that its folder holds."""
    numbers = {name: numbers_of(thing) for name, thing in things.items()}
    return repr(numbers), {p: p.is_file() and p.read_bytes() for p in Path().rglob("*")}


def numbers_of(thing):
    if isinstance(thing, Value):
        return [(v.data, v.grad) for v in topological_order(thing)]
    if isinstance(thing, Tensor):
        return thing.tolist(), thing.grad.tolist()
    if isinstance(thing, nn.Module):
        return thing.state_dict()
    return thing.state_dict() if isinstance(thing, Optimizer) else None


def rows():
    """What is tried, the error it gives, and words that must stand in the message."""
    kind = wanted = ""
    for line in (Path(__file__).parent / "bad_inputs.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            tried, _, came = line.strip().partition(" → ")
            yield tried, kind, list(filter(None, [*wanted.split(" … "), *came.split(" … ")]))
        elif line and not line.startswith("#"):
            kind, _, wanted = line.partition(": ")


def unsaid(words, message):
    """The words that a message should hold and does not."""
    return [word for word in words if not re.search(pattern(word), message, re.DOTALL)]


def pattern(word):
    start, end = r"(?<!\w)" * word[0].isalnum(), r"(?!\w|\.\d)" * word[-1].isalnum()
    return start + ".*".join(map(re.escape, word.split("…"))) + end


ROWS = list(rows())
CALLS = [row for row in ROWS if row[1] != "Exit 2"]
COMMANDS = [(tried, words) for tried, kind, words in ROWS if kind == "Exit 2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    weights.write(folder / "other_names.json", {"x": 1.0})
    for name in ("folder", "folder.png"):
        (folder / name).mkdir()
    return folder


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    yield
    plt.close("all")


@pytest.fixture
def refused(score):
    """Counts a row as refused."""
    probe, found = "bad inputs refused: type, what was wanted, what came", f"{{n}} of {len(ROWS)}"
    who = "a beginner, on the first evening"
    return lambda: score(probe, "≥ 150, 0 silent", found, hurt=who, n=1)


@pytest.mark.parametrize("call, kind, words", CALLS, ids=[call for call, *_ in CALLS])
def test_a_bad_call_is_refused_and_changes_nothing(call, kind, words, here, refused):
    things = world()
    before = state(things)
    with pytest.raises(Exception) as caught:
        eval(call, globals(), things)
    assert type(caught.value) is eval(kind), caught.value
    assert unsaid(words, str(caught.value)) == [], caught.value
    assert state(things) == before and not plt.get_fignums()
    refused()


@pytest.mark.parametrize("command, words", COMMANDS, ids=[command[:60] for command, _ in COMMANDS])
def test_a_bad_command_gets_a_sentence_and_writes_nothing(command, words, here, refused, capsys):
    before = state({})
    try:
        code = main(shlex.split(command.replace("MANY", "+".join(["2"] * 600)))[1:])
    except SystemExit as end:
        code = end.code
    out, err = capsys.readouterr()
    said = [line for line in err.splitlines() if line and "training:" not in line]
    assert (code, out, len(said)) == (2, "", 1) and said[0].startswith("micrograd"), said
    assert unsaid(words, said[0]) == [], said
    assert state({}) == before
    refused()


def test_the_table_is_long_and_names_nothing_twice():
    assert len({tried for tried, *_ in ROWS}) == len(ROWS) >= 150
    assert len(COMMANDS) > 40


@pytest.mark.parametrize(
    "message", ["a lr is from 0, got 10", "lr is from 0, got -1", "lr is, got 1"]
)
def test_a_wrong_message_is_seen(message):
    assert unsaid(["lr", "from 0", "got 1"], message)
    assert not unsaid(["lr", "from 0", "got 1"], "lr goes from 0 on; it got 1, too")
