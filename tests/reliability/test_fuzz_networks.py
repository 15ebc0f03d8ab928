"""Random small networks on rows of a table, each example in a way of its own, beside the engine."""

from random import Random

import pytest
from reliability.properties import FIXED_SEED

import micrograd.functional as F
from micrograd import Value
from micrograd.compiler import jit

THEME = "The jit"

BAR = 1e-9
ACTIVATIONS = Value.tanh, Value.relu, Value.sigmoid, Value.softplus, Value.sin
MIXES = (
    lambda rows: [F.sum(column) for column in zip(*rows)],
    lambda rows: [F.max(column) for column in zip(*rows)],
    lambda rows: [sum(column) for column in zip(*rows)],
    lambda rows: [x.sigmoid() * y for x, y in zip(rows[0], rows[-1])],
    lambda rows: [F.dot(F.softmax([row[0] for row in rows]), column) for column in zip(*rows)],
    lambda rows: rows[-1],
)
LOSSES = (
    lambda scores: F.cross_entropy(scores, 0),
    lambda scores: F.logsumexp(scores) - scores[0] * 0.5,
    lambda scores: F.mean([score * score for score in scores]),
    lambda scores: F.max(scores) - scores[-1],
)


class Network:
    """Weights, and a loss of some examples; an example takes rows of the table and a loss."""

    def __init__(self, rng):
        draw = rng.randint
        width, hidden, signs, places = draw(1, 3), draw(1, 4), draw(1, 4), draw(1, 4)
        shapes = (signs, width), (places, width), (hidden, width), (draw(1, 4), hidden)
        self.parts = [[[rng.gauss(0, 0.7) for _ in range(m)] for _ in range(n)] for n, m in shapes]
        self.mix, self.act = rng.choice(MIXES), rng.choice(ACTIVATIONS)
        self.moved = rng.choice((lambda x, p: x + p, lambda x, p: x - p, lambda x, p: x * p))
        self.examples = [self.example(rng, signs, places) for _ in range(draw(1, 9))]

    def example(self, rng, signs, places):
        return [rng.randrange(signs) for _ in range(places)], rng.choice(LOSSES)

    def loss(self, table, places, inner, outer):
        return F.sum([self.one(*example, table, places, inner, outer) for example in self.examples])

    def one(self, tokens, loss, table, places, inner, outer):
        rows = [list(map(self.moved, table[i], place)) for i, place in zip(tokens, places)]
        mixed = self.mix(rows)
        hidden = [self.act(F.dot(row, mixed)) for row in inner]
        return loss([F.dot(row, hidden) for row in outer])

    def answer(self, called):
        """The loss and all gradients."""
        parts = [[list(map(Value, row)) for row in part] for part in self.parts]
        y = called(*parts)
        y.backward()
        return [y.data, *(x.grad for part in parts for row in part for x in row)]


@pytest.mark.slow
def test_compiled_networks_have_the_engines_gradients(fresh_seed, tries, score):
    count, worst = tries(200, 10_000), 0.0
    for seed in (FIXED_SEED, fresh_seed):
        rng = Random(seed)
        for _ in range(count // 2):
            network = Network(rng)
            found, expected = network.answer(jit(network.loss)), network.answer(network.loss)
            scale = max(1e-3, *map(abs, expected))
            worst = max(worst, *(abs(x - y) / scale for x, y in zip(found, expected)))
    score(
        f"{count:,} random small networks compiled, loss and all gradients, against the engine",
        f"relative error ≤ {BAR}",
        f"at most {worst:.2g}",
        hurt="who trains a network",
    )
    assert worst <= BAR
