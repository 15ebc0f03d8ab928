"""Checks for the exercises of the lessons: what came, what was wanted, a hint; never an error."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .engine import Value, is_real

RIGHT, NOT_YET, NOT_RIGHT = "Right", "Not yet", "Not right"


def check(answer: Any, wanted: Any, hint: str = "", *, rel: float = 1e-6) -> None:
    """Print whether an answer is what was wanted, numbers to within the relative error `rel`.

    An answer that is a function is called for its result; None and ... are no answer yet.
    """
    if callable(answer):
        verdict = judged(answer, (), wanted, "your function", hint, rel)
    else:
        verdict = judged(lambda: answer, (), wanted, "your answer", hint, rel, verb="is")
    print(verdict or f"{RIGHT}: {shown(wanted)}.")


def check_cases(
    function: Callable, cases: Iterable[tuple], hint: str = "", *, rel: float = 1e-6
) -> None:
    """Print whether a function gives what is wanted in every case, (arguments…, wanted)."""
    cases, name = list(cases), getattr(function, "__name__", "function")
    if not cases:
        raise ValueError("check_cases() needs at least one case, got none")
    for case in cases:
        if not (isinstance(case, (tuple, list)) and case):
            raise TypeError(f"a case is (arguments…, wanted), got {case!r}")
        *arguments, wanted = case
        call = f"{name}({', '.join(map(shown, arguments))})"
        verdict = judged(function, arguments, wanted, call, hint, rel)
        if verdict:
            print(verdict)
            return
    print(f"{RIGHT}: all {len(cases)} cases.")


def judged(function, arguments, wanted, call, hint, rel, verb="gives"):
    """What is to be said of a call that does not give what is wanted; nothing if it does."""
    if not isinstance(hint, str):
        raise TypeError(f"a hint is a text, got {type(hint).__name__} {hint!r}")
    if not (is_real(rel) and 0 <= rel < math.inf):
        raise ValueError(f"rel is from 0 to below inf, got {rel!r}")
    hint = f" Hint: {hint}{'' if hint[-1] in '.?!' else '.'}" if hint else ""
    try:
        got = function(*arguments)
        if unanswered(got):
            return f"{NOT_YET}: fill in the cell above, run it, and run this one again."
        if same(got, wanted, rel):
            return ""
    except Exception as error:
        return f"{NOT_RIGHT}: {call} raises {type(error).__name__}: {error}.{hint}"
    return f"{NOT_RIGHT}: {call} {verb} {shown(got)}, wanted is {shown(wanted)}.{hint}"


def unanswered(got):
    """Whether an answer, or every part of one, is left open."""
    if isinstance(got, (tuple, list)) and got:
        return all(map(unanswered, got))
    return got is None or got is ... or got is NotImplemented


def same(got, wanted, rel):
    wanted, got = plain(wanted), plain(got)
    if isinstance(wanted, bool) or isinstance(got, bool):
        return got is wanted
    if is_real(wanted):
        return is_real(got) and (
            math.isclose(got, wanted, rel_tol=rel, abs_tol=1e-9)
            or (math.isnan(got) and math.isnan(wanted))
        )
    if isinstance(wanted, Mapping):
        return (
            isinstance(got, Mapping)
            and got.keys() == wanted.keys()
            and all(same(got[key], wanted[key], rel) for key in wanted)
        )
    if isinstance(wanted, (tuple, list)):
        return (
            hasattr(got, "__len__")
            and not isinstance(got, (str, Mapping))
            and len(got) == len(wanted)
            and all(same(g, w, rel) for g, w in zip(got, wanted))
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
    return getattr(x, "__name__", None) or reprlib.repr(x)
