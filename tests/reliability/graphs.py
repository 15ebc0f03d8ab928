"""Random graphs as data: the same one runs on Values, in mpmath, and prints as what rebuilds it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

import mpmath as mp
from optable import CURVED, OPS, ROUNDED_DIFFERENCE, WIDE, Op, logsumexp

import micrograd.functional as F


def halves(xs):
    half = len(xs) // 2
    return xs[:half], xs[half : 2 * half], *xs[2 * half :]


def dot(xs, ys, bias=0):
    return mp.fdot(xs, ys) + bias


def chain(*xs):
    """As people write a dot product with a bias: 0 + x₀y₀ + x₁y₁ + b."""
    x, y, *bias = halves(xs)
    return sum([*(a * b for a, b in zip(x, y)), *bias])


def surprise(*xs):
    return logsumexp(*xs) - xs[-1]


# The op table, with "/" by negative numbers too, and the fused ones in more forms.
ROWS = [
    *(op for op in OPS if op.name not in ("/", "dot")),
    *(replace(op, ranges=(WIDE, WIDE)) for op in OPS if op.name == "/"),
    Op("chain", chain, lambda *xs: dot(*halves(xs)), (WIDE,)),
    Op("dot", lambda *xs: F.dot(*halves(xs)), lambda *xs: dot(*halves(xs)), (WIDE,)),
    Op("dot(x, x)", lambda *xs: F.dot(xs, xs), lambda *xs: dot(xs, xs), (WIDE,)),
    Op(
        "softmax[-1]",
        lambda *xs: F.softmax(xs)[-1],
        lambda *xs: mp.exp(-surprise(*xs)),
        (CURVED,),
        ROUNDED_DIFFERENCE,
    ),
    Op(
        "cross_entropy[-1]",
        lambda *xs: F.cross_entropy(xs, len(xs) - 1),
        surprise,
        (CURVED,),
        ROUNDED_DIFFERENCE,
    ),
    Op(
        "cross_entropy of rows",
        lambda a, b, c, d: F.cross_entropy([[a, b], [c, d]], [0, 1]),
        lambda a, b, c, d: (surprise(b, a) + surprise(c, d)) / 2,
        (CURVED,) * 4,
        ROUNDED_DIFFERENCE,
    ),
]
TABLE = {op.name: op for op in ROWS}
TAME = (-12.0, 12.0)
ANY_LENGTH = {
    *("chain", "sum", "mean", "max", "dot", "dot(x, x)", "logsumexp"),
    *("softmax", "softmax[-1]", "cross_entropy", "cross_entropy[-1]"),
}
# Rounded by IEEE 754, in a stated order: the same bits in every implementation.
EXACT = (
    *("+", "-", "*", "/", "1+a", "1-a", "3*a", "5/a", "neg", "abs", "relu", "sqrt"),
    *("chain", "sum", "mean", "max", "dot", "dot(x, x)"),
)


@dataclass(frozen=True)
class Graph:
    """Leaves, and steps that compute from them; the last step is the result.

    An operand is the index (an int) of an earlier number, leaves first, or a constant (a float).
    """

    leaves: tuple[float, ...]
    steps: tuple[tuple[str, tuple[int | float, ...]], ...]

    def numbers(self, leaves):
        """All that is computed from a list of Values, these first."""
        return computed(leaves, self.rules("compute"))

    def replayed(self, leaves):
        """The same in mpmath."""
        return computed(leaves, self.rules("reference", mp.mpf))

    def function(self):
        """A plain function from a list of Values to the result, which sees little else."""
        rules = self.rules("compute")
        return lambda leaves: computed(leaves, rules)[-1]

    def rules(self, compute, constant=float):
        return [
            (
                getattr(TABLE[name], compute),
                [x if type(x) is int else constant(x) for x in operands],
            )
            for name, operands in self.steps
        ]


def computed(leaves, rules):
    numbers = list(leaves)
    for rule, operands in rules:
        numbers.append(rule(*(numbers[x] if type(x) is int else x for x in operands)))
    return numbers


def graph(rng: Random, names: tuple[str, ...] = tuple(TABLE)) -> Graph:
    """3 to about 40 operations on 2 to 5 leaves, every number moderate and of use to the result."""
    with mp.workdps(20):
        while True:
            sketch = Sketch(rng)
            size = rng.randint(2, rng.choice((10, 35)))
            while len(sketch.steps) < size:
                sketch.draw(rng.choice(names))
            if sketch.add(rng.choice(("sum", "mean")), sketch.loose()):
                return Graph(tuple(sketch.leaves), tuple(sketch.steps))


class Sketch:
    """A graph being drawn, with the numbers that it has so far."""

    def __init__(self, rng: Random) -> None:
        self.rng, self.steps = rng, []
        self.leaves = [rng.choice((-1, 1)) * rng.uniform(0.1, 3) for _ in range(rng.randint(2, 5))]
        self.numbers = [mp.mpf(x) for x in self.leaves]

    def draw(self, name):
        """Tries a step on earlier numbers, and perhaps constants."""
        count = self.rng.randint(1, 6) if name in ANY_LENGTH else len(TABLE[name].ranges)
        surely_a_number = self.rng.randrange(count)
        operands = [
            self.constant(*ends)
            if i != surely_a_number and self.rng.random() < 0.15
            else self.inside(self.operand(), *ends)
            for i, ends in enumerate(ranges(name, count))
        ]
        self.add(name, operands)

    def operand(self):
        """Any number, often a recent one."""
        count = len(self.numbers)
        return count - self.rng.randint(1, min(self.rng.choice((3, 3, count)), count))

    def constant(self, low, high):
        drawn = self.rng.choice((-1.0, 0.0, 0.5, 2.0, 3.0, self.rng.uniform(0.2, 2)))
        return min(max(drawn, low), high)

    def inside(self, operand, low, high):
        """The operand, by way of its absolute value or of tanh if it is out of range."""
        if low <= self.numbers[operand] <= high:
            return operand
        if low <= 0:
            self.add("tanh", [operand])
        elif self.add("abs", [operand]):
            self.add("+", [len(self.numbers) - 1, 0.1])
        return len(self.numbers) - 1

    def add(self, name, operands):
        """Whether the step is defined and moderate; only then it is added.

        Moderate numbers have lost no digits, and are clear of the corners of relu, abs and max.
        """
        xs = [self.known(x) for x in operands]
        if not all(low <= x <= high for x, (low, high) in zip(xs, ranges(name, len(xs)))):
            return False
        try:
            y = TABLE[name].reference(*xs)
        except ZeroDivisionError:
            return False
        if y and not 1e-3 <= abs(y) <= 1e3:
            return False
        if name == "max" and sum(y - self.known(x) < 1e-3 for x in distinct(operands)) > 1:
            return False
        self.steps.append((name, tuple(operands)))
        self.numbers.append(y)
        return True

    def known(self, operand):
        return self.numbers[operand] if type(operand) is int else mp.mpf(operand)

    def loose(self):
        """The numbers that no other is computed from."""
        used = {x for _, operands in self.steps for x in operands if type(x) is int}
        return [i for i in range(len(self.numbers)) if i not in used]


def ranges(name, count):
    """Where an operation of that many operands is defined, and not so flat that digits go."""
    found = TABLE[name].ranges[:1] * count if name in ANY_LENGTH else TABLE[name].ranges
    return [TAME if ends == CURVED else ends for ends in found]


def distinct(operands):
    """Each operand once; the constant 2.0 is not the number 2."""
    return [x for _, x in {(type(x), x) for x in operands}]
