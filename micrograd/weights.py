"""Weight files: named numbers as JSON, replaced in one step and checked as a whole when read."""

from __future__ import annotations

import hashlib
import json
import math
import os
import reprlib
from collections.abc import Mapping, Set
from typing import Any

from . import files
from .engine import is_real

FORMAT, VERSION = "micrograd weights", 1
SHORT = reprlib.Repr()  # for messages, which show the names of parameters whole
SHORT.maxstring = 80


class WeightsError(ValueError):
    """Weights are damaged or do not fit; nothing was changed."""


def write(path: str | os.PathLike, weights: Mapping[str, float]) -> None:
    """Write weights to a file that is at every moment either the old or the new one.

    Raises OSError, naming the file, if it cannot be written; the old one is still there then.
    """
    checked(weights)
    content = {
        "format": FORMAT,
        "version": VERSION,
        "sha256": digest(weights),
        "weights": dict(weights),
    }
    files.write(path, json.dumps(content, indent=1, allow_nan=False))


def read(path: str | os.PathLike) -> dict[str, float]:
    """The weights in a file. Raises WeightsError, naming the file, if it is not as written."""
    try:
        content = json.loads(
            files.read(path).decode("utf-8"),
            object_pairs_hook=without_repeats,
            parse_constant=refuse_constant,
        )
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise WeightsError("it is not a micrograd weight file")
        if content.get("version") != VERSION:
            raise WeightsError(
                f"its version is {SHORT.repr(content.get('version'))}, not {VERSION}"
            )
        weights = checked(content.get("weights"))
        if content.get("sha256") != digest(weights):
            raise WeightsError("its checksum is wrong")
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise WeightsError(f"cannot load {os.fspath(path)!r}: {reason}") from None
    return weights


def checked(weights: Any) -> dict[str, float]:
    """Named finite floats. Raises WeightsError naming the first weight that is none."""
    if not isinstance(weights, Mapping):
        raise WeightsError(
            f"weights are a mapping of names to numbers, got {type(weights).__name__}"
        )
    for name, x in weights.items():
        if not (isinstance(name, str) and is_finite(x)):
            raise WeightsError(f"weight {SHORT.repr(name)} is {SHORT.repr(x)}, not a finite number")
    return {name: float(x) for name, x in weights.items()}


def is_finite(x):
    """Whether x is a real number, and no bool, that is finite as a float."""
    try:
        return is_real(x) and not isinstance(x, bool) and math.isfinite(x)
    except OverflowError:  # an int of hundreds of digits
        return False


def digest(weights: Mapping[str, float]) -> str:
    text = json.dumps({name: float(x) for name, x in weights.items()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def without_repeats(pairs):
    if len(dict(pairs)) != len(pairs):
        raise WeightsError("it holds a name twice")
    return dict(pairs)


def refuse_constant(name):
    raise WeightsError(f"it holds {name}")


def require_same_names(wanted: Set[str], given: Set[str]) -> None:
    """Raise WeightsError, naming them, where a name is missing or one too many."""
    if wanted != given:
        raise WeightsError(
            f"weights do not fit: missing {listed(wanted - given)}, "
            f"unexpected {listed(given - wanted)}"
        )


def listed(names):
    """Some names in a message: none, the first few, how many more."""
    first = [SHORT.repr(name)[1:-1] for name in sorted(names)[:3]]
    more = len(names) - 3
    return (", ".join(first) or "none") + (f" and {more} more" if more > 0 else "")
