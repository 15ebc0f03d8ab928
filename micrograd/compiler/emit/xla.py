"""XLA: pure functions of jax.numpy for the groups of a schedule, as source code.

`forward` takes the leaves p and the inputs x1, x2, …, and computes h1, h2, …; `backward` goes on
from there with the seeds s to g1, g2, …. What is done for all examples of a batch has an axis of
them, the first. Names are chosen here; nothing in the text comes from names in the recorded code.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

import numpy as np

from ..graph import MEAN, TOTAL, blocks_of, examples, guards_alike
from ..passes.group import Group
from ..passes.layout import Layout
from ..passes.split import FEW_TERMS
from ..rules import literal
from ..views import even_steps, spacing
from .emitter import Emitter, rows_of_a_table

FORMS = {
    "add": "{a} + {b}",
    "subtract": "{a} - {b}",
    "multiply": "{a} * {b}",
    "divide": "{a} / {b}",
    "negative": "-{a}",
    "abs": "jnp.abs({a})",
    "relu": "jnp.maximum({a}, 0.0)",
    "gate": "jnp.where({a} == 0.0, 0.0, {b})",
}
OF_NUMPY = "tanh", "exp", "log", "sqrt", "sin", "cos", "sign"
NAMES = {  # in kernels of jax.numpy, where they are not those of the kinds
    "sum": "exact_sum",
    "mean": "exact_mean",
    "max": "largest",
    "max backward": "largest_backward",
    "logsumexp": "log_sum_exp",
}
GUARDS = {operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">="}
INDEXED = "cross entropy at", "cross entropy slopes at"
SEVERAL = {  # whose outputs are several, also of one number
    *("softmax", "softmax backward", "max backward", "cross entropy slopes"),
    *("cross entropy slopes at", "one hot"),
}
MOST_PIECES = 16  # of several arrays, up to which they are put together piece by piece
MOST_ZEROS = 4  # numbers in a table of sums of different lengths, for each that there is
SHORT = 4  # numbers in a piece, up to which they are taken by their places


@dataclass
class Array:
    """An array of the program: of each example, if there are several; `start` is its first value's
    place among all."""

    name: str
    shape: tuple[int, ...]
    examples: int
    start: int

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=int))


class XlaEmitter(Emitter):
    """The lines of a program. `given` are arrays of constants and of places, by name."""

    arguments: ClassVar = {"forward": "p", "backward": "s, h, p"}  # those before the inputs

    def __init__(self, layout: Layout) -> None:
        graph = layout.schedule.graph
        self.layout, self.graph = layout, graph
        self.counts = np.array(examples(graph))
        self.constant, self.data = np.zeros(graph.size + 1, bool), np.zeros(graph.size + 1)
        constants = [*graph.constants, graph.size]  # the last is zero, where there is no gradient
        self.constant[constants], self.data[constants] = True, [*graph.constants.values(), 0.0]
        self.at, self.of = np.full(graph.size + 1, -1), np.full(graph.size + 1, -1)
        self.arrays: list[Array] = []
        self.places = 0
        self.given: dict[str, np.ndarray] = {}
        self.known: dict[tuple, str] = {}
        self.ids_of: dict[str, np.ndarray] = {}
        self.lines = self.functions(self.forward(), self.backward())

    def text(self) -> str:
        """The source code of both functions."""
        return "\n\n".join(
            f"def {name}({', '.join([self.arguments[name], *self.inputs])}):\n"
            + "".join(f"    {line}\n" for line in lines)
            for name, lines in self.lines.items()
        )

    def functions(self, forward, backward):
        """The lines of each function; what backward() needs, forward() keeps for it."""
        names = [array.name for array in self.arrays if array.name[0] == "h"]
        used = set(re.findall(r"\bh\d+\b", "\n".join([*backward, self.slopes])))
        kept = [name for name in names if name in used]
        several = ", ".join(kept) + "," * (len(kept) == 1)
        return {
            "forward": [*forward, f"return {self.answer}, ({several})"],
            "backward": [f"{several} = h"] * bool(kept) + [*backward, f"return {self.slopes}"],
        }

    def forward(self):
        graph, self.body, self.letter = self.graph, [], "h"
        self.array("p", np.array([graph.leaf_ids[i] for i in self.layout.order], int))
        blocks = blocks_of(graph)
        self.inputs = [f"x{i}" for i in range(1, len(blocks) + 1)]
        for name, (ids, rows) in zip(self.inputs, blocks):
            self.array(name, ids, rows)
        self.groups(self.layout.schedule.forward)
        self.answer = f"{self.read(self.layout.results)}, {self.guards()}"
        return self.body

    def backward(self):
        graph, self.body, self.letter = self.graph, [], "g"
        self.array("s", np.array(graph.seeds, int))
        self.groups(in_order_of_leaves(self.layout))
        found = [graph.gradients[i] for i in self.layout.order] if graph.gradients else []
        found = [graph.size if x is None else x for x in found]
        self.slopes = f"{self.read(np.array(found, int))}, {self.read(self.layout.found)}"
        return self.body

    def groups(self, groups):
        for group in groups:
            self.write(f"# {group}")
            self.group(group)

    def group(self, group):
        special = {"stack": self.stack, "unstack": self.unstack, MEAN: self.mean, TOTAL: self.total}
        if isinstance(group, Group) and group.kind in special:
            special[group.kind](group)
        else:
            super().group(group)

    # Text

    def write(self, line):
        self.body.append(line)

    def array(self, name, ids, examples=1):
        """Makes known that `name` holds the values of these ids, in its shape."""
        self.at[ids] = self.places + np.arange(ids.size).reshape(ids.shape)
        self.of[ids] = len(self.arrays)
        self.arrays.append(Array(name, ids.shape, self.rows(examples), self.places))
        self.places += ids.size

    def assign(self, ids, expression, examples=1):
        """A line for a new array of the shape of `ids`."""
        name = f"{self.letter}{sum(array.name[0] == self.letter for array in self.arrays) + 1}"
        self.write(f"{name} = {expression}")
        self.array(name, ids, examples)

    def constants(self, array):
        """The name of an array of constants or places."""
        key = array.shape, array.dtype.kind, array.tobytes()
        if key not in self.known:
            self.known[key] = name = (
                f"{'k' if array.dtype.kind == 'f' else 'i'}{len(self.known) + 1}"
            )
            self.given[name] = array
        return self.known[key]

    # Where values are

    def read(self, ids, spread=True):
        """An array of the shape of `ids`, of each example; unless `spread`, axes may be 1 long."""
        ids = np.asarray(ids, int)
        if self.constant[ids].all():
            return self.of_constants(self.data[ids], spread)
        of = np.where(self.constant[ids], -1, self.of[ids])
        if (of == of.flat[0]).all():
            array = self.arrays[of.flat[0]]
            return view(array, self.at[ids] - array.start, self.constants, spread)
        return self.joined(ids, of)

    def of_constants(self, data, spread):
        alike = data.tobytes() == np.full(data.shape, data.flat[0] if data.size else 0).tobytes()
        if not alike or not data.size:
            return self.constants(data)
        x = literal(float(data.flat[0]))
        return f"jnp.full({data.shape}, {x})" if spread else x

    def joined(self, ids, of):
        """Of several arrays, piece by piece along an axis, or by places in all of them."""
        n = int(self.counts[ids[~self.constant[ids]]].max())
        for axis in range(ids.ndim):
            pieces = along(of, axis)
            if pieces and (len(pieces) <= MOST_PIECES or len(pieces) * SHORT <= ids.size):
                parts = (self.of_all(np.take(ids, range(*ends), axis), n) for ends in pieces)
                return f"jnp.concatenate([{', '.join(parts)}], {axis - ids.ndim})"
        used, parts, places, size = sorted(set(of.ravel().tolist())), [], np.empty_like(ids), 0
        for i in used:
            mine = of == i
            found = np.unique(ids[mine]) if i < 0 else self.whole(self.arrays[i])
            places[mine] = (
                size + np.searchsorted(found, ids[mine])
                if i < 0
                else (size + self.at[ids[mine]] - self.arrays[i].start)
            )
            parts.append(self.of_all(found, n))
            size += len(found)
        everything = f"jnp.concatenate([{', '.join(parts)}], -1)"
        return f"{everything}[..., {self.constants(places)}]"

    def whole(self, array):
        """The ids of the values of an array."""
        if array.name not in self.ids_of:
            ids = np.flatnonzero((self.at >= array.start) & (self.at < array.start + array.size))
            self.ids_of[array.name] = ids[np.argsort(self.at[ids])]
        return self.ids_of[array.name]

    def of_all(self, ids, n):
        """An array of the shape of `ids` for each of n examples, also if it is the same for all."""
        found = self.read(ids)
        if n == 1 or self.is_of_examples(ids):
            return found
        return f"jnp.broadcast_to({found}, {(self.rows(n), *ids.shape)})"

    def is_of_examples(self, ids):
        return bool((self.counts[ids[ids < self.graph.size]] > 1).any())

    def aligned(self, rows):
        """A shape, and expressions that spread to it for rows of equally many ids."""
        known = [row for row in rows if not self.constant[row].all()]
        shape = next((s for s in self.shapes(known) if self.fits(s, known)), (len(rows[0]),))
        return shape, [self.read(row.reshape(shape), spread=not known) for row in rows]

    def shapes(self, rows):
        """Shapes that rows of ids may have: of an array that one of them is, or evenly spaced."""
        for row in rows:
            array = self.arrays[self.of[row[0]]]
            if (
                len(row) == array.size
                and (self.at[row] == array.start + np.arange(array.size)).all()
            ):
                yield array.shape
        if rows and (spaced := spacing(np.stack([self.at[row] for row in rows], axis=1))):
            yield spaced[0]

    def fits(self, shape, rows):
        rows = [row.reshape(shape) for row in rows]
        return all(even_steps(self.at[row]) is not None and self.is_one(row) for row in rows)

    def is_one(self, ids):
        return not self.constant[ids].any() and len(set(self.of[ids].flat)) == 1

    def made(self, ids, shape, expression, rows, examples):
        """Assigns an expression of rows that spread to a shape, made as large as that is."""
        known = [row.reshape(shape) for row in rows if not self.constant[row].all()]
        repeated = [repeats(self.at[row]) for row in known] or [[True] * len(shape)]
        is_full = not any(n > 1 and all(same) for n, *same in zip(shape, *repeated))
        of_all = examples == 1 or any(map(self.is_of_examples, known))
        if not (is_full and of_all):
            shape_of_all = (self.rows(examples), *shape) if examples > 1 else shape
            expression = f"jnp.broadcast_to({expression}, {shape_of_all})"
        self.assign(ids.reshape(shape), expression, examples)

    # One group

    def elementwise(self, group):
        shape, operands = self.aligned(group.operands)
        names = dict(zip("ab", operands))
        if group.kind == "constant power":
            expression = power(operands[0], group.params)
        elif group.kind in FORMS:
            expression = FORMS[group.kind].format(**names)
        else:
            more = [] if group.params is None else [literal(float(group.params))]
            function = f"jnp.{group.kind}" if group.kind in OF_NUMPY else function_of(group)
            expression = f"{function}({', '.join([*operands, *more])})"
        self.made(group.outputs[0], shape, expression, group.operands, group.examples)

    def reduction(self, group):
        """Operations are rows, of what they reduce."""
        x, outputs, n = group.operands, group.outputs, group.examples
        parts = [x]
        if group.kind in INDEXED:
            parts = [x[0], x[1:]]
        elif group.kind == "max backward":
            parts = [x[:-1], x[-1]]
        elif group.kind == "softmax backward":
            parts = [x[: len(x) // 2], x[len(x) // 2 :]]
        elif group.kind == "one hot":
            parts = [x[0]]
        one = group.size == 1
        read = [self.of_all(part[..., 0] if one else part.T, n) for part in parts]
        more = [str(len(outputs))] if group.kind == "one hot" else []
        to = outputs if group.kind in SEVERAL else outputs[0]
        self.assign(
            to[..., 0] if one else to.T, f"{function_of(group)}({', '.join(read + more)})", n
        )

    def take(self, group):
        """Of the operands behind the first, that one whose index it is."""
        index, columns = group.operands[0], group.operands[1:]
        if self.rows_taken(group):
            return
        table, n = self.of_all(columns.T, group.examples), group.examples
        self.assign(group.outputs[0], f"take({table}, {self.of_all(index, n)})", group.examples)

    def rows_taken(self, group):
        """Whether rows of a table were taken at once: all its columns at the same indices."""
        found = rows_of_a_table(group)
        if found is None or self.is_of_examples(found[1]):
            return False
        index, table, outputs = found
        rows, which = len(table), index[0] if len(index) == 1 else index
        self.assign(
            outputs[0] if len(index) == 1 else outputs,
            f"jnp.asarray({self.read(table)})"
            f"[places({self.of_all(which, group.examples)}, {rows})]",
            group.examples,
        )
        return True

    # Sums of products

    def sum(self, group):
        shape, expression, rows = self.sums(group.operands, group.params)
        if shape is None:
            self.assign(group.outputs[0], self.long_sums(group, group.params), group.examples)
        else:
            zero = "0.0 + " * group.from_zero
            self.made(group.outputs[0], shape, zero + expression, rows, group.examples)

    def sums(self, operands, signs):
        """A shape and the text of short sums; no shape for long ones."""
        if len(signs) > FEW_TERMS:
            return None, "", ()
        shape, columns = self.aligned(operands)
        names = iter(columns)
        terms = [f"{next(names)} * {next(names)}" if sign == "*" else next(names) for sign in signs]
        return shape, " + ".join(terms), operands

    def long_sums(self, group, signs, axes="-1"):
        """The text of sums along the last axis."""
        products = np.frombuffer(signs.encode(), np.uint8) == ord("*")
        starts = np.concatenate([[0], np.cumsum(1 + products)[:-1]]).astype(int)
        n, parts = group.examples, []
        if group.kind == TOTAL:
            n = group.params[1]
        if products.any():
            sides = sorted_terms([group.operands[starts[products] + i].T for i in (0, 1)], self.at)
            a, b = (self.of_all(side, n) for side in sides)
            a = self.real(a, n) if group.kind == TOTAL else a
            parts.append(f"({a} * {b}).sum({axes})")
        if not products.all():
            (plain,) = sorted_terms([group.operands[starts[~products]].T], self.at)
            is_one = plain.shape[1] == 1 and axes == "-1"
            read = self.of_all(plain[:, 0] if is_one else plain, n)
            read = self.real(read, n) if group.kind == TOTAL else read
            parts.append(read if is_one else f"{read}.sum({axes})")
        return " + ".join(parts)

    def ragged(self, ragged):
        """As sums of one length, the shorter ones filled up with zeros, unless those are many."""
        counts = np.bincount(ragged.sums, minlength=ragged.size)
        is_full = ragged.size * counts.max() <= MOST_ZEROS * len(ragged.sums)
        sides = [x for x in (ragged.first, ragged.second) if x is not None]
        if is_full:
            sides = [filled_up(x, ragged.sums, counts, self.graph.size) for x in sides]
        terms = " * ".join(map(self.read, sides))
        which = f"{self.constants(ragged.sums)}, {ragged.size}"
        sums = f"({terms}).sum(-1)" if is_full else f"segment_sum({terms}, {which})"
        self.assign(ragged.outputs[0], sums)

    def matmul(self, matmul):
        if matmul.total:
            self.total_matmul(matmul)
            return
        rows, columns = sorted_terms([matmul.rows, matmul.columns], self.at)
        n, turn = matmul.examples, np.asarray
        if n > 1 or len(rows) == 1:
            rows, columns, turn = columns, rows, np.transpose
        is_outer = rows.shape[1] == 1 < len(columns) and n * len(rows) > 1
        sign = "*" if is_outer else "@"
        product = f"{self.side(rows)} {sign} {self.side(columns, turned=True)}"
        outputs = np.squeeze(turn(matmul.outputs))
        for plain in matmul.plain:
            product += f" + {self.read(np.squeeze(turn(plain)), spread=False)}"
        self.assign(outputs, product, n)

    def side(self, ids, turned=False):
        """A factor of a matrix product: a vector where there is one row."""
        ids = ids[0] if len(ids) == 1 else ids
        return self.read(ids.T if turned else ids)

    def total_matmul(self, matmul):
        """Over all examples."""
        rows, columns = sorted_terms([matmul.rows, matmul.columns], self.at)
        n = matmul.examples
        if rows.shape[1] == 1:
            a, b = (self.of_all(np.squeeze(side), n) for side in (rows, columns))
            a = self.real(a, n)
            if len(rows) == 1:
                a, b, turn = b, a, len(columns) > 1
            else:
                turn = True
            self.assign(np.squeeze(matmul.outputs), f"{a}{'.T' * turn} @ {b}")
            return
        a, b = (self.of_all(side, n) for side in (rows, columns))
        a = self.real(a, n)
        self.assign(matmul.outputs, f'jnp.einsum("nik,njk->ij", {a}, {b})')

    # Examples

    def rows(self, n):
        """How long the axis of n examples is."""
        return n

    def real(self, text, n):
        """The text of what is of n examples, where their axis may be longer than that."""
        return text

    def stack(self, group):
        """Values of each example, beside each other: (examples, operations)."""
        for start, end in self.even_pieces(group.operands):
            which = start if end == start + 1 else slice(start, end)
            ids, to = group.operands[:, which], np.asarray(group.outputs[0, which])
            self.assign(to, self.read(ids), group.examples)

    def even_pieces(self, ids):
        """The ends of columns that are evenly spaced in one array, as the rows are."""
        at, of = self.at[ids[:2]], self.of[ids[0]]
        cuts = [0]
        for i in range(1, ids.shape[1]):
            first = cuts[-1]
            steps = at[:, i] - at[:, i - 1], at[:, first + 1] - at[:, first]
            if (
                of[i] != of[first]
                or (steps[0] != steps[1]).any()
                or (steps[0] != steps[0][0]).any()
            ):
                cuts.append(i)
        return list(pairwise([*cuts, ids.shape[1]]))

    def unstack(self, group):
        n = len(group.outputs)
        self.assign(group.outputs, self.of_all(group.operands[0], n))

    def mean(self, group):
        x = group.operands[0]
        of = self.read(x)
        self.assign(group.outputs[0], f"mean_of_all({of})" if self.is_of_examples(x) else of)

    def total(self, group):
        """Sums of products over all examples."""
        signs, n = group.params
        shape, expression, rows = self.sums(group.operands, signs)
        if shape is None:
            self.assign(group.outputs[0], self.long_sums(group, signs, "(0, -1)"))
            return
        if not any(map(self.is_of_examples, rows)):
            self.made(group.outputs[0], shape, f"{float(n)} * ({expression})", rows, 1)
            return
        self.made(group.outputs[0], shape, f"{self.real(f'({expression})', n)}.sum(0)", rows, 1)

    # The end

    def guards(self):
        """Whether all comparisons have come out as they did."""
        tests = []
        for (compare, outcome), pairs in guards_alike(self.graph).items():
            for same in self.by_arrays(pairs):
                _, (a, b) = self.aligned(same)
                tests.append(self.guard(f"{a} {GUARDS[compare]} {b}", outcome, same))
        return " & ".join(tests) or "True"

    def guard(self, test, outcome, ids):
        """Whether comparisons of these ids have come out so."""
        return f"jnp.all({test})" if outcome else f"~jnp.any({test})"

    def by_arrays(self, pairs):
        """Pairs of ids (2, n) by the arrays that they are in, unless these are many."""
        of = np.where(self.constant[pairs], -1, self.of[pairs])
        kinds, which = np.unique(of, axis=1, return_inverse=True)
        if kinds.shape[1] > MOST_PIECES:
            return [pairs]
        return [pairs[:, which.ravel() == i] for i in range(kinds.shape[1])]


def in_order_of_leaves(layout):
    """The groups of the backward part; what is added up to gradients of leaves in their order."""
    graph, groups = layout.schedule.graph, []
    wish = np.full(graph.size, -1)
    for place, i in enumerate(layout.order):
        if graph.gradients and graph.gradients[i] is not None:
            wish[graph.gradients[i]] = place
    for group in reversed(layout.schedule.backward):
        is_one = isinstance(group, Group) and len(group.outputs) == 1 and not group.functions
        if is_one and (wish[group.outputs] >= 0).all():
            order = np.argsort(wish[group.outputs[0]], kind="stable")
            operands, outputs = group.operands[:, order], group.outputs[:, order]
            group = replace(group, operands=operands, outputs=outputs)  # noqa: PLW2901
            is_short = len(operands) <= FEW_TERMS
            for row in operands[(wish[operands] < 0).all(axis=1) & is_short]:
                wish[row] = wish[outputs[0]]
        groups.append(group)
    return groups[::-1]


def function_of(group):
    """The name of what computes a group, in kernels of jax.numpy."""
    return NAMES.get(group.kind) or group.kind.replace(" ", "_")


def power(x, n):
    if n == 2.0:
        return f"{x} * {x}"
    return f"power({x}, {literal(float(n))})"


def along(of, axis):
    """The ends of pieces along an axis in which all is of one array; None where there are none."""
    first = np.moveaxis(of, axis, 0)
    if (first.reshape(len(first), -1) != first.reshape(len(first), -1)[:, :1]).any():
        return None
    cuts = np.flatnonzero(np.diff(first.reshape(len(first), -1)[:, 0])) + 1
    ends = [0, *cuts.tolist(), len(first)]
    return list(pairwise(ends))


def repeats(at):
    """For each axis whether values are the same all along it, and so stand in one place."""
    steps = even_steps(at)
    return [False] * at.ndim if steps is None else [not step for step in steps]


def filled_up(ids, sums, counts, zero):
    """A row of ids for each sum, and `zero` behind them; they go to `sums`, each so many."""
    order = np.argsort(sums, kind="stable")
    table = np.full((len(counts), counts.max()), zero)
    column = np.arange(len(ids)) - np.repeat(np.cumsum(counts) - counts, counts)
    table[sums[order], column] = ids[order]
    return table


def sorted_terms(sides, at):
    """Arrays of ids, each row of which is to be added up, in the order in which more are even."""
    found = []
    for side in sides:
        terms = np.argsort(at[side[0]], kind="stable")
        inside = [x[:, terms] for x in sides]
        found.append((sum(even_steps(at[x]) is None for x in inside), inside))
    return min(found, key=lambda each: each[0])[1]


def view(array, places, constants, spread):
    """The text of those places in an array, in their shape: views where they can be."""
    shape, of_each = places.shape, array.examples > 1
    name = array.name
    if shape == array.shape and (places.ravel() == np.arange(array.size)).all():
        return name
    is_turned = places.ndim == 2 and shape == array.shape[::-1]
    if is_turned and (places.T.ravel() == np.arange(array.size)).all():
        return f"{name}.mT" if of_each else f"{name}.T"
    flat = name
    if len(array.shape) != 1:
        flat = f"{name}.reshape({array.examples}, -1)" if of_each else f"{name}.ravel()"
    start, steps, spaced = int(places.flat[0]), even_steps(places), spacing(places.reshape(-1, 1))
    if steps is not None and (found := evenly(array, flat, start, shape, steps, spread)):
        return found
    if spaced and (found := evenly(array, flat, start, spaced[0], spaced[1][:, 0], True)):
        return f"{found}.reshape({text_of(array, shape)})"
    return f"{flat}[{':, ' * of_each}{constants(places)}]"


def text_of(array, shape):
    """A shape, of each example."""
    return ", ".join(map(str, (array.examples, *shape) if array.examples > 1 else shape)) or "()"


def evenly(array, flat, start, shape, steps, spread):
    """Evenly spaced places of a flat array as reshape, slice, transpose and broadcast; or None."""
    axes = [a for a, (n, step) in enumerate(zip(shape, steps)) if n > 1 and step]
    if any(steps[a] < 0 for a in axes):
        return None
    axes.sort(key=lambda a: -steps[a])
    size, every = array.size, ":, " * (array.examples > 1)
    text = flat
    if axes and size % steps[axes[0]]:  # rows that are not the whole array
        step, n = int(steps[axes[0]]), shape[axes[0]]
        begin = min(start, size - step * n)
        if begin < 0:
            return None
        text = f"{flat}[{every}{begin}:{begin + step * n}]"
        start, size = start - begin, step * n
    dims, cuts = [], []
    for a in axes:
        step, n = int(steps[a]), shape[a]
        if size % step or start // step + n > size // step:
            return None
        dims.append(size // step)
        cuts.append(cut(start // step, n, size // step))
        size, start = step, start % step
    if size > 1:
        dims.append(size)
        cuts.append(str(start))
    if dims and tuple(dims) != (array.shape if text == flat else ()) and len(dims) > 1:
        source = array.name if text == flat else text
        text = f"{source}.reshape({text_of(array, dims)})"
    elif len(dims) > 1:
        text = array.name
    if any(each != ":" for each in cuts):
        text += f"[{every}{', '.join(cuts)}]"
    if axes != sorted(axes):
        order = [axes.index(a) for a in sorted(axes)]
        if order == [1, 0]:
            text += ".mT" if every else ".T"
        else:
            order = [0, *(i + 1 for i in order)] if every else order
            text += f".transpose({', '.join(map(str, order))})"
    inner = tuple(n if a in axes else 1 for a, n in enumerate(shape))
    if len(inner) != (len(axes) if dims else 1):
        text += f".reshape({text_of(array, inner)})"
    if spread and inner != tuple(shape):
        text = f"jnp.broadcast_to({text}, ({text_of(array, shape)},))"
    return text


def cut(first, n, size):
    """What takes n of so many along an axis."""
    return ":" if (first, n) == (0, size) else f"{first}:{first + n}"
