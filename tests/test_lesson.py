"""The checks of the lessons: exact, friendly, and never an error."""

import math

import pytest

from micrograd import Value
from micrograd.lesson import check, check_cases
from micrograd.tensor import Tensor

ANSWERS = [
    (5.0, 5, "Right: 5."),
    (5 + 1e-9, 5, "Right: 5."),
    (Value(5.0), 5, "Right: 5."),
    ((1, 2), [1.0, 2.0], "Right: (1, 2)."),
    ("tanh", "tanh", "Right: 'tanh'."),
    (True, True, "Right: True."),
    ({"a": 1}, {"a": 1.0}, "Right: {'a': 1.0}."),
    (math.nan, math.nan, "Right: nan."),
    (lambda: 5, 5, "Right: 5."),
    (..., 5, "Not yet: fill in the cell above, run it, and run this one again."),
    (None, 5, "Not yet: fill in the cell above, run it, and run this one again."),
    ((..., ...), (1, 2), "Not yet: fill in the cell above, run it, and run this one again."),
    (lambda: None, 5, "Not yet: fill in the cell above, run it, and run this one again."),
    (4, 5, "Not right: your answer is 4, wanted is 5. Hint: count."),
    (1, True, "Not right: your answer is 1, wanted is True. Hint: count."),
    ("5", 5, "Not right: your answer is '5', wanted is 5. Hint: count."),
    ((1,), (1, 2), "Not right: your answer is (1,), wanted is (1, 2). Hint: count."),
    ((1, ...), (1, 2), "Not right: your answer is (1, Ellipsis), wanted is (1, 2). Hint: count."),
    (Tensor([1, 2]), (1, 3), "Not right: your answer is (1, 2), wanted is (1, 3). Hint: count."),
    ([], (1, 2), "Not right: your answer is (), wanted is (1, 2). Hint: count."),
    (lambda: 4, 5, "Not right: your function gives 4, wanted is 5. Hint: count."),
    (lambda: 1 / 0, 5, "Not right: your function raises ZeroDivisionError: division by zero. "
     "Hint: count."),
]  # fmt: skip


@pytest.mark.parametrize("answer, wanted, says", ANSWERS)
def test_an_answer_is_judged_in_a_sentence(answer, wanted, says, capsys):
    check(answer, wanted, "count")
    assert capsys.readouterr().out == says + "\n"


def double(x):
    return 2 * x


def broken(x):
    raise KeyError("x")


def disgusting(x):
    class Odd:
        __hash__ = None

        def __eq__(self, other):
            raise ValueError("no")

        def __repr__(self):
            raise ValueError("no")

    return Odd()


FUNCTIONS = [
    (double, [(1, 2), (3, 6)], "Right: all 2 cases."),
    (lambda x: ..., [(1, 2)], "Not yet: fill in the cell above, run it, and run this one again."),
    (double, [(1, 2), (3, 7)], "Not right: double(3) gives 6, wanted is 7. Hint: count."),
    (broken, [(1, 2)], "Not right: broken(1) raises KeyError: 'x'. Hint: count."),
    (5, [(1, 2)], "Not right: function(1) raises TypeError: 'int' object is not callable. "
     "Hint: count."),
]  # fmt: skip


@pytest.mark.parametrize("function, cases, says", FUNCTIONS)
def test_a_function_is_judged_case_by_case(function, cases, says, capsys):
    check_cases(function, cases, "count")
    assert capsys.readouterr().out == says + "\n"


def test_nothing_a_learner_writes_makes_a_check_fail_with_an_error(capsys):
    check_cases(disgusting, [(1, 2), (1, "x")], "count")
    check(disgusting(1), (1, 2))
    check(disgusting(1), "x")
    assert capsys.readouterr().out.count("Not right") == 3
