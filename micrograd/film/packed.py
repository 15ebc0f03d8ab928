"""Numbers as text in a page: float32, packed where they change little from row to row."""

from __future__ import annotations

import base64
import zlib

import numpy as np


def text(numbers: np.ndarray) -> str:
    """The numbers as float32, in base64."""
    return base64.b64encode(rounded(numbers).tobytes()).decode()


def packed(rows: np.ndarray) -> str:
    """A table as float32, in base64, deflated: a third of `text` for the weights of a training.

    Read as whole numbers, floats are in their order. Down a column, the change of their change is
    small, with a sign, and is kept as 2n or -2n - 1; the high bytes of all of them are together.
    """
    whole = in_order(rounded(rows))
    for _ in range(2):
        whole[1:] -= whole[:-1].copy()  # all of it modulo 2**32
    folded = (whole << 1) ^ (whole >> 31)
    planes = folded.T.astype("<i4").ravel().view(np.uint8).reshape(-1, 4).T
    return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode()


def rounded(numbers):
    """As float32: infinite where it is beyond its range."""
    with np.errstate(over="ignore"):
        return np.asarray(numbers, "<f4")


def in_order(floats: np.ndarray) -> np.ndarray:
    """The bits of float32s as int32s that are in the order of the floats."""
    bits = floats.view("<i4").astype(np.int32)
    return np.where(bits < 0, np.int32(-(2**31)) - bits, bits)
