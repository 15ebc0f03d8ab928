"""Taping: a function run once, all it did written down, what a replay could not do refused."""

from __future__ import annotations

import dis
import operator
import sys
from collections.abc import Callable, Iterable
from types import CodeType
from typing import Any

from ..engine import Value, tape
from .recording import JitError

LIBRARIES = {*sys.stdlib_module_names, "micrograd", "numpy"}


def taped(function: Callable[[], Any]) -> tuple[Any, list, list[CodeType]]:
    """What a function returns, the tape of what it did, and the user's code that ran."""
    events: list = []
    ran: dict[CodeType, dict] = {}
    token, free = tape.set(events), sys.getprofile() is None  # a profiler cannot be put back
    if free:
        sys.setprofile(lambda frame, event, arg: ran.setdefault(frame.f_code, frame.f_globals))
    try:
        result = function()
    finally:
        if free:
            sys.setprofile(None)
        tape.reset(token)
    own = [code for code, names in ran.items() if not from_library(names.get("__name__"))]
    return result, events, own


def from_library(module: str | None) -> bool:
    """Whether a module, by name, is installed rather than the user's own."""
    root = (module or "").split(".")[0]
    file = getattr(sys.modules.get(root), "__file__", None) or ""
    return root in LIBRARIES or "site-packages" in file or "dist-packages" in file


def refuse_reading(codes: Iterable[CodeType]) -> None:
    """Raises JitError where code takes a number out of the graph, or puts one in."""
    for code in codes:
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_ATTR", "STORE_ATTR") and step.argval in ("data", "grad"):
                raise JitError(
                    f"{code.co_name}() has to do with .{step.argval}, which a replay would not "
                    "see: use the Value itself, also to compare or print it, or do it outside"
                )


def refuse(questions):
    """Raises JitError where the function asked what a replay could not answer."""
    for question, _, other, _ in questions:
        if question == "backward":
            raise JitError(
                "backward() inside a jitted function: return the loss and call its backward(), "
                "or use training()"
            )
        if question is bool:
            raise JitError(
                "the truth of a Value was asked in a jitted function, where floats are Values: "
                "compare with < or >, or pass an int or bool, which is not recorded"
            )
        if question is operator.eq and not isinstance(other, Value) and is_number(other):
            raise JitError(
                "== of a Value and a number in a jitted function, where floats are Values: "
                "compare with < or >, or pass an int or bool, which is not recorded"
            )


def is_number(x):
    return isinstance(x, (int, float))
