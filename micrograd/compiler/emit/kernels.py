"""Functions of arrays that NumPy has not: those of floats.py and functional.py, for whole groups.

Where an operation takes several numbers, `x` is (terms, operations).
"""

from __future__ import annotations

import math

import numpy as np

from ... import floats
from ... import functional as F
from ..errors import JitError

EXACT_TERMS = 32  # terms up to which a single softmax goes back as in the engine
EXACT_LOOP = 512  # numbers up to which rows are added up by math.fsum


def careful_gate(g, passes, out):
    """g where it passes, else 0: their product, but g may be infinite or nan."""
    np.copyto(out, 0.0)
    np.copyto(out, g, where=passes != 0.0)


def tanh_slope(x, out):
    e = np.exp(-2.0 * np.abs(x))
    np.divide(4.0 * e, np.square(1.0 + e), out=out)


def sigmoid(x, out):
    e = np.exp(-np.abs(x))
    np.divide(np.where(x >= 0.0, 1.0, e), 1.0 + e, out=out)


def sigmoid_slope(x, out):
    e = np.exp(-np.abs(x))
    rest = 1.0 + e
    np.multiply(1.0 / rest, e / rest, out=out)


def softplus(x, out):
    np.add(np.maximum(x, 0.0), np.log1p(np.exp(-np.abs(x))), out=out)


def power(x, y, out=None):
    """x ** y; y may be one number.

    For one 0.5 NumPy takes a square root, which is nan at -inf and -0.0 at -0.0.
    """
    if isinstance(y, float) and y == 0.5:
        return np.sqrt(np.where(x == -np.inf, np.inf, x + 0.0), out=out)
    found, halves = np.power(x, y, out=out), np.equal(y, 0.5)
    if halves.any():
        np.copyto(found, np.abs(x), where=halves & ((x == -np.inf) | (x == 0.0)))
    return found


def power_slope(x, y, out):
    """The derivative of x ** y by x; y may be one number."""
    p = power(x, y - 1.0)
    np.multiply(p, y, out=out)
    if not (p.all() and is_finite(p)):  # as in floats.power_slope
        lost = ((p == 0.0) | np.isinf(p)) & (x != 0.0) & np.isfinite(x)
        np.copyto(out, y * power(x, y) / x, where=lost)
    if not (y if isinstance(y, float) else y.all()):
        np.copyto(out, 0.0, where=np.equal(y, 0.0))


def exponent_slope(x, y, out):
    """The derivative of x ** y by y."""
    slope = power(x, y) * np.log(x)
    np.copyto(out, np.where((x == 0.0) & (y >= 0.0), 0.0, slope))


def exact_sum(x, out):
    """Sums over the terms, rounded once; those of many rows or terms as if of twice the digits."""
    terms = x
    if x.size <= EXACT_LOOP:
        out[:] = [floats.total(row) for row in x.T.tolist()]
        return
    low = np.zeros(x.shape[1])
    while len(x) > 1:
        half = len(x) // 2
        a, b, rest = x[:half], x[half : 2 * half], x[2 * half :]
        x = a + b
        part = x - a
        low += np.add.reduce((a - (x - part)) + (b - part), axis=0)  # what x rounds away
        x = np.concatenate([x, rest]) if len(rest) else x
    np.copyto(out, np.where(np.isfinite(low), x[0] + low, x[0]))
    for i in np.flatnonzero(~np.isfinite(out)):  # perhaps of a part that was too large
        out[i] = floats.total(terms[:, i].tolist())


def exact_mean(x, out):
    exact_sum(x, out)
    np.divide(out, len(x), out=out)
    for i in np.flatnonzero(~np.isfinite(out)):
        out[i] = floats.mean(x[:, i].tolist())


def running_sum(x, out=None, zero=0.0):
    """Sums over the terms, in their order, from a zero: from -0.0 as if from none."""
    if x.shape[1] > 1:
        return np.add.reduce(x, axis=0, out=out, initial=zero)
    total = np.add.accumulate(x[:, 0])[-1:] + zero
    if out is None:
        return total
    np.copyto(out, total)
    return out


def largest(x, out):
    """The first one of equal numbers: zeros may be of either sign."""
    np.maximum.reduce(x, axis=0, out=out)
    if not out.all():
        zero = np.flatnonzero(out == 0.0)
        x = x[:, zero]
        out[zero] = x.take(places_of_largest(x))


def largest_backward(x, g, out):
    """Equal ones share; a nan wins."""
    wins = (x == np.maximum.reduce(x, axis=0)) | np.isnan(x)
    np.copyto(out, g / wins.sum(axis=0))
    np.copyto(out, 0.0, where=~wins)


def log_sum_exp(x, out):
    if x.shape[1] == 1:
        out[0] = F.log_sum_exp(x[:, 0].tolist())
        return
    top = places_of_largest(x)
    m = x.take(top)
    e = np.exp(x - m)
    e.put(top, 0.0)
    np.add(m, np.log1p(np.add.reduce(e, axis=0)), out=out)
    if not is_finite(out):
        np.copyto(out, m, where=np.isinf(m))


def places_of_largest(x):
    """Where in the flattened array the largest of each column stands."""
    return flat(x.argmax(axis=0))


def flat(rows):
    """Where in the flattened array the number of a column stands that is in this row."""
    return rows * len(rows) + np.arange(len(rows))


def softmax(x, out):
    if x.shape[1] == 1:
        out[:, 0] = F.shares(x[:, 0].tolist())
        return
    e = x - np.maximum.reduce(x, axis=0)
    np.exp(e, out=e)
    np.divide(e, np.add.reduce(e, axis=0), out=out)


def cross_entropy(x, out):
    """Of logits whose first is the target's."""
    surprise(x, x[0], out)


def surprise(x, target, out):
    """Of logits, and that of the target."""
    log_sum_exp(x - target, out)
    if not is_finite(out):
        np.copyto(out, np.inf, where=target == -np.inf)
        np.copyto(out, np.nan, where=~np.isfinite(np.maximum.reduce(x, axis=0)))


def cross_entropy_slopes(x, out):
    softmax(x, out)
    np.negative(rest_of(out[1:]), out=out[0])


def rest_of(shares):
    """What other shares add up to: 1 - p without cancellation."""
    if shares.shape[1] > 1:
        return np.add.reduce(shares, axis=0)
    return np.array([floats.total(shares[:, 0].tolist())])


def cross_entropy_at(index, x, out):
    """Of logits, and which of them is the target's."""
    surprise(x, x.take(flat(places(index, len(x)))), out)


def cross_entropy_slopes_at(index, x, out):
    softmax(x, out)
    targets = flat(places(index, len(x)))
    out.put(targets, 0.0)
    out.put(targets, -rest_of(out))


def places(index, n):
    """Indices as ints, all of them below n: that they were, a guard tells when all is done."""
    return np.minimum(np.maximum(index, 0.0), n - 1.0).astype(int)


def one_hot(index, out):
    np.equal(index, np.arange(len(out))[:, None], out=out)


def softmax_backward(p, g, out):
    """For x_j, the sum over outputs i of p_i · (1 - p_i if i = j else -p_j) · g_i.

    That is p_j · (g_j - Σ p_i · g_i), where all g_i may be counted from that of the largest p: so
    nothing is lost by cancellation where this is close to one.
    """
    if p.shape[1] == 1 and len(p) <= EXACT_TERMS:
        softmax_backward_in_order(p, g, out)
        return
    above = g - g.take(places_of_largest(p))
    total = np.add.reduce(p * above, axis=0)
    if is_finite(total):
        np.subtract(above, total, out=out)
        np.multiply(out, p, out=out)
    else:
        np.multiply(p, others(p) * g - others(p * g), out=out)


def softmax_backward_in_order(p, g, out):
    """The same for one softmax, as the engine adds it up."""
    left = others(p)
    np.copyto(out, 0.0)
    for i in reversed(range(len(p))):
        slopes = -p
        slopes[i] = left[i]
        out += p[i] * slopes * g[i]


def others(p):
    """The sum of all terms but this one, for each: 1 - p for shares p, without cancellation."""
    if p.shape[1] == 1 and len(p) <= EXACT_TERMS:
        row = p[:, 0].tolist()
        return np.array([[F.others(row, i)] for i in range(len(row))])
    sums = np.zeros_like(p)
    sums[1:] = np.add.accumulate(p[:-1], axis=0)
    sums[:-1] += np.add.accumulate(p[:0:-1], axis=0)[::-1]
    return sums


def call_functions(functions, x, out):
    """Calls a Function for each operation; `out` is (outputs, operations)."""
    for i, (function, xs) in enumerate(zip(functions, x.T.tolist())):
        results = function.forward(xs)
        if len(results) != len(out):
            raise JitError(
                f"a Function gave {len(out)} numbers when it was recorded, and {len(results)} now"
            )
        out[:, i] = results


def call_functions_backward(functions, g, out):
    for i, function in enumerate(functions):
        out[:, i] = function.backward(g[:, i].tolist())


def is_finite(xs: np.ndarray) -> bool:
    """Whether no number in it is infinite or nan; also False if their sum is."""
    return math.isfinite(np.add.reduce(xs, axis=None))
