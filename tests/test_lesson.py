"""The checks of the lessons: exact, friendly, in stages, and never an error."""

import math
import sys
from types import SimpleNamespace

import pytest
from processes import printed

from micrograd import Value, lesson
from micrograd.lesson import check, check_cases
from micrograd.tensor import Tensor

OPEN = "Not yet: fill in the cell above, run it, and run this one again."


@pytest.fixture(autouse=True)
def nothing_was_answered():
    lesson.wrong_answers.clear()


ANSWERS = [
    (5.0, 5, "Right: x = 5."),
    (5 + 1e-9, 5, "Right: x = 5."),
    (Value(5.0), 5, "Right: x = 5."),
    ((1, 2), [1.0, 2.0], "Right: x = (1, 2)."),
    ("tanh", "tanh", "Right: x = 'tanh'."),
    (True, True, "Right: x = True."),
    ({"a": 1}, {"a": 1.0}, "Right: x = {'a': 1.0}."),
    (math.nan, math.nan, "Right: x = nan."),
    (..., 5, OPEN),
    ((..., ...), (1, 2), OPEN),
    ((1, ...), (1, 2), OPEN),
    (None, 5, "Not right: x is None."),
    (4, 5, "Not right: x is 4."),
    (1, True, "Not right: x is 1, which is a number; wanted is True or False."),
    ("5", 5, "Not right: x is '5', which is a text; wanted is a number."),
    ((1,), (1, 2), "Not right: x is (1,), of length 1; wanted is length 2."),
    ((1, 5, 4), (1, 2, 3), "Not right: x is (1, 5, 4): look at parts 2 and 3."),
    ((1, 5, 4, 3), (1, 2, 3, 4), "Not right: x is (1, 5, 4, 3): look at parts 2, 3 and 4."),
    ((3, 4), (1, 2), "Not right: x is (3, 4)."),
    (Tensor([1, 2]), (1, 3), "Not right: x is (1, 2): look at part 2."),
    (2, (1, 2), "Not right: x is 2, which is a number; wanted is several parts."),
]  # fmt: skip


@pytest.mark.parametrize("x, wanted, says", ANSWERS)
def test_an_answer_is_judged_in_a_sentence(x, wanted, says, capsys):
    check("x", wanted, "count")
    assert capsys.readouterr().out == says + "\n"


def test_of_several_names_the_wrong_one_is_told(capsys):
    left, right = 1, 3
    check("left, right", (1, 2))
    check("left, nowhere", (1, 2))
    check("left right", (left, right))
    assert capsys.readouterr().out == (
        f"Not right: right is 3.\n{OPEN}\nRight: left right = (1, 3).\n"
    )


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
    (double, [(1, 2), (3, 6)], "Right: both cases."),
    ("double", [(1, 2), (3, 6)], "Right: both cases."),
    ("double", [(1, 2), (3, 6), (5, 10)], "Right: all 3 cases."),
    ("not_there", [(1, 2)], OPEN),
    (lambda x: ..., [(1, 2)], OPEN),
    (lambda x: None, [(1, 2)], "<lambda>(1) returned nothing: is a `return` missing?"),
    (double, [(1, 2), (3, 7)], "double(3) gives 6."),
    ("double", [(1, 2), (3, "x")], "double(3) gives 6, which is a number; wanted is a text."),
    (broken, [(1, 2)], "broken(1) raises KeyError: 'x'."),
    (5, [(1, 2)], "function(1) raises TypeError: 'int' object is not callable."),
]  # fmt: skip


@pytest.mark.parametrize("function, cases, says", FUNCTIONS)
def test_a_function_is_judged_case_by_case(function, cases, says, capsys):
    check_cases(function, cases, "count")
    prefix = "" if says.startswith(("Right", "Not yet")) else "Not right: "
    assert capsys.readouterr().out == f"{prefix}{says}\n"


def test_help_comes_in_stages_and_begins_anew_after_a_right_answer(capsys):
    says = [
        "Not right: slope at 3 gives 6.",
        "Not right: slope at 3 gives 6. Hint: count.",
        "Not right: slope at 3 gives 6. Hint: count. Wanted is 7.",
        "Not right: slope at 3 gives 6. Hint: count. Wanted is 7.",
        "Right: the case.",
        "Not right: slope at 3 gives 6.",
    ]
    for wanted in (7, 7, 7, 7, 6, 7):
        check_cases(double, [(3, wanted)], "count", call="slope at {}")
    assert capsys.readouterr().out.splitlines() == says


def test_each_check_counts_its_own_wrong_answers(capsys):
    for name in ("one", "two"):
        check_cases(double, [(3, 7)], "count", call=name + "({})")
    assert "Hint" not in capsys.readouterr().out


def test_a_small_number_is_told_from_zero_where_that_is_asked_for(capsys):
    small = 0.0
    assert not small
    check("small", 4e-18)
    check("small", 4e-18, near_zero=0)
    assert capsys.readouterr().out == "Right: small = 4e-18.\nNot right: small is 0.\n"


def cell(source, name):
    """What a cell of a notebook defines."""
    import linecache

    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), names := {})
    return names


def test_an_error_names_the_line_of_the_learners_cell(capsys):
    answer = cell("def f(x):\n    y = x\n    return y / 0\n", "<cell 1>")["f"]
    check_cases(answer, [(1, 2)])
    line = "ZeroDivisionError: division by zero, in the line `return y / 0`."
    assert capsys.readouterr().out == f"Not right: f(1) raises {line}\n" or sys.version_info > (
        3,
        13,
    )


@pytest.mark.parametrize("when", ["error_before_exec", "error_in_exec"])
def test_a_cell_that_stopped_is_told_before_its_old_answer(when, capsys, monkeypatch):
    error = SyntaxError("'(' was never closed", ("<cell>", 2, 1, "  return (2 * x\n"))
    last = SimpleNamespace(
        error_before_exec=None,
        error_in_exec=None,
        info=SimpleNamespace(raw_cell="def double(x):\n  return (2 * x"),
    )
    setattr(last, when, error)
    shell = SimpleNamespace(last_execution_result=last)
    ipython = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    check_cases(double, [(1, 2)])
    check_cases(broken, [(1, 2)], "another cell")
    stops, other = capsys.readouterr().out.splitlines()
    assert stops.startswith("Not right: your cell stops with SyntaxError: '(' was never closed")
    assert stops.endswith("in the line `return (2 * x`.") and "KeyError" in other


def test_nothing_a_learner_writes_makes_a_check_fail_with_an_error(capsys):
    answer = disgusting(1)
    check_cases(disgusting, [(1, 2), (1, "x")], "count")
    check("answer", (1, 2))
    check("answer", "x")
    assert answer is not None and capsys.readouterr().out.count("Not right") == 3


CELLS = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="NoColor")
shell.run_cell("from micrograd.lesson import check_cases\\ndef f(x):\\n    return 1")
shell.run_cell("def f(x:\\n    return 2")
shell.run_cell("check_cases('f', [(1, 3)])")
shell.run_cell("def f(x):\\n    y = x + unknown\\n    return y")
shell.run_cell("check_cases('f', [(1, 3)])")
"""


def test_in_a_notebook_a_cell_that_stops_is_named_and_so_is_the_line_of_an_error():
    said = [line for line in printed(CELLS).splitlines() if line.startswith("Not right")]
    assert said == [
        "Not right: your cell stops with SyntaxError: '(' was never closed, "
        "in the line `def f(x:`.",
        "Not right: f(1) raises NameError: name 'unknown' is not defined, "
        "in the line `y = x + unknown`.",
    ]
