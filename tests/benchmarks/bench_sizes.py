"""Wide layers and many points: the backends of the jit beside JAX, PyTorch and NumPy by hand.

Run with: python -m pytest tests/benchmarks/bench_sizes.py [--long]
With OPENBLAS_NUM_THREADS=1 in the environment, NumPy too has one thread.
"""

import itertools
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median

import pytest
from benchmarks import alone, moons
from benchmarks.bench_compiler import Row, measured, training_step, whole_step

from micrograd.compiler import BACKENDS, jit

TESTS = Path(__file__).parent.parent
IN_THE_ENGINE = 100 * 64**2  # points times the width squared, up to which the engine is waited for


def bench_sizes(figure, request):
    """All sizes with --long only, for some minutes."""
    long = request.config.getoption("--long")
    widths, counts = ((16, 64, 256), (100, 1_000, 10_000)) if long else ((16, 64), (100,))
    sizes = list(itertools.product(widths, counts))
    columns = []
    for width, count in sizes:
        with ExitStack() as stack:
            columns.append(measured(of_size(stack, width, count)))
    figure("")
    figure("MLP 2-width-width-1 on moons: µs of CPU time a step, all points at once; float64")
    figure(f"{'width':16}" + "".join(f"{width:>12}" for width, _ in sizes))
    figure(f"{'points':16}" + "".join(f"{count:12,}" for _, count in sizes))
    for name in columns[0]:
        figure(f"{name:16}" + "".join(shown(column.get(name)) for column in columns))


def shown(row):
    return f"{median(row.times) * 1e6:12,.0f}" if isinstance(row, Row) else f"{'':12}"


def of_size(stack, width, count):
    """Builders of rows for a network and a batch of moons."""
    sizes, data = (width, width, 1), moons.points(count)
    parts = stack, sizes, data
    builders = {f"jit, {backend}": partial(backend_step, backend, *parts) for backend in BACKENDS}
    builders |= {
        "NumPy by hand": lambda: moons.by_hand(sizes, *data),
        "PyTorch, eager": lambda: moons.torch_eager(sizes, *data),
        "JAX, jax.jit": lambda: moons.jax_jitted(sizes, *data),
    }
    if count * width**2 <= IN_THE_ENGINE:
        builders["engine"] = lambda: training_step(*moons.by_examples(sizes), *data)
    return builders


def backend_step(backend, stack, sizes, data):
    loss, optimizer = moons.by_examples(sizes)
    return whole_step(stack, loss, optimizer, *data, jit=partial(jit, backend=backend))


def bench_many_points(figure, request):
    """A million points with --long; each contender in a process of its own."""
    count = 10**6 if request.config.getoption("--long") else 10**4
    figure("")
    figure(f"MLP 2-16-16-1 on {count:,} moons, each in a process of its own; float64, one thread")
    figure(f"{'':16}{'first, s':>12}{'CPU, s':>12}{'memory, MB':>12}{'ns a point':>12}")
    losses = None
    for name in alone.CONTENDERS:
        found = in_a_process(name, count)
        if isinstance(found, str):
            figure(f"{name:16}   not available: {found}")
            continue
        losses = losses or found["losses"]
        assert found["losses"] == pytest.approx(losses, rel=1e-9), name
        clock, cpu = found["first"]
        each = found["step"] / count * 1e9
        figure(f"{name:16}{clock:12.1f}{cpu:12.1f}{found['memory']:12,.0f}{each:12,.0f}")


def in_a_process(name, count):
    """What `alone` measures, or why it did not."""
    path = os.pathsep.join(map(str, (TESTS, TESTS.parent, *filter(None, sys.path))))
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.alone", name, str(count)],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
    )
    return json.loads(run.stdout) if run.returncode == 0 else run.stderr.splitlines()[-1][:100]
