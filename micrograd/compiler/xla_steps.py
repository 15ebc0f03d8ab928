"""Steps of a training in XLA: forward, backward and the optimizer's update as one program."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..optim import SGD, Adam, Optimizer
from .steps import RATES, rate
from .xla import XLA

if TYPE_CHECKING:
    from .run import Executable

FIRST_BLOCK, MOST, BLOCK_SECONDS = 8, 1024, 0.004


class XlaSteps:
    """The steps of one program and one optimizer; see Steps.

    A table on the device has what the tables have, the data and what the optimizer keeps, and the
    gradients below that; its columns are in the order of the leaves.
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
        at = np.array(leaves, int)
        self.order = np.argsort(np.where(at < 0, len(at), at), kind="stable")  # unused ones last
        self.back = np.argsort(self.order)
        self.rows, self.outputs = tables[0].size // len(grads), replay.program.outputs
        self.programs: dict[type, tuple] = {}
        self.kept: dict[str, tuple] = {}
        self.table, self.copy = None, b""  # on the device, and what it was copied from
        self.made: Any = None  # what the last step led to, and whether that is finite

    def begin(self, now: np.ndarray, optimizer: Optimizer, lr: float) -> None:
        """Lets the next forward pass be a whole step, which step() will find made."""
        self.made = None
        self.code.instead = functools.partial(self.whole, now, optimizer, lr)

    def step(self, now: np.ndarray, new: np.ndarray, optimizer: Optimizer, lr: float) -> bool:
        """Whether a step led from `now` to `new`; else something is infinite or nan."""
        if self.made is None:
            self.whole(now, optimizer, lr)
        (table, is_finite), self.made = self.made, None
        if is_finite:
            self.take(table, new)
        return is_finite

    def whole(self, now, optimizer, lr):
        """Whether the comparisons of a step came out as they did; `made` is what it led to."""
        one, _ = self.programs_of(optimizer)
        rates = RATES[type(optimizer)](optimizer, lr, optimizer.steps + 1)
        with self.code.jax.enable_x64(True):
            given = self.device(now), self.inputs()
            table, found = one(*given, self.on_device("rates", np.array(rates)))
            *results, alike, is_finite = found.tolist()
        self.code.set_results(results)
        self.made = table, bool(is_finite)
        return bool(alike)

    def steps(
        self, now: np.ndarray, new: np.ndarray, optimizer: Optimizer, most: int
    ) -> list[list[float]]:
        """What each of some steps computed, which lead from `now` to `new`; perhaps none."""
        count, start = min(most, self.block), optimizer.steps
        of, steps = RATES[type(optimizer)], range(start, start + count)
        rows = [of(optimizer, rate(optimizer, step), step + 1) for step in steps]
        rates = np.zeros((MOST, len(rows[0])))
        rates[:count] = rows
        _, several = self.programs_of(optimizer)
        began = time.monotonic()
        with self.code.jax.enable_x64(True):
            given = self.device(now), self.inputs()
            done, table, found = several(*given, self.on_device("table of rates", rates), count)
            done, found = int(done), np.asarray(found)
        if done:
            self.take(table, new)
        if time.monotonic() - began < BLOCK_SECONDS / 2 and done == self.block < MOST:
            self.block *= 2
        return [self.code.outputs_of(row) for row in found[:done]]

    def take(self, table, new):
        """Copies what a step led to from the device."""
        found = np.asarray(table).take(self.back, 1)
        new[:] = found[:-1].ravel()
        self.grads[:] = found[-1]
        self.table, self.copy = table, new.tobytes()

    def device(self, now):
        """The table on the device."""
        if now.tobytes() != self.copy:
            rows = np.append(now, self.grads).reshape(-1, len(self.grads)).take(self.order, 1)
            self.table, self.copy = self.code.jax.device_put(rows), now.tobytes()
        return self.table

    def on_device(self, name, array):
        """An array on the device, copied there where it is not what it was."""
        now = array.tobytes()
        if name not in self.kept or self.kept[name][0] != now:
            self.kept[name] = now, self.code.jax.device_put(array.copy())
        return self.kept[name][1]

    def inputs(self):
        return [self.on_device(f"x{i}", x) for i, x in enumerate(self.code.x)]

    def programs_of(self, optimizer):
        """A step, and several of them."""
        kind = type(optimizer)
        if kind not in self.programs:
            step = step_of(self.code, UPDATES[kind])
            one, several = self.code.jax.jit(step), self.code.jax.jit(loop_of(step))
            self.programs[kind] = one, several
        return self.programs[kind]


def step_of(code, update):
    """A pure function of a table, inputs and rates: the next table, and what else there is to say.

    That is the results of the program, whether all comparisons came out as they did, and whether
    all is finite.
    """
    from jax import numpy as jnp

    seeds = np.zeros(len(code.seeds))
    seeds[:1] = 1.0  # of the loss, which comes first
    forward, backward = code.names["forward"], code.names["backward"]

    def step(table, x, rates):
        p, unused = table[0, : code.layout.inputs], table[0, code.layout.inputs :]
        results, alike, kept = forward(p, *x)
        gradients, _ = backward(seeds, kept, p, *x)
        g = jnp.append(gradients, jnp.zeros_like(unused))
        new = update(rates, g, *table[:-1])
        is_finite = jnp.isfinite(jnp.array(new)).all()
        return jnp.array([*new, g]), jnp.append(results, jnp.array([alike, is_finite], float))

    return step


def loop_of(step):
    """A pure function of the same and of how many steps: how many were made, to what they led, and
    what they found."""
    import jax
    from jax import numpy as jnp

    def loop(table, x, rates, count):
        def goes_on(state):
            i, _, _, is_good = state
            return is_good & (i < count)

        def one_more(state):
            i, table, found, _ = state
            new, row = step(table, x, rates[i])
            is_good = (row[-1] == 1.0) & (row[-2] == 1.0)
            table = jnp.where(is_good, new, table)
            return i + is_good, table, found.at[i].set(row), is_good

        width = jax.eval_shape(step, table, x, rates[0])[1].shape[0]
        start = 0, table, jnp.zeros((len(rates), width)), True
        done, table, found, _ = jax.lax.while_loop(goes_on, one_more, start)
        return done, table, found

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
