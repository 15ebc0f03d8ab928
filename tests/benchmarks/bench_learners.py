"""Programs of learners under the jit, as ratios to the engine; none is to be 1.5 times as slow.

Run with: python -m pytest tests/benchmarks/bench_learners.py [--long]
"""

import gc
import time
from itertools import islice
from statistics import median

from reliability.beside_the_engine import engine
from reliability.learners import LEARNERS

from micrograd.compiler import JitError, jit

CALLS, MORE, ROUNDS = 350, 150, 5  # calls in all; then calls in turn with the engine, so often


def bench_learners(figure, request):
    calls, more = (CALLS, MORE) if request.config.getoption("--long") else (40, 20)
    rows = sorted(filter(None, (row(name, calls, more) for name in LEARNERS)), reverse=True)
    figure("")
    figure(f"Programs of learners: the jit's CPU time as a ratio to the engine's, {len(rows)} rows")
    figure(f"{'':45}{f'calls 1-{calls}':>15}{'later ones':>15}{'engine, µs a call':>20}")
    for later, first, micros, name in rows:
        figure(f"{name:45}{first:15.2f}{later:15.2f}{micros:20.0f}")


def row(name, calls, more):
    """(ratio later, ratio of the first calls, the engine's µs a call, name); None if refused."""
    programs = [LEARNERS[name](engine), LEARNERS[name](jit)]
    gc.collect()
    try:
        first = [seconds(program, calls) for program in programs]
        later = [[seconds(program, more) for program in programs] for _ in range(ROUNDS)]
    except JitError:
        return None
    ratio = median(b / a for a, b in later)
    return ratio, first[1] / first[0], first[0] / calls * 1e6, name


def seconds(program, calls):
    start = time.process_time()
    for _ in islice(program, calls):
        pass
    return time.process_time() - start
