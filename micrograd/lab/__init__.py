"""The lab: a page on which an expression is typed, and its graph follows, without a kernel."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import files, shell
from ..expression import FUNCTIONS, evaluate
from ..layered import COLUMN_GAP, NODE_GAP, SWEEPS
from ..operations import OPERATIONS
from ..player import page, step_through
from ..player.scene import (
    MARGIN,
    NAME_SIZE,
    OP_GAP,
    OP_HEIGHT,
    PADDING,
    PLATE_HEIGHT,
    PLATE_SIZE,
    ROW,
    SHORT,
    TEXT_SIZE,
)

__all__ = ["fragment", "html"]

EXPRESSION, NUMBERS = "tanh(w*x + b)", {"w": -3.0, "x": 2.0, "b": 6.5}
EXAMPLES = [
    (EXPRESSION, NUMBERS),
    ("(tanh(w*x + b) - y)**2", {**NUMBERS, "y": 1.0}),
    ("e = a*b; d = e + c; d * f", {"a": 2.0, "b": -3.0, "c": 10.0, "f": -2.0}),
    ("x*x + x", {"x": 3.0}),
    ("log(1 + exp(x))", {"x": 0.5}),
    ("(1 - x)**2 + 10*(y - x**2)**2", {"x": -0.5, "y": 0.5}),
]
HINT = "Where scripts may run, this is a page to type an expression on; here none does."
SCRIPTS = ("operations.js", "expression.js", "words.js", "replay.js", "scene.js", "lab.js")
LENGTHS = {  # of the player's picture, in CSS pixels
    "ROW": ROW,
    "PADDING": PADDING,
    "MARGIN": MARGIN,
    "OP_HEIGHT": OP_HEIGHT,
    "OP_GAP": OP_GAP,
    "PLATE_HEIGHT": PLATE_HEIGHT,
    "SHORT": SHORT,
    "NODE_GAP": NODE_GAP,
    "COLUMN_GAP": COLUMN_GAP,
    "SWEEPS": SWEEPS,
    "NAME_SIZE": NAME_SIZE,
    "TEXT_SIZE": TEXT_SIZE,
    "PLATE_SIZE": PLATE_SIZE,
}


def html(
    path: str | os.PathLike, expression: str = EXPRESSION, numbers: Mapping[str, float] = NUMBERS
) -> Path:
    """Write a page that begins with an expression; return its path. Raises ExpressionError."""
    files.write(path, shell.page(f"Lab: {expression}", fragment(expression, numbers)))
    return Path(path)


def fragment(expression: str = EXPRESSION, numbers: Mapping[str, float] = NUMBERS) -> str:
    """The HTML of a lab, which is a picture of its graph where no script runs."""
    result, names = evaluate(expression, numbers)
    still = step_through(result, names={})._still
    given = {name: names[name].data for name in numbers}
    js = page.scripts() + "".join(shell.asset(name, __package__) for name in SCRIPTS)
    css = page.asset("player.css") + shell.asset("lab.css", __package__)
    return shell.fragment("microgradLab", js, css, story(expression, given), still, HINT)


def story(expression: str, numbers: Mapping[str, float]) -> dict[str, Any]:
    """All that the script is told."""
    return {
        "expression": expression,
        "numbers": [*numbers.items()],  # __proto__ may be a name
        "examples": EXAMPLES,
        "functions": sorted(FUNCTIONS),
        "rows": [row(operation) for operation in OPERATIONS],
        "most": page.MOST_QUESTIONS,
        "lengths": LENGTHS,
    }


def row(operation):
    """What the script is told about an operation."""
    return {
        "name": operation.name,
        "op": operation.method.op,
        "words": operation.words,
        "notation": operation.notation,
    }
