"""Threads begun in a jitted function, many that call one, and calls that a signal brings."""

import asyncio
import functools
import math
import random
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from backends import C
from reliability.beside_the_engine import outcome
from reliability.threaded import THREADED

import micrograd.functional as F
from micrograd import Value, nn, optim
from micrograd.compiler import JitError, jit

THEME = "Threads and processes"
CALLS = 20
backends = pytest.mark.parametrize("backend", ["numpy", C])
# All others are refused at the first call.
SAME = {
    "threads with the context of the call",
    "a coroutine driven by hand",
    "numbers prepared by threads",
}
# In older versions, asyncio.run() puts the answer into a text that nobody reads.
EITHER = {"asyncio to thread", "tasks that take turns"}


@backends
@pytest.mark.parametrize("name", THREADED)
def test_threads_inside_give_the_engines_numbers_or_are_refused(name, backend, score):
    found = outcome(THREADED[name], functools.partial(jit, backend=backend), CALLS)
    is_same = found == "same"
    assert name in EITHER or is_same == (name in SAME), found
    if not is_same:
        assert found.startswith(("JitError at 1: ", "TypeError at 1: a jitted function returns"))
    score(
        f"{len(THREADED)} programs whose jitted function leaves work to threads, tasks or "
        "generators, in NumPy and in C",
        "the engine's numbers or an error; 0 silently wrong",
        "{same} the engine's, {refused} refused at the first call, 0 wrong",
        hurt="who has read that threads make a loop faster, and puts them into the loss",
        same=is_same,
        refused=not is_same,
    )


def points(size):
    return [((k * size) % 7 - 3) / 2 for k in (1, 2, 3)], [1.0, -1.0, 0.5]


def mean_square(model, xs, ys):
    return F.mse_loss([model([x, 1 - x]) for x in xs], ys)


@pytest.mark.slow
@backends
def test_threads_share_a_jitted_function(backend, tries, score):
    """Each with shapes, numbers and leaves of its own; all record, replay and go back at once."""
    weights, threads, n = [Value(0.5), Value(-1.5)], 8, tries(60, 2_000)

    def product(xs, own):
        return F.dot([w * own for w in weights], xs[:2]).tanh() + F.sum(xs)

    def results(function, seed):
        found = []
        for k in range(n):
            own = Value((seed * 7 + k) % 11 / 4)
            y = function([own.data + i for i in range(2 + (seed + k) % 3)], own)
            y.backward()
            found.append((y.data, own.grad))
        return found

    right = [results(product, seed) for seed in range(threads)]
    shared = jit(product, backend=backend)
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(functools.partial(results, shared), range(threads)))
    same = sum(
        math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-15)
        for ours, theirs in zip(found, right)
        for one, other in zip(ours, theirs)
        for a, b in zip(one, other)
    )
    score(
        f"{threads} threads call one jitted function and go back, with three shapes",
        "the engine's numbers",
        "{same:,} of {tries:,}",
        hurt="a server, which has a thread for each request",
        same=same // 2,
        tries=threads * n,
    )
    assert same == 2 * threads * n


@pytest.mark.slow
@backends
@pytest.mark.parametrize("way", ["threads", "tasks"])
def test_trainings_side_by_side_are_those_one_after_another(way, backend, score):
    """By one jitted function, step by step and many steps at once, of a model each."""
    f, n = jit(mean_square, backend=backend), 6

    def trained(seed):
        model = nn.MLP(2, [3, 1], act="tanh", seed=seed)
        data = points(seed + 1)
        optimizer = optim.Adam(model.parameters(), lr=0.01)
        with f.training(optimizer) as step:
            found = [step(model, *data) for _ in range(10)]
            found += step.many(30, model, *data)
        return found + [p.data for p in model.parameters()]

    async def tasks():
        return await asyncio.gather(*(asyncio.to_thread(trained, seed) for seed in range(n)))

    def at_once():
        if way == "tasks":
            return asyncio.run(tasks())
        with ThreadPoolExecutor(n) as pool:
            return list(pool.map(trained, range(n)))

    found = at_once()
    f.forget()
    same = sum(map(close, found, map(trained, range(n))))
    score(
        f"{n} trainings at once by one jitted function, in threads and in asyncio's",
        "as one after another",
        "{same} of {tries}",
        hurt="who looks for the best learning rate with a pool",
        same=same,
        tries=n,
    )
    assert same == n


def close(xs, ys):
    return len(xs) == len(ys) and all(
        math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-12) for x, y in zip(xs, ys)
    )


# Signals


class CallBefore:
    """Runs functions, and another one before any one of the bytecodes that they run."""

    def __init__(self, rng, handler):
        self.rng, self.handler = rng, handler

    def __call__(self, f):
        return self.run(f, self.rng.randint(1, self.run(f, math.inf)[1]))[0]

    def run(self, f, at):
        count = 0

        def trace(frame, event, arg):
            nonlocal count
            if event == "call":
                frame.f_trace_lines, frame.f_trace_opcodes = False, True
            elif event == "opcode":
                count += 1
                if count == at:
                    sys.settrace(None)
                    self.handler()
            return trace

        before = sys.gettrace()
        sys._getframe().f_trace_opcodes = True  # else 3.12 has no events for bytecodes
        sys.settrace(trace)
        try:
            return f(), count
        finally:
            sys.settrace(before)


@pytest.mark.slow
@backends
@pytest.mark.parametrize("recorded", [True, False], ids=["replayed", "recorded"])
def test_a_signal_may_call_the_function_that_it_interrupts(
    recorded, backend, fresh_seed, tries, score
):
    """And go back from what another call gave, whose gradients are those of other leaves."""
    w, n, seen = Value(0.5), tries(150 if recorded else 25, 5_000), []

    def loss(x):
        return (w * x).tanh() * w + x.exp()

    def interrupted():
        x, w.grad = Value(2.0), 0.0
        y = f(x)
        y.backward()
        return y.data, x.grad

    def handler():
        x = Value(3.0)
        y = f(x)
        y.backward()
        seen.append((y.data, x.grad))

    def renewed():
        if not recorded:
            f.forget()
        return interrupted()

    f = loss
    right = [interrupted(), (handler(), seen.pop())[1]]
    f = jit(loss, backend=backend)
    interrupted()
    interrupted()
    rng, exact, refused = random.Random(fresh_seed), 0, 0
    for _ in range(n):
        seen.clear()
        try:
            found = CallBefore(rng, handler)(renewed)
        except JitError:  # of what the handler did in the middle of a trace
            refused += 1
            f.forget()
            continue
        exact += close(found, right[0]) and all(close(ours, right[1]) for ours in seen)
    score(
        "a signal's handler calls the jitted function that it came into, and goes back",
        "the engine's numbers, of both, or a JitError",
        "{exact:,} and {refused:,} of {tries:,}",
        hurt="who lets a timer draw the network while it trains",
        exact=exact,
        refused=refused,
        tries=n,
    )
    assert exact + refused == n
    assert exact > n / 2


@backends
def test_a_step_within_a_step_is_refused(backend):
    w = Value(0.5)
    f = jit(lambda x: w * x, backend=backend)

    class Twice(optim.SGD):
        def step(self):
            training(3.0)

    with f.training(Twice([w])) as training, pytest.raises(JitError, match="in the middle"):
        training(2.0)
        training(2.0)
    assert (w.data, type(w)) == (0.5, Value)
