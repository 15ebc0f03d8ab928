"""The README's pictures: `python notebooks/pictures.py` draws them anew."""

from __future__ import annotations

from pathlib import Path

from micrograd import Value, data, nn, optim, train
from micrograd.film import Film
from micrograd.player import Player, step_through

IMAGES = Path(__file__).parent / "images"
STEPS = 120


def moons() -> Film:
    """A network that learns to tell two moons apart; at first it has 90 of 100 points wrong."""
    X, y = data.moons(100, seed=0)
    model = nn.MLP(2, [8, 8, 1], act="tanh", seed=10)
    optimizer = optim.Adam(model.parameters(), optim.linear(0.05, 0.005, STEPS))
    targets = 2 * y - 1
    return train.fit(
        model, X, targets, optimizer, steps=STEPS, progress=False, jit=True, film=True
    ).film


def neuron() -> Player:
    """The neuron of the README."""
    x, w, b = Value(2.0, label="x"), Value(-3.0, label="w"), Value(6.5, label="b")
    out = (x * w + b).tanh()
    out.label = "out"
    return step_through(out)


if __name__ == "__main__":
    print(moons().gif(IMAGES / "film.gif"))
    print(neuron().gif(IMAGES / "player.gif"))
