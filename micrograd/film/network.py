"""A model as a film sees it: layers of neurons, each a weighted sum with a named activation."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import Value
from ..operations import OPERATIONS
from ..text import visible

ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda n: n,
    "relu": lambda n: np.maximum(n, 0.0),
    "tanh": np.tanh,
    "sigmoid": lambda n: np.exp(-np.logaddexp(0.0, -n)),
    "softplus": lambda n: np.logaddexp(0.0, n),
}
METHODS = {row.method: row.name for row in OPERATIONS}
MOST_CLASSES = 5
TRIED = 3  # points at which the model must give what its layers say


class Network:
    """The layers of an MLP, a Layer or a Neuron, or of what has their attributes.

    `sizes` are the numbers of inputs and of neurons in each layer, `acts` their activations by
    layer. Raises TypeError or ValueError, naming what it is, for what a film cannot show.
    """

    def __init__(self, model: Any, X: np.ndarray) -> None:
        layers = neurons(model)
        self.sizes = [len(layers[0][0].w), *map(len, layers)]
        if self.sizes[0] != 2:
            raise ValueError(f"a film shows networks of two inputs, this one has {self.sizes[0]}")
        if self.sizes[-1] > MOST_CLASSES:
            raise ValueError(
                f"a film shows networks of one output or up to {MOST_CLASSES} classes, "
                f"this one has {self.sizes[-1]} outputs"
            )
        self.acts = [
            [activation(neuron, k, i) for i, neuron in enumerate(layer)]
            for k, layer in enumerate(layers)
        ]
        self.parameters = [p for layer in layers for n in layer for p in (*n.w, n.b)]
        self.agree(model, X[:TRIED])

    def __str__(self) -> str:
        kind = "MLP " if len(self.sizes) > 2 else "layer " if self.sizes[1] > 1 else "neuron "
        return kind + "-".join(map(str, self.sizes))

    def weights(self) -> list[float]:
        """The weights and the bias of one neuron after another, as they are now."""
        return [p.data for p in self.parameters]

    def scores(self, weights: np.ndarray, X: np.ndarray) -> np.ndarray:
        """What the network with these weights gives for points (n, 2): an array (n, outputs)."""
        at, x = 0, np.asarray(X, dtype=float)
        with np.errstate(all="ignore"):
            for nin, nout, acts in zip(self.sizes, self.sizes[1:], self.acts):
                rows = weights[at : at + nout * (nin + 1)].reshape(nout, nin + 1)
                n = x @ rows[:, :-1].T + rows[:, -1]
                x = np.column_stack([ACTIVATIONS[act](n[:, j]) for j, act in enumerate(acts)])
                at += rows.size
        return x

    def agree(self, model, X):
        """Raises ValueError where the model does not compute what its layers say."""
        for x, wanted in zip(X, self.scores(np.array(self.weights()), X)):
            found = model(x)
            found = [found] if isinstance(found, Value) else found
            given = [getattr(v, "data", v) for v in found]
            if not np.allclose(given, wanted, rtol=1e-6, atol=1e-9, equal_nan=True):
                raise ValueError(
                    "a film shows models that compute what their layers say, one after another; "
                    f"at {x} this one gives {reprlib.repr(given)}, its layers "
                    f"{reprlib.repr(wanted.tolist())}"
                )


def neurons(model):
    """The neurons of each layer."""
    layers = getattr(model, "layers", [model])
    found = [list(getattr(layer, "neurons", [layer])) for layer in layers]
    if not found or not all(hasattr(n, "w") and hasattr(n, "b") for layer in found for n in layer):
        raise TypeError(
            "a film shows an MLP, a Layer or a Neuron, "
            f"got {type(model).__name__} {reprlib.repr(model)}"
        )
    return found


def activation(neuron, layer, i):
    """The name of a neuron's activation, also where it is a method of Value."""
    act = neuron.act if getattr(neuron, "nonlin", True) else "linear"
    name = act if isinstance(act, str) else METHODS.get(act, getattr(act, "__name__", repr(act)))
    if name not in ACTIVATIONS:
        raise ValueError(
            f"a film shows the activations {', '.join(ACTIVATIONS)}; "
            f"neuron {i} of layer {layer} has {visible(name)}"
        )
    return name
