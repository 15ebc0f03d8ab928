"""How fast and how small the engine is; the numbers in brackets are ratios within this run.

Run with: python -m pytest tests/benchmarks/bench_engine.py
"""

import gc
import os
import random
import time

import pytest

import micrograd.functional as F
from micrograd import Value, data, nn, optim

X, Y = data.moons(100, noise=0.1, seed=1337)
X, Y = X.tolist(), (2 * Y - 1).tolist()


def step_as_people_wrote_it(Value, MLP):
    """One full-batch step on moons in the words of the original's demo."""
    random.seed(1337)
    model = MLP(2, [16, 16, 1])

    def step():
        scores = [model(list(map(Value, x))) for x in X]
        losses = [(1 + -y * score).relu() for y, score in zip(Y, scores)]
        loss = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= 0.1 * p.grad

    return step


def step_with_fused_losses():
    model = nn.MLP(2, [16, 16, 1], seed=1337)
    optimizer = optim.SGD(model.parameters(), lr=0.1, weight_decay=2e-4)

    def step():
        loss = F.hinge_loss([model(x) for x in X], Y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


@pytest.mark.benchmark(group="moons step, collector on", timer=time.process_time, warmup=False)
@pytest.mark.parametrize("code", ["with fused losses", "as people wrote it", "original"])
def bench_moons_step(code, benchmark, request):
    if code == "original":
        engine = request.getfixturevalue("original")
        step = step_as_people_wrote_it(engine.Value, engine.MLP)
    elif code == "as people wrote it":
        step = step_as_people_wrote_it(Value, nn.MLP)
    else:
        step = step_with_fused_losses()
    benchmark.pedantic(step, rounds=5 if code == "original" else 40, warmup_rounds=1)


@pytest.mark.parametrize("collector", ["on", "off"])
def bench_chain_of_a_million(collector, figure):
    n = 1_000_000
    gc.collect()
    if collector == "off":
        gc.disable()
    try:
        memory, start = resident(), time.process_time()
        a = x = Value(1.0)
        for _ in range(n):
            x = x + a
        forward = time.process_time()
        x.backward()
        end = time.process_time()
        memory = resident() - memory
    finally:
        gc.enable()
    figure(
        f"chain of {n} ops, collector {collector}: forward {(forward - start) / n * 1e6:.2f} µs, "
        f"backward {(end - forward) / n * 1e6:.2f} µs, {memory / n:.0f} bytes an op"
    )
    assert a.grad == n + 1


def resident():
    """Bytes of memory this process holds."""
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("memory is read from /proc")
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
