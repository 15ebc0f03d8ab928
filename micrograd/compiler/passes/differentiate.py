"""Differentiate: reverse mode, as ops that are added to the graph.

The gradient of a value is one sum of products over its uses, in the order in which the engine adds
them up: the ops are walked from the last to the first, as `Value.backward` walks the nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from ..formula import PLAIN, Formula
from ..graph import MEAN, SUM, TOTAL, Builder, Graph, examples, parted
from ..rules import ELEMENTWISE


def differentiate(
    graph: Graph, used: Sequence[int], inner: Sequence[int] = (), careful: bool = False
) -> Graph:
    """The graph, and the gradients of its leaves by some of its outputs, those at places `used`.

    Also of computed values, the ids `inner`. A `careful` one has no products of zero where in the
    engine nothing is added: they would be nan for an infinite gradient.
    """
    reverse = Careful(graph, inner) if careful else Reverse(graph, inner)
    return reverse.graph([graph.outputs[i] for i in used])


class Reverse:
    """`terms` has for each id what is to be added up to its gradient, as factors of products."""

    def __init__(self, graph, inner):
        self.given, self.builder = graph, Builder(graph)
        wanted = depending(graph, [*graph.leaf_ids, *inner])
        self.terms = [[] if is_wanted else None for is_wanted in wanted]
        self.inner = dict.fromkeys(inner)
        self.examples = examples(graph)
        self.totals: dict[int, dict[int, list[int]]] = {}  # terms of all examples, by how many
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
            if self.examples[op.outputs[0]] > 1 and op.kind != "stack":
                self.over_examples(op)
            else:
                self.back(op)
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

    def back(self, op):
        """Adds to the operands of an op."""
        if op.kind in SEVERAL:
            self.several(op)
        elif (g := self.total(op.outputs[0])) is not None:
            self.one(op, g)

    def over_examples(self, op):
        """The same for an op on examples: all of them add to what they have in common."""
        count = self.examples[op.outputs[0]]
        common = {x for x in op.operands if self.examples[x] == 1 and self.terms[x] is not None}
        kept = {x: self.terms[x] for x in common}
        for x in common:
            self.terms[x] = self.totals.setdefault(x, {}).setdefault(count, [])
        self.back(op)
        for x in common:
            self.terms[x] = kept[x]

    def add(self, x, first, second=PLAIN):
        if (terms := self.terms[x]) is not None:
            terms += (first, second)

    def total(self, x):
        """The id of the gradient of x, None if there is none."""
        terms = self.terms[x]
        totals = [each for each in self.totals.pop(x, {}).items() if each[1]]
        if totals and len(terms) > 2:
            terms = [self.summed(terms), PLAIN]
        for count, more in totals:
            operands, signs = signed(more)
            terms += (self.builder.new(TOTAL, operands, (signs, count)), PLAIN)
        found = self.summed(terms)
        self.terms[x] = None
        if x in self.inner:
            self.inner[x] = found
        return found

    def summed(self, terms):
        if not terms:
            return None
        if len(terms) == 2:
            return terms[0] if terms[1] == PLAIN else self.builder.new("multiply", tuple(terms))
        operands, signs = signed(terms)
        return self.builder.new(SUM, operands, signs)

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
        elif kind == MEAN:
            if self.examples[x[0]] > 1:  # else it is the same for all
                g = self.builder.new("divide", (g, self.builder.constant(float(op.params))))
            self.add(x[0], g)
        elif kind == "stack":
            for operand, part in zip(x, self.builder.several("unstack", (g,), len(x))):
                self.add(operand, part)
        elif kind == "max":
            for operand, part in zip(x, self.builder.several("max backward", (*x, g), len(x))):
                self.add(operand, part)
        elif kind == "take":
            for operand, is_taken in zip(x[1:], self.one_hot(x[0], len(x) - 1)):
                self.taken(operand, g, is_taken)
        else:
            xs = x[1:] if kind == "cross entropy at" else x
            for operand, slope in zip(xs, self.builder.several(SLOPES[kind], x, len(xs))):
                self.add(operand, slope, g)

    def taken(self, x, g, is_taken):
        """Adds g to x, if it is the one that was taken."""
        self.add(x, g, is_taken)

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
        for x, part in zip(op.operands, SEVERAL[op.kind](self.builder, op, g)):
            if part:
                self.add(x, *part)


class Careful(Reverse):
    """The same where nothing goes back to what was not taken, not even zero times infinity.

    `only_if` has for gradients that come by takes alone a number which is zero where they do not.
    """

    def __init__(self, graph, inner):
        super().__init__(graph, inner)
        self.only_if: dict[int, int] = {}
        self.found: list[int] = []

    def taken(self, x, g, is_taken):
        part = self.builder.new("gate", (is_taken, g))
        self.only_if[part] = is_taken
        self.add(x, part)

    def back(self, op):
        before = {x: len(self.terms[x]) for x in op.operands if self.terms[x] is not None}
        self.found = []
        super().back(op)
        conditions = [self.only_if.get(g) for g in self.found]
        if conditions and None not in conditions and op.kind not in ("stack", "unstack"):
            condition = self.any(conditions)
            for x, start in before.items():
                self.terms[x][start:] = self.on(condition, self.terms[x][start:])

    def total(self, x):
        condition, found = self.condition(x), super().total(x)
        if found is not None:
            self.found.append(found)
            if condition is not None:
                self.only_if[found] = condition
        return found

    def condition(self, x):
        """What is zero where nothing is added to the gradient of x; None if something always is."""
        parts = self.conditions(self.terms[x])
        for count, terms in self.totals.get(x, {}).items():
            more = self.conditions(terms)
            if more:
                more = [self.builder.new(TOTAL, tuple(more), ("+" * len(more), count))]
            parts = None if parts is None or more is None else parts + more
        return self.any(parts) if parts else None

    def conditions(self, terms):
        """Those of the terms of a gradient, None if one of them has none."""
        found = [self.only_if.get(term) for term in terms[::2]]
        is_plain = all(second == PLAIN for second in terms[1::2])
        return found if is_plain and None not in found else None

    def any(self, conditions):
        """What is zero only where all of them are."""
        return self.summed([x for condition in conditions for x in (condition, PLAIN)])

    def on(self, condition, terms):
        """Terms that are added on a condition only."""
        made = []
        for pair in zip(terms[::2], terms[1::2]):
            term = self.summed(list(pair))
            part = self.builder.new("gate", (condition, term))
            own = self.only_if.get(term)
            self.only_if[part] = (
                condition if own is None else self.builder.new("multiply", (condition, own))
            )
            made += (part, PLAIN)
        return made


def signed(terms):
    """The operands and the signs of a sum of products, given factors with PLAIN for no second."""
    plain, count = terms.count(PLAIN), len(terms) // 2
    if plain == count:
        return tuple(terms[::2]), "+" * count
    signs = "".join("+" if second == PLAIN else "*" for second in terms[1::2]) if plain else ""
    return tuple([x for x in terms if x != PLAIN]) if plain else tuple(terms), signs or "*" * count


def unstack(builder, op, g):
    return [(builder.new("stack", tuple(g)),)]


def function(builder, op, g):
    return singles(builder.several("function backward", tuple(g), len(op.operands), op.params))


def softmax(builder, op, g):
    return singles(softmax_backward(builder, op.outputs, g))


def softmax_backward(builder, p, g):
    """The gradients of what the shares p are the softmax of, if theirs are g."""
    return builder.several("softmax backward", (*p, *g), len(p))


def cross_entropy_slopes(builder, op, g):
    """The slopes are the shares, but for one, from which 1 was taken."""
    shares = builder.several("softmax", op.operands, len(g))
    return singles(softmax_backward(builder, shares, g))


def cross_entropy_slopes_at(builder, op, g):
    shares = builder.several("softmax", op.operands[1:], len(g))
    return [(), *singles(softmax_backward(builder, shares, g))]


def softmax_backward_backward(builder, op, g):
    """Of p_j · (w_j - m), where m = Σ p_i · w_i, by w and by p.

    By p that is (w_j - m) · (g_j - n), where n = Σ p_i · g_i, and a number that is the same for all
    j: it is left out, since the shares add up to one, whatever moves them.
    """
    p, w = op.operands[: len(g)], op.operands[len(g) :]
    by_w = singles(softmax_backward(builder, p, g))
    return [*zip(centered(builder, p, w), centered(builder, p, g)), *by_w]


def centered(builder, p, w):
    """Each of w less their mean, weighted by the shares p."""
    mean = builder.new(SUM, tuple(chain.from_iterable(zip(p, w))), "*" * len(p))
    return [builder.new("subtract", (x, mean)) for x in w]


def max_backward_backward(builder, op, g):
    """What the winners share of one gradient: by that, the mean of theirs; by the numbers, none."""
    *x, _ = op.operands
    shares = builder.several("max backward", (*x, builder.constant(1.0)), len(g))
    mean = builder.new(SUM, tuple(chain.from_iterable(zip(shares, g))), "*" * len(g))
    return [*([()] * len(x)), (mean,)]


def nothing(builder, op, g):
    return [()] * len(op.operands)


def singles(ids):
    return [(i,) for i in ids]


SLOPES = {
    "logsumexp": "softmax",
    "cross entropy": "cross entropy slopes",
    "cross entropy at": "cross entropy slopes at",
}
# The gradients of the operands of ops of several outputs, those of which are g, as factors.
SEVERAL = {
    "softmax": softmax,
    "function": function,
    "unstack": unstack,
    "one hot": nothing,
    "cross entropy slopes": cross_entropy_slopes,
    "cross entropy slopes at": cross_entropy_slopes_at,
    "softmax backward": softmax_backward_backward,
    "max backward": max_backward_backward,
}


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
