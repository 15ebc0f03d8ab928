"""Figures that other engines get wrong: each probe with the one answer that is right."""

import copy
import pickle
import random
from fractions import Fraction

import pytest

from micrograd import Value, nn, optim
from micrograd.compiler import jit
from micrograd.viz import GraphTooLargeError, draw_dot


def backward_twice():
    a = Value(3.0)
    y = a * a * a
    y.backward()
    once = a.grad
    y.backward()
    return f"{once:g}, then {a.grad:g}"


def two_losses():
    a = Value(2.0)
    s = a * a
    (s * 3).backward()
    first = a.grad
    (s * s - s * 2.5).backward()
    return f"{first:g} + {a.grad - first:g}"


def quotients():
    rng, wrong = random.Random(0), 0
    for _ in range(10_000):
        x, y = rng.uniform(-10, 10), rng.uniform(-10, 10)
        exact = Fraction(x) / Fraction(y)
        wrong += (Value(x) / Value(y)).data != float(exact)
    return f"{(Value(49) / Value(49)).data}; {wrong} of 10,000 not rounded right"


def recorded_branch():
    f = jit(lambda a, b: a - b if a < b else b * a)
    return ", ".join(f"{f(a, b).data:g}" for a, b in ((1.0, 3.0), (3.0, 1.0), (1.0, 3.0)))


def refused(function, *args):
    try:
        function(*args)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "accepted"


def nan_into_adam():
    w = Value(1.0, label="w")
    w.grad = float("nan")
    answer = refused(optim.Adam([w]).step)
    return f"{answer.split('(data')[0].strip()}; w is {w.data}"


def copies():
    y = Value(1.0) * 2
    answers = {refused(copy.deepcopy, y).split(":")[0], refused(pickle.dumps, y).split(":")[0]}
    model = nn.MLP(2, [2], seed=0)
    kept = pickle.loads(pickle.dumps(copy.deepcopy(model))).state_dict() == model.state_dict()
    return f"{' '.join(answers)}; a Module is kept: {kept}"


def large_drawing():
    x = Value(1.0)
    for _ in range(2000):
        x = x + 1
    with pytest.raises(GraphTooLargeError):
        draw_dot(x)
    return "GraphTooLargeError"


PROMISES = {
    "backward twice on a³ at 3": (backward_twice, "27, then 54"),
    "two losses over a shared s = a²": (two_losses, "12 + 22"),
    "V(49) / V(49), and random quotients": (quotients, "1.0; 0 of 10,000 not rounded right"),
    "a branch on a < b in a jitted function": (recorded_branch, "-2, 3, -2"),
    "a nan gradient into Adam": (
        nan_into_adam,
        "NonFiniteError: the gradient of parameter 0 ('w') is nan; w is 1.0",
    ),
    "deepcopy and pickle of a computed Value": (copies, "TypeError; a Module is kept: True"),
    "MLP(3) fed two numbers": (
        lambda: refused(nn.MLP(3, [1]), [1.0, 2.0]),
        "ValueError: Neuron expects 3 inputs, got 2",
    ),
    "drawing 4,001 nodes": (large_drawing, "GraphTooLargeError"),
}


@pytest.mark.parametrize("probe", PROMISES)
def test_a_promise_is_kept(probe, score):
    function, right = PROMISES[probe]
    found = function()
    score(probe, right, found)
    assert found == right
