"""Sameness: whether what is seen now is what was seen before, to a function that cannot tell."""

from __future__ import annotations

import types

import numpy as np

from ..engine import Value

PLAIN = (int, float, complex, str, bytes, type(None), np.generic)


def contents(container):
    return container.values() if isinstance(container, dict) else container


def has_twins(container):
    return any(may_have_a_twin(x, ()) for x in contents(container))


def may_have_a_twin(x, within):
    """Whether an object could equal x and not be the same to a function; other lists could not.

    They are compared item by item, and each list and dict with what it was. True is taken for 1.
    """
    if isinstance(x, (int, str, bytes)):
        return False
    if isinstance(x, float):
        return x == 0.0  # minus zero
    if type(x) in (list, tuple, dict):
        inside = (*within, id(x))
        return id(x) not in within and any(may_have_a_twin(y, inside) for y in contents(x))
    return type(x).__eq__ not in (object.__eq__, Value.__eq__)


def same_container(now, before):
    if len(now) != len(before):
        return False
    if isinstance(now, (set, frozenset)):
        return now == before
    if isinstance(now, dict) and not all(map(alike, now, before)):
        return False
    return all(map(alike, contents(now), contents(before)))


def same(now, before):
    """Whether what was read is as it was: nothing was put in the place of anything."""
    if isinstance(now, list):
        return len(now) == len(before) and all(map(alike, now, before))
    if isinstance(now, dict):
        return same_container(now, before)
    return alike(now, before)


def alike(now, before):
    """Whether both are one object, or plain and to the last bit the same."""
    if now is before:
        return True
    if type(now) is not type(before):
        return False
    if isinstance(now, tuple):
        return len(now) == len(before) and all(map(alike, now, before))
    return isinstance(now, (*PLAIN, types.CodeType)) and repr(now) == repr(before)
