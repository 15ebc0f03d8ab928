"""What a device has to do with the others of a mesh, as functions of arrays on each of them."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from .jax_kernels import exact_ratio


def kernels(axis: str, parts: int) -> dict[str, Callable]:
    """The functions by their names, for so many devices along an axis of a mesh."""

    def part(x, rows):
        """The rows of this device; of the last row, there are as many more as it takes."""
        more = jnp.repeat(x[-1:], rows * parts - len(x), axis=0)
        start = jax.lax.axis_index(axis) * rows
        return jax.lax.dynamic_slice_in_dim(jnp.concatenate([x, more]), start, rows)

    def whole(x, n):
        """The n rows of all devices."""
        return jax.lax.all_gather(x, axis, tiled=True)[:n]

    def real(x, n):
        """Rows of this device, but zero where they are none of the n."""
        is_one = jax.lax.axis_index(axis) * len(x) + jnp.arange(len(x)) < n
        return jnp.where(jnp.expand_dims(is_one, range(1, x.ndim)), x, 0.0)

    def mean_of_part(x, n):
        """What the rows of this device add to the mean of n."""
        return exact_ratio(x, 0, n)

    def all_reduce(*xs):
        """Arrays, each added up over all devices: one message for all of them."""
        together = jax.lax.psum(jnp.concatenate([jnp.ravel(x) for x in xs]), axis)
        pieces = jnp.split(together, np.cumsum([x.size for x in xs])[:-1])
        return [piece.reshape(x.shape) for piece, x in zip(pieces, xs)]

    def agreed(alike, digest):
        """Whether all compared alike, as a number; nan unless the sums of digests are of equal
        ones: of n words, n times the sum of their squares is then the square of their sum."""
        words, squares = jnp.split(digest.astype(int), 2)
        return jnp.where(jnp.all(parts * squares == words * words), 1.0 * alike, jnp.nan)

    functions = part, whole, real, mean_of_part, all_reduce, agreed
    return {function.__name__: function for function in functions}
