"""What is right, at 50 digits: numbers by replay, gradients by differences and by no rule."""

from __future__ import annotations

import math
from functools import partial
from random import Random

import mpmath as mp
from reliability.graphs import TABLE, Graph

SMALLEST = 1e-16  # the differences err by 1e-32, times slopes on the way


def ulps(number, reference):
    """How far a float is from a reference, in units of the reference's last place."""
    return float(abs(mp.mpf(number) - reference) / mp.mpf(math.ulp(float(reference))))


def hard(rng, ends):
    """A number between the ends: any, of any magnitude, or near where something happens."""
    low, high = ends
    kind = rng.randrange(3)
    if kind == 0:
        return rng.uniform(low, high)
    sign = rng.choice([s for s in (-1, 1) if low <= s * high <= high])
    if kind == 1:
        least = math.log(max(low, high * 1e-9))
        return sign * math.exp(rng.uniform(least, math.log(high)))
    place = sign * rng.choice([1.0, math.log(2), *(k * math.pi / 2 for k in range(1, 7))])
    near = place + rng.choice([-1, 1]) * 2.0 ** -rng.randint(1, 50)
    return min(max(near, low), high)


def slope(f, xs, i):
    """The derivative of f by its argument i: a central difference, h = 1e-18 at 50 digits."""
    h = mp.mpf(10) ** -(mp.mp.dps // 3 + 2)
    up, down = ([*xs[:i], xs[i] + step, *xs[i + 1 :]] for step in (h, -h))
    return (f(*up) - f(*down)) / (2 * h)


def slopes(f, xs):
    return [slope(f, xs, i) for i in range(len(xs))]


def error(x, right, scale=SMALLEST):
    """Relative to what is right, or to `scale` if that is more."""
    return float(abs(x - right) / max(abs(right), scale)) if math.isfinite(x) else math.inf


def largest_error(graph: Graph, numbers: list, gradients: list, bar: float) -> float:
    """Of all that a graph computes, and of the gradients of its leaves."""
    with mp.workdps(50):
        right = numbers_of(graph, graph.replayed), gradients_of(graph, graph.replayed)
    return max(
        number_error(graph, numbers, right[0], bar), gradient_error(graph, gradients, right[1], bar)
    )


def number_error(graph: Graph, found: list, right: list, bar: float) -> float:
    """The largest relative error of numbers of a graph, the last ones if not of all."""
    return judged(graph, found, right, bar, lambda *args: numbers_of(*args)[-len(found) :])


def gradient_error(graph: Graph, found: list, right: list, bar: float) -> float:
    """The largest relative error of the gradients of a graph's leaves."""
    return judged(graph, found, right, bar, gradients_of)


def numbers_of(graph, replayed):
    return replayed([mp.mpf(x) for x in graph.leaves])


def gradients_of(graph, replayed):
    return slopes(lambda *xs: replayed(xs)[-1], [mp.mpf(x) for x in graph.leaves])


def judged(graph, found, right, bar, results):
    """The largest relative error of results; above 1e-12, unless rounding explains it.

    A number may be a small difference of large terms, or a slope that of the top of a wave: what
    was rounded on the way to it shows. So an error reaches the bar only when it is larger than the
    way that the result moves when all operands are up to 1e-12 off.
    """
    pairs = list(zip(found, right, strict=True))
    worst = max(error(x, r) for x, r in pairs)
    if worst <= 1e-12:
        return worst
    with mp.workdps(50):
        exact = results(graph, graph.replayed)
        moved = [results(graph, partial(rough, graph, seed)) for seed in range(5)]
        moves = [max(abs(x - e) for x in column) for *column, e in zip(*moved, exact)]
    return max(error(x, r, max(SMALLEST, move / bar)) for (x, r), move in zip(pairs, moves))


def rough(graph, seed, leaves):
    """A replay in which every operand is up to 1e-12 off: its number, its slope, its curvature."""
    rng = Random(seed)
    exact, numbers = numbers_of(graph, graph.replayed), list(leaves)
    for name, operands in graph.steps:
        xs = [mp.mpf(x) for x in operands]
        for k, x in enumerate(operands):
            if type(x) is int:
                number, slope, curvature = (1e-12 * mp.mpf(rng.uniform(-1, 1)) for _ in range(3))
                way = numbers[x] - exact[x]
                xs[k] = exact[x] * (1 + number) + way * (1 + slope) + way**2 * curvature
        numbers.append(TABLE[name].reference(*xs))
    return numbers
