"""Neurons, layers and multilayer perceptrons (MLPs), and what they share as a Module."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import arrays, export, weights
from .atomic import set_attributes
from .engine import Value, is_real
from .functional import Values, values, weighted_sum
from .operations import OPERATIONS
from .text import visible
from .weights import WeightsError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["MLP", "Layer", "Module", "Neuron", "WeightsError"]

ACTIVATIONS = {row.name: row.activation for row in OPERATIONS if row.activation}
ACTIVATIONS["linear"] = "Linear"
# First weights are uniform between minus and plus this, by the number of inputs and of neurons.
INITS: dict[str, Callable[[int, int], float]] = {
    "unit": lambda nin, nout: 1.0,
    "lecun": lambda nin, nout: math.sqrt(3 / nin),  # variance 1/nin (LeCun et al., 1998)
    "glorot": lambda nin, nout: math.sqrt(6 / (nin + nout)),  # or xavier (Glorot, Bengio, 2010)
    "he": lambda nin, nout: math.sqrt(6 / nin),  # or kaiming, for relu (He et al., 2015)
}
PLAIN = {bool, int, float, str, type(None)}  # without parameters, and met most often


class Module:
    """Anything with parameters: the leaf Values in its attributes, lists, dicts and Modules."""

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Each parameter once, with its path as name: 'layers.0.neurons.1.w.0'."""
        seen = set()
        for name, p in named_leaves(self, ""):
            if p not in seen:
                seen.add(p)
                yield name, p

    def parameters(self) -> list[Value]:
        """Each parameter once, in the order of `named_parameters`."""
        if type(self).named_parameters is not Module.named_parameters:  # overridden
            return [p for _, p in self.named_parameters()]
        return list(dict.fromkeys(leaves(self)))

    def zero_grad(self) -> None:
        for p in self.parameters():
            p.grad = 0.0

    def state_dict(self) -> dict[str, float]:
        """The data of each parameter, by name."""
        return {name: p.data for name, p in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Set all parameters. Raises WeightsError, having changed nothing, unless all names fit."""
        parameters, state = dict(self.named_parameters()), weights.checked(state)
        weights.require_same_names(parameters.keys(), state.keys())
        set_attributes(parameters.values(), repeat("data"), map(state.get, parameters))

    def arrays(self) -> dict[str, np.ndarray]:
        """The parameters as arrays, as PyTorch has them: "layers.0.weight" (neurons, inputs)."""
        return arrays.stacked(self.state_dict())

    def load_arrays(self, given: Mapping[str, Any]) -> None:
        """Set all parameters from arrays, also PyTorch's. Raises WeightsError unless all fit."""
        self.load_state_dict(arrays.unstacked(given, self.state_dict()))

    def save(self, path: str | os.PathLike, *, dtype: str = "float64") -> None:
        """Write the parameters to a JSON file, or an MLP or Layer, as it computes, to .onnx.

        `dtype` is that of the numbers in .onnx; browsers and phones want float32. Raises
        WeightsError if a parameter is not finite, and ValueError, naming it, for an activation
        that ONNX does not have.
        """
        if export.is_onnx(path):
            weights.checked(self.state_dict())
            export.write(path, self.arrays(), chain(self), dtype)
        elif dtype != "float64":
            raise ValueError(f"dtype is for .onnx, a JSON file holds float64, got {dtype!r}")
        else:
            weights.write(path, self.state_dict())

    def page(self, path: str | os.PathLike, X: Any, y: Any) -> Path:
        """Write a page of the network among points, which are to be tried; return its path.

        X has two columns, y a target for each row; the page is that of a film of one frame. Raises
        TypeError or ValueError for what a film cannot show.
        """
        from . import film  # here, as it draws: no model needs NumPy before

        return film.snapshot(self, X, y).html(path)

    def load(self, path: str | os.PathLike) -> None:
        """Set all parameters from a file of `save`. Raises WeightsError unless it fits."""
        if export.is_onnx(path):
            self.load_arrays(export.read(path))
        else:
            self.load_state_dict(weights.read(path))


class Neuron(Module):
    """act(w · x + b) of `nin` inputs; w starts at random, b at 0."""

    def __init__(
        self,
        nin: int,
        nonlin: bool = True,
        *,
        act: str | Callable[[Value], Value] = "relu",
        init: str | float = "unit",
        seed: int | random.Random | None = None,
    ) -> None:
        """`act` is one of ACTIVATIONS or a function of a Value; without `nonlin` there is none.

        The weights start uniform from -r to r; `init` is r, or one of INITS, which tells r by the
        numbers of inputs and neurons: "unit" is 1. They come from the global `random`, or from
        `seed` where it is given.
        """
        rng, r = generator(seed), reach(init, whole("nin", nin), 1)
        self.w = [Value(rng.uniform(-r, r)) for _ in range(nin)]
        self.b = Value(0)
        if nonlin not in (True, False):
            raise ValueError(f"nonlin is True or False, got {nonlin!r}")
        self.nonlin = nonlin
        self.act = activation(act)

    def __call__(self, x: Sequence) -> Value:
        """The output for `nin` numbers or Values. Raises ValueError for more or fewer of them."""
        n = weighted_sum(self.w, inputs(x, len(self.w)), self.b)
        if not self.nonlin or self.act == "linear":
            return n
        y = getattr(n, self.act)() if isinstance(self.act, str) else self.act(n)
        if not isinstance(y, Value):
            raise TypeError(f"act is a function that returns a Value, got {type(y).__name__} {y!r}")
        return y

    def __repr__(self):
        name = self.act if isinstance(self.act, str) else getattr(self.act, "__name__", "custom")
        name = ACTIVATIONS.get(name, visible(name)) if self.nonlin else "Linear"
        return f"{name}Neuron({len(self.w)})"


class Layer(Module):
    """`nout` neurons that see the same inputs."""

    def __init__(
        self,
        nin: int,
        nout: int,
        *,
        init: str | float = "unit",
        seed: int | random.Random | None = None,
        **kwargs: Any,
    ) -> None:
        rng, r = generator(seed), reach(init, whole("nin", nin), whole("nout", nout))
        self.neurons = [Neuron(nin, init=r, seed=rng, **kwargs) for _ in range(nout)]

    def __call__(self, x: Sequence) -> Any:
        """The list of the neurons' outputs; a single one is returned as a Value."""
        x = inputs(x, len(self.neurons[0].w))
        outputs = [neuron(x) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self):
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """Layers of `nouts` neurons one after another; the last one is linear."""

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        *,
        act: str | Callable[[Value], Value] = "relu",
        init: str | float = "unit",
        seed: int | random.Random | None = None,
    ) -> None:
        if not isinstance(nouts, Sequence):
            raise TypeError(f"nouts is a list of sizes, got {type(nouts).__name__} {nouts!r}")
        if not nouts:
            raise ValueError("MLP needs nouts with at least one layer, got none")
        rng = generator(seed)
        sizes = [nin, *nouts]
        self.layers = [
            Layer(sizes[i], sizes[i + 1], seed=rng, act=act, init=init, nonlin=i != len(nouts) - 1)
            for i in range(len(nouts))
        ]

    def __call__(self, x: Sequence) -> Any:
        """The last layer's output: a Value if it has one neuron, else a list of Values."""
        for layer in self.layers:
            x = layer(x)
        return x

    def __repr__(self):
        return f"MLP of [{', '.join(map(str, self.layers))}]"


def named_leaves(part, path):
    """The leaf Values within a part of a Module, each with its path."""
    if isinstance(part, Value):
        if not part._prev:
            yield path, part
        return
    inner = parts(part)
    for key, x in inner.items() if isinstance(inner, dict) else enumerate(inner):
        yield from named_leaves(x, f"{path}.{key}" if path else str(key))


def leaves(part):
    """The leaf Values within a part of a Module, in the same order."""
    inner, found = parts(part), []
    for x in inner.values() if isinstance(inner, dict) else inner:
        if isinstance(x, Value):
            if x._x is None:
                found.append(x)
        elif type(x) not in PLAIN:
            found += leaves(x)
    return found


def parts(x):
    """What is in a Module, dict, list, tuple, Tensor or array; nothing in anything else."""
    if isinstance(x, (list, tuple, dict)):
        return x
    if isinstance(x, Module):
        return vars(x)
    array = getattr(x, "values", x)
    return array.ravel().tolist() if getattr(array, "dtype", None) == "O" else ()


def inputs(x, nin):
    """x as `nin` Values."""
    if type(x) is Values and len(x) == nin:
        return x
    if getattr(x, "shape", None) == ():  # an array of no dimension is one number
        x = x[()]
    if isinstance(x, Value) or is_real(x):
        x = (x,)
    if not hasattr(x, "__getitem__") or isinstance(x, (Mapping, str, bytes, bytearray)):
        raise ValueError(
            f"Neuron expects {nin} inputs in a list, tuple or array, got a {type(x).__name__}"
        )
    if len(x) != nin:
        raise ValueError(f"Neuron expects {nin} inputs, got {len(x)}")
    return values(x)


def whole(name, n, least=1):
    if not isinstance(n, Integral) or isinstance(n, bool):
        raise TypeError(f"{name} is a whole number, got {type(n).__name__} {n!r}")
    if n < least:
        raise ValueError(f"{name} is at least {least}, got {n}")
    return int(n)


def activation(act):
    if not callable(act) and not (isinstance(act, str) and act in ACTIVATIONS):
        raise ValueError(f"act is one of {', '.join(ACTIVATIONS)}, or a function, got {act!r}")
    return act


def reach(init, nin, nout):
    """How far from 0 the first weights of a layer may be."""
    if isinstance(init, str) and init in INITS:
        return INITS[init](nin, nout)
    if not is_real(init) or isinstance(init, bool) or not 0 <= init < math.inf:
        raise ValueError(f"init is one of {', '.join(INITS)}, or a number from 0, got {init!r}")
    return float(init)


def generator(seed):
    """Where random numbers come from: the global generator, the one given, or one for a seed."""
    if seed is None:
        return random
    return seed if hasattr(seed, "uniform") else random.Random(whole("seed", seed, 0))


def chain(model):
    """The layers of an MLP or a Layer: how the names of their parameters begin, their activation.

    Raises TypeError for a model that computes in a way of its own.
    """
    if type(model).__call__ is MLP.__call__:
        layers = {f"layers.{i}.": layer for i, layer in enumerate(model.layers)}
    else:
        layers = {"": model}
    for layer in layers.values():
        if type(layer).__call__ is not Layer.__call__:
            raise TypeError(
                f"only an MLP or a Layer can be saved as ONNX, got {type(layer).__name__}; "
                "its weights leave by .arrays()"
            )
    found = [(name, common_activation(layer, name)) for name, layer in layers.items()]
    own = sum(len(n.w) + 1 for layer in layers.values() for n in layer.neurons)
    if own != len(model.parameters()):
        raise ValueError(
            f"ONNX needs {own} parameters, one for each weight and bias, "
            f"got {len(model.parameters())}: some are shared, computed, or not of a neuron"
        )
    return found


def common_activation(layer, name):
    found = {n.act if n.nonlin else "linear" for n in layer.neurons}
    if len(found) > 1 or {type(n).__call__ for n in layer.neurons} != {Neuron.__call__}:
        raise ValueError(f"a layer of different neurons cannot be saved as ONNX: {name}neurons")
    return found.pop()
