"""Every operation: how to compute it with Values, the same in mpmath, and where to try it."""

from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp

import micrograd.functional as F
from micrograd import Value


@dataclass
class Op:
    """`compute` takes Values, `reference` takes mpmath numbers; a range for each argument."""

    name: str
    compute: Callable
    reference: Callable
    ranges: tuple[tuple[float, float], ...]
    ulps: float = 4.0  # the largest error of the value and of each derivative


# The listed exceptions to 4: the rounding of y - 1 in y · x**(y - 1) is magnified by log(x), and
# that of the difference d in exp(d) by d, up to 60 here.
ROUNDED_EXPONENT, ROUNDED_DIFFERENCE = 12.0, 128.0


WIDE, POSITIVE, CURVED = (-1e3, 1e3), (1e-3, 1e3), (-30.0, 30.0)


def logsumexp(*xs):
    return mp.log(mp.fsum(mp.exp(x) for x in xs))


OPS = [
    Op("+", lambda a, b: a + b, lambda a, b: a + b, (WIDE, WIDE)),
    Op("-", lambda a, b: a - b, lambda a, b: a - b, (WIDE, WIDE)),
    Op("*", lambda a, b: a * b, lambda a, b: a * b, (WIDE, WIDE)),
    Op("/", lambda a, b: a / b, lambda a, b: a / b, (WIDE, POSITIVE)),
    Op("a**b", lambda a, b: a**b, mp.power, ((0.1, 10.0), (-5.0, 5.0)), ROUNDED_EXPONENT),
    Op("a**3", lambda a: a**3, lambda a: a**3, (WIDE,)),
    Op("a**-0.5", lambda a: a**-0.5, lambda a: a ** mp.mpf(-0.5), (POSITIVE,)),
    Op("2**a", lambda a: 2**a, lambda a: mp.power(2, a), ((-10.0, 10.0),)),
    Op("1+a", lambda a: 1 + a, lambda a: 1 + a, (WIDE,)),
    Op("1-a", lambda a: 1 - a, lambda a: 1 - a, (WIDE,)),
    Op("3*a", lambda a: 3 * a, lambda a: 3 * a, (WIDE,)),
    Op("5/a", lambda a: 5 / a, lambda a: 5 / a, (POSITIVE,)),
    Op("neg", lambda a: -a, lambda a: -a, (WIDE,)),
    Op("abs", abs, abs, (WIDE,)),
    Op("relu", Value.relu, lambda a: max(a, mp.mpf(0)), (WIDE,)),
    Op("tanh", Value.tanh, mp.tanh, (CURVED,)),
    Op("sigmoid", Value.sigmoid, lambda a: 1 / (1 + mp.exp(-a)), (CURVED,)),
    Op("softplus", Value.softplus, lambda a: mp.log1p(mp.exp(a)), (CURVED,)),
    Op("exp", Value.exp, mp.exp, (CURVED,)),
    Op("log", Value.log, mp.log, (POSITIVE,)),
    Op("sqrt", Value.sqrt, mp.sqrt, (POSITIVE,)),
    Op("sin", Value.sin, mp.sin, (CURVED,)),
    Op("cos", Value.cos, mp.cos, (CURVED,)),
    Op("sum", lambda *xs: F.sum(xs), lambda *xs: mp.fsum(xs), (WIDE,) * 3),
    Op("mean", lambda *xs: F.mean(xs), lambda *xs: mp.fsum(xs) / len(xs), (WIDE,) * 3),
    Op("dot", lambda a, b, c: F.dot([a, b], [b, a], c), lambda a, b, c: 2 * a * b + c, (WIDE,) * 3),
    Op("max", lambda *xs: F.max(xs), lambda *xs: max(xs), (WIDE,) * 3),
    Op("logsumexp", lambda *xs: F.logsumexp(xs), logsumexp, (CURVED,) * 3, ROUNDED_DIFFERENCE),
    Op(
        "softmax",
        lambda *xs: F.softmax(xs)[0],
        lambda *xs: mp.exp(xs[0] - logsumexp(*xs)),
        (CURVED,) * 3,
        ROUNDED_DIFFERENCE,
    ),
    Op(
        "cross_entropy",
        lambda *xs: F.cross_entropy(xs, 0),
        lambda *xs: logsumexp(*xs) - xs[0],
        (CURVED,) * 3,
        ROUNDED_DIFFERENCE,
    ),
    Op(
        "binary_cross_entropy_with_logits",
        lambda a: F.binary_cross_entropy_with_logits([a], [1]),
        lambda a: mp.log1p(mp.exp(-a)),
        (CURVED,),
    ),
    Op(
        "hinge_loss",
        lambda a: F.hinge_loss([a], [-1]),
        lambda a: max(1 + a, mp.mpf(0)),
        (WIDE,),
    ),
    Op("mse_loss", lambda a, b: F.mse_loss([a], [b]), lambda a, b: (a - b) ** 2, (WIDE, WIDE)),
]
