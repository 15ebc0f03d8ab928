"""Differentiate: reverse mode, as ops that are added to the graph.

The gradient of a value is one sum of products over its uses, in the order in which the engine adds
them up: the ops are walked from the last to the first, as `Value.backward` walks the nodes.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

from ..graph import SUM, Builder, Graph, parted
from ..rules import ELEMENTWISE

PLAIN = -1  # in place of the second factor of what is no product


def differentiate(
    graph: Graph, used: Sequence[int], inner: Sequence[int] = (), careful: bool = False
) -> Graph:
    """The graph, and the gradients of its leaves by some of its outputs, those at places `used`.

    Also of computed values, the ids `inner`. A `careful` one has no products of zero where in the
    engine nothing is added: they would be nan for an infinite gradient.
    """
    return Reverse(graph, inner, careful).graph([graph.outputs[i] for i in used])


class Reverse:
    """`terms` has for each id what is to be added up to its gradient, as factors of products."""

    def __init__(self, graph, inner, careful):
        self.given, self.builder, self.careful = graph, Builder(graph), careful
        wanted = depending(graph, [*graph.leaf_ids, *inner])
        self.terms = [[] if is_wanted else None for is_wanted in wanted]
        self.inner = dict.fromkeys(inner)
        self.formulas: dict[tuple, Formula] = {}
        self.hot: dict[tuple[int, int], tuple] = {}

    def graph(self, outputs):
        graph, builder = self.given, self.builder
        like = list(range(graph.size))
        seeds = builder.ids(len(outputs))
        for x, seed in zip(outputs, seeds):
            self.add(x, seed)
        for op in reversed(graph.ops):
            if self.terms[op.outputs[0]] is None:
                continue
            if op.kind in ("softmax", "function"):
                self.several(op)
            elif (g := self.total(op.outputs[0])) is not None:
                self.one(op, g)
            like += [op.outputs[0]] * (builder.size - len(like))
        gradients = [self.total(x) for x in graph.leaf_ids]
        return replace(
            graph,
            ops=graph.ops + builder.ops,
            constants=builder.constants,
            size=builder.size,
            outputs=outputs,
            seeds=list(seeds),
            gradients=gradients,
            inner=self.inner,
            like=like,
        )

    def add(self, x, first, second=PLAIN):
        if (terms := self.terms[x]) is not None:
            terms += (first, second)

    def total(self, x):
        """The id of the gradient of x, None if there is none."""
        found = self.summed(self.terms[x])
        self.terms[x] = None
        if x in self.inner:
            self.inner[x] = found
        return found

    def summed(self, terms):
        if not terms:
            return None
        if len(terms) == 2:
            return terms[0] if terms[1] == PLAIN else self.builder.new("multiply", tuple(terms))
        plain, count = terms.count(PLAIN), len(terms) // 2
        signs = "*" * count
        if plain == count:
            signs, terms = "+" * count, terms[::2]
        elif plain:
            signs = "".join("+" if second == PLAIN else "*" for second in terms[1::2])
            terms = [x for x in terms if x != PLAIN]
        return self.builder.new(SUM, tuple(terms), signs)

    def one(self, op, g):
        """Adds to the operands of an op of one output, whose gradient is g."""
        kind, x = op.kind, op.operands
        if kind == SUM:
            self.sum_of_products(op, g)
        elif kind in ELEMENTWISE:
            self.elementwise(op, g)
        elif kind in ("sum", "mean"):
            if kind == "mean":
                g = self.builder.new("divide", (g, self.builder.constant(float(len(x)))))
            for operand in x:
                self.add(operand, g)
        elif kind == "max":
            for operand, part in zip(x, self.builder.several("max backward", (*x, g), len(x))):
                self.add(operand, part)
        elif kind == "take":
            for operand, is_taken in zip(x[1:], self.one_hot(x[0], len(x) - 1)):
                if self.careful:
                    self.add(operand, self.builder.new("gate", (is_taken, g)))
                else:
                    self.add(operand, g, is_taken)
        else:
            xs = x[1:] if kind == "cross entropy at" else x
            for operand, slope in zip(xs, self.builder.several(SLOPES[kind], x, len(xs))):
                self.add(operand, slope, g)

    def one_hot(self, index, n):
        """The ids of 1.0 for the index, of n, and 0.0 for all others."""
        if (index, n) not in self.hot:
            self.hot[index, n] = self.builder.several("one hot", (index,), n)
        return self.hot[index, n]

    def sum_of_products(self, op, g):
        """Products first, then what is added to them, as `functional.dot` goes back."""
        terms = self.terms
        plain, factors = parted(op)
        pairs = iter(factors)
        for a, b in zip(pairs, pairs):
            if (to := terms[a]) is not None:
                to += (g, b)
            if (to := terms[b]) is not None:
                to += (g, a)
        for x in plain:
            self.add(x, g)

    def elementwise(self, op, g):
        ids = (g, *op.operands, *op.outputs)
        for i, x in enumerate(op.operands):
            if self.terms[x] is not None:
                key = op.kind, op.params, i
                if key not in self.formulas:
                    self.formulas[key] = Formula(*key)
                self.terms[x] += self.formulas[key].factors(ids, self.builder)

    def several(self, op):
        """Adds to the operands of an op that may have several outputs."""
        found = [self.total(y) for y in op.outputs]
        if all(g is None for g in found):
            return
        g = [self.builder.constant(0.0) if g is None else g for g in found]
        if op.kind == "softmax":
            g = [*op.outputs, *g]
        kind = f"{op.kind} backward"
        parts = self.builder.several(kind, tuple(g), len(op.operands), op.params)
        for x, part in zip(op.operands, parts):
            self.add(x, part)


def reflected(method):
    """The operator with a number on its left."""
    return lambda self, number: method(self.symbol(number), self)


SLOPES = {
    "logsumexp": "softmax",
    "cross entropy": "cross entropy slopes",
    "cross entropy at": "cross entropy slopes at",
}


class Formula:
    """The gradient by operand `i` of an op, as steps to be taken with the ids of an op.

    A step is the kind and the params of an op, and which ids it takes: of the gradient, of the
    operands, of the result and of what earlier steps gave, in this order; or a constant.
    """

    def __init__(self, kind, params, i):
        row = ELEMENTWISE[kind]
        self.steps: list[tuple] = []
        self.given = len(row.gradients) + 2
        more = () if params is None else (params,)
        symbols = (Symbol(n, self) for n in range(self.given))
        ends = row.gradients[i](*symbols, *more).ends()
        self.ends = ends if len(ends) == 2 else (*ends, None)

    def step(self, kind, takes, params=None):
        self.steps.append((kind, takes, params))
        return Symbol(self.given + len(self.steps) - 1, self)

    def factors(self, ids, builder):
        """The ids of the two factors of the gradient; if it is no product, one and PLAIN."""
        ids = list(ids)
        for kind, takes, params in self.steps:
            if kind == "constant":
                ids.append(builder.constant(params))
            else:
                ids.append(builder.new(kind, tuple([ids[i] for i in takes]), params))
        first, second = self.ends
        return ids[first], PLAIN if second is None else ids[second]


class Symbol:
    """What stands for an id in a formula: to compute with it adds a step."""

    def __init__(self, i, formula):
        self.i, self.formula = i, formula

    def ends(self):
        """What it is a product of, or itself."""
        return (self.i,)

    def apply(self, kind, *others, params=None):
        return self.formula.step(kind, [self.i, *(self.symbol(x).i for x in others)], params)

    def symbol(self, x):
        return x if isinstance(x, Symbol) else self.formula.step("constant", (), float(x))

    def __add__(self, other):
        return self.apply("add", other)

    def __sub__(self, other):
        return self.apply("subtract", other)

    def __mul__(self, other):
        return Product(self, self.symbol(other))

    def __truediv__(self, other):
        return self.apply("divide", other)

    def __neg__(self):
        return self.apply("negative")

    __radd__ = reflected(__add__)
    __rsub__ = reflected(__sub__)
    __rmul__ = reflected(__mul__)
    __rtruediv__ = reflected(__truediv__)


class Product(Symbol):
    """A product, which is a step only where something is computed with it."""

    def __init__(self, first, second):
        self.first, self.second, self.formula = first, second, first.formula

    @functools.cached_property
    def i(self):
        return self.first.apply("multiply", self.second).i

    def ends(self):
        return self.first.i, self.second.i


def depending(graph, ids):
    """For each id whether it is one of these, or computed from them."""
    wanted = bytearray(graph.size)
    for x in ids:
        wanted[x] = 1
    of = wanted.__getitem__
    for op in graph.ops:
        if any(map(of, op.operands)):
            for x in op.outputs:
                wanted[x] = 1
    return wanted
