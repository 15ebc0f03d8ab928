"""Views: numbers that are evenly spaced in a buffer need not be copied together to be an array."""

from __future__ import annotations

import functools

import numpy as np

MOST_AXES = 4
FIRST = 4096  # positions that are looked at before all others
PART = 1 << 20  # positions that are looked at together: more would need fresh memory each time


def spacing(rows: np.ndarray) -> tuple[tuple[int, ...], np.ndarray] | None:
    """The shape and the steps of evenly spaced positions; None where they are not.

    `rows` (n, c) are c sequences of n positions, to be read as c arrays of one shape: position
    (i, j, …) of each is its first one + i · steps[0] + j · steps[1] + …; steps is (axes, c).
    """
    shape: list[int] = []
    steps: list[np.ndarray] = []
    while len(rows) > 1:
        run, step = even_run(rows), rows[1] - rows[0]
        if len(rows) % run or len(shape) == MOST_AXES:
            return None
        runs = rows.reshape(-1, run, rows.shape[1])
        along = runs[0] - runs[0, 0]
        if len(runs) > 1 and not all((x - x[:, :1] == along).all() for x in in_parts(runs)):
            return None
        shape.insert(0, run)
        steps.insert(0, step)
        rows = runs[:, 0]
    if not shape:
        return (1,), np.zeros((1, rows.shape[1]), int)
    return tuple(shape), np.array(steps)


def even_run(rows):
    """How many rows there are, from the first, before the step to the next is another one."""
    start, end, step = 0, FIRST, rows[1] - rows[0]
    while start < len(rows) - 1:
        part = rows[start : end + 1]
        uneven = part[1:] - part[:-1] != step
        if uneven.any():
            return start + int(uneven.any(axis=1).argmax()) + 1
        start, end = end, min(8 * end, end + PART)
    return len(rows)


def in_parts(rows):
    """An array in parts, along its first axis."""
    count = max(1, PART // rows[0].size)
    return (rows[i : i + count] for i in range(0, len(rows), count))


def even_steps(index: np.ndarray) -> tuple[int, ...] | None:
    """The steps along each axis of an array of positions; None where they are not even."""
    first, steps = index.item(0), []
    for axis, n in enumerate(index.shape):
        place = (0,) * axis + (min(1, n - 1),) + (0,) * (index.ndim - axis - 1)
        steps.append(index.item(place) - first)
    return tuple(steps) if index.size == 1 or is_spaced(index, steps) else None


def is_spaced(index, steps):
    """Whether an array of positions goes by these steps from its first one on."""
    while len(index) == 1 < index.ndim:
        index, steps = index[0], steps[1:]
    first = next(in_parts(index))
    sides = (np.arange(n, dtype=index.dtype) * step for n, step in zip(first.shape, steps))
    along = functools.reduce(np.add.outer, sides)
    begins = index.item(0) + np.arange(0, len(index), len(first)) * steps[0]
    pairs = zip(in_parts(index), begins.tolist())
    return all((part == along[: len(part)] + begin).all() for part, begin in pairs)


def view(buffer: np.ndarray, start: int, shape: tuple, steps: tuple) -> np.ndarray:
    """The array that begins at buffer[start] and goes on by `steps` along its axes."""
    strides = tuple(step * buffer.itemsize for step in steps)
    return np.ndarray(shape, buffer.dtype, buffer, start * buffer.itemsize, strides)
