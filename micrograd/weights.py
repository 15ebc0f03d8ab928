"""Weight files: named numbers as JSON, replaced in one step and checked as a whole when read."""

from __future__ import annotations

import hashlib
import json
import math
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .engine import is_real

FORMAT, VERSION = "micrograd weights", 1


class WeightsError(ValueError):
    """Weights are damaged or do not fit; nothing was changed."""


def write(path: str | os.PathLike, weights: Mapping[str, float]) -> None:
    """Write weights to a file that is at every moment either the old or the new one."""
    checked(weights)
    path = Path(path)
    content = {
        "format": FORMAT,
        "version": VERSION,
        "sha256": digest(weights),
        "weights": dict(weights),
    }
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "x", encoding="utf-8") as file:
            json.dump(content, file, indent=1, allow_nan=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read(path: str | os.PathLike) -> dict[str, float]:
    """The weights in a file. Raises WeightsError, naming the file, if it is not as written."""
    try:
        content = json.loads(
            Path(path).read_bytes().decode("utf-8"),
            object_pairs_hook=without_repeats,
            parse_constant=refuse_constant,
        )
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise WeightsError("it is not a micrograd weight file")
        if content.get("version") != VERSION:
            raise WeightsError(f"its version is {content.get('version')!r}, not {VERSION}")
        weights = checked(content.get("weights"))
        if content.get("sha256") != digest(weights):
            raise WeightsError("its checksum is wrong")
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"cannot load {os.fspath(path)!r}: {error}") from None
    return weights


def checked(weights: Any) -> dict[str, float]:
    """Named finite floats. Raises WeightsError naming the first weight that is none."""
    if not isinstance(weights, Mapping):
        raise WeightsError(
            f"weights are a mapping of names to numbers, got {type(weights).__name__}"
        )
    for name, x in weights.items():
        if (
            not isinstance(name, str)
            or isinstance(x, bool)
            or not is_real(x)
            or not math.isfinite(x)
        ):
            raise WeightsError(f"weight {name!r} is {x!r}, not a finite number")
    return {name: float(x) for name, x in weights.items()}


def digest(weights: Mapping[str, float]) -> str:
    text = json.dumps({name: float(x) for name, x in weights.items()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def without_repeats(pairs):
    if len(dict(pairs)) != len(pairs):
        raise WeightsError("it holds a name twice")
    return dict(pairs)


def refuse_constant(name):
    raise WeightsError(f"it holds {name}")
