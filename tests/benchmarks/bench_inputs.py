"""Tokens and examples as inputs of one recording, beside a recording of each and of all.

Run with: python -m pytest tests/benchmarks/bench_inputs.py [--long]
"""

import resource
import time
from statistics import median

from benchmarks import transformer

import micrograd.functional as F
from micrograd import data, nn, optim
from micrograd.compiler import batched, jit

SIZES, DECAY, ROUNDS = (16, 16, 1), 1e-4, 30


def bench_names(figure):
    """A pass over all names, as arrays of tokens, and over some of them as lists."""
    arrays = [transformer.tokens(name) for name in transformer.NAMES]
    figure("")
    figure(f"{len(arrays)} names, a training step each, CPU time")
    figure(f"{'':40}{'recordings':>12}{'s in all':>12}{'then, µs a step':>18}")
    for title, texts in {
        "arrays of tokens": arrays,
        "lists of ints, 20 names": [x.tolist() for x in arrays[:20]],
    }.items():
        loss, optimizer = transformer.by_scalars()
        f = jit(loss)
        with f.training(optimizer) as step:
            whole = sum(seconds(step, text) for text in texts)
            again = median(seconds(step, text) for text in texts)
        recordings = f._costs.recordings
        figure(f"{title:40}{recordings:12,}{whole:12.2f}{again * 1e6:18.1f}")
        if texts is arrays:
            assert recordings == len(set(map(len, texts)))


def bench_points(figure, request):
    """A step on all points at once; all of 10,000 are recorded with --long only, for a minute."""
    figure("")
    figure("moons, CPU time of steps in turn; MB are those of the process, which only grow")
    figure(f"{'':40}{'first, s':>12}{'MB':>8}{'µs a step':>12}{'to all':>8}")
    counts = (100, 1_000, 10_000) if request.config.getoption("--long") else (100, 1_000)
    for count in counts:
        compare(figure, count)
    if counts[-1] < 10_000:
        row(figure, "one of 10,000 recorded", *training(10_000, by_one))


def compare(figure, count):
    one, everything = training(count, by_one), training(count, by_all)
    rounds = [(seconds(one[0]), seconds(everything[0])) for _ in range(ROUNDS)]
    times, ratio = [*map(median, zip(*rounds))], median(a / b for a, b in rounds)
    row(figure, f"one of {count:,} recorded", *one, times[0], ratio)
    row(figure, f"all {count:,} recorded", *everything, times[1], 1.0)


def row(figure, title, step, first, memory, then=None, ratio=None):
    then = median(seconds(step) for _ in range(ROUNDS)) if then is None else then
    shown = "" if ratio is None else f"{ratio:8.2f}"
    figure(f"{title:40}{first:12.3f}{memory:8.0f}{then * 1e6:12.1f}{shown}")


def by_one(model):
    return batched(lambda x, t: F.hinge_loss([model(x)], [t]))


def by_all(model):
    return lambda X, y: F.hinge_loss([model(x) for x in X], y)


def training(count, mean_loss):
    """A step, the time of the first one, and the memory in use after it."""
    X, y = data.moons(count, noise=0.1, seed=1337)
    model = nn.MLP(2, SIZES, seed=1337)
    parameters, mean = model.parameters(), mean_loss(model)
    f = jit(lambda X, y: mean(X, y) + DECAY * F.dot(parameters, parameters))
    step = f.training(optim.SGD(parameters, lr=0.1)).__enter__()
    first = seconds(step, X, 2.0 * y - 1.0)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    step(X, 2.0 * y - 1.0)  # and an audit
    return lambda: step(X, 2.0 * y - 1.0), first, megabytes


def seconds(function, *args):
    """CPU time of a call."""
    start = time.process_time()
    function(*args)
    return time.process_time() - start
