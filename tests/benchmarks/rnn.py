"""W3: a step of a character RNN with 16 hidden neurons on twelve letters; 1,163 parameters.

The builders are as in moons.py.
"""

import random

import numpy as np
from benchmarks.moons import jax_in_doubles, jitted_steps, views

import micrograd.functional as F
from micrograd import Value, optim

LETTERS, HIDDEN = 27, 16
SHAPES = [(HIDDEN, LETTERS), (HIDDEN, HIDDEN), (HIDDEN,), (LETTERS, HIDDEN), (LETTERS,)]
TOKENS = [26, *(ord(letter) - ord("a") for letter in "backpropagat")]
LR, BETAS, EPS = 0.01, (0.9, 0.999), 1e-8


def weights(seed=1337):
    rng = random.Random(seed)
    return [np.array([rng.gauss(0, 0.2) for _ in range(np.prod(s))]).reshape(s) for s in SHAPES]


def by_scalars():
    """The loss of the next letters, and Adam, in Values."""
    flat = [Value(x) for array in weights() for x in array.ravel().tolist()]
    by_letter, by_hidden, bias, out, out_bias = (
        array.tolist() for array in views(np.array(flat, object), [np.empty(s) for s in SHAPES])
    )

    def loss():
        hidden, rows = [0.0] * HIDDEN, []
        for token in TOKENS[:-1]:
            hidden = [
                (F.dot(row, hidden, b) + letters[token]).tanh()
                for row, b, letters in zip(by_hidden, bias, by_letter)
            ]
            rows.append([F.dot(row, hidden, b) for row, b in zip(out, out_bias)])
        return F.cross_entropy(rows, TOKENS[1:])

    return loss, optim.Adam(flat, lr=LR, betas=BETAS, eps=EPS)


def jax_update():
    """A step as a function of parameters, means, squares and a count; where it starts."""
    jax = jax_in_doubles()
    shapes, tokens = [np.empty(s) for s in SHAPES], np.array(TOKENS)

    def loss(flat):
        by_letter, by_hidden, bias, out, out_bias = views(flat, shapes)

        def next_hidden(hidden, token):
            hidden = jax.numpy.tanh(by_hidden @ hidden + bias + by_letter[:, token])
            return hidden, out @ hidden + out_bias

        _, scores = jax.lax.scan(next_hidden, jax.numpy.zeros(HIDDEN), tokens[:-1])
        shares = jax.nn.log_softmax(scores)
        return -shares[np.arange(len(tokens) - 1), tokens[1:]].mean()

    def update(state):
        flat, mean, square, count = state
        error, slope = jax.value_and_grad(loss)(flat)
        (b1, b2), count = BETAS, count + 1
        mean = b1 * mean + (1 - b1) * slope
        square = b2 * square + (1 - b2) * slope * slope
        root = jax.numpy.sqrt(square / (1 - b2**count)) + EPS
        return (flat - LR * mean / (1 - b1**count) / root, mean, square, count), error

    flat = jax.numpy.array(np.concatenate([array.ravel() for array in weights()]))
    zeros = [jax.numpy.zeros_like(flat) for _ in range(2)]
    return update, (flat, *zeros, jax.numpy.array(0.0)), ()


def jax_jitted():
    return jitted_steps(*jax_update())
