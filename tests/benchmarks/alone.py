"""Steps on moons in a process of their own: times, and what memory it took.

Run with: python -m benchmarks.alone NAME POINTS, where NAME is one of CONTENDERS; it prints JSON.
"""

import json
import re
import resource
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks import moons

from micrograd.compiler import jit

STEPS = 7


def compiled(stack, backend, *args):
    loss, optimizer = moons.by_examples()
    step = stack.enter_context(jit(loss, backend=backend).training(optimizer))
    return lambda: step(*args)


def by_hand(build):
    return lambda stack, *args: build(moons.SIZES, *args)


def ours(backend):
    return lambda stack, *args: compiled(stack, backend, *args)


CONTENDERS = {
    "jit, numpy": ours("numpy"),
    "jit, c": ours("c"),
    "jit, xla": ours("xla"),
    "NumPy by hand": by_hand(moons.by_hand),
    "PyTorch, eager": by_hand(moons.torch_eager),
    "JAX, jax.jit": by_hand(moons.jax_jitted),
}


def measured(name, count):
    """Seconds to the first loss and CPU seconds of it, CPU seconds of a step, MB, and losses."""
    points = moons.points(count)
    with ExitStack() as stack:
        clock, cpu = time.perf_counter(), cpu_seconds()
        step = CONTENDERS[name](stack, *points)
        losses = [step()]
        first = time.perf_counter() - clock, cpu_seconds() - cpu
        losses.append(step())  # with an audit
        times = []
        for _ in range(STEPS):
            cpu = time.process_time()
            losses.append(step())
            times.append(time.process_time() - cpu)
    return {"first": first, "step": median(times), "memory": megabytes(), "losses": losses}


def megabytes():
    """The most memory that was in use; on Linux without that of the process that started it."""
    if (status := Path("/proc/self/status")).exists():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cpu_seconds():
    """Of this process and of a compiler that it started."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], int(sys.argv[2]))))
