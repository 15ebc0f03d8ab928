"""Named numbers as arrays, under the names and in the shapes of PyTorch, and back."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from .text import visible
from .weights import WeightsError, require_same_names

if TYPE_CHECKING:
    import numpy as np

OF_A_NEURON = re.compile(r"(.*\.|)neurons\.(\d+)\.(?:w\.(\d+)|b)")

Index = tuple[int, ...]


def stacked(state: Mapping[str, float]) -> dict[str, np.ndarray]:
    """The numbers of a `state_dict` as arrays of floats.

    A layer becomes `weight` (neurons, inputs) and `bias` (neurons,); any other list, also a nested
    one, an array as far as its numbers fill a rectangle.
    """
    import numpy as np

    return {
        name: np.array([state[path] for path in paths]).reshape(shape)
        for name, (shape, paths) in grids(state).items()
    }


def unstacked(arrays: Mapping[str, Any], paths: Iterable[str]) -> dict[str, float]:
    """The numbers in the arrays, by these names of a `state_dict`. Raises WeightsError."""
    wanted = grids(paths)
    if not isinstance(arrays, Mapping):
        raise WeightsError(f"arrays are a mapping of names to arrays, got {type(arrays).__name__}")
    require_same_names(wanted.keys(), arrays.keys())
    return {
        path: x
        for name, (shape, places) in wanted.items()
        for path, x in zip(places, numbers(name, arrays[name], shape))
    }


def numbers(name, array, shape):
    """The numbers of an array in the order of its rows."""
    import numpy as np

    name = visible(name)
    try:
        found = np.asarray(array)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged, or a tensor with a gradient
        raise WeightsError(f"{name} is no array of numbers: {error}") from None
    if found.dtype.kind not in "fiu":
        raise WeightsError(f"{name} holds {found.dtype}, not numbers")
    if found.shape != shape:
        raise WeightsError(f"{name} has the shape {found.shape}, not {shape}")
    return found.ravel().tolist()


def grids(paths: Iterable[str]) -> dict[str, tuple[Index, list[str]]]:
    """For each array its shape and the names of its numbers, row by row."""
    found: dict[str, dict[Index, str]] = defaultdict(dict)
    for path in paths:
        name, index = place(path)
        found[name][index] = path
    return {k: grid for name, cells in found.items() for k, grid in rectangles(name, cells)}


def rectangles(name, cells):
    """Of numbers by index, the one array that they fill, or the arrays that their rows fill."""
    shape = tuple(max(axis) + 1 for axis in zip(*cells))
    if len({*map(len, cells)}) == 1 and math.prod(shape) == len(cells):
        yield name, (shape, [cells[index] for index in sorted(cells)])
        return
    rows: dict[int, dict[Index, str]] = defaultdict(dict)
    for (i, *rest), path in cells.items():
        rows[i][tuple(rest)] = path
    for i, row in rows.items():
        yield from rectangles(f"{name}.{i}", row)


def place(path):
    """The array that a number goes into, and its index there."""
    if neuron := OF_A_NEURON.fullmatch(path):
        layer, i, j = neuron.groups()
        return (f"{layer}weight", (int(i), int(j))) if j else (f"{layer}bias", (int(i),))
    name = re.sub(r"(\.\d+)+$", "", path)
    return name, tuple(map(int, path[len(name) + 1 :].split("."))) if name != path else ()
