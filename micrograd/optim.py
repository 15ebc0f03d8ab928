"""Optimizers, which know of a parameter only `.data` and `.grad`, and learning-rate schedules."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Iterable
from numbers import Real
from operator import truediv
from typing import Any

from . import floats
from .atomic import set_attributes

MOST_STEPS = 2**53  # whole numbers up to here are floats as well


class NonFiniteError(ArithmeticError):
    """A gradient or a new parameter is infinite or nan; no parameter was changed."""


class Optimizer:
    """Parameters, and one step of them against their gradients."""

    def __init__(self, parameters: Iterable[Any], lr: float | Callable[[int], float]) -> None:
        """`lr` is the learning rate, or a function from the number of steps done to it.

        Raises ValueError for no parameters, for one given twice, and for lr ≤ 0 or nan.
        """
        if not isinstance(parameters, Iterable):
            raise TypeError(
                "an optimizer needs a list of parameters, such as model.parameters(), "
                f"got {type(parameters).__name__} {reprlib.repr(parameters)}"
            )
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError("an optimizer needs at least one parameter, got none")
        for i, p in enumerate(self.parameters):
            if not (hasattr(p, "data") and hasattr(p, "grad")):
                raise TypeError(
                    f"parameters have .data and .grad, parameter {i} is a {type(p).__name__}"
                )
            if not isinstance(p.data, Real):
                raise TypeError(
                    f"the data of a parameter is one number, parameter {i} is a {type(p).__name__}"
                )
        if len(set(map(id, self.parameters))) < len(self.parameters):
            raise ValueError("an optimizer needs each parameter once, got one twice")
        self.lr = lr if callable(lr) else within("lr", lr, 0, math.inf, open_below=True)
        self.steps = 0
        self.state = self.initial_state(len(self.parameters))

    def zero_grad(self) -> None:
        for p in self.parameters:
            p.grad = 0.0

    def step(self) -> None:
        """Move each parameter once. Raises NonFiniteError, with nothing changed, at inf or nan."""
        lr = within("lr", self.lr(self.steps), 0, math.inf) if callable(self.lr) else self.lr
        data, grads = [p.data for p in self.parameters], [p.grad for p in self.parameters]
        self.check("gradient", grads)
        data, state = self.update(lr, data, grads)
        for numbers in (data, *state):
            self.check("step", numbers)
        set_attributes(
            [*self.parameters, self, self],
            ["data"] * len(data) + ["state", "steps"],
            [*data, state, self.steps + 1],
        )

    def state_dict(self) -> dict[str, Any]:
        """What a later run needs to go on from here, as plain numbers for a JSON file.

        If the parameters have labels, these too, by which another order is noticed.
        """
        labels = {"labels": self.labels()} if any(self.labels()) else {}
        return {"steps": self.steps, "state": [list(numbers) for numbers in self.state], **labels}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict`.

        Raises ValueError or TypeError, having changed nothing, unless it fits: as many numbers, all
        finite, for parameters with the same labels.
        """
        steps, numbers = self.fitting(state)
        self.check_state(*numbers)
        set_attributes([self, self], ["steps", "state"], [steps, numbers])

    def fitting(self, state):
        """The steps and the numbers of a state_dict, in floats, checked to fit."""
        labels = self.labels()
        try:
            steps, numbers = state["steps"], tuple(map(list, state["state"]))
            unknown = [key for key in state if key not in ("steps", "state", "labels")]
            found = list(state.get("labels", labels))
        except (TypeError, KeyError, AttributeError):
            raise ValueError(
                f"the state does not fit: it is no state_dict(), but {reprlib.repr(state)}"
            ) from None
        if unknown:
            raise ValueError(
                "the state does not fit: a state_dict() has steps and state, this one also "
                f"{reprlib.repr(unknown[0])}"
            )
        if not is_whole(steps) or not 0 <= steps < MOST_STEPS:
            raise ValueError(
                f"the steps of a state are a whole number from 0, got {reprlib.repr(steps)}"
            )
        if [len(own) for own in self.state] != [len(other) for other in numbers]:
            raise ValueError(
                f"the state does not fit: {type(self).__name__} keeps {len(self.state)} numbers "
                f"for each of {len(self.parameters)} parameters"
            )
        if found != labels and any(labels):
            i = next(
                (i for i, pair in enumerate(zip(found, labels)) if len({*map(repr, pair)}) > 1), 0
            )
            raise ValueError(
                f"the state does not fit: it is of parameters in another order, parameter {i} is "
                f"{labels[i]!r} here, and there {reprlib.repr(found[i : i + 1])[1:-1] or 'missing'}"
            )
        numbers = tuple([as_float(i, x) for i, x in enumerate(other)] for other in numbers)
        for other in numbers:
            self.check("state", other)
        return steps, numbers

    def labels(self):
        return [str(getattr(p, "label", "")) for p in self.parameters]

    def initial_state(self, n: int) -> tuple[list[float], ...]:
        raise NotImplementedError(f"{type(self).__name__} has no initial_state()")

    def update(self, lr: float, data: list[float], grads: list[float]) -> tuple[list[float], tuple]:
        """The parameters' data after a step, and the new state."""
        raise NotImplementedError(f"{type(self).__name__} has no update()")

    def check_state(self, *state: list[float]) -> None:
        """Raises ValueError for a state of finite numbers that no run could have left."""

    def check(self, what, numbers):
        try:
            if all(map(math.isfinite, numbers)):
                return
        except TypeError:
            i, x = next((i, x) for i, x in enumerate(numbers) if not isinstance(x, Real))
            raise TypeError(
                f"the {what} of parameter {i} is a number, got {type(x).__name__} {reprlib.repr(x)}"
            ) from None
        i = next(i for i, x in enumerate(numbers) if not math.isfinite(x))
        p = self.parameters[i]
        name = f"parameter {i}" + (f" ({p.label!r})" if getattr(p, "label", "") else "")
        raise NonFiniteError(
            f"the {what} of {name} is {numbers[i]} (data {p.data:.6g}, grad {p.grad:.6g}); "
            "nothing was changed"
        )


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and weight decay as in PyTorch.

    velocity = momentum · velocity + grad + weight_decay · data;  data -= lr · velocity
    """

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float | Callable[[int], float] = 0.01,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        self.momentum = within("momentum", momentum, 0, 1)
        self.weight_decay = within("weight_decay", weight_decay, 0, math.inf)
        super().__init__(parameters, lr)

    def initial_state(self, n):
        return ([0.0] * n,)

    def update(self, lr, data, grads):
        if self.weight_decay:
            grads = [g + self.weight_decay * x for x, g in zip(data, grads)]
        if self.momentum:
            grads = [self.momentum * v + g for v, g in zip(self.state[0], grads)]
        return [x - lr * g for x, g in zip(data, grads)], (grads,)


class Adam(Optimizer):
    """Adam, with bias correction (Kingma and Ba, 2015, arXiv:1412.6980)."""

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float | Callable[[int], float] = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ValueError(f"betas are two numbers, got {betas!r}")
        self.betas = within("betas[0]", betas[0], 0, 1), within("betas[1]", betas[1], 0, 1)
        self.eps = within("eps", eps, 0, math.inf)
        super().__init__(parameters, lr)

    def initial_state(self, n):
        return [0.0] * n, [0.0] * n

    def check_state(self, means, squares):
        if any(v < 0 for v in squares):
            raise ValueError(f"the means of squares of a state are from 0, got {min(squares)}")

    def update(self, lr, data, grads):
        b1, b2 = self.betas
        divide = truediv if self.eps else floats.divide  # by zero, where all gradients were
        means = [b1 * m + (1 - b1) * g for m, g in zip(self.state[0], grads)]
        squares = [b2 * v + (1 - b2) * g * g for v, g in zip(self.state[1], grads)]
        m_scale, v_scale = 1 - b1 ** (self.steps + 1), 1 - b2 ** (self.steps + 1)
        roots = [math.sqrt(v / v_scale) + self.eps for v in squares]
        steps = [divide(m / m_scale, root) for m, root in zip(means, roots)]
        return [x - lr * s for x, s in zip(data, steps)], (means, squares)


def linear(start: float, end: float, steps: int) -> Callable[[int], float]:
    """The schedule that goes from `start` to `end` in a straight line, and stays there."""
    check_schedule(start, end, steps)
    return lambda step: start + (end - start) * min(step / steps, 1.0)


def cosine(start: float, end: float, steps: int) -> Callable[[int], float]:
    """The schedule that goes from `start` to `end` along half a cosine, and stays there."""
    check_schedule(start, end, steps)
    return lambda step: end + (start - end) * (1 + math.cos(math.pi * min(step / steps, 1.0))) / 2


def check_schedule(start, end, steps):
    within("start", start, 0, math.inf)
    within("end", end, 0, math.inf)
    if not is_whole(steps) or steps < 1:
        raise ValueError(f"steps is a whole number from 1, got {steps!r}")


def is_whole(x: Any) -> bool:
    """Whether x is an int, and no bool."""
    return isinstance(x, int) and not isinstance(x, bool)


def as_float(i, x):
    """A number of the state of parameter i, as a float: infinite if it is none."""
    if not isinstance(x, Real) or isinstance(x, bool):
        raise TypeError(
            f"the state of parameter {i} is a number, got {type(x).__name__} {reprlib.repr(x)}"
        )
    try:
        return float(x)
    except OverflowError:  # an int of hundreds of digits
        return math.inf


def within(name, x, low, high, open_below=False):
    """x as a float, checked to be in [low, high), or in (low, high) where it is open below."""
    number = isinstance(x, Real) and not isinstance(x, bool)
    if not (number and (low < x < high if open_below else low <= x < high)):
        raise ValueError(
            f"{name} is from {low} {'(excluded) ' * open_below}to below {high}, got {x!r}"
        )
    return float(x)
