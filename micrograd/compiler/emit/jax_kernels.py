"""Functions of arrays that jax.numpy has not: those of kernels.py, as pure functions.

Operations are rows: of several numbers, these lie along the last axis. What they give back where
that is infinite or nan is computed anew by NumPy.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

FAR = 2.0**64  # sums of so many floats are out of range no longer if they are divided by it


def tanh_slope(x):
    e = jnp.exp(-2.0 * jnp.abs(x))
    return 4.0 * e / (1.0 + e) ** 2


def sigmoid(x):
    e = jnp.exp(-jnp.abs(x))
    return jnp.where(x >= 0.0, 1.0, e) / (1.0 + e)


def sigmoid_slope(x):
    e = jnp.exp(-jnp.abs(x))
    return 1.0 / (1.0 + e) * (e / (1.0 + e))


def softplus(x):
    return jnp.maximum(x, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


def power(x, y):
    return jnp.power(x, y)


def slope_by_base(x, y):
    """The derivative of x ** y by x, as in floats.power_slope."""
    p = jnp.power(x, y - 1.0)
    lost = ((p == 0.0) | jnp.isinf(p)) & (x != 0.0) & jnp.isfinite(x)
    slope = jnp.where(lost, y * jnp.power(x, y) / x, y * p)
    return jnp.where(y == 0.0, 0.0, slope)


constant_power_slope = slope_by_base


def slope_by_exponent(x, y):
    slope = jnp.power(x, y) * jnp.log(x)
    return jnp.where((x == 0.0) & (y >= 0.0), 0.0, slope)


def exact_sum(x):
    """Sums as if of twice the digits."""
    return exact_ratio(x, -1, 1.0)


def exact_mean(x):
    return exact_ratio(x, -1, x.shape[-1])


def mean_of_all(x):
    """The mean over the first axis, that of the examples."""
    return exact_ratio(x, 0, x.shape[0])


def exact_ratio(x, axis, n):
    """Sums along an axis divided by n, however large what they are of."""
    parts = x, jnp.zeros_like(x), x / FAR
    high, low, far = jax.lax.reduce(parts, (0.0, 0.0, 0.0), with_the_rest, (axis % x.ndim,))
    found = jnp.where(jnp.isfinite(low), high + low, high) / n
    return jnp.where(jnp.isfinite(found), found, far / n * FAR)


def with_the_rest(a, b):
    """The sum of two sums, what all additions so far have rounded away, and the same from afar."""
    high = a[0] + b[0]
    part = high - a[0]
    rest = (a[0] - (high - part)) + (b[0] - part)
    return high, a[1] + b[1] + rest, a[2] + b[2]


def largest(x):
    """The first one of equal numbers: zeros may be of either sign."""
    return jnp.take_along_axis(x, x.argmax(-1, keepdims=True), -1)[..., 0]


def largest_backward(x, g):
    """Equal ones share; a nan wins."""
    wins = (x == x.max(-1, keepdims=True)) | jnp.isnan(x)
    return jnp.where(wins, (g / wins.sum(-1))[..., None], 0.0)


def log_sum_exp(x):
    m = x.max(-1, keepdims=True)
    is_top = jnp.arange(x.shape[-1]) == x.argmax(-1, keepdims=True)
    rest = jnp.where(is_top, 0.0, jnp.exp(x - m)).sum(-1)
    m = m[..., 0]
    return jnp.where(jnp.isinf(m), m, m + jnp.log1p(rest))


def softmax(x):
    e = jnp.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def cross_entropy(x):
    """Of logits whose first is the target's."""
    return surprise(x, x[..., 0])


def surprise(x, target):
    """Of logits, and that of the target."""
    found = log_sum_exp(x - target[..., None])
    found = jnp.where(target == -jnp.inf, jnp.inf, found)
    return jnp.where(jnp.isfinite(x.max(-1)), found, jnp.nan)


def cross_entropy_slopes(x):
    return slopes(softmax(x), jnp.arange(x.shape[-1]) == 0)


def slopes(shares, is_target):
    """The shares, but of the target what the others add up to: 1 - p without cancellation."""
    others = jnp.where(is_target, 0.0, shares)
    return jnp.where(is_target, -others.sum(-1, keepdims=True), others)


def cross_entropy_at(index, x):
    """Of logits, and which of them is the target's."""
    return surprise(x, take(x, index))


def cross_entropy_slopes_at(index, x):
    return slopes(softmax(x), one_hot(index, x.shape[-1]) == 1.0)


def places(index, n):
    """Indices as ints, all of them below n: that they were, a guard tells when all is done."""
    return jnp.clip(index, 0.0, n - 1.0).astype(int)


def take(x, index):
    return jnp.take_along_axis(x, places(index, x.shape[-1])[..., None], -1)[..., 0]


def one_hot(index, n):
    return jnp.where(jnp.expand_dims(index, -1) == jnp.arange(n), 1.0, 0.0)


def segment_sum(terms, of, n):
    """n sums, of those terms that belong to each."""
    return jax.ops.segment_sum(terms, of, n)


def softmax_backward(p, g):
    """See kernels.softmax_backward."""
    above = g - jnp.take_along_axis(g, p.argmax(-1, keepdims=True), -1)
    return p * (above - (p * above).sum(-1, keepdims=True))
