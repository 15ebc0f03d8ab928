"""Taping: a function run once, all it did written down, what a replay could not do refused."""

from __future__ import annotations

import dis
import operator
import sys
from collections.abc import Callable, Iterable
from types import CodeType
from typing import Any

from ..engine import Value, is_real, noted, tape
from ..nn import Module
from ..optim import Optimizer
from ..tensor import Tensor
from .recording import JitError

LIBRARIES = {*sys.stdlib_module_names, "micrograd", "numpy"}


class Input(Value):
    """A float of the arguments while a function is taped. To hash it is noted."""

    __slots__ = ()

    def __hash__(self):
        return noted(hash, self, None, object.__hash__(self))


def taped(function: Callable[[], Any]) -> tuple[Any, list, list[CodeType] | None]:
    """What a function returns, the tape of what it did, and the code that ran if that is known."""
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
    if not free:
        return result, events, None
    own = (c for c, names in ran.items() if c in OUTSIDE or not from_library(names.get("__name__")))
    return result, events, list(own)


def from_library(module: str | None) -> bool:
    """Whether a module, by name, is installed rather than the user's own."""
    root = (module or "").split(".")[0]
    file = getattr(sys.modules.get(root), "__file__", None) or ""
    return root in LIBRARIES or "site-packages" in file or "dist-packages" in file


# What takes numbers out of the graph or puts them in: no function of them can be replayed.
OUTSIDE = {
    function.__code__: f"{owner.__name__}.{name}"
    for owner, names in (
        (Module, ("zero_grad", "state_dict", "load_state_dict", "save", "load")),
        (Optimizer, ("zero_grad", "step", "state_dict", "load_state_dict")),
        (Tensor, ("data", "grad", "zero_grad", "item", "tolist")),
        (Value, ("__reduce__",)),
    )
    for name in names
    for function in (getattr(getattr(owner, name), "fget", getattr(owner, name)),)
}


def refuse_reading(codes: Iterable[CodeType]) -> None:
    """Raises JitError where code takes a number out of the graph, or puts one in."""
    for code in codes:
        if code in OUTSIDE:
            raise JitError(
                f"{OUTSIDE[code]} in a jitted function, which a replay would not do again: do it "
                "outside, and compute with the Values themselves"
            )
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_ATTR", "STORE_ATTR") and step.argval in ("data", "grad"):
                raise JitError(
                    f"{code.co_name}() has to do with .{step.argval}, which a replay would not "
                    "see: use the Value itself, also to compare or print it, or do it outside"
                )


def refuse(questions, inputs):
    """Raises JitError where the function asked what a replay could not answer."""
    for question, _, other, _ in questions:
        if question is hash or (question is operator.eq and inputs and isinstance(other, Value)):
            raise JitError(
                "floats were compared by ==, in, a set or a dict in a jitted function, where they "
                "are Values: compare with < or >, or pass ints, which are not recorded"
            )
        if question not in (bool, "backward") and not (isinstance(other, Value) or is_real(other)):
            raise JitError(
                f"a Value was compared with a {type(other).__name__} in a jitted function: compare "
                "it with Values or numbers, one by one"
            )
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
