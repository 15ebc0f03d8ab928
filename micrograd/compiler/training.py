"""Training: forward, backward and the optimizer's step on flat arrays, lent by the parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..atomic import set_attributes
from ..engine import Value
from ..optim import SGD, Adam, Optimizer, within
from .errors import JitError
from .pytree import Arguments, replaced, results, with_values
from .run import Executable, is_finite

if TYPE_CHECKING:
    from . import Jit

DATA, GRAD = Value.__dict__["data"], Value.__dict__["grad"]  # what a Lent keeps there is a place


class Lent(Value):
    """A parameter during its training: its numbers are in the arrays of the training."""

    __slots__ = ()

    @property
    def data(self) -> float:  # type: ignore[override]
        training, i = DATA.__get__(self)
        return training.now.item(i)

    @data.setter
    def data(self, x: float) -> None:
        training, i = DATA.__get__(self)
        training.now[i] = x

    @property
    def grad(self) -> float:  # type: ignore[override]
        training, i = GRAD.__get__(self)
        return training.grads.item(i)

    @grad.setter
    def grad(self, x: float) -> None:
        training, i = GRAD.__get__(self)
        training.grads[i] = x

    def __reduce__(self):
        return Value, (self.data,), (self.__dict__, {"grad": self.grad, "label": self.label})


class Training:
    """See Jit.training()."""

    def __init__(self, jitted: Jit, optimizer: Optimizer, *bound: Any) -> None:
        """`bound` is what comes before the arguments of each step: the object of a method."""
        self.jitted, self.optimizer, self.bound = jitted, optimizer, bound
        self.size = n = len(optimizer.parameters)
        self.grads = np.zeros(n)
        rows = len(optimizer.state) + 1  # the data, then what the optimizer keeps
        tables = [np.zeros((rows, n)) for _ in range(2)]
        self.buffers = [(table.ravel(), tuple(table), tuple(table[1:])) for table in tables]
        self.now, self.rows, self.state = self.buffers[0]
        self.fills: dict[Executable, Fill] = {}
        self.inside = False

    def __enter__(self) -> Training:
        parameters = self.optimizer.parameters
        for i, p in enumerate(parameters):
            if type(p) is Lent:  # another training ends, also one that Ctrl-C kept from ending
                DATA.__get__(p)[0].give_back()
            if type(p) is not Value or p._prev:
                kind = "computed Value" if isinstance(p, Value) and p._prev else type(p).__name__
                raise TypeError(f"training() needs leaf Values to train, parameter {i} is a {kind}")
        self.rows[0][:] = [p.data for p in parameters]
        self.grads[:] = [p.grad for p in parameters]
        self.take_state()
        places = [(self, i) for i in range(self.size)]
        self.inside = True
        try:
            assign(parameters, data=places, grad=places, __class__=[Lent] * self.size)
        except BaseException:  # Ctrl-C, when the with statement does not hold yet
            self.give_back()
            raise
        return self

    def __exit__(self, *error: Any) -> None:
        try:
            self.give_back()
        except KeyboardInterrupt:
            self.give_back()
            raise

    def give_back(self):
        """Gives the parameters and the optimizer their own numbers back, if they are lent."""
        if not self.inside:
            return
        data, grads = self.rows[0].tolist(), self.grads.tolist()
        self.optimizer.state = tuple(list(map(float, xs)) for xs in self.optimizer.state)
        kinds = [Value] * self.size
        assign(self.optimizer.parameters, __class__=kinds, data=data, grad=grads)
        self.inside = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.inside:
            raise JitError(
                "a training is used in a with statement, with f.training(…) as step: …, and ends "
                "when another one of the same parameters begins"
            )
        args = (*self.bound, *args)
        with self.jitted.lock.held, np.errstate(all="ignore"):
            arguments = Arguments(args, kwargs)
            replay = self.jitted.replay(arguments, self.fill)
            if replay is None:
                return self.step_of_the_engine(args, kwargs)
            outputs = replay.outputs()
            found = replay.backward([1.0] + [0.0] * (len(outputs) - 1))
            self.fills[replay].spread(found, self.grads, arguments)
            if type(self.optimizer).step is Optimizer.step:
                self.step()
            else:  # a step of one's own, which reads and sets the parameters
                self.optimizer.step()
        numbers = iter(outputs)
        return replaced(replay.answer, lambda v: next(numbers))

    def step_of_the_engine(self, args, kwargs):
        """A step without a replay; meanwhile the parameters have their own numbers, for speed."""
        args, kwargs = with_values(args, kwargs)
        self.give_back()
        try:
            answer = self.jitted.function(*args, **kwargs)
            self.optimizer.zero_grad()
            results(answer)[0].backward()
            self.optimizer.step()
        finally:
            self.__enter__()
        return replaced(answer, lambda v: v.data)

    def fill(self, replay, arguments):
        """Sets the leaves of a replay."""
        if replay not in self.fills:
            if len(self.fills) >= MOST_FILLS:
                self.fills.clear()
            self.fills[replay] = Fill(replay, self.optimizer.parameters)
        self.fills[replay](self.now, arguments)

    def take_state(self):
        """Copies the optimizer's state into the arrays, after somebody has set it."""
        for row, numbers in zip(self.state, self.optimizer.state):
            row[:] = numbers
        self.optimizer.state = self.state

    def step(self):
        """The optimizer's step. Raises NonFiniteError, with nothing changed, at inf or nan."""
        optimizer = self.optimizer
        if optimizer.state is not self.state:
            self.take_state()
        lr = optimizer.lr
        if callable(lr):
            lr = within("lr", lr(optimizer.steps), 0, math.inf)
        new = now, rows, state = self.buffers[self.now is self.buffers[0][0]]
        update = UPDATES.get(type(optimizer), update_by_lists)
        update(optimizer, lr, self.grads, self.rows, rows)
        if not is_finite(now):
            for what, numbers in (("gradient", self.grads), *(("step", row) for row in rows)):
                optimizer.check(what, numbers.tolist())
        owners, values = (
            (self, self, self, optimizer, optimizer),
            (*new, state, optimizer.steps + 1),
        )
        set_attributes(owners, ATTRIBUTES, values)


MOST_FILLS = 64  # kept for replays, which may long be forgotten
ATTRIBUTES = ("now", "rows", "state", "state", "steps")


class Fill:
    """Which leaf of a replay is which parameter."""

    def __init__(self, replay: Executable, parameters: list[Value]) -> None:
        index = {p: i for i, p in enumerate(parameters)}
        leaves = list(enumerate(replay.program.leaves))
        self.replay = replay
        self.own = np.array([slot for slot, leaf in leaves if leaf in index], int)
        self.at = np.array([index[leaf] for _, leaf in leaves if leaf in index], int)
        self.others = [slot for slot, leaf in leaves if leaf not in index]
        self.whole = not self.others and len(parameters) == len(leaves)
        self.back = np.argsort(self.at) if self.whole else None
        self.v = replay.v[: len(leaves)]

    def __call__(self, now, arguments):
        if self.whole:
            now.take(self.at, out=self.v, mode="clip")
            return
        self.v[self.own] = now[self.at]
        if self.others:
            leaves = self.replay.leaves(arguments.values)
            self.v[self.others] = [leaves[i].data for i in self.others]

    def spread(self, found, grads, arguments):
        """Brings the gradients found to the parameters, and to Values that are none of them."""
        if self.whole:
            found.take(self.back, out=grads, mode="clip")
            return
        grads[:] = 0.0
        grads[self.at] = found[self.own]
        if self.others:
            leaves = self.replay.leaves(arguments.values)
            for i in self.others:
                leaves[i].grad += found.item(i)


def update_sgd(optimizer, lr, grads, now, new):
    """As SGD.update, on arrays (data, velocity)."""
    data, velocity = new
    np.copyto(velocity, grads)
    if optimizer.weight_decay:
        np.multiply(now[0], optimizer.weight_decay, out=data)
        np.add(grads, data, out=velocity)
    if optimizer.momentum:
        np.multiply(now[1], optimizer.momentum, out=data)
        np.add(data, velocity, out=velocity)
    np.multiply(velocity, lr, out=data)
    np.subtract(now[0], data, out=data)


def update_adam(optimizer, lr, grads, now, new):
    """As Adam.update, on arrays (data, means, squares)."""
    (b1, b2), t = optimizer.betas, optimizer.steps + 1
    data, means, squares = new
    np.multiply(now[1], b1, out=means)
    np.multiply(grads, 1 - b1, out=data)
    np.add(means, data, out=means)
    np.multiply(grads, 1 - b2, out=data)
    np.multiply(data, grads, out=data)
    np.multiply(now[2], b2, out=squares)
    np.add(squares, data, out=squares)
    np.divide(squares, 1 - b2**t, out=data)
    np.sqrt(data, out=data)
    np.add(data, optimizer.eps, out=data)
    step = means / (1 - b1**t)
    np.divide(step, data, out=step)
    np.multiply(step, lr, out=step)
    np.subtract(now[0], step, out=data)


def update_by_lists(optimizer, lr, grads, now, new):
    """Any other optimizer's own update."""
    optimizer.check("gradient", grads.tolist())
    data, state = optimizer.update(lr, now[0].tolist(), grads.tolist())
    for row, numbers in zip(new, (data, *state)):
        row[:] = numbers


UPDATES = {SGD: update_sgd, Adam: update_adam}


def assign(objects, **columns):
    """Sets attributes of all objects, given as columns."""
    rows = [(x, name, y) for name, values in columns.items() for x, y in zip(objects, values)]
    set_attributes(*zip(*rows))
