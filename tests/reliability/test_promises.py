"""Figures that other engines get wrong: each probe with the one answer that is right."""

import copy
import pickle
import random
import warnings
from fractions import Fraction

import pytest
from reliability.peers import pytorch

from micrograd import Value, nn, optim
from micrograd.compiler import jit
from micrograd.viz import GraphTooLargeError, draw_dot

THEME = "Mistakes"


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


def torch_backward_twice(torch):
    a = torch.tensor(3.0, requires_grad=True)
    y = a * a * a
    y.backward(retain_graph=True)
    once = a.grad.item()
    y.backward()
    return f"{once:g}, then {a.grad:g}"


def torch_two_losses(torch):
    a = torch.tensor(2.0, requires_grad=True)
    s = a * a
    (s * 3).backward(retain_graph=True)
    first = a.grad.item()
    (s * s - s * 2.5).backward()
    return f"{first:g} + {a.grad - first:g}"


def torch_quotients(torch):
    rng, wrong = random.Random(0), 0
    for _ in range(10_000):
        x, y = (torch.tensor(rng.uniform(-10, 10), dtype=torch.float64) for _ in range(2))
        wrong += (x / y).item() != float(Fraction(x.item()) / Fraction(y.item()))
    return f"{(torch.tensor(49.0) / 49).item()}; {wrong} of 10,000 not rounded right"


def torch_branch(torch):
    def f(a, b):
        return a - b if a < b else b * a

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of which there is one
        traced = torch.jit.trace(f, (torch.tensor(1.0), torch.tensor(3.0)))
        pairs = ((1.0, 3.0), (3.0, 1.0), (1.0, 3.0))
        return ", ".join(f"{traced(torch.tensor(a), torch.tensor(b)):g}" for a, b in pairs)


def torch_nan_into_adam(torch):
    w = torch.tensor(1.0, requires_grad=True)
    w.grad = torch.tensor(float("nan"))
    torch.optim.Adam([w]).step()
    return f"w is {w.item()}"


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


# What is right; whom another answer would hurt; PyTorch's; and what was seen on the field.
PROMISES = {
    "backward twice on a³ at 3": (
        backward_twice,
        "27, then 54",
        "who runs a cell twice",
        torch_backward_twice,
        "27, then 72",
    ),
    "two losses over a shared s = a²": (
        two_losses,
        "12 + 22",
        "who adds a penalty to a loss",
        torch_two_losses,
        "52 for their sum, 34",
    ),
    "V(49) / V(49), and random quotients": (
        quotients,
        "1.0; 0 of 10,000 not rounded right",
        "who compares with a calculator",
        torch_quotients,
        "0.9999999999999999; 26 % not rounded right",
    ),
    "a branch on a < b in a jitted function": (
        recorded_branch,
        "-2, 3, -2",
        "who writes an if into a function, and @jit above it",
        lambda torch: f"{torch_branch(torch)} (torch.jit.trace)",
        "-2 for -3, silently",
    ),
    "a nan gradient into Adam": (
        nan_into_adam,
        "NonFiniteError: the gradient of parameter 0 ('w') is nan; w is 1.0",
        "who trains over night, and finds nan in all weights",
        torch_nan_into_adam,
        "w is nan, for ever",
    ),
    "deepcopy and pickle of a computed Value": (
        copies,
        "TypeError; a Module is kept: True",
        "who keeps the best model so far",
        lambda torch: copy.deepcopy(torch.ones(1, requires_grad=True) * 2),
        "copies that are wrong, or a RecursionError",
    ),
    "MLP(3) fed two numbers": (
        lambda: refused(nn.MLP(3, [1]), [1.0, 2.0]),
        "ValueError: Neuron expects 3 inputs, got 2",
        "who forgets a column",
        lambda torch: torch.nn.Linear(3, 1)(torch.ones(2)),
        "an answer, from two of the weights",
    ),
    "drawing 4,001 nodes": (
        large_drawing,
        "GraphTooLargeError",
        "who draws a training instead of a neuron: the notebook would hang",
        None,
        "",
    ),
}


@pytest.mark.parametrize("probe", PROMISES)
def test_a_promise_is_kept(probe, score):
    function, right, hurt, theirs, seen = PROMISES[probe]
    found = function()
    score(probe, right, found, hurt=hurt, **(pytorch(theirs, seen) if theirs else {}))
    assert found == right
