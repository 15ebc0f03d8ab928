"""Damaged states of optimizers: each is refused with nothing changed, or is as it was saved."""

import copy
import json
import math
from decimal import Decimal
from fractions import Fraction
from random import Random

import numpy as np
import pytest

from micrograd import Value
from micrograd.optim import SGD, Adam

THEME = "Files"
inf, nan = math.inf, math.nan


def run(kind, labels="abc", steps=3, **options):
    """An optimizer after some steps."""
    parameters = [Value(0.5 * (i + 1), label=label) for i, label in enumerate(labels)]
    optimizer = kind(parameters, lr=0.1, **options)
    for k in range(steps):
        for i, p in enumerate(parameters):
            p.grad = 0.25 * (i + 1) - 0.5 * k
        optimizer.step()
    return optimizer


def adam(labels="abc", steps=3, **options):
    return run(Adam, labels, steps, **options)


def sgd(labels="abc", steps=3):
    return run(SGD, labels, steps, momentum=0.9)


def everything(optimizer):
    return repr((optimizer.steps, optimizer.state, [p.data for p in optimizer.parameters]))


NUMBERS = {
    "nan": (nan, "the state of parameter 1 .'b'. is nan"),
    "inf": (inf, "the state of parameter 1 .'b'. is inf"),
    "-inf": (-inf, "the state of parameter 1 .'b'. is -inf"),
    "an int of 400 digits": (10**400, "the state of parameter 1 .'b'. is inf"),
    "a str": ("0.1", "the state of parameter 1 is a number, got str '0.1'"),
    "bytes": (b"1", "the state of parameter 1 is a number, got bytes"),
    "None": (None, "the state of parameter 1 is a number, got NoneType"),
    "a bool": (True, "the state of parameter 1 is a number, got bool True"),
    "a NumPy bool": (np.True_, "the state of parameter 1 is a number, got bool"),
    "a list": ([0.1], "the state of parameter 1 is a number, got list"),
    "a complex": (1j, "the state of parameter 1 is a number, got complex 1j"),
    "a Decimal": (Decimal("0.1"), "the state of parameter 1 is a number, got Decimal"),
    "a Value": (Value(0.1), "the state of parameter 1 is a number, got Value"),
    "an array": (np.zeros(2), "the state of parameter 1 is a number, got ndarray"),
}
STEPS = {
    "-1": -1,
    "2.0": 2.0,
    "1e400": 1e400,
    "nan": nan,
    "10**400": 10**400,
    "2**53": 2**53,
    "True": True,
    "a str": "3",
    "None": None,
    "a list": [3],
}
DAMAGES = {
    **{
        f"{name} in row {row} of {kind.__name__}": (kind, {"state": (row, x)}, says)
        for name, (x, says) in NUMBERS.items()
        for kind, rows in ((adam, 2), (sgd, 1))
        for row in range(rows)
    },
    **{
        f"steps {name} of {kind.__name__}": (
            kind,
            {"steps": steps},
            "the steps of a state are a whole number from 0, got ",
        )
        for name, steps in STEPS.items()
        for kind in (adam, sgd)
    },
    "a second moment below zero": (adam, {"state": (1, -1e-300)}, "are from 0, got -1e-300"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_number_is_refused(name, refused):
    kind, damage, says = DAMAGES[name]
    state = kind().state_dict()
    if "state" in damage:
        row, x = damage["state"]
        state["state"][row][1] = x
    else:
        state.update(damage)
    refused(kind(), state, says)


SHAPES = {
    "nothing": (adam, lambda s: {}, "it is no state_dict"),
    "None": (adam, lambda s: None, "it is no state_dict"),
    "a list": (adam, lambda s: [s], "it is no state_dict"),
    "a text": (adam, json.dumps, "it is no state_dict"),
    "no steps": (adam, lambda s: {"state": s["state"]}, "it is no state_dict"),
    "no state": (adam, lambda s: {"steps": 3}, "it is no state_dict"),
    "state of None": (adam, lambda s: {**s, "state": None}, "it is no state_dict"),
    "state of numbers": (adam, lambda s: {**s, "state": [1.0, 2.0]}, "it is no state_dict"),
    "a word too many": (adam, lambda s: {**s, "lr": 0.5}, "this one also 'lr'"),
    "a number as a word": (adam, lambda s: {**s, 1: 0.5}, "this one also 1"),
    "state of PyTorch": (
        adam,
        lambda s: {"state": {0: {"step": 3, "exp_avg": 0.1}}, "param_groups": []},
        "it is no state_dict",
    ),
    "a row too few": (adam, lambda s: {**s, "state": s["state"][:1]}, "keeps 2 numbers for each"),
    "a row too many": (adam, lambda s: {**s, "state": s["state"] * 2}, "keeps 2 numbers for each"),
    "a number too few": (
        adam,
        lambda s: {**s, "state": [row[1:] for row in s["state"]]},
        "keeps 2 numbers for each of 3 parameters",
    ),
    "a row that is shorter": (
        adam,
        lambda s: {**s, "state": [s["state"][0], s["state"][1][:2]]},
        "keeps 2 numbers for each of 3 parameters",
    ),
    "rows of texts": (adam, lambda s: {**s, "state": ["000", "000"]}, "is a number, got str '0'"),
    "of SGD": (adam, lambda s: sgd().state_dict(), "Adam keeps 2 numbers for each"),
    "of Adam": (sgd, lambda s: adam().state_dict(), "SGD keeps 1 numbers for each"),
    "of a smaller model": (adam, lambda s: adam("ab").state_dict(), "of 3 parameters"),
    "of another order": (
        adam,
        lambda s: adam("bac").state_dict(),
        "parameter 0 is 'a' here, and there 'b'",
    ),
    "of another order, SGD": (sgd, lambda s: sgd("acb").state_dict(), "parameter 1 is 'b' here"),
    "labels too few": (adam, lambda s: {**s, "labels": ["a"]}, "parameter 0 is 'a' here"),
    "labels of None": (adam, lambda s: {**s, "labels": None}, "it is no state_dict"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_state_of_another_shape_is_refused(name, refused):
    kind, damaged, says = SHAPES[name]
    refused(kind(), damaged(kind().state_dict()), says)


@pytest.fixture
def refused(score):
    """Checks that an optimizer refuses a state, and is as it was."""

    def check(optimizer, state, says):
        before = everything(optimizer)
        with pytest.raises((TypeError, ValueError, ArithmeticError), match=says):
            optimizer.load_state_dict(state)
        assert everything(optimizer) == before
        score(
            f"{len(DAMAGES) + len(SHAPES)} damaged states of optimizers: lengths, nan, types, "
            "steps, words, of another optimizer or order",
            "an exact error, nothing changed",
            "{n}",
            hurt="who goes on with yesterday's training: it would diverge, or creep",
            n=1,
        )

    return check


def test_states_damaged_at_random_are_refused_or_as_saved(fresh_seed, tries, score):
    """Words, rows, numbers and labels lost, doubled, moved, or put in place of others."""
    rng, n, refused, same = Random(fresh_seed), tries(2_000, 50_000), 0, 0
    for k in range(n):
        kind = (adam, sgd)[k % 2]
        saved, optimizer = kind().state_dict(), kind(steps=1)
        before = everything(optimizer)
        try:
            damaged = damaged_state(rng, saved)
            optimizer.load_state_dict(damaged)
        except (TypeError, ValueError, ArithmeticError):
            refused += 1
            assert everything(optimizer) == before
        else:
            same += optimizer.state_dict() == saved
            assert optimizer.state_dict() == saved, damaged
    score(
        f"{n:,} states of optimizers with parts lost, doubled, moved or put in place of others",
        "refused with nothing changed, or as saved; 0 wrong ones accepted",
        "{refused:,} refused, {same:,} as saved, 0 wrong",
        hurt="who goes on with yesterday's training, from a file that was cut",
        refused=refused,
        same=same,
    )
    assert refused + same == n


def damaged_state(rng, saved):
    """The same with one thing in it lost, doubled, or put in place of another one."""
    state = copy.deepcopy(saved)
    places = [(state, key) for key in state]
    places += [(state["state"], i) for i in range(len(state["state"]))]
    places += [(state["labels"], i) for i in range(len(state["labels"]))]
    holder, at = rng.choice(places)
    kind = rng.randrange(4)
    if kind == 0:
        del holder[at]
    elif kind == 1 and isinstance(holder, list):
        holder.insert(at, holder[at])
    elif kind == 2 and isinstance(holder, list):
        rng.shuffle(holder)
        if holder is state["state"] and holder != saved["state"]:
            holder[rng.randrange(2)] = rng.choice([None, [], {}, 0.5])  # else nobody could tell
    else:
        holder[at] = rng.choice([nan, -inf, "", {}, [], None, -1, 0.5, [[]], [nan], object()])
    return state


@pytest.mark.parametrize("kind", [adam, sgd])
@pytest.mark.parametrize("number", [float, np.float64, Fraction, np.float32], ids=str)
def test_a_state_of_any_kind_of_numbers_goes_on_to_the_last_digit(kind, number):
    first, second = kind(), kind(steps=0)
    state = first.state_dict()
    exact = [[number(x) for x in row] for row in state["state"]]
    second.load_state_dict({**state, "state": exact})
    assert all(type(x) is float for row in second.state for x in row)
    assert second.state_dict()["state"] == [list(map(float, row)) for row in exact]


def test_parameters_without_labels_need_none():
    state = adam(["", "", ""]).state_dict()
    assert list(state) == ["steps", "state"]
    other = adam()
    other.load_state_dict(state)
    assert other.state_dict()["state"] == state["state"]
    adam(["", "", ""]).load_state_dict(adam().state_dict())
