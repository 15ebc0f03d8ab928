"""Steps of a training in XLA: forward, backward and the optimizer's update as one program."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..optim import SGD, Adam, Optimizer
from .mesh import digest
from .run import is_finite
from .steps import RATES, rate
from .xla import XLA

if TYPE_CHECKING:
    from .pytree import Arguments
    from .run import Executable

FIRST_BLOCK, MOST, BLOCK_SECONDS = 32, 1024, 0.01


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
        order = np.argsort(np.where(at < 0, n, at), kind="stable")  # unused ones come last
        back = np.argsort(order)
        self.from_table = np.concatenate([order + i for i in range(0, size, n)])
        self.to_table = np.concatenate([back + i for i in range(0, size, n)])
        self.to_grads, self.found = back + size, slice(size + n, None)
        self.programs: dict[type, tuple] = {}
        self.kept: dict[Any, Any] = {}  # on the device, by name
        self.state, self.copy = None, b""  # on the device, and the table that it came to
        self.table = b""  # a digest of the latest one that was put there
        self.batches: Any = None  # of which the arrays are kept
        self.made: Any = None  # what the last step led to
        self.rates, self.row = (), None
        with code.settings():
            self.one = code.put(np.ones((), np.int64))

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
        one = self.programs_of(optimizer)[0]
        rates = RATES[type(optimizer)](optimizer, lr, optimizer.steps + 1)
        with self.code.settings():
            given = self.state_of(now), [*self.inputs(), *self.told(optimizer, [rates])]
            state = one(*given, self.rates_on_device(rates), self.one)[0]
            numbers = np.asarray(state)
        self.made = self.code.runs, state, numbers
        *results, alike = numbers[self.found].tolist()
        self.code.set_results(results)
        return self.code.went_alike(alike)

    def steps(
        self, now: np.ndarray, new: np.ndarray, optimizer: Optimizer, most: int
    ) -> list[list[float]]:
        """What each of some steps computed, which lead from `now` to `new`; perhaps none.

        What is infinite or nan once stays so: to look at the last is enough.
        """
        if most == 1:
            made = self.steps_to(now, new, optimizer, rate(optimizer, optimizer.steps))
            return [self.code.v[self.code.outputs].tolist()] if made else []
        with self.code.settings():
            x = self.inputs()
        return self.block_of(now, new, optimizer, most, 1, x)

    def gathers(self, arguments: Arguments, batches: Any) -> bool:
        """Whether steps can take their rows of arrays, all of which are inputs, by themselves."""
        has_rows = getattr(batches, "rows", None) is not None
        if not has_rows or arguments.taken.static or type(self.code) is not XLA:
            return False  # over several devices, each takes its part of the rows of one step
        if self.batches is not batches:
            kinds = {x.dtype.kind for x in batches.args}
            self.batches = batches if kinds <= set("fiu") else None
            self.kept.pop("rows", None)
            floats, n = sum(map(len, arguments.floats)), len(batches.args)
            self.ends = floats, floats + sum(x.size for x in arguments.arrays[:n])
        return self.batches is not None

    def steps_on_rows(
        self, now: np.ndarray, new: np.ndarray, optimizer: Optimizer, rows: np.ndarray
    ) -> list[list[float]]:
        """The same for steps on rows of arrays, the indices of which are given."""
        count = min(len(rows), self.block)
        indices = np.resize(rows[:count], (MOST, rows.shape[1]))
        fed = np.concatenate([x.ravel() for x in self.code.x])
        with self.code.settings():
            if "rows" not in self.kept:
                arrays = [np.array(x, float) for x in self.batches.args]
                ends = fed[: self.ends[0]].copy(), fed[self.ends[1] :].copy()
                self.kept["rows"] = self.code.jax.device_put((arrays, *ends))
            x = self.code.jax.device_put(indices), *self.kept["rows"]
        return self.block_of(now, new, optimizer, count, 2, x)

    def block_of(self, now, new, optimizer, most, which, x):
        """What a block of steps computed, by which program, of inputs x."""
        count, start = min(most, self.block), optimizer.steps
        of, steps = RATES[type(optimizer)], range(start, start + count)
        rows = [of(optimizer, rate(optimizer, step), step + 1) for step in steps]
        rates = np.zeros((MOST, len(rows[0])))
        rates[:count] = rows
        program = self.programs_of(optimizer)[which]
        began = time.monotonic()
        with self.code.settings():
            given = self.state_of(now), [*x, *self.told(optimizer, rows)]
            state, found = program(*given, rates, count)
            numbers, found = np.asarray(state), np.asarray(found)[:count]
        went_alike = all(map(self.code.went_alike, found[:, -1].tolist()))
        if not went_alike or not self.takes(state, numbers, new):
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
        """A state on the device with this table; the next one is there if a step is taken."""
        if now.tobytes() != self.copy:
            rest = np.zeros(len(self.grads) + len(self.code.results) + 1)
            self.state = self.code.put(np.append(now[self.from_table], rest))
            self.table = digest(now.tobytes()) if self.code.in_step else b""
        self.copy = b""  # where one is refused, all processes begin anew with a table
        return self.state

    def told(self, optimizer, rates):
        """What other processes must have as well: state, inputs, and rows of rates."""
        if not self.code.in_step:
            return []
        x = b"".join(kept[2] for i, kept in self.kept.items() if i != "rows")
        kind = type(optimizer).__name__.encode()
        return self.code.told(self.table, x, kind + np.array(rates).tobytes())

    def inputs(self):
        kept = self.kept
        for i, x in enumerate(self.code.x):
            now = x.tobytes()
            if i not in kept or kept[i][0] != now:
                of_it = digest(now) if self.code.in_step else b""
                kept[i] = now, self.code.put_input(x), of_it
        return [kept[i][1] for i in range(len(self.code.x))]

    def rates_on_device(self, rates):
        """As a row, on the device if they are those of the step before."""
        if rates != self.rates:
            self.rates, self.row = rates, np.array([rates])
        elif type(self.row) is np.ndarray:
            self.row = self.code.put(self.row)
        return self.row

    def programs_of(self, optimizer):
        """A step, several of them, and several on rows of arrays.

        One is a loop, too: the small parts of what is none would wait for threads.
        """
        kind = type(optimizer)
        if kind not in self.programs:
            step = step_of(self.code, len(self.grads), UPDATES[kind])
            gathered = rows_of([x.shape for x in self.code.x])
            loops = loop_of(step, self.found, same), loop_of(step, self.found, gathered)
            self.programs[kind] = tuple(map(self.code.jit, (loops[0], *loops)))
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


def loop_of(step, part, inputs):
    """The same for several steps, given a row of rates for each, up to a count.

    They end where processes do not agree, of which one may make fewer. Also part of the state after
    each. `inputs` are those of a step, by x and its number.
    """
    import jax
    from jax import numpy as jnp

    def loop(state, x, rates, count):
        def goes_on(made):
            i, state, _ = made
            return (i < count) & ~jnp.isnan(state[-1])

        def one_more(made):
            i, state, found = made
            state = step(state, inputs(x, i), row(rates, i))
            return i + 1, state, jax.lax.dynamic_update_index_in_dim(found, state[part], i, 0)

        found = jnp.zeros((len(rates), len(state[part])))
        return jax.lax.while_loop(goes_on, one_more, (jnp.zeros((), int), state, found))[1:]

    return loop


def row(x, i):
    import jax

    return jax.lax.dynamic_index_in_dim(x, i, keepdims=False)


def same(x, i):
    return x


def rows_of(shapes):
    """A function that takes rows of arrays, by their indices, as inputs of these shapes."""
    from jax import numpy as jnp

    ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]

    def inputs(x, i):
        indices, arrays, before, behind = x
        taken = [array[row(indices, i)].ravel() for array in arrays]
        parts = jnp.split(jnp.concatenate([before, *taken, behind]), ends)
        return [part.reshape(shape) for part, shape in zip(parts, shapes)]

    return inputs


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
