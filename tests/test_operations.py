"""An operation is written in three places, and what lacks it in one of them is named."""

import math
import random

import mpmath as mp
import optable
import pytest
from reliability.reference import ulps

import micrograd.functional as F
from micrograd import Value, expression, nn, operations
from micrograd.compiler import jit
from micrograd.engine import node, unary
from micrograd.player import step_through
from micrograd.tensor import Tensor

DECLARED = {name: method for name, method in vars(Value).items() if hasattr(method, "backward")}


def lacking(name, method):
    """The places that lack an operation which the engine declares under a name."""
    known = [row for row in operations.OPERATIONS if row.backward is method.backward]
    places = {
        "micrograd/operations.py": known and len(known[0].words) == operands(method),
        "micrograd/tensor.py": hasattr(Tensor, name) or name == "_power",
        "tests/optable.py": any(makes(op, method) for op in optable.OPS),
    }
    if known and not known[0].notation:
        places["micrograd/expression.py"] = expression.FUNCTIONS.get(known[0].name) is method
    x = [Value(0.75), Value(0.5)][: operands(method)]
    try:
        jit(method)(*x)
    except Exception:
        places["micrograd/compiler"] = False
    else:
        places["micrograd/compiler"] = same_as_jitted(method)
    return [place for place, has in places.items() if not has]


def operands(method):
    return len(method.backward.__code__.co_varnames[: method.backward.__code__.co_argcount]) - 1


def makes(op, method):
    y = op.compute(*(Value(0.25) for _ in op.ranges))
    return y._chain is method.backward


def same_as_jitted(method):
    found = []
    for f in (method, jit(method), jit(lambda *xs: [method(*xs) for _ in range(8)][-1])):
        xs = [Value(0.75), Value(0.5)][: operands(method)]
        y = f(*xs)
        y.backward()
        found.append([y.data, *(x.grad for x in xs)])
    return all(row == pytest.approx(found[0], rel=1e-14) for row in found)


@pytest.mark.parametrize("name", DECLARED)
def test_an_operation_stands_wherever_it_is_looked_for(name):
    assert ", ".join(lacking(name, DECLARED[name])) == ""


def test_the_places_that_lack_an_operation_are_named(monkeypatch):
    @unary("made up", math.atan)
    def made_up(grad, x):
        x.grad += grad / (1 + x.data * x.data)

    places = ["micrograd/operations.py", "micrograd/tensor.py", "tests/optable.py"]
    assert lacking("made_up", made_up) == [*places, "micrograd/compiler"]
    monkeypatch.setattr(Tensor, "made_up", made_up, raising=False)
    row = operations.Operation(
        "made_up", made_up, ("1/(1 + {a}²)",), (lambda g, x, y: g / (1.0 + x * x),)
    )
    monkeypatch.setattr(operations, "OPERATIONS", [*operations.OPERATIONS, row])
    assert lacking("made_up", made_up) == [
        "tests/optable.py",
        "micrograd/expression.py",
        "micrograd/compiler",
    ]


def test_activations_and_functions_are_read_from_the_rows():
    assert list(nn.ACTIVATIONS) == ["relu", "tanh", "sigmoid", "softplus", "linear"]
    assert {"abs", "exp", "log", "relu", "tanh"} <= set(expression.FUNCTIONS)
    assert not {"neg", "add", "power"} & set(expression.FUNCTIONS)


@pytest.mark.parametrize("row", operations.OPERATIONS, ids=lambda row: row.name)
def test_the_words_are_said_of_the_operation(row):
    xs = [Value(0.75), Value(0.5)][: len(row.words)]
    page = str(step_through(row.method(*xs)))
    assert "local derivative" not in page and " × upstream = " in page


def test_an_operation_is_told_by_its_function_and_not_by_its_name():
    x = Value(3.0)
    mine = node(9.0, (x,), "tanh", lambda grad: None)
    assert operations.operation(mine) is None
    assert operations.operation(x.tanh()).name == "tanh"
    assert operations.operation(F.sum([x, x])) is None


@pytest.mark.parametrize(
    ("at", "hard"),
    [(0.0, 0.25), (0.2, 0.6), (0.5, 1.0), (1.0, 2.1), (2.0, 20.0), (1e-8, 1e-3)],
)
def test_tanh_is_right_to_the_last_digit(at, hard):
    rng = random.Random(at)
    with mp.workdps(60):
        xs = [rng.uniform(at, hard) * rng.choice((-1, 1)) for _ in range(2000)]
        assert max(ulps(Value(x).tanh().data, mp.tanh(mp.mpf(x))) for x in xs) <= 0.65
