"""Matrix products in C: every sum in its order, from its first term to its last, also in blocks."""

import ctypes
import functools
import shutil

import numpy as np
import pytest

from micrograd.compiler.backends import prelude
from micrograd.compiler.build import library
from micrograd.compiler.emit.c import BLOCKS, SLACK

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="needs a C compiler"
)
CALLS = """
EXPORT void by_rows(int m, int n, int k, int adds, MATRICES, double *room) {
    product(m, n, k, adds, a, a_row, a_column, b, b_row, c, c_row);
}
EXPORT void by_blocks(int m, int n, int k, int adds, MATRICES, double *room) {
    large_product(m, n, k, adds, a, a_row, a_column, b, b_row, c, c_row, room);
}
"""
SHAPES = [  # m, n, k: whole blocks, what is left of them, and less than one
    (128, 16, 256),
    (130, 33, 257),
    (257, 48, 512),
    (5, 17, 600),
    (4, 19, 255),
    (131, 70, 3),
    (1, 16, 1),
]


@functools.cache
def compiled():
    return library(prelude("library.c", "kernels.c") + CALLS).library


@pytest.mark.parametrize("adds", [0, 1])
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("way", ["by_rows", "by_blocks"])
def test_sums_are_added_up_in_their_order(way, shape, turned, adds):
    (m, n, k), rng = shape, np.random.default_rng(0)
    a = rng.normal(size=(k, m)).T if turned else rng.normal(size=(m, k))
    room = rng.normal(size=k * n + SLACK)  # b, which may be read beyond its end
    b, c = room[: k * n].reshape(k, n), rng.normal(size=(m, n + 5))
    c[0, 0] = -0.0
    expected = c[:, :n] * adds
    for i in range(k):
        expected = expected + a[:, i : i + 1] * b[i]
    beside, steps = c[:, n:].copy(), [step // 8 for step in a.strides]
    blocks = np.full(BLOCKS, np.nan)
    number, pointer = ctypes.c_long, lambda x: ctypes.c_void_p(x.ctypes.data)
    getattr(compiled(), way)(
        *(m, n, k, adds, pointer(a), *map(number, steps), pointer(b), number(n)),
        *(pointer(c), number(n + 5), pointer(blocks)),
    )
    assert c[:, :n].tobytes() == np.ascontiguousarray(expected).tobytes()
    assert c[:, n:].tobytes() == beside.tobytes()
