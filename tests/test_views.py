"""Positions in a buffer: whether they are evenly spaced, and how."""

import numpy as np
import pytest

from micrograd.compiler import views
from micrograd.compiler.views import even_steps, spacing

EVEN = [  # shape, steps
    ((), ()),
    ((1,), (0,)),
    ((7,), (3,)),
    ((4, 5), (5, 1)),
    ((1, 9), (0, -2)),
    ((9, 1), (4, 0)),
    ((2, 3, 4), (100, 0, 7)),
    ((1, 1, 1), (0, 0, 0)),
]


def positions(shape, steps, kind=np.int64):
    grids = np.ogrid[tuple(map(slice, shape))]
    found = np.full(shape, 500) + sum(grid * step for grid, step in zip(grids, steps))
    return np.asarray(found, kind)


@pytest.fixture(params=[(4096, 1 << 20), (2, 3)], ids=["whole", "in parts"], autouse=True)
def parts(request, monkeypatch):
    for name, size in zip(("FIRST", "PART"), request.param):
        monkeypatch.setattr(views, name, size)


@pytest.mark.parametrize("kind", [np.int32, np.int64])
@pytest.mark.parametrize(("shape", "steps"), EVEN)
def test_even_positions_have_their_steps(shape, steps, kind):
    at = positions(shape, steps, kind)
    assert even_steps(at) == even_steps(at[()]) == steps
    axes, found = spacing(np.stack([at.ravel(), np.arange(at.size)], axis=1))
    assert np.prod(axes) == at.size
    assert positions(axes, found[:, 0]).ravel().tolist() == at.ravel().tolist()


@pytest.mark.parametrize(("shape", "steps"), [row for row in EVEN if np.prod(row[0]) > 2])
def test_one_position_elsewhere_makes_them_uneven(shape, steps):
    at = positions(shape, steps)
    for i in range(at.size):
        moved = at.copy()
        moved.flat[i] += 1
        assert even_steps(moved) is None
        assert spacing(np.stack([moved.ravel(), np.arange(at.size)], axis=1)) is None
