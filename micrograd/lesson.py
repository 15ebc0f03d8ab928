"""Checks for the exercises of the lessons: what is wrong, then a hint, then what was wanted."""

from __future__ import annotations

import linecache
import math
import os
import re
import reprlib
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .engine import Value, is_real
from .text import visible, visible_lines

if sys.platform == "emscripten":  # a browser's stack ends before Python's limit, and takes the page
    sys.setrecursionlimit(300)

RIGHT, NOT_YET, NOT_RIGHT = "Right", "Not yet", "Not right"
OPEN = f"{NOT_YET}: fill in the cell above, run it, and run this one again."

wrong_answers: Counter[str] = Counter()  # to each check, in this kernel


def check(
    names: str, wanted: Any, hint: str = "", *, rel: float = 1e-6, near_zero: float = 1e-9
) -> None:
    """Print whether the numbers of these names are the wanted ones, one for each name.

    Names are those of the cells, as in "x" or "x, y". Numbers may be off by the relative error
    `rel`, or by `near_zero`. The first wrong answer is told what is wrong, the second gets the
    hint, the third what is wanted.
    """
    named, known = names.replace(",", " ").split(), scope()
    if not named:
        raise ValueError("check() needs at least one name, got none")
    trials = [
        (known.get, (name, ...), each, name, "is")
        for name, each in zip(named, [wanted] if len(named) == 1 else wanted, strict=True)
    ]
    tell(trials, names, hint, rel, near_zero, f"{names} = {shown(wanted)}")


def check_cases(
    function: Callable | str,
    cases: Iterable[tuple],
    hint: str = "",
    *,
    call: str = "",
    rel: float = 1e-6,
    near_zero: float = 1e-9,
) -> None:
    """Print whether a function gives what is wanted in every case, (arguments…, wanted).

    It is a function, or the name of one of the cells. `call` says what was done in the learner's
    words, "slope({}) at {}": its first word is the name that the learner gave.
    """
    cases, called = list(cases), function
    name = visible(getattr(function, "__name__", "function"))
    if isinstance(function, str):
        called, name = scope().get(function, lambda *arguments: ...), function
    if not cases:
        raise ValueError("check_cases() needs at least one case, got none")
    trials = []
    for case in cases:
        if not (isinstance(case, (tuple, list)) and case):
            raise TypeError(f"a case is (arguments…, wanted), got {case!r}")
        *arguments, wanted = case
        trials.append((called, arguments, wanted, written(call, name, arguments), "gives"))
    tell(
        trials,
        call or name,
        hint,
        rel,
        near_zero,
        {1: "the case", 2: "both cases"}.get(len(cases), f"all {len(cases)} cases"),
    )


def asking():
    """The frame of the cell that asks for a check."""
    frame = sys._getframe()
    while frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame


def scope():
    """What names mean where a check is asked for."""
    return {**asking().f_globals, **asking().f_locals}


def written(call, name, arguments):
    """A call as the learner would write it."""
    texts = [*map(shown, arguments)]
    return call.format(*texts) if call else f"{name}({', '.join(texts)})"


def tell(trials, key, hint, rel, near_zero, right):
    """Print the verdict on the first trial that is not right, or that all are; return whether."""
    if not isinstance(hint, str):
        raise TypeError(f"a hint is a text, got {type(hint).__name__} {hint!r}")
    for limit in (rel, near_zero):
        if not (is_real(limit) and 0 <= limit < math.inf):
            raise ValueError(f"a tolerance is from 0 to below inf, got {limit!r}")
    faults = (fault(*trial, rel, near_zero) for trial in trials)
    said, wanted = next(filter(None, faults), ("", None))
    stopped = failed_cell(re.findall(r"\w+", key)[:1])
    if stopped:
        print(f"{NOT_RIGHT}: your cell stops with {stopped}.")
    elif said == OPEN or not said:
        wrong_answers.pop(key, None)
        print(said or f"{RIGHT}: {right}.")
    else:
        wrong_answers[key] += 1
        hint = hint and f"Hint: {hint}{'' if hint[-1] in '.?!' else '.'}"
        stages = filter(None, [said, hint, f"Wanted is {shown(wanted)}."])
        print(f"{NOT_RIGHT}:", *list(stages)[: wrong_answers[key]])
    return not stopped and not said


def fault(function, arguments, wanted, call, verb, rel, near_zero):
    """What is wrong with what comes, in a sentence, and what was wanted; None if nothing is."""
    try:
        got = function(*arguments)
        if unanswered(got):
            return OPEN, wanted
        if same(got, wanted, rel, near_zero):
            return None
        if got is None and wanted is not None:
            nothing = "is None." if verb == "is" else "returned nothing: is a `return` missing?"
            return f"{call} {nothing}", wanted
        return f"{call} {verb} {shown(got)}{difference(got, wanted, rel, near_zero)}.", wanted
    except Exception as error:
        return f"{call} raises {named(error)}.", wanted


def difference(got, wanted, rel, near_zero):
    """In what an answer differs, where that can be said without the answer."""
    got, wanted = plain(got), plain(wanted)
    if kind(got) != kind(wanted):
        return f", which is {kind(got)}; wanted is {kind(wanted)}"
    if not isinstance(wanted, (tuple, list)) or len(wanted) < 2:
        return ""
    if len(got) != len(wanted):
        return f", of length {len(got)}; wanted is length {len(wanted)}"
    pairs = enumerate(zip(got, wanted), 1)
    *others, last = [str(i) for i, pair in pairs if not same(*pair, rel, near_zero)]
    if len(others) + 1 == len(wanted):
        return ""
    return f": look at parts {', '.join(others)} and {last}" if others else f": look at part {last}"


def kind(x):
    """The kind of an answer, in a word or two."""
    kinds = {
        bool: "True or False",
        str: "a text",
        (tuple, list): "several parts",
        Mapping: "a dict",
    }
    known = (word for types, word in kinds.items() if isinstance(x, types))
    return next(known, "a number" if is_real(x) else f"of type {type(x).__name__}")


def named(error):
    """An error with its message, and the line of a cell that it comes from."""
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return visible_lines(f"{type(error).__name__}: {message.rstrip('.')}{place(error)}")


def place(error):
    """The last line of a learner's cell on the way to an error, if there is one."""
    if isinstance(error, SyntaxError):
        return f", in the line `{error.text.strip()}`" if error.text else ""
    check = asking().f_code.co_filename  # a cell has the name of a file, and there is no such file
    calls = [(c.filename, c.lineno) for c in traceback.extract_tb(error.__traceback__)]
    cells = [call for call in calls if call[0] != check and not os.path.exists(call[0])]
    lines = filter(None, (linecache.getline(*call).strip() for call in reversed(cells)))
    return "".join(f", in the line `{line}`" for line in list(lines)[:1])


def failed_cell(names):
    """The error of the cell that ran last, if it failed and speaks of these names."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    last = getattr(shell, "last_execution_result", None)
    error = last and (last.error_before_exec or last.error_in_exec)
    words = re.findall(r"\w+", last.info.raw_cell) if error else []
    return named(error) if error and {*names} <= {*words} else ""


def unanswered(got):
    """Whether an answer, or a part of one, is left open."""
    return any(map(unanswered, got)) if isinstance(got, (tuple, list)) else got is ...


def same(got, wanted, rel, near_zero):
    wanted, got = plain(wanted), plain(got)
    if isinstance(wanted, bool) or isinstance(got, bool):
        return got is wanted
    if is_real(wanted):
        return is_real(got) and (
            math.isclose(got, wanted, rel_tol=rel, abs_tol=near_zero)
            or (math.isnan(got) and math.isnan(wanted))
        )
    if isinstance(wanted, Mapping):
        return (
            isinstance(got, Mapping)
            and got.keys() == wanted.keys()
            and all(same(got[key], wanted[key], rel, near_zero) for key in wanted)
        )
    if isinstance(wanted, (tuple, list)):
        return (
            hasattr(got, "__len__")
            and not isinstance(got, (str, Mapping))
            and len(got) == len(wanted)
            and all(same(*pair, rel, near_zero) for pair in zip(got, wanted))
        )
    return bool(got == wanted)


def plain(x):
    """A Value's data, an array's or a Tensor's numbers in lists, anything else as it is."""
    if isinstance(x, Value):
        return x.data
    return x.tolist() if hasattr(x, "tolist") else x


def shown(x):
    """An answer in a sentence: Values by their data, functions by their name, never too long."""
    x = plain(x)
    if isinstance(x, float):
        return f"{x:.10g}"
    if isinstance(x, (tuple, list)):
        return "(" + ", ".join(map(shown, x)) + ("," * (len(x) == 1)) + ")"
    return visible(str(getattr(x, "__name__", "") or "")) or reprlib.repr(x)
