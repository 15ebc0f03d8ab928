"""How fast and how small the engine is; the numbers in brackets are ratios within this run.

Run with: python -m pytest tests/benchmarks/bench_engine.py
"""

import gc
import os
import random
import statistics
import time

import pytest
from benchmarks import leanest

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


PROGRAMS = {
    "40 x 60 x 40 products and sums": lambda kind: lambda: leanest.products(kind),
    "transformer, one operation a node": leanest.transformer_steps,
}


@pytest.mark.parametrize("program", PROGRAMS)
def bench_beside_the_leanest_class(program, figure):
    """In turns, so that both meet the same machine; the collector is on."""
    runs = {kind: PROGRAMS[program](kind) for kind in (leanest.Node, Value)}
    times = {kind: [] for kind in runs}
    for _ in range(9):
        for kind, run in runs.items():
            gc.collect()
            start = time.process_time()
            run()
            times[kind].append(time.process_time() - start)
    ratios = [lean / ours for lean, ours in zip(times[leanest.Node], times[Value])]
    figure(
        f"{program}: {statistics.median(ratios):.2f} of the speed of the leanest class "
        f"({min(ratios):.2f} to {max(ratios):.2f}); {min(times[Value]):.2f} s"
    )


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
