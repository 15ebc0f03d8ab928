"""The player: how long its page takes to build, how large it is, how long a step takes in it.

Run with: python -m pytest tests/benchmarks/bench_player.py
"""

import statistics
import time

import pytest

import micrograd.functional as F
from micrograd import data, nn
from micrograd.engine import topological_order
from micrograd.player import step_through

NETWORKS = {  # values: sizes of the layers, and samples
    10: ([], 1),
    101: ([8, 1], 2),
    501: ([8, 8, 1], 6),
    2001: ([16, 16, 1], 19),
}

# Steps from the first one on and from the middle one, each with the style and layout that follow.
STEPS = """
const [frame] = all(".frame"), [toForward] = all(".forward"), [slider] = all(".slider");
const times = [], most = Number(slider.max);
for (const start of [0, Math.floor(most / 2)]) {
  slider.value = start;
  slider.dispatchEvent(new Event("input"));
  frame.getBoundingClientRect();
  for (let k = 0; k < Math.min(100, most - start); k++) {
    const before = performance.now();
    toForward.click();
    frame.getBoundingClientRect();
    times.push(performance.now() - before);
  }
}
return times;"""


def graph(n):
    """A tanh network's loss on moons, and as many times its negative as make n values."""
    sizes, samples = NETWORKS[n]
    X, y = data.moons(40, seed=0)
    if sizes:
        model = nn.MLP(2, sizes, act="tanh", seed=0)
        loss = F.hinge_loss([model(x) for x in X[:samples]], 2 * y[:samples] - 1)
    else:
        model = nn.Neuron(2, act="linear", seed=0)
        loss = (model(X[0]) - 1.0) ** 2
    while len(topological_order(loss)) < n:
        loss = -loss
    return loss, {"model": model}


def busy(page):
    """Milliseconds of the processor that went into scripts, style and layout of a page."""
    found = {m["name"]: m["value"] for m in page.call("Performance.getMetrics")["metrics"]}
    return 1000 * sum(found[f"{part}Duration"] for part in ("Script", "RecalcStyle", "Layout"))


@pytest.mark.parametrize("n", NETWORKS)
def bench_player(n, browser, figure):
    loss, names = graph(n)
    assert len(topological_order(loss)) == n
    start = time.perf_counter()
    player = step_through(loss, names=names, max_nodes=n)
    fragment = player._repr_mimebundle_()[0]["text/html"]
    built = time.perf_counter() - start
    page = browser.open(fragment, width=1280, height=800)
    page.call("Performance.enable", timeDomain="threadTicks")
    before = busy(page)
    times = page.run(STEPS)
    processor = (busy(page) - before) / len(times)
    figure(
        f"player of {n} values: built in {built:.2f} s, {len(fragment) / 1000:.0f} kB; "
        f"a step {statistics.median(times):.1f} ms, at most {max(times):.0f} ms; "
        f"{processor:.1f} ms of the processor"
    )
