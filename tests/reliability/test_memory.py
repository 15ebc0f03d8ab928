"""Memory: flat over 10,000 training steps and given back by del, without the garbage collector."""

import contextlib
import functools
import gc
import itertools
import os
import sys

import pytest
from processes import in_a_fresh_process

import micrograd.functional as F
from micrograd import Value, nn, optim
from micrograd.compiler import jit
from micrograd.function import Function

THEME = "Memory and depth"

pytestmark = pytest.mark.slow

X, Y = [[2.0, 3.0], [-1.0, 0.5], [0.0, -2.0]], [1.0, -1.0, 0.5]


def memory():
    """Blocks of memory in use, and bytes this process holds, where the system tells."""
    blocks, resident = sys.getallocatedblocks(), 0
    if os.path.exists("/proc/self/statm"):
        with open("/proc/self/statm") as file:
            resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return blocks, resident


class SumAndProduct(Function):
    def forward(self, x, y):
        self.save_for_backward(x, y)
        return x + y, x * y

    def backward(self, gs, gp):
        x, y = self.saved_tensors
        return gs + gp * y, gs + gp * x


# Training steps, each as a function that prepares a training and returns its step.


def with_adam():
    model = nn.MLP(2, [4, 1], seed=0)
    optimizer = optim.Adam(model.parameters())

    def step():
        loss = F.mse_loss([model(x) for x in X], Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def by_hand():
    """Operators, an operation of one's own with several outputs, and a pass that fails."""
    w, b, x = Value(0.5), Value(0.0), Value(2.0)

    def fail():
        raise ZeroDivisionError

    def step():
        s, p = SumAndProduct.apply(w.tanh() * x + b, x)
        loss = (s / p - 1) ** 2 + 1e-4 * w * w
        w.grad = b.grad = x.grad = 0.0
        loss.backward()
        w.data -= 0.01 * w.grad
        b.data -= 0.01 * b.grad
        failing = Value(0.0, (s,), "failing")
        failing._backward = fail
        with contextlib.suppress(RuntimeError):
            (failing + p).backward()

    return step


def compiled(backend="numpy"):
    """A jitted loss with backward and a step, a whole compiled step, and a branch both ways."""
    model = nn.MLP(2, [4, 1], seed=0)
    optimizer = optim.Adam(model.parameters())
    loss = jit(lambda X: F.mse_loss([model(x) for x in X], Y), backend=backend)
    branch = jit(lambda x: x * 2 if x > 0 else x * 3, backend=backend)
    training = loss.training(optimizer)
    sign = itertools.cycle((1.0, -1.0))

    def step():
        out = loss(X)
        optimizer.zero_grad()
        (out + branch(next(sign))).backward()
        optimizer.step()
        with training as whole:
            whole(X)

    return step


STEPS = {
    "Adam": with_adam,
    "by hand": by_hand,
    "jit": compiled,
    "jit in C": functools.partial(compiled, "c"),
}


def growth(name, n, collector):
    """Blocks and bytes that n steps leave behind."""
    gc.collect()
    if not collector:
        gc.disable()
    step = STEPS[name]()
    for _ in range(2000):  # until Python has filled its free lists, of 2,000 tuples
        step()
    before = memory()
    for _ in range(n):
        step()
    return [now - then for now, then in zip(memory(), before)]


@pytest.mark.parametrize("collector", [True, False], ids=["collector on", "collector off"])
@pytest.mark.parametrize("name", STEPS)
def test_memory_is_flat_over_training_steps(name, collector, tries, score):
    n = tries(10_000, 300_000)
    blocks, grown = in_a_fresh_process(growth, name, n, collector)
    score(
        f"memory over {n:,} steps by hand, by Adam and by jit, collector on and off",
        "less than 1 MB",
        "at most {most:+.2f} MB",
        hurt="who trains over night: the machine would swap, then stop",
        peer="+483 MB",
        most=grown / 1e6,
    )
    assert grown < 1e6
    assert blocks < n / 20


def left_by_recordings(n):
    """How many objects recordings and their audits leave to the collector, in NumPy."""

    def records():
        with jit(lambda x: (x * w).tanh()).training(optim.SGD([w])) as step:
            for x in (1.0, 2.0, 3.0):
                step(x)

    w = Value(0.5)
    records()  # once: what is made on first use
    gc.collect()
    gc.disable()
    for _ in range(n):
        records()
    return gc.collect()


def test_recordings_leave_nothing_to_the_collector():
    assert in_a_fresh_process(left_by_recordings, 20) == 0


def left_by_a_graph(n):
    """The shares of a graph's blocks and bytes that are still there after del."""
    gc.collect()
    gc.disable()
    before = memory()
    a = x = Value(1.0)
    for k in range(n // 4):
        x = (x + a).tanh() * a - k
    x.backward()
    full = memory()
    del x, a
    return [(now - b) / max(f - b, 1) for now, f, b in zip(memory(), full, before)]


def test_a_graph_of_a_million_is_given_back_at_once(tries, score):
    n = tries(1_000_000, 4_000_000)
    blocks, resident = in_a_fresh_process(left_by_a_graph, n)
    score(
        f"del of a graph of {n:,} operations, collector off",
        "more than 99 % freed",
        f"{1 - blocks:.2%} of the blocks, {1 - resident:.1%} of the memory",
        hurt="who builds a second large graph",
        peer="0 % freed",
    )
    assert blocks < 0.01
    assert resident < 0.1
