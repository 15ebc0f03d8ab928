"""The text of a program under construction, and the arrays that its names stand for.

Its names are chosen here; nothing in it comes from names in the recorded code.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ... import floats
from ...operations import OPERATIONS
from ..rules import literal
from ..views import even_steps, spacing, view
from . import kernels

if TYPE_CHECKING:
    from ..passes.layout import Layout

UFUNCS = """
    add subtract multiply divide square sign dot matmul bincount less less_equal greater
    greater_equal not_equal
"""
KERNELS = """
    tanh_slope sigmoid_slope power power_slope exponent_slope exact_sum exact_mean
    careful_gate running_sum largest largest_backward log_sum_exp cross_entropy cross_entropy_slopes
    cross_entropy_at cross_entropy_slopes_at one_hot places softmax softmax_backward call_functions
    call_functions_backward
"""
HERE = ("", None)  # in place of somewhere to write to


class Source:
    def __init__(self, v: np.ndarray, layout: Layout) -> None:
        self.layout = layout
        self.names = {name: getattr(np, name) for name in UFUNCS.split()}
        self.names |= {name: getattr(kernels, name) for name in KERNELS.split()}
        for row in OPERATIONS:
            name = row.array.partition("(")[0]
            self.names[name] = getattr(kernels, name, None) or getattr(np, name)
        self.names |= {"floats": floats, "math": math, "gate": np.multiply}
        self.names["v"] = v
        self.declarations: list[str] = []
        self.lines: list[str] = []
        self.known: dict = {}
        self.count: dict[str, int] = {}

    def write(self, lines: str) -> None:
        self.lines += lines.split("\n")

    def given_name(self, letter, x):
        """A new name for what no line of source code can say."""
        name = self.fresh(letter)
        self.names[name] = x
        self.declarations.append(f"{name} = given[{name!r}]")
        return name

    def name(self, letter, array, declaration):
        """A new name for an array."""
        name = self.fresh(letter)
        self.names[name] = array
        self.declarations.append(f"{name} = {declaration}")
        return name

    def fresh(self, letter):
        self.count[letter] = self.count.get(letter, 0) + 1
        return f"{letter}{self.count[letter]}"

    def view(self, buffer, start, shape, steps):
        """The name of a view of a buffer."""
        shape, steps = tuple(map(int, shape)), tuple(map(int, steps))
        key = buffer, int(start), shape, steps
        if key not in self.known:
            array = view(self.names[buffer], int(start), shape, steps)
            self.known[key] = self.name_of_view(key, array)
        return self.known[key]

    def name_of_view(self, key, array):
        """A name for a view: that of a view of the same numbers, if there is one, and a letter."""
        buffer, start, shape, steps = key
        same = self.known.setdefault((buffer, start, array.size), [])
        if not same:
            text = f"view({buffer}, {start}, {shape}, {steps})"
            name = self.name(self.letter(buffer, start), array, text)
        else:
            base = self.names[same[0]]
            name = same[0] + "bcdefghijklmnopqrsuvwxyz"[len(same) - 1 : len(same)]
            text = f"view({buffer}, {start}, {shape}, {steps})"
            if base.ndim == 2 and array.shape == base.T.shape and array.strides == base.T.strides:
                name, text = same[0] + "T", f"{same[0]}.T"
            elif base.flags.c_contiguous and array.flags.c_contiguous:
                text = f"{same[0]}.reshape{shape}"
            elif base.flags.c_contiguous and array.flags.f_contiguous:
                text = f"{same[0]}.reshape{shape[::-1]}.T"
            if name in self.names:
                name = self.fresh(self.letter(buffer, start))
            self.names[name] = array
            self.declarations.append(f"{name} = {text}")
        same.append(name)
        return name

    def letter(self, buffer, start):
        """p for parameters, x for inputs, h for what is computed, g and gp for gradients."""
        if buffer != "v":
            return "t"
        layout = self.layout
        ends = layout.inputs, layout.computed, layout.seeds.start, layout.gradients.start
        letters = "p", "x", "h", "g", "gp", "g"
        return letters[sum(start >= end for end in (*ends, layout.gradients.stop))]

    def scratch(self, shape, kind=float):
        """The name of a new array."""
        shape = tuple(map(int, shape))
        declaration = f"zeros({shape}{', bool' if kind is bool else ''})"
        return self.name("m" if kind is bool else "t", np.zeros(shape, kind), declaration)

    def given(self, letter, array):
        """The name of an array of constants or positions."""
        key = letter, array.shape, array.tobytes()
        if key not in self.known:
            text = declared(array)
            made = self.name(letter, array, text) if text else self.given_name(letter, array)
            self.known[key] = made
        return self.known[key]

    def constant(self, array):
        """Constants: a number in the text if they are all the same."""
        first = array.flat[0]
        alike = array.tobytes() == np.full(array.shape, first).tobytes()
        return self.given("k", np.array(first) if alike else array)

    def take(self, buffer, at):
        """The name of an array of what is at these positions; values are copied only once."""
        key = "take", buffer, at.shape, at.tobytes()
        if key in self.known:
            return self.known[key]
        index = self.given("i", at)
        self.known[key] = name = self.scratch(at.shape)
        self.write(f"{buffer}.take({index}, out={name}, mode='clip')")
        return name

    def grid(self, buffer, at):
        """The name of an array of the shape of `at`: a view where it can be, else a copy."""
        steps = even_steps(at)
        if steps is None:
            return self.take(buffer, at)
        return self.view(buffer, at.flat[0], at.shape, steps)

    def number(self, column, i=0):
        """Number i of a column, of constants or of places in a buffer, as an expression."""
        if isinstance(column, tuple):
            return f"{column[0]}.item({column[1][i]})"
        return literal(float(column[i]))

    def aligned(self, out, columns):
        """Names of arrays of one shape: of `out`, then of each column, copied where they must be.

        `out` and columns are a buffer and the positions in it; a column may be constants instead.
        """
        where = out[1]
        if out is HERE:
            where = np.arange(max(len(x[1] if isinstance(x, tuple) else x) for x in columns))
        for attempt in range(3):
            at = [column[1] for column in columns if isinstance(column, tuple)]
            spaced = spacing(np.stack([where, *at], axis=1))
            if spaced is not None:
                break
            columns = [self.straight(where, column, attempt) for column in columns]
        shape, steps = spaced
        named = [] if out is HERE else [self.view(out[0], where[0], shape, steps[:, 0])]
        paths = iter(steps.T[1:])
        for column in columns:
            if isinstance(column, tuple):
                named.append(self.view(column[0], column[1][0], shape, next(paths)))
            else:
                named.append(self.constant(column.reshape(shape)))
        return named

    def straight(self, where, column, attempt):
        """A column as it is if it keeps step with `where`, at the first attempt; else a copy."""
        if not isinstance(column, tuple):
            return column
        if not attempt and spacing(np.stack([where, column[1]], axis=1)) is not None:
            return column
        return self.take(*column), np.arange(len(column[1]))


def declared(array):
    """How an array of constants is written in source code, if it is short."""
    first = array.flat[0]
    if not array.shape:
        return f"array({first})"
    alike = array.dtype.kind == "f" and (array == first).all()
    return f"full({array.shape}, {first})" if alike else None
