"""NumPy: what a person would have written for the groups of a schedule, as source code.

The forward and the backward part of a program are two functions without arguments, which compute in
one buffer, v. Its names are chosen here; nothing in it comes from names in the recorded code.
"""

from __future__ import annotations

import operator

import numpy as np

from ..graph import guards_alike
from ..passes.layout import Layout
from ..passes.split import FEW_TERMS, LARGE
from ..rules import ELEMENTWISE, REDUCTIONS, literal
from ..views import even_steps, spacing
from .emitter import Emitter, rows_of_a_table
from .kernels import EXACT_LOOP
from .source import HERE, Source

ZERO = np.zeros(1)
SINGLES = 3  # up to which ops plain Python is faster
GUARDS = {
    operator.lt: "less",
    operator.le: "less_equal",
    operator.gt: "greater",
    operator.ge: "greater_equal",
}


def emit(layout: Layout) -> tuple[np.ndarray, Source, dict[str, list[str]]]:
    """The buffer, the names used, and the lines of forward and backward, described in comments."""
    emitter = NumPyEmitter(layout)
    lines: dict[str, list[str]] = {}
    for part in ("forward", "backward"):
        emitter.source.lines = lines[part] = []
        emitter.is_backward = part == "backward"
        for group in getattr(layout.schedule, part):
            emitter.source.write(f"# {group}")
            emitter.group(group)
        (emitter.copies if emitter.is_backward else emitter.guards)()
    return emitter.v, emitter.source, lines


class NumPyEmitter(Emitter):
    def __init__(self, layout: Layout) -> None:
        self.layout, self.offset = layout, layout.offset
        graph = layout.schedule.graph
        constants = list(graph.constants)
        self.is_constant = np.zeros(graph.size, bool)
        self.is_constant[constants] = True
        self.data = np.zeros(graph.size)
        self.data[constants] = list(graph.constants.values())
        self.v = np.zeros(layout.size)
        self.v[self.offset[constants]] = self.data[constants]
        self.source = Source(self.v, layout)
        self.is_backward = False

    # Where values are

    def column(self, ids):
        """Constants, or places in `v`."""
        return self.data[ids] if self.is_constant[ids].all() else ("v", self.offset[ids])

    def columns(self, rows):
        return [self.column(ids) for ids in rows]

    def array(self, ids):
        """The name of an array of the shape of `ids`."""
        if self.is_constant[ids].all():
            return self.source.given("k", self.data[ids])
        return self.source.grid("v", self.offset[ids])

    def target(self, ids):
        return "v", self.offset[ids]

    def write_to(self, ids, line):
        """Writes a line whose {y} is an array of the shape of `ids`, to be filled."""
        at = self.offset[ids]
        if even_steps(at) is not None:
            self.source.write(line.format(y=self.source.grid("v", at)))
            return
        y = self.source.scratch(at.shape)
        self.source.write(line.format(y=y))
        self.source.write(f"v[{self.source.given('i', at)}] = {y}")

    # One group

    def elementwise(self, group):
        if group.size <= SINGLES:
            self.singles(group)
        else:
            self.at_once(group)

    def at_once(self, group):
        source, rule = self.source, ELEMENTWISE[group.kind].array
        if group.kind == "constant power" and group.params == 2.0:
            rule = "square({a}, out={y})"
        y, *operands = source.aligned(self.target(group.outputs[0]), self.columns(group.operands))
        names = {"y": y, **dict(zip("ab", operands)), **exponent(group)}
        if "{zero}" in rule:
            names["zero"] = source.constant(ZERO)
        if "{m}" in rule:
            names["m"] = source.scratch(source.names[y].shape, bool)
            names["gate"] = "gate" if self.is_backward else "careful_gate"
        source.write(rule.format(**names))

    def singles(self, group):
        rule, number = ELEMENTWISE[group.kind].scalar, self.source.number
        for i in range(group.size):
            operands = map(number, self.columns(group.operands[:, i : i + 1]))
            line = rule.format(**dict(zip("ab", operands)), **exponent(group))
            self.source.write(f"v[{self.offset[group.outputs[0, i]]}] = {line}")

    def reduction(self, group):
        source, n = self.source, len(group.operands)
        if group.kind in ("sum", "mean") and group.operands.size <= EXACT_LOOP and group.size == 1:
            x, y = self.array(group.operands[:, 0]), self.offset[group.outputs[0, 0]]
            function = {"sum": "total", "mean": "mean"}[group.kind]
            source.write(f"v[{y}] = floats.{function}({x}.tolist())")
            return
        several = len(group.outputs) > 1 or group.kind in SEVERAL
        x, g, i = group.operands, None, None
        if group.kind in INDEXED:
            x, i = x[1:], self.array(x[0])
        if group.kind in TWO_PARTS:
            cut = n - 1 if group.kind == "max backward" else n // 2
            x, g = x[:cut], x[cut:]
            g = self.array(g[0] if group.kind == "max backward" else g)
        x, f = self.array(x), self.functions(group)
        line = REDUCTIONS[group.kind].format(i=i, x=x, g=g, y="{y}", f=f)
        self.write_to(group.outputs if several else group.outputs[0], line)

    def take(self, group):
        source, index, columns = self.source, group.operands[0], group.operands[1:]
        if self.rows_taken(group):
            return
        offsets, each = source.given("i", self.offset[columns]), np.arange(group.size)
        i, each = self.array(index), source.given("i", each)
        line = f"v.take({offsets}[places({i}, {len(columns)}), {each}], 0, {{y}}, 'clip')"
        self.write_to(group.outputs[0], line)

    def rows_taken(self, group):
        """Whether rows of a table were taken at once: all its columns at the same indices."""
        if (found := rows_of_a_table(group)) is None:
            return False
        source, (index, table, outputs) = self.source, found
        (rows, width), at = table.shape, self.offset[outputs]
        spaced, step = spacing(at), even_steps(at[0])
        if spaced is None or step is None or np.ptp(spaced[1], axis=1).any():
            return False
        y = source.view("v", at[0, 0], (*spaced[0], width), (*spaced[1][:, 0], *step))
        taken = f"{self.array(table)}.take(places({self.array(index)}, {rows}), 0"
        shape = source.names[y].shape
        if len(shape) == 2 and source.names[y].flags.c_contiguous:
            source.write(f"{taken}, {y}, 'clip')")
        elif len(shape) == 2:
            source.write(f"{y}[...] = {taken})")
        else:
            source.write(f"{y}[...] = {taken}).reshape({shape})")
        return True

    def functions(self, group):
        """The name of the list of the user's functions that a group applies."""
        if not group.functions:
            return None
        key = "functions", *map(id, group.functions)
        known = self.source.known
        if key not in known:
            known[key] = self.source.given_name("f", group.functions)
        return known[key]

    # Sums of products

    def matmul(self, matmul):
        source, y = self.source, self.source.grid("v", self.offset[matmul.outputs])
        rows, columns = in_step(matmul, self.offset)
        self.product(self.array(rows), self.array(columns.T), y)
        ids = matmul.outputs.ravel()
        for plain in matmul.plain:
            to, x = source.aligned(self.target(ids), [self.column(plain.ravel())])
            source.write(f"add({to}, {x}, out={to})")

    def product(self, a, b, out):
        """The product of two matrices, by the function that is quicker where it can be used."""
        name = "dot" if self.source.names[out].flags.c_contiguous else "matmul"
        self.source.write(f"{name}({a}, {b}, out={out})")

    def ragged(self, ragged):
        source = self.source
        if ragged.second is None:
            terms = source.grid("v", self.offset[ragged.first])
        else:
            terms = self.products(ragged.first, ragged.second)
        sums = source.given("i", ragged.sums)
        to = self.array(ragged.outputs[0])
        source.write(f"{to}[:] = bincount({sums}, {terms}, {ragged.size})")

    def products(self, first, second):
        """The name of an array of the shape of `first`, of products."""
        source = self.source
        name = source.scratch(first.shape)
        places = np.arange(first.size)
        columns = [self.column(x.ravel()) for x in (first, second)]
        to, x, y = source.aligned((name, places), columns)
        source.write(f"multiply({x}, {y}, out={to})")
        return name

    def sum(self, group):
        source, signs = self.source, group.params
        if group.size == 1 and "*" not in signs and len(signs) > FEW_TERMS:
            x, zero = self.array(group.operands[:, 0]), "0.0 + " * group.from_zero
            source.write(f"v[{self.offset[group.outputs[0, 0]]}] = {zero}add.accumulate({x})[-1]")
        elif len(signs) > FEW_TERMS or self.is_shorter_at_once(group):
            if not self.summed_by_ones(group):
                zero = "" if group.from_zero or self.is_backward else ", -0.0"
                line = f"running_sum({self.terms(group)}, {{y}}{zero})"
                self.write_to(group.outputs[0], line)
        elif group.size <= SINGLES:
            self.single_sums(group)
        else:
            self.short_sums(group)

    def is_shorter_at_once(self, group):
        """Whether a short sum takes fewer lines as one array of terms than term by term."""
        to, signs = self.offset[group.outputs[0]], group.params
        if len(set(signs)) > 1 or group.size <= SINGLES or even_steps(to) is None:
            return False
        sides = (group.operands[::2], group.operands[1::2]) if signs[0] == "*" else [group.operands]
        at_once = len(sides) + sum(self.copied(side) for side in sides)
        terms = {x.tobytes() for x in np.split(group.operands, len(signs))}
        copies = sum(self.copied(row, to) for row in group.operands)
        return at_once < len(signs) - 1 + (len(terms) if len(sides) > 1 else 0) + copies

    def copied(self, ids, to=None):
        """Whether values have to be copied to be an array, or one in step with offsets `to`."""
        if self.is_constant[ids].all():
            return False
        at = self.offset[ids.ravel()]
        to = np.arange(len(at)) if to is None else to
        return spacing(np.stack([to, at], axis=1)) is None

    def summed_by_ones(self, group):
        """Backward, whether many values in a row were added up by a product with ones."""
        if not self.is_backward or "*" in group.params or group.operands.size < LARGE:
            return False
        at = self.offset[group.operands]
        at = at[np.argsort(at[:, 0], kind="stable")]
        to = self.offset[group.outputs[0]]
        if even_steps(at) is None or even_steps(to) is None:
            return False
        ones = self.source.given("k", np.ones(len(at)))
        self.product(ones, self.source.grid("v", at), self.source.grid("v", to))
        return True

    def single_sums(self, group):
        for i in range(group.size):
            numbers = map(self.source.number, self.columns(group.operands[:, i : i + 1]))
            sums = [
                f"{next(numbers)} * {next(numbers)}" if sign == "*" else next(numbers)
                for sign in group.params
            ]
            terms = " + ".join([*["0.0"] * group.from_zero, *sums])
            self.source.write(f"v[{self.offset[group.outputs[0, i]]}] = {terms}")

    def short_sums(self, group):
        """The first term, and then each other one added to it."""
        source = self.source
        y, *operands = source.aligned(self.target(group.outputs[0]), self.columns(group.operands))
        terms, names = [], iter(operands)
        for sign in group.params:
            terms.append((next(names), next(names)) if sign == "*" else (next(names),))
        summed, products = None, {}
        for i, term in enumerate(terms):
            x = products.get(term, term[0])
            if len(term) == 2 and term not in products:
                again = term in terms[max(i, 1) + 1 :]
                x = source.scratch(source.names[y].shape) if summed or again else y
                source.write(f"multiply({term[0]}, {term[1]}, out={x})")
                products[term] = x
            if summed:
                source.write(f"add({summed}, {x}, out={y})")
            summed = y if summed else x
        if group.from_zero:
            source.write(f"add({summed}, 0.0, out={y})")
        elif summed != y:
            source.write(f"{y}[...] = {summed}")

    def terms(self, group):
        """The name of an array (terms, ops) of what a long sum adds up."""
        signs = np.frombuffer(group.params.encode(), np.uint8) == ord("*")
        starts = np.concatenate([[0], np.cumsum(1 + signs)[:-1]]).astype(int)
        if not signs.any():
            return self.array(group.operands)
        if signs.all():
            return self.products(group.operands[::2], group.operands[1::2])
        source = self.source
        name = source.scratch((len(signs), group.size))
        for run in np.split(starts, np.flatnonzero(np.diff(signs)) + 1):
            row = int(np.searchsorted(starts, run[0]))
            to = f"{name}[{row}:{row + len(run)}]"
            if signs[row]:
                x, y = (self.array(group.operands[run + i]) for i in (0, 1))
                source.write(f"multiply({x}, {y}, out={to})")
            else:
                source.write(f"{to} = {self.array(group.operands[run])}")
        return name

    # The ends

    def guards(self):
        """The last line of forward(): whether all comparisons have come out as they did."""
        tests = []
        for (compare, outcome), pairs in guards_alike(self.layout.schedule.graph).items():
            if not self.is_constant[pairs].all():
                left, right = self.source.aligned(HERE, self.columns(pairs))
                test = f"{GUARDS[compare]}({left}, {right})"
                tests.append(f"{test}.all()" if outcome else f"not {test}.any()")
        self.source.write("return " + (" and ".join(tests) or "True"))

    def copies(self):
        """The last lines of backward(): what has to be brought to the gradients of the leaves."""
        source, (to, at) = self.source, self.layout.copies
        if not len(to):
            return
        source.write("# parameters")
        if spacing(np.stack([to, at], axis=1)) is not None:
            y, x = source.aligned(("v", to), [("v", at)])
            source.write(f"{y}[...] = {x}")
        else:
            source.write(f"v[{source.given('i', to)}] = {source.take('v', at)}")


SEVERAL = {  # whose outputs are (outputs, ops), also of one
    *("softmax", "softmax backward", "max backward", "cross entropy slopes"),
    *("cross entropy slopes at", "one hot"),
    *("function", "function backward"),
}
INDEXED = "cross entropy at", "cross entropy slopes at"
TWO_PARTS = ("max backward", "softmax backward")


def exponent(group):
    return {} if group.params is None else {"n": literal(group.params)}


def in_step(matmul, offset):
    """The rows and the columns, their terms in that order of offsets which needs fewer copies."""
    found = []
    for first in (matmul.rows[0], matmul.columns[0]):
        terms = np.argsort(offset[first], kind="stable")
        sides = matmul.rows[:, terms], matmul.columns[:, terms]
        found.append((sum(even_steps(offset[x]) is None for x in sides), sides))
    return min(found, key=lambda each: each[0])[1]
