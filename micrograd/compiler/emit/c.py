"""C: loops for the groups of a schedule, as source code.

Every sum is added up in its order, as the engine adds it up; what is done side by side are sums.
Names are chosen here, and nothing in the text comes from names in the recorded code. What all
programs have in common is in kernels.c.
"""

from __future__ import annotations

import math
import operator
from contextlib import ExitStack, contextmanager
from itertools import groupby

import numpy as np

from ..graph import SUM, guards_alike
from ..passes.group import Group
from ..passes.layout import Layout
from ..rules import ELEMENTWISE
from ..views import even_steps, spacing
from .emitter import Emitter
from .kernels import EXACT_TERMS

FEW_TERMS = 8  # up to which a sum is one expression
TILE = 32  # long sums that are added up side by side
PART = 40  # groups in a function: for twice the lines, compilers take more than twice the time
SLACK = 64  # numbers behind others, which a matrix product may read
LARGE, BLOCKS = (
    2**22,
    (128 + 16) * 256,
)  # multiplications from which it pays to take blocks together
ROWS, COLUMNS = 4, 16  # of a matrix product that are kept in registers
GUARDS = {operator.lt: "<", operator.le: "<=", operator.gt: ">", operator.ge: ">="}
FORMS = {"abs": "fabs({a})", "gate": "{a} == 0.0 ? 0.0 : {b}"}
AS_MANY = {  # as they have outputs, numbers are what such an op is of
    *("softmax", "softmax backward", "max backward", "cross entropy slopes"),
    *("cross entropy slopes at", "one hot"),
}
SIGNATURE = "(double *restrict v, const int *restrict t, callback call)"


class CEmitter(Emitter):
    """The lines of a program, which computes in a buffer v of `size` numbers.

    `table` is its table of places, t. `functions` are the user's, which it calls by number:
    (Function, kind, operands, outputs).
    """

    def __init__(self, layout: Layout) -> None:
        self.layout, self.offset = layout, layout.offset
        self.room = self.size = layout.size + SLACK  # where numbers are taken together
        self.tables: list[np.ndarray] = []
        self.begins: dict[bytes, int] = {}
        self.entries = 0
        self.functions: list[tuple] = []
        self.lines = {part: self.part(part) for part in ("forward", "backward")}

    @property
    def table(self) -> np.ndarray:
        return np.concatenate([*self.tables, [0]]).astype(np.int32)

    def texts(self) -> list[str]:
        """The source code of each part, as functions that are called one after the other."""
        return [self.text(name, bodies) for name, bodies in self.lines.items()]

    def text(self, name, bodies):
        text = ""
        for i, body in enumerate(bodies, 1):
            text += f"static int {name}{i}{SIGNATURE} {{\n" + "\n".join(body) + "\n}\n\n"
        calls = [f"{name}{i}(v, t, call)" for i in range(1, len(bodies) + 1)]
        return text + f"int {name}{SIGNATURE} {{\n    return {' && '.join(calls)};\n}}\n\n"

    def part(self, name):
        """The bodies of functions that return whether to go on."""
        groups, bodies = getattr(self.layout.schedule, name), []
        for start in range(0, max(len(groups), 1), PART):
            self.body, self.indent = [], 1
            for group in groups[start : start + PART]:
                self.write(f"// {group}")
                self.group(group)
            if start + PART >= len(groups):
                (self.guards if name == "forward" else self.copies)()
            self.write("return 1;")
            bodies.append(self.body)
        return bodies

    # Text

    def write(self, line):
        self.body.append("    " * self.indent + line)

    @contextmanager
    def block(self, head=""):
        self.write(f"{head}{{")
        self.indent += 1
        yield
        self.indent -= 1
        self.write("}")

    @contextmanager
    def loop(self, name, n, in_order=False):
        """The variable of a loop; 0 if there is one round."""
        if n == 1:
            yield "0"
            return
        if not in_order:
            self.write("IN_ANY_ORDER")
        with self.block(f"for (int {name} = 0; {name} < {n}; {name}++) "):
            yield name

    @contextmanager
    def loops(self, shape):
        """The variables of loops, one in the other."""
        with ExitStack() as stack:
            last = len(shape) - 1
            loops = (self.loop(f"i{axis}", n, axis < last) for axis, n in enumerate(shape))
            yield [stack.enter_context(loop) for loop in loops]

    def at(self, places, names):
        """The element of an array of places in the buffer at loop variables."""
        steps = even_steps(places)
        if steps is not None:
            return f"v[{index(int(places.flat[0]), steps, names)}]"
        dense = [math.prod(places.shape[axis + 1 :]) for axis in range(places.ndim)]
        return f"v[t[{index(self.table_of(places), dense, names)}]]"

    def table_of(self, places):
        """Where these places begin in the table of all."""
        key = places.tobytes()
        if key not in self.begins:
            self.begins[key] = self.entries
            self.tables.append(places.ravel())
            self.entries += places.size
        return self.begins[key]

    def each(self, line, *columns):
        """A line for all places of columns, named in it: {0}, {1}, …"""
        shape, arrays = in_step(columns)
        with self.loops(shape) as names:
            self.write(line.format(*(self.at(places, names) for places in arrays)))

    def scratch(self, start, size):
        """The place behind so many numbers that are kept for a while."""
        self.size = max(self.size, start + size + SLACK)
        return start + size

    # One group

    def elementwise(self, group):
        line = f"{{y}} = {form(group)};".format(y="{0}", a="{1}", b="{2}")
        self.each(line, *self.offset[group.outputs], *self.offset[group.operands])

    def take(self, group):
        """Of the operands behind the first, that one whose index it is."""
        index, columns = self.offset[group.operands[0]], self.offset[group.operands[1:]]
        with self.loop("i", group.size) as i:
            y, x = self.at(self.offset[group.outputs[0]], [i]), self.at(index, [i])
            with self.block():
                self.write(f"int k = place({x}, {len(columns)});")
                self.write(f"{y} = {self.at(columns, ['k', i])};")

    def reduction(self, group):
        """Numbers are taken together, as a function's `x`."""
        count, several = len(group.operands), len(group.outputs)
        operands, outputs = self.offset[group.operands].T, self.offset[group.outputs].T
        x = self.room
        y = self.scratch(x, count)
        self.scratch(y, several)
        steps = even_steps(outputs)
        is_there = steps is not None and (several == 1 or steps[1] == 1)
        first = self.functions_of(group, count, several)
        with self.loop("i", group.size, in_order=True) as i:
            with self.loop("j", count) as j:
                self.write(f"v[{index(x, (1,), [j])}] = {self.at(operands, [i, j])};")
            to = f"&{self.at(outputs, [i, '0'])}" if is_there else f"v + {y}"
            if group.functions:
                self.write(f"if (!call({index(first, (1,), [i])}, v + {x}, {to})) return 0;")
            else:
                n = several if group.kind in AS_MANY else count
                self.write(f"{function_of(group, n)}(v + {x}, {to}, {n});")
            if not is_there:
                with self.loop("j", several) as j:
                    self.write(f"{self.at(outputs, [i, j])} = v[{index(y, (1,), [j])}];")

    def functions_of(self, group, count, several):
        """The number of the first of a group's Functions."""
        first = len(self.functions)
        self.functions += [(each, group.kind, count, several) for each in group.functions]
        return first

    # Sums of products

    def sum(self, group):
        if len(group.params) <= FEW_TERMS:
            self.short_sums(group)
            return
        whole = group.size // TILE * TILE
        if whole:
            self.long_sums(group, slice(0, whole), TILE)
        if group.size > whole:
            self.long_sums(group, slice(whole, None), group.size - whole)

    def short_sums(self, group):
        places = iter(range(1, len(group.operands) + 1))
        terms = [
            f"{{{next(places)}}} * {{{next(places)}}}" if sign == "*" else f"{{{next(places)}}}"
            for sign in group.params
        ]
        line = f"{{0}} = {' + '.join([*['0.0'] * group.from_zero, *terms])};"
        self.each(line, self.offset[group.outputs[0]], *self.offset[group.operands])

    def long_sums(self, group, which, width):
        """Sums in tiles of so many, which are added up side by side."""
        outputs = self.offset[group.outputs[0, which]].reshape(-1, width)
        tiles = len(outputs)
        with self.loop("i", tiles, in_order=True) as tile, self.block():
            self.write(f"double s[{width}];")
            sign = "= 0.0 +" if group.from_zero else "="
            for start, count, factors in runs(group.params):
                rows = self.offset[group.operands[start : start + count * factors, which]]
                sides = [rows[i::factors].reshape(count, tiles, width) for i in range(factors)]
                if sign != "+=":
                    self.term(sign, [side[:1] for side in sides], tile)
                    sides, sign = [side[1:] for side in sides], "+="
                if len(sides[0]):
                    self.term(sign, sides, tile)
            with self.loop("k", width) as k:
                self.write(f"{self.at(outputs, [tile, k])} = s[{k}];")

    def term(self, sign, sides, tile):
        """Sets what a tile comes to, or adds to it, term after term."""
        count, _, width = sides[0].shape
        with self.loop("j", count, in_order=True) as j, self.loop("k", width) as k:
            product = " * ".join(self.at(side, [j, tile, k]) for side in sides)
            self.write(f"s[{k}] {sign} {product};")

    def ragged(self, ragged):
        """As sums of each length."""
        counts = np.bincount(ragged.sums, minlength=ragged.size)
        order = np.argsort(ragged.sums, kind="stable")
        starts = np.cumsum(counts) - counts
        for count in sorted(set(counts.tolist())):
            which = np.flatnonzero(counts == count)
            terms = order[starts[which] + np.arange(count)[:, None]]
            sides = [x[terms] for x in (ragged.first, ragged.second) if x is not None]
            operands = np.stack(sides, axis=1).reshape(-1, len(which))
            signs = "+*"[len(sides) - 1] * count
            self.sum(Group(SUM, signs, operands, ragged.outputs[:, which], from_zero=True))

    # Matrix products

    def matmul(self, matmul):
        before, after = matmul.plain[: matmul.before], matmul.plain[matmul.before :]
        if matmul.size == 1:
            factors = np.stack([matmul.rows[0], matmul.columns[0]], axis=1)
            operands = np.concatenate([before.ravel(), factors.ravel(), after.ravel()])
            signs = "+" * len(before) + "*" * len(factors) + "+" * len(after)
            self.sum(Group(SUM, signs, operands[:, None], matmul.outputs, [], matmul.from_zero))
            return
        outputs = self.offset[matmul.outputs]
        for i, plain in enumerate(before):
            sign = "+=" if i else "= 0.0 +" if matmul.from_zero else "="
            self.each(f"{{0}} {sign} {{1}};", outputs.ravel(), self.offset[plain.ravel()])
        adds = len(before) > 0 or not matmul.from_zero
        if adds and not len(before):
            self.each("{0} = -0.0;", outputs.ravel())
        self.product(self.offset[matmul.rows], self.offset[matmul.columns], outputs, adds)
        for plain in after:
            self.each("{0} += {1};", outputs.ravel(), self.offset[plain.ravel()])

    def product(self, rows, columns, outputs, adds):
        """A product of matrices at these places as they are, or turned: the quicker of the two."""
        ways = (rows, columns, outputs), (columns, rows, outputs.T)
        rows, columns, outputs = min(ways, key=lambda way: cost(*way))
        (m, k), n = rows.shape, len(columns)
        a, steps, room = self.matrix(rows, self.room, is_even(rows))
        b, (b_row, _), room = self.matrix(columns.T, room, is_in_a_row(columns.T))
        c, (c_row, _), room = self.matrix(outputs, room, is_in_a_row(outputs), copy=adds)
        is_large = m * n * k >= LARGE and n >= COLUMNS
        if is_large:
            self.scratch(room, BLOCKS)
        self.write(
            f"{'large_' * is_large}product({m}, {n}, {k}, {int(adds > 0)}, "
            f"v + {a}, {steps[0]}, {steps[1]}, v + {b}, {b_row}, v + {c}, {c_row}"
            f"{f', v + {room}' * is_large});"
        )
        if not is_in_a_row(outputs):
            self.each("{0} = {1};", outputs.ravel(), c + np.arange(m * n))

    def matrix(self, places, room, is_there, copy=True):
        """Where a matrix begins, its steps, and the room behind it, if it is taken together."""
        if is_there:
            return int(places[0, 0]), even_steps(places), room
        if copy:
            self.each("{0} = {1};", room + np.arange(places.size), places.ravel())
        return room, (places.shape[1], 1), self.scratch(room, places.size)

    # The ends

    def guards(self):
        """Whether all comparisons have come out as they did."""
        for (compare, outcome), pairs in guards_alike(self.layout.schedule.graph).items():
            a, b = self.offset[pairs]
            test = f"{{0}} {GUARDS[compare]} {{1}}"
            self.each(f"if ({f'!({test})' if outcome else test}) return 0;", a, b)

    def copies(self):
        """What has to be brought to the gradients of the leaves."""
        to, at = self.layout.copies
        if len(to):
            self.write("// parameters")
            self.each("{0} = {1};", to, at)


def index(start, steps, names):
    """The text of start + step · name + …"""
    parts = [str(start)] if start else []
    for step, name in zip(steps, names):
        if step and name != "0":
            parts.append(name if step == 1 else f"{name} * {step}")
    return " + ".join(parts) or "0"


def in_step(columns):
    """A shape, and columns of places in it, in which as many as can be are evenly spaced."""
    spaced = spacing(np.stack(columns, axis=1))
    if spaced is None:
        together = (np.stack([columns[0], column], axis=1) for column in columns)
        even = [x for x, pair in zip(columns, together) if spacing(pair) is not None]
        spaced = spacing(np.stack(even, axis=1)) if even else None
    shape = spaced[0] if spaced else columns[0].shape
    return shape, [column.reshape(shape) for column in columns]


def runs(signs):
    """Terms alike in a row: the first operand, how many terms, and how many factors each has."""
    start = 0
    for sign, same in groupby(signs):
        count, factors = len(list(same)), 2 if sign == "*" else 1
        yield start, count, factors
        start += count * factors


def form(group):
    """What an elementwise operation is in C, of {a} and {b}: as in Python, but for names."""
    n = "" if group.params is None else literal(float(group.params))
    if group.kind == "constant power" and group.params == 2.0:
        return "{a} * {a}"
    text = FORMS.get(group.kind) or ELEMENTWISE[group.kind].scalar
    text = text.replace("floats.", "floats_").replace("math.", "")
    return text.replace("{n}", n)


def literal(x):
    if math.isfinite(x):
        return x.hex()
    return "NAN" if x != x else "INFINITY" if x > 0 else "-INFINITY"


def function_of(group, n):
    """The name in kernels.c."""
    if group.kind == "softmax backward" and group.size == 1 and n <= EXACT_TERMS:
        return "softmax_backward_in_order"
    return group.kind.replace(" ", "_")


def is_even(places):
    return even_steps(places) is not None


def is_in_a_row(places):
    """Whether each row of a matrix lies in a row."""
    return is_even(places) and (places.shape[1] == 1 or even_steps(places)[1] == 1)


def cost(rows, columns, outputs):
    """About how many cycles a product takes."""
    (m, k), n = rows.shape, len(columns)
    found = (m // ROWS + m % ROWS) * -(-n // COLUMNS) * (10 + 4 * k)
    found += 0 if is_even(rows) else m * k
    found += 0 if is_in_a_row(columns.T) else n * k
    return found + (0 if is_in_a_row(outputs) else m * n)
