"""Views: numbers that are evenly spaced in a buffer need not be copied together to be an array."""

from __future__ import annotations

import numpy as np

MOST_AXES = 4
FIRST = 4096  # positions that are looked at before all others


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
        if len(runs) > 1 and (runs - runs[:, :1] != runs[0] - runs[0, 0]).any():
            return None
        shape.insert(0, run)
        steps.insert(0, step)
        rows = runs[:, 0]
    if not shape:
        return (1,), np.zeros((1, rows.shape[1]), int)
    return tuple(shape), np.array(steps)


def even_run(rows):
    """How many rows there are, from the first, before the step to the next is another one."""
    end, step = FIRST, rows[1] - rows[0]
    while True:  # by parts, of which the first will most often do
        uneven = rows[1 : end + 1] - rows[:-1][:end] != step
        if uneven.any():
            return int(uneven.any(axis=1).argmax()) + 1
        if end >= len(rows) - 1:
            return len(rows)
        end *= 8


def even_steps(index: np.ndarray) -> tuple[int, ...] | None:
    """The steps along each axis of an array of positions; None where they are not even."""
    expected, steps = index[(0,) * index.ndim], []
    for axis, n in enumerate(index.shape):
        place = (0,) * axis + (min(1, n - 1),) + (0,) * (index.ndim - axis - 1)
        steps.append(int(index.item(place) - index.item(0)))
        expected = np.add.outer(expected, np.arange(n, dtype=index.dtype) * steps[-1])
    return tuple(steps) if (index == expected).all() else None


def view(buffer: np.ndarray, start: int, shape: tuple, steps: tuple) -> np.ndarray:
    """The array that begins at buffer[start] and goes on by `steps` along its axes."""
    strides = tuple(step * buffer.itemsize for step in steps)
    return np.ndarray(shape, buffer.dtype, buffer, start * buffer.itemsize, strides)
