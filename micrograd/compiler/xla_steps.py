"""Steps of a training in XLA: forward, backward and the optimizer's update as one program."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..optim import SGD, Adam, Optimizer
from .run import is_finite
from .steps import RATES, rate
from .xla import XLA

if TYPE_CHECKING:
    from .run import Executable

FIRST_BLOCK, MOST, BLOCK_SECONDS = 8, 1024, 0.004


class XlaSteps:
    """The steps of one program and one optimizer; see Steps.

    Their state is an array on the device: the table of the data and of what the optimizer keeps,
    its columns in the order of the leaves; the gradients; what the program found.
    """

    def __init__(
        self,
        replay: Executable,
        leaves: Sequence[int],
        tables: Sequence[np.ndarray],
        grads: np.ndarray,
    ) -> None:
        code = replay.program.code
        assert isinstance(code, XLA)
        self.code, self.grads, self.block = code, grads, FIRST_BLOCK
        at, n, size = np.array(leaves, int), len(grads), tables[0].size
        self.order = np.argsort(np.where(at < 0, n, at), kind="stable")  # unused ones come last
        back = np.argsort(self.order)
        self.from_table = np.concatenate([self.order + i for i in range(0, size, n)])
        self.to_table = np.concatenate([back + i for i in range(0, size, n)])
        self.to_grads, self.found = back + size, slice(size + n, None)
        self.programs: dict[type, tuple] = {}
        self.kept: dict[str, tuple] = {}  # on the device, by name
        self.state, self.copy = None, b""  # on the device, and the table that it came to
        self.made: Any = None  # what the last step led to

    def begin(self, now: np.ndarray, optimizer: Optimizer, lr: float) -> None:
        """Lets the next forward pass be a whole step, which step() will find made."""
        self.made = None
        self.code.instead = functools.partial(self.whole, now, optimizer, lr)

    def step(self, now: np.ndarray, new: np.ndarray, optimizer: Optimizer, lr: float) -> bool:
        """Whether a step led from `now` to `new`; else something is infinite or nan."""
        if self.made is not None and self.made[0] == self.code.runs:
            return self.takes_made(new)
        return self.steps_to(now, new, optimizer, lr)

    def steps_to(self, now: np.ndarray, new: np.ndarray, optimizer: Optimizer, lr: float) -> bool:
        """The same, also whether all comparisons came out as they did."""
        return self.whole(now, optimizer, lr) and self.takes_made(new)

    def takes_made(self, new):
        (_, state, numbers), self.made = self.made, None
        return self.takes(state, numbers, new)

    def whole(self, now, optimizer, lr):
        """Whether the comparisons of a step came out as they did; `made` is what it led to."""
        one, _ = self.programs_of(optimizer)
        rates = RATES[type(optimizer)](optimizer, lr, optimizer.steps + 1)
        with self.code.jax.enable_x64(True):
            state = one(self.state_of(now), self.inputs(), self.on_device("rates", rates))
        numbers = np.asarray(state)
        self.made = self.code.runs, state, numbers
        *results, alike = numbers[self.found].tolist()
        self.code.set_results(results)
        return alike == 1.0

    def steps(
        self, now: np.ndarray, new: np.ndarray, optimizer: Optimizer, most: int
    ) -> list[list[float]]:
        """What each of some steps computed, which lead from `now` to `new`; perhaps none.

        What is infinite or nan once stays so: to look at the last is enough.
        """
        count, start = min(most, self.block), optimizer.steps
        of, steps = RATES[type(optimizer)], range(start, start + count)
        rows = [of(optimizer, rate(optimizer, step), step + 1) for step in steps]
        rows += [rows[-1]] * (MOST - count)
        _, several = self.programs_of(optimizer)
        began = time.monotonic()
        with self.code.jax.enable_x64(True):
            rates = self.on_device("table of rates", tuple(rows))
            state, found = several(self.state_of(now), self.inputs(), rates, count)
        found = np.asarray(found)[:count]
        if (found[:, -1] != 1.0).any() or not self.takes(state, np.asarray(state), new):
            self.block = max(self.block // 2, 1)  # in which of them was it?
            return []
        is_quick = self.code.in_step or time.monotonic() - began < BLOCK_SECONDS / 2
        if is_quick and count == self.block < MOST:
            self.block *= 2
        return self.code.outputs_of(found)

    def takes(self, state, numbers, new):
        """Whether what a step led to is finite; then it is copied to a table."""
        numbers.take(self.to_table, out=new, mode="clip")
        if not is_finite(new):
            return False
        numbers.take(self.to_grads, out=self.grads, mode="clip")
        self.state, self.copy = state, new.tobytes()
        return True

    def state_of(self, now):
        """A state on the device with this table."""
        if now.tobytes() != self.copy:
            rest = np.zeros(len(self.grads) + len(self.code.results) + 1)
            self.state = self.code.put(np.append(now[self.from_table], rest))
            self.copy = now.tobytes()
        return self.state

    def inputs(self):
        kept = self.kept
        for i, x in enumerate(self.code.x):
            now = x.tobytes()
            if i not in kept or kept[i][0] != now:
                kept[i] = now, self.code.put_input(x)
        return [kept[i][1] for i in range(len(self.code.x))]

    def on_device(self, name, numbers):
        """Numbers in tuples, copied to the device where they are not what they were."""
        if name not in self.kept or self.kept[name][0] != numbers:
            self.kept[name] = numbers, self.code.put(np.array(numbers))
        return self.kept[name][1]

    def programs_of(self, optimizer):
        """A step, and several of them."""
        kind = type(optimizer)
        if kind not in self.programs:
            step = step_of(self.code, len(self.grads), UPDATES[kind])
            loop = loop_of(step, self.found)
            self.programs[kind] = self.code.jit(step), self.code.jit(loop)
        return self.programs[kind]


def step_of(code, n, update):
    """A pure function of a state, with a table of n columns, inputs and rates: the next state."""
    from jax import numpy as jnp

    size, behind = code.layout.inputs, len(code.results) + 1
    seeds = np.zeros(len(code.seeds))
    seeds[:1] = 1.0  # of the loss, which comes first

    def step(state, x, rates):
        *table, _ = state[:-behind].reshape(-1, n)
        p, unused = table[0][:size], table[0][size:]
        results, alike, gradients, _ = code.whole(seeds, p, *x)
        g = jnp.append(gradients, jnp.zeros_like(unused))
        return jnp.concatenate([*update(rates, g, *table), g, results, jnp.array([1.0 * alike])])

    return step


def loop_of(step, part):
    """The same for several steps, given a row of rates for each, up to a count.

    Also part of the state after each.
    """
    import jax
    from jax import numpy as jnp

    def loop(state, x, rates, count):
        def one_more(i, made):
            state, found = made
            state = step(state, x, jax.lax.dynamic_index_in_dim(rates, i, keepdims=False))
            return state, jax.lax.dynamic_update_index_in_dim(found, state[part], i, 0)

        found = jnp.zeros((len(rates), len(state[part])))
        return jax.lax.fori_loop(0, count, one_more, (state, found))

    return loop


def update_sgd(rates, g, data, velocity):
    """As SGD.update."""
    lr, momentum, decay = rates
    velocity = momentum * velocity + (g + decay * data)
    return data - lr * velocity, velocity


def update_adam(rates, g, data, means, squares):
    """As Adam.update, but for the order of what is constant."""
    from jax import numpy as jnp

    b1, rest1, b2, rest2, scale, eps, lr = rates
    means = b1 * means + rest1 * g
    squares = b2 * squares + rest2 * g * g
    return data - lr * (means / (jnp.sqrt(scale * squares) + eps)), means, squares


UPDATES = {SGD: update_sgd, Adam: update_adam}
