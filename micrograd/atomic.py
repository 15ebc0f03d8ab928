"""Assignments that belong together: Ctrl-C comes before all of them, or after."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any


def set_attributes(objects: Iterable[Any], names: Iterable[str], values: Iterable[Any]) -> None:
    """Set an attribute of each object, in one call that Python does not interrupt."""
    deque(map(setattr, objects, names, values), maxlen=0)
