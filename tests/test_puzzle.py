"""Gradient puzzles: right rules pass, and each slip that a rule can have is refused."""

import pytest

from micrograd import functional as F
from micrograd import lesson
from micrograd.puzzle import Trial, check_rule, creature, diagram


@pytest.fixture(autouse=True)
def nothing_was_answered():
    lesson.wrong_answers.clear()


def times(a, b, out):
    a.grad += b.data * out.grad


def overwrites(a, b, out):
    a.grad = b.data * out.grad


def forgets_upstream(a, b, out):
    a.grad += b.data


def takes_both(a, b, out):
    a.grad += b.data * out.grad
    b.grad += a.data * out.grad


def forgets_data(a, b, out):
    a.grad += b * out.grad


def crashes(a, b, out):
    a.grad += c  # noqa: F821


def is_open(a, b, out):
    return ...


def multiply(a, b):
    return a * b


VERDICTS = [
    (times, "Right: all 6 trials."),
    (overwrites, "Not right: overwrites at a "),
    (forgets_upstream, "Not right: forgets_upstream at a "),
    (takes_both, "Not right: takes_both at a "),
    (forgets_data, "became a Value: take .data"),
    (crashes, "raises NameError: name 'c' is not defined"),
    (is_open, "Not yet: "),
]


@pytest.mark.parametrize("rule, says", VERDICTS, ids=lambda x: getattr(x, "__name__", ""))
def test_a_rule_is_tried(rule, says, capsys):
    check_rule(rule, multiply, "a b", "a", "the other factor")
    out = capsys.readouterr().out
    assert says in out and ("██" in out) == (rule is times)


def test_help_comes_in_stages(capsys):
    for _ in range(3):
        check_rule(overwrites, multiply, "a b", "a", "the other factor")
    first, second, third = capsys.readouterr().out.splitlines()
    assert "Hint" not in first and second.endswith("Hint: the other factor.")
    assert "Wanted is (" in third


def softmax(xs, outs):
    for x, p in zip(xs, outs):
        x.grad += p.data * (p.grad - sum(q.data * q.grad for q in outs))


def alike(xs, outs):
    for x, p in zip(xs, outs):
        x.grad += p.data * (1 - p.data) * p.grad


def test_lists_go_in_and_come_out(capsys):
    check_rule(softmax, F.softmax, "xs", "xs")
    check_rule(alike, F.softmax, "xs", "xs")
    right, *_, wrong = capsys.readouterr().out.splitlines()
    assert right == "Right: all 6 trials." and wrong.startswith("Not right: alike at x1 ")


def test_half_of_the_trials_use_a_number_twice_and_all_have_gradients_before():
    import random

    trials = [Trial(random.Random(i), ["a", "b"], i % 2, (-1, 1)) for i in range(6)]
    assert [trial.at for trial in trials] == [[0, 1], [0, 0]] * 3
    assert all(all(trial.before) for trial in trials)


def test_a_drawing_and_a_creature_are_the_same_every_time():
    assert creature("dot") == creature("dot") != creature("sum")
    assert diagram("softmax", "xs", "outs").source.count("->") == 6
    assert diagram("/", "a b").alt == "/: from a b to out"
