"""Functions of arrays that NumPy has not: those of floats.py and functional.py, for whole groups.

Where an operation takes several numbers, `x` is (terms, operations).
"""

from __future__ import annotations

import numpy as np

from .. import floats
from .. import functional as F
from ..engine import Value, is_real
from ..function import Outputs
from .recording import JitError

EXACT_TERMS = 32  # terms up to which a single softmax goes back as in the engine
EXACT_LOOP = 512  # numbers up to which rows are added up by math.fsum


def careful_relu_backward(g, passes, out):
    """g where it passes, else 0: their product, but that g may be infinite or nan."""
    np.copyto(out, 0.0)
    np.copyto(out, g, where=passes)


def tanh_backward(x, g, out):
    e = np.exp(-2.0 * np.abs(x))
    np.multiply(4.0 * e / np.square(1.0 + e), g, out=out)


def sigmoid(x, out):
    e = np.exp(-np.abs(x))
    np.divide(np.where(x >= 0.0, 1.0, e), 1.0 + e, out=out)


def sigmoid_backward(x, g, out):
    e = np.exp(-np.abs(x))
    np.multiply(e / np.square(1.0 + e), g, out=out)


def softplus(x, out):
    np.add(np.maximum(x, 0.0), np.log1p(np.exp(-np.abs(x))), out=out)


def softplus_backward(x, g, out):
    sigmoid(x, out)
    np.multiply(out, g, out=out)


def power_backward(x, y, g, out):
    """The gradient by x of x ** y; y may be one number."""
    np.multiply(np.where(np.equal(y, 0.0), 0.0, y * np.power(x, y - 1.0)), g, out=out)


def exponent_backward(x, y, g, out):
    """The gradient by y of x ** y."""
    slope = np.power(x, y) * np.log(x)
    np.multiply(np.where((x == 0.0) & (y >= 0.0), 0.0, slope), g, out=out)


def exact_sum(x, out):
    """Sums over the terms, rounded once; those of many rows or terms as if of twice the digits."""
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


def exact_mean(x, out):
    exact_sum(x, out)
    np.divide(out, len(x), out=out)


def running_sum(x, out=None):
    """Sums over the terms, in their order."""
    if x.shape[1] > 1:
        return np.add.reduce(x, axis=0, out=out)
    total = np.add.accumulate(x[:, 0])[-1:]
    if out is None:
        return total
    np.copyto(out, total)
    return out


def largest(x, out):
    np.maximum.reduce(x, axis=0, out=out)


def largest_backward(x, y, g, out):
    """Equal ones share; a nan wins."""
    wins = (x == y) | np.isnan(x)
    np.copyto(out, g / wins.sum(axis=0))
    np.copyto(out, 0.0, where=~wins)


def log_sum_exp(x, out):
    if x.shape[1] == 1:
        out[0] = F.log_sum_exp(x[:, 0].tolist())
        return
    top = x.argmax(axis=0)
    m = x[top, np.arange(x.shape[1])]
    e = np.exp(x - m)
    e[top, np.arange(x.shape[1])] = 0.0
    np.copyto(out, np.where(np.isinf(m), m, m + np.log1p(e.sum(axis=0))))


def shares(x):
    if x.shape[1] == 1:
        return np.array([F.shares(x[:, 0].tolist())]).T
    e = np.exp(x - np.maximum.reduce(x, axis=0))
    return e / np.add.reduce(e, axis=0)


def log_sum_exp_backward(x, g, out):
    np.multiply(shares(x), g, out=out)


def cross_entropy(x, out):
    """Of logits whose first is the target's."""
    log_sum_exp(x - x[0], out)


def cross_entropy_backward(x, g, out):
    p = shares(x)
    p[0] = 0.0
    exact_sum(-p, p[0])  # -(1 - p), without cancellation
    np.multiply(p, g, out=out)


def softmax(x, out):
    np.copyto(out, shares(x))


def softmax_backward(p, g, out):
    """For x_j, the sum over outputs i of p_i · (1 - p_i if i = j else -p_j) · g_i."""
    if p.shape[1] > 1 or len(p) > EXACT_TERMS:
        np.multiply(p, others(p) * g - others(p * g), out=out)
        return
    left = others(p)
    np.copyto(out, 0.0)
    for i in reversed(range(len(p))):  # as the engine adds them
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


class Recalled:
    """A Function that was applied while recording, to be applied again to other numbers."""

    def __init__(self, function, args):
        self.function, self.args = function, args

    def forward(self, xs):
        self.inputs = [Value(x) for x in xs]
        inputs = iter(self.inputs)
        operands = [next(inputs) if isinstance(x, Value) or is_real(x) else None for x in self.args]
        args = [new if isinstance(x, Value) else x for x, new in zip(self.args, operands)]
        results = self.function(*args)
        self.results = results if isinstance(results, tuple) else (results,)
        return [y.data for y in self.results]

    def backward(self, grads):
        for x in self.inputs:
            x.grad = 0.0
        hub = self.results[0]._prev[0]
        if isinstance(hub, Outputs):
            hub.grads[:] = grads
            hub._backward()
        else:
            self.results[0]._chain(grads[0])
        return [x.grad for x in self.inputs]
