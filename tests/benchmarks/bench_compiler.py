"""How fast the jit is beside the engine, NumPy by hand, PyTorch and JAX, all within one run.

Run with: python -m pytest tests/benchmarks/bench_compiler.py [--long]
"""

import gc
import itertools
import operator
import os
import time
import warnings
from contextlib import ExitStack
from statistics import median

import numpy as np
import pytest
from benchmarks import moons, transformer
from benchmarks.moons import training_step

import micrograd.functional as F
from micrograd import Value, optim
from micrograd.compiler import jit

# Without these threads JAX runs small programs in half the time. It reads this when imported.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_cpu_multi_thread_eigen=false --xla_cpu_enable_concurrency_optimized_scheduler=false",
)
STEPS, ROUNDS, ROUND_SECONDS, SLOW_SECONDS = 20, 30, 0.01, 0.2
BLOCKS = 5  # of steps in a round: an audit of the jit is in one
OPERATIONS = (
    operator.add,
    operator.sub,
    operator.mul,
    lambda x, y: x.tanh(),
    lambda x, y: x.relu(),
    lambda x, y: x.exp(),
)
BINARY, TANH = 3, 3
OPTIONAL = ("micrograd 0.1.0", "PyTorch", "JAX", "jit, c", "jit, xla")


def bench_moons(figure, request):
    def original():
        engine = request.getfixturevalue("original")
        return training_step(*moons.as_people_wrote_it(engine.Value, engine.MLP))

    with ExitStack() as stack:
        builders = {
            "jit": lambda: whole_step(stack, *moons.with_fused_losses()),
            "jit, many steps": lambda: Many(stack, *moons.with_fused_losses()),
            "jit, as people wrote it": lambda: whole_step(stack, *moons.as_people_wrote_it()),
            "jit, the loss only": lambda: loss_only(*moons.with_fused_losses()),
            "jit, a plain loop": lambda: plain_loop(jit, *moons.as_people_wrote_it()),
            "engine": lambda: training_step(*moons.with_fused_losses()),
            "engine, as people wrote it": lambda: training_step(*moons.as_people_wrote_it()),
            "micrograd 0.1.0": original,
            "NumPy by hand": moons.by_hand,
            "NumPy by hand, tuned": moons.by_hand_tuned,
            "PyTorch, eager": moons.torch_eager,
            "PyTorch, torch.compile": moons.torch_compiled,
            "JAX, jax.jit": moons.jax_jitted,
        }
        for line in table("W1: a full-batch step on moons", builders):
            figure(line)


def bench_transformer(figure):
    name, *others = transformer.NAMES[:6]
    tokens = transformer.tokens(name)
    with ExitStack() as stack:
        builders = {
            "jit": lambda: whole_step(stack, *transformer.by_scalars(), tokens),
            "jit, many steps": lambda: Many(stack, *transformer.by_scalars(), tokens),
            "jit, the loss only": lambda: loss_only(*transformer.by_scalars(), tokens),
            "engine": lambda: training_step(*transformer.by_scalars(), tokens),
            "NumPy by hand, tuned": lambda: transformer.by_hand_tuned(tokens),
            "PyTorch, eager": lambda: transformer.torch_eager(tokens),
            "PyTorch, torch.compile": lambda: transformer.torch_compiled(tokens),
            "JAX, jax.jit": lambda: transformer.jax_jitted(tokens),
        }
        for line in table(f"W2: a step of a character transformer on {name!r}", builders):
            figure(line)
    with ExitStack() as stack:
        builders = {
            "jit": lambda: whole_step(stack, *by_descent(), tokens),
            "jit, many steps": lambda: Many(stack, *by_descent(), tokens),
            "jit, a plain loop": lambda: plain_loop(jit, *by_descent(), tokens),
            "engine, a plain loop": lambda: plain_loop(by_itself, *by_descent(), tokens),
        }
        for line in table("W2 by plain gradient descent", builders):
            figure(line)
    figure(f"{'jit, a step on a name not seen before':40}{new_name_seconds(others) * 1e6:12.1f}")


def whole_step(stack, loss, optimizer, *args, jit=jit):
    """Forward, backward and update by the jit, until the stack is closed."""
    step = stack.enter_context(jit(loss).training(optimizer))
    return lambda: float(step(*args))


class Many:
    """The same, many at a time."""

    def __init__(self, stack, loss, optimizer, *args, jit=jit):
        self.training, self.args = stack.enter_context(jit(loss).training(optimizer)), args

    def __call__(self):
        return self.training(*self.args)

    def many(self, n):
        return self.training.many(n, *self.args)


def plain_loop(jit, loss, optimizer, *args):
    """The call form, and gradient descent as it is written first."""
    f, parameters, lr = jit(loss), optimizer.parameters, optimizer.lr

    def step():
        for p in parameters:
            p.grad = 0.0
        error = f(*args)
        error.backward()
        for p in parameters:
            p.data -= lr * p.grad
        return error.data

    return step


def by_itself(loss):
    return loss


def by_descent():
    loss, optimizer = transformer.by_scalars()
    return loss, optim.SGD(optimizer.parameters, lr=transformer.LR)


def loss_only(loss, optimizer, *args):
    """Forward and backward by the jit, the update by the optimizer."""
    return training_step(jit(loss), optimizer, *args)


def new_name_seconds(names):
    loss, optimizer = transformer.by_scalars()
    with jit(loss).training(optimizer) as step:
        return median(seconds(step, transformer.tokens(name)) for name in names)


class Row:
    """A step, the losses it has returned, its first time by the clock, and CPU times of a step."""

    def __init__(self, build):
        start = time.perf_counter()
        self.losses, self.times, self.step = [], [], build()
        self.run(1)
        self.first = time.perf_counter() - start
        self.run(1)  # with an audit, where there are such
        self.times.clear()
        self.run(1)
        self.batch, self.every = 1, ROUNDS
        if self.times[-1] < SLOW_SECONDS:
            self.run(STEPS)
            fastest = min(self.times)
            several = 10 if hasattr(self.step, "many") else 1
            self.batch = several * min(100, max(1, round(ROUND_SECONDS / fastest)))
            self.every = max(1, round(fastest / ROUND_SECONDS))
            self.times.clear()

    def run(self, n):
        several = getattr(self.step, "many", None)
        blocks = BLOCKS if n > BLOCKS and not several else 1
        size = n // blocks
        for _ in range(blocks):
            start = time.process_time()
            self.losses += several(size) if several else [self.step() for _ in range(size)]
            self.times.append((time.process_time() - start) / size)


def table(title, builders):
    """Lines: the CPU time of each builder's step, as a ratio to the first, and its first time."""
    rows = measured(builders)
    yield ""
    yield title + ". CPU time, median of rounds in turn; float64; PyTorch and JAX with one thread"
    yield f"{'':40}{'µs a step':>12}{'ratio':>10}{'first step, s by the clock':>30}"
    unit = median(next(iter(rows.values())).times)
    for name, row in rows.items():
        if isinstance(row, Row):
            cpu = median(row.times)
            yield f"{name:40}{cpu * 1e6:12.1f}{cpu / unit:10.3g}{row.first:30.3f}"
        else:
            yield f"{name:40}   not available: {row}"


def measured(builders):
    """For each builder a row, measured in turn with the others, or why there is none.

    Their losses are the same.
    """
    rows = {name: row_or_reason(name, build) for name, build in builders.items()}
    found = {name: row for name, row in rows.items() if isinstance(row, Row)}
    gc.collect()
    gc.freeze()  # what one program keeps should not make the collector slower for another
    for i in range(ROUNDS):
        for row in found.values():
            if (i + 1) % row.every == 0:
                row.run(row.batch)
    gc.unfreeze()
    first = next(iter(found.values()))
    for name, row in found.items():
        expected = first.losses[: len(row.losses)][:STEPS]
        assert row.losses[: len(expected)] == pytest.approx(expected, rel=0, abs=1e-9), name
    return rows


def row_or_reason(name, build):
    """A row after its first steps; for what need not be installed, the reason if there is none."""
    if not name.startswith(OPTIONAL):
        return Row(build)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Row(build)
    except (Exception, pytest.skip.Exception) as error:
        return f"{type(error).__name__}: {error}".splitlines()[0][:100]


def bench_graphs(figure, request):
    largest = 10**6 if request.config.getoption("--long") else 10**5
    figure("")
    figure("W3: forward and backward of a graph, ns of CPU time an operation, collector off")
    figure(f"{'':40}{'engine':>12}{'jit, first':>12}{'jit, then':>12}{'engine / jit':>14}")
    for n in (10**3, 10**4, 10**5, 10**6):
        if n <= largest:
            figure(graph_line(f"random graph of {n:,}", n, *random_graph(n)))
    figure(graph_line(f"chain of {largest:,}", largest, *chain(largest)))


def graph_line(title, n, loss, leaves):
    compiled, engine, replay = jit(loss), [], []
    gc.collect()
    gc.disable()
    try:
        first, found = gradients(compiled, leaves)
        for _ in range(max(1, min(10, 10**5 // n))):
            cpu, expected = gradients(loss, leaves)
            engine.append(cpu)
            replay += [gradients(compiled, leaves)[0] for _ in range(3)]
    finally:
        gc.enable()
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
    times = median(engine), first, median(replay)
    return f"{title:40}{''.join(f'{t / n * 1e9:12.1f}' for t in times)}{times[0] / times[2]:14.1f}"


def gradients(loss, leaves):
    """CPU time of forward and backward, and the gradients of the leaves."""
    for leaf in leaves:
        leaf.grad = 0.0
    start = time.process_time()
    loss().backward()
    return time.process_time() - start, [leaf.grad for leaf in leaves]


def random_graph(n, seed=0):
    """The mean of the loose ends of a random graph of n operations, and its 100 leaves.

    A level has √n to n/20 operations. First operands are from the level before, second ones from
    the leaves or a level of tanh, which is every third: no number is beyond exp(exp(1)).
    """
    rng = np.random.RandomState(seed)
    leaves = [Value(x) for x in rng.uniform(-1, 1, 100)]
    before = bounded = np.arange(100)
    plan, loose = ([], [], []), np.ones(100 + n, dtype=bool)
    for level in itertools.count(1):
        width = int(np.exp(rng.uniform(np.log(n) / 2, np.log(n / 20))))
        width = min(width, n - len(plan[0]))
        kind = rng.randint(len(OPERATIONS), size=width) if level % 3 else np.full(width, TANH)
        x, y = rng.choice(before, width), rng.choice(bounded, width)
        loose[x] = loose[y[kind < BINARY]] = False
        before = 100 + len(plan[0]) + np.arange(width)
        for row, new in zip(plan, (kind, x, y)):
            row.extend(new.tolist())
        if len(plan[0]) == n:
            break
        if level % 3 == 0:
            bounded = np.concatenate([bounded, before])
    ends = np.flatnonzero(loose).tolist()

    def loss():
        nodes = list(leaves)
        for kind, x, y in zip(*plan):
            nodes.append(OPERATIONS[kind](nodes[x], nodes[y]))
        return F.mean([nodes[i] for i in ends])

    return loss, leaves


def chain(n):
    """n sums one after the other, and the leaf that they add."""
    leaf = Value(1.0)

    def loss():
        x = leaf
        for _ in range(n):
            x = x + leaf
        return x

    return loss, [leaf]


def seconds(function, *args):
    """CPU time of a call."""
    start = time.process_time()
    function(*args)
    return time.process_time() - start
