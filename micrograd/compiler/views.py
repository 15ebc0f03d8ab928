"""Views: numbers that are evenly spaced in a buffer need not be copied together to be an array."""

from __future__ import annotations

import numpy as np

MOST_AXES = 4


def spacing(rows: np.ndarray) -> tuple[tuple[int, ...], np.ndarray] | None:
    """The shape and the steps of evenly spaced positions; None where they are not.

    `rows` (n, c) are c sequences of n positions, to be read as c arrays of one shape: position
    (i, j, …) of each is its first one + i · steps[0] + j · steps[1] + …; steps is (axes, c).
    """
    shape: list[int] = []
    steps: list[np.ndarray] = []
    while len(rows) > 1:
        step = rows[1] - rows[0]
        uneven = (rows[1:] - rows[:-1] != step).any(axis=1)
        run = int(uneven.argmax()) + 1 if uneven.any() else len(rows)
        if len(rows) % run or len(shape) == MOST_AXES:
            return None
        runs = rows.reshape(-1, run, rows.shape[1])
        if (runs - runs[:, :1] != runs[0] - runs[0, 0]).any():
            return None
        shape.insert(0, run)
        steps.insert(0, step)
        rows = runs[:, 0]
    if not shape:
        return (1,), np.zeros((1, rows.shape[1]), int)
    return tuple(shape), np.array(steps)


def even_steps(index: np.ndarray) -> tuple[int, ...] | None:
    """The steps along each axis of an array of positions; None where they are not even."""
    steps = []
    for axis in range(index.ndim):
        if index.shape[axis] == 1:
            steps.append(0)
            continue
        differences = np.diff(index, axis=axis)
        if (differences != differences.flat[0]).any():
            return None
        steps.append(int(differences.flat[0]))
    return tuple(steps)


def view(buffer: np.ndarray, start: int, shape: tuple, steps: tuple) -> np.ndarray:
    """The array that begins at buffer[start] and goes on by `steps` along its axes."""
    strides = tuple(step * buffer.itemsize for step in steps)
    return np.ndarray(shape, buffer.dtype, buffer, start * buffer.itemsize, strides)
