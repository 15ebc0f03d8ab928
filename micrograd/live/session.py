"""A training that can be steered: what the live view shows and sets, without the view."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import compiler, data, nn
from .. import functional as F
from ..engine import Value
from ..film import Camera, Film, page
from ..optim import SGD, Adam, Optimizer
from ..text import visible_lines
from ..train import engine_steps

DATASETS: dict[str, Callable] = {
    name: getattr(data, name) for name in ("moons", "circles", "spirals", "xor", "blobs", "square")
}
OPTIMIZERS: dict[str, Callable[[list, float], Optimizer]] = {
    "sgd": SGD,
    "momentum": lambda parameters, lr: SGD(parameters, lr, momentum=0.9),
    "adam": Adam,
}
OWN = "own"
MOST_LAYERS, MOST_HIDDEN, MOST_POINTS = 8, 32, 1000


@dataclass(frozen=True)
class Toy:
    """A toy data set and a network for it, as they are chosen in the view."""

    data: str = "moons"
    points: int = 100
    noise: float = 0.1
    held: float = 0.2
    hidden: tuple[int, ...] = (8, 8)
    act: str = "tanh"
    seed: int = 0

    def __post_init__(self) -> None:
        among("data", self.data, DATASETS)
        between("points", self.points, 10, MOST_POINTS)
        between("noise", self.noise, 0, 1)
        between("held", self.held, 0, 0.9)
        between("the number of hidden layers", len(self.hidden), 0, MOST_LAYERS)
        for size in self.hidden:
            between("a hidden layer", size, 1, MOST_HIDDEN)
        nn.activation(self.act)

    def changed(self, name: str, text: Any) -> Toy:
        """The same with one thing else, which comes as text. Raises ValueError for what is none."""
        try:
            value = READERS[name](text)
        except ValueError:
            raise ValueError(f"{name} needs a number, got {text!r}") from None
        if name == "data":
            return replace(self, data=value, noise=usual_noise(value))
        return replace(self, **{name: value})

    def made(self) -> tuple[nn.MLP, np.ndarray, np.ndarray, Callable]:
        """A new model, its points and targets, and a loss for them."""
        make = DATASETS[self.data]
        noise = {"noise": self.noise} if "noise" in parameters(make) else {}
        X, y = make(self.points, seed=self.seed, **noise)
        classes = int(y.max()) + 1
        outputs = 1 if classes == 2 else classes
        model = nn.MLP(2, [*self.hidden, outputs], act=self.act, seed=self.seed)
        return (
            (model, X, 2.0 * y - 1, F.hinge_loss)
            if outputs == 1
            else (model, X, y, F.cross_entropy)
        )


def parameters(make):
    return inspect.signature(make).parameters


def usual_noise(name: str) -> float:
    """The noise that a data set has of itself."""
    known = parameters(DATASETS[among("data", name, DATASETS)])
    return known["noise"].default if "noise" in known else 0.0


def sizes(text):
    return tuple(int(part) for part in text.replace(",", " ").split())


READERS: dict[str, Callable] = {
    "data": str,
    "points": int,
    "noise": float,
    "held": float,
    "hidden": sizes,
    "act": str,
    "seed": int,
}


class Session:
    """A training and all that can be set in it; `toy` is None for a model and data of one's own."""

    def __init__(
        self,
        toy: Toy | None,
        model: Any,
        X: Any,
        y: Any,
        loss: Callable,
        optimizer: Optimizer | str,
        lr: float,
        held: float,
        jit: bool,
    ) -> None:
        if isinstance(optimizer, Optimizer) and set(optimizer.parameters) - set(model.parameters()):
            raise ValueError(
                "live() needs an optimizer of the model's parameters, got one of others"
            )
        self.toy, self.own = toy, optimizer if isinstance(optimizer, Optimizer) else None
        self.fresh = self.own.state_dict() if self.own else None
        self.kind = OWN if self.own else among("optimizer", optimizer, OPTIMIZERS)
        self.lr, self.jit = lr, jit
        self.begin(model, X, y, loss, held)

    def begin(self, model, X, y, loss, held):
        """Take a model and its data, of which a share is held out."""
        Camera(model, X, y, 0)  # refuses what cannot be shown
        n = round(between("held", held, 0, 0.9) * len(X))
        order = list(range(len(X)))
        random.Random(0).shuffle(order)
        self.held, kept = sorted(order[:n]), sorted(order[n:])
        self.model, self.loss, self.all = model, loss, (X, y)
        self.train, self.test = rows(X, kept), rows(X, self.held)
        self.targets, self.tests = rows(y, kept), rows(y, self.held)
        self.forward = compiler.jit(lambda X, y: loss([model(x) for x in X], y))
        self.start = [p.data for p in model.parameters()]
        self.restart()

    def restart(self) -> None:
        """Go back to the weights of the beginning."""
        for p, x in zip(self.model.parameters(), self.start):
            p.data, p.grad = x, 0.0
        self.camera = Camera(self.model, self.train, self.targets, 0)
        self.losses: list[float] = []
        self.equip()
        self.camera.keep(0)

    def equip(self):
        """A new optimizer of the kind that is chosen, or one's own as it came."""
        if self.own and self.kind == OWN:
            self.own.load_state_dict(self.fresh)
            self.optimizer = self.own
        else:
            self.optimizer = OPTIMIZERS[self.kind](self.model.parameters(), self.lr)

    def set(self, name: str, value: Any) -> bool:
        """Set something by name; whether all begins anew. Raises ValueError for what cannot be."""
        if name == "lr":
            self.lr = self.optimizer.lr = between("lr", float(value), 1e-6, 1e6)
        elif name == "optimizer":
            self.kind = among("optimizer", value, [*OPTIMIZERS, *([OWN] if self.own else [])])
            self.equip()
        elif self.toy and name in READERS:
            toy = self.toy.changed(name, value)
            self.begin(*toy.made(), toy.held)
            self.toy = toy
            return True
        else:
            raise ValueError(f"the live view sets no {name!r}")
        return False

    def advance(self, steps: int) -> None:
        """Train for some steps, by the jit or by the engine."""
        if self.jit:
            with self.forward.training(self.optimizer) as step:
                self.losses += [float(step(self.train, self.targets)) for _ in range(steps)]
        else:
            with engine_steps(self.model, self.loss, self.optimizer) as some_steps:
                for _ in range(steps):
                    some_steps([(self.train, self.targets)], self.note)
        self.camera.keep(len(self.losses))

    def note(self, loss, accuracy):
        self.losses.append(loss)

    def frame(self) -> tuple[dict[str, Any], bytes]:
        """What there is to see now: how far it is, the losses, and the weights as float32.

        A loss that is not finite is None; what a loss complains about is the `error`.
        """
        weights = np.array(self.camera.network.weights())
        told: dict[str, Any] = {"step": len(self.losses), "loss": None, "held": None}
        try:
            told["loss"] = self.loss_of(weights, self.train, self.targets)
            if self.held:
                told["held"] = self.loss_of(weights, self.test, self.tests)
        except Exception as error:  # of a loss of one's own, at any numbers
            told["error"] = sentence(error)
        return told, weights.astype("<f4").tobytes()

    def loss_of(self, weights, X, y):
        """The loss of weights at points, None where it is not finite."""
        scores = [list(map(Value, row)) for row in self.camera.network.scores(weights, X).tolist()]
        one = len(scores[0]) == 1
        loss = self.loss([row[0] for row in scores] if one else scores, y).data
        return loss if np.isfinite(loss) else None

    def story(self) -> dict[str, Any]:
        """All that the view is told of it before the first frame."""
        X, y = self.all
        return {
            **page.place(Camera(self.model, X, y, 0)),
            "held": self.held,
            "settings": {
                "optimizer": self.kind,
                "lr": self.rate(),
                **({} if self.toy is None else vars(self.toy)),
            },
            "choices": {
                "optimizer": [*([OWN] if self.own else []), *OPTIMIZERS],
                "data": list(DATASETS),
                "act": list(nn.ACTIVATIONS),
            },
        }

    def rate(self):
        """The learning rate now."""
        lr = self.optimizer.lr
        return lr(self.optimizer.steps) if callable(lr) else lr

    def film(self) -> Film:
        """The film of what was trained."""
        self.camera.end(len(self.losses))
        last = self.frame()[0]["loss"]
        return Film(self.camera, [*self.losses, *([] if last is None else [last])])


def sentence(error: Exception) -> str:
    return visible_lines(f"{type(error).__name__}: {error}")


def rows(table, kept):
    """Some rows of a list or an array."""
    return table[kept] if isinstance(table, np.ndarray) else [table[i] for i in kept]


def among(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} is one of {', '.join(choices)}, got {value!r}")
    return value


def between(name, value, low, high):
    if not low <= value <= high:
        raise ValueError(f"{name} is from {low:g} to {high:g}, got {value!r}")
    return value
