"""Formulas: gradients as rules.py writes them, as ops to be added to a graph."""

from __future__ import annotations

from .rules import ELEMENTWISE

PLAIN = -1  # in place of the second factor of what is no product


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
        found = row.gradients[i](*symbols, *more)
        self.ends = () if found is None else found.ends()

    def step(self, kind, takes, params=None):
        self.steps.append((kind, takes, params))
        return Symbol(self.given + len(self.steps) - 1, self)

    def factors(self, ids, builder):
        """The ids of the factors of the gradient; one and PLAIN, or nothing at all."""
        ids = list(ids)
        for kind, takes, params in self.steps:
            if kind == "constant":
                ids.append(builder.constant(params))
            else:
                ids.append(builder.new(kind, tuple([ids[i] for i in takes]), params))
        found = [ids[i] for i in self.ends]
        return found if len(found) != 1 else (*found, PLAIN)


def reflected(method):
    """The operator with a number on its left."""
    return lambda self, number: method(self.symbol(number), self)


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
        self.made = None

    @property
    def i(self):
        if self.made is None:
            self.made = self.first.apply("multiply", self.second)
        return self.made.i

    def ends(self):
        return self.first.i, self.second.i
