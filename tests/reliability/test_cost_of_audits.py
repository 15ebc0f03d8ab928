"""What audits cost: beside a first call, and later as a share of the time of calls."""

import os
import time

import numpy as np
import pytest
from backends import C
from benchmarks import rnn, transformer

import micrograd.functional as F
from micrograd import data, nn, optim
from micrograd.compiler import AUDITS, Jit, batched, jit

THEME = "The jit"


def moons():
    (X, y), model = data.moons(100, seed=0), nn.MLP(2, [16, 16, 1], act="relu", seed=0)
    loss = lambda X, y: F.hinge_loss([model(x) for x in X], y)  # noqa: E731
    return loss, optim.SGD(model.parameters(), lr=0.1), (X, 2.0 * y - 1)


def points():
    (X, y), model = data.moons(10_000, seed=0), nn.MLP(2, [16, 16, 1], act="relu", seed=0)
    loss = batched(lambda x, t: F.hinge_loss([model(x)], [t]))
    return loss, optim.SGD(model.parameters(), lr=0.1), (X, 2.0 * y - 1)


def names():
    return *transformer.by_scalars(), (transformer.tokens(transformer.NAMES[0]),)


def letters():
    return *rnn.by_scalars(), ()


MODELS = {
    "moons, 100 points": moons,
    "10,000 points, batched": points,
    "transformer, a name": names,
    "RNN, 13 letters": letters,
}


def cpu_seconds():
    """Of this process and of the compilers that it has called."""
    return sum(os.times()[:4])


def first_calls(model, backend):
    """The seconds of the first call, and of the second, which has an audit."""
    loss, optimizer, args = model()
    f, times = jit(loss, backend=backend), [cpu_seconds()]
    with f.training(optimizer) as step:
        for _ in range(2):
            step(*args)
            times.append(cpu_seconds())
    return np.diff(times)


def later(model, backend, seconds):
    """The share of audits in the time of calls after the first ones, in so many seconds."""
    loss, optimizer, args = model()
    f = jit(loss, backend=backend)
    with f.training(optimizer) as step:
        for _ in range(2):
            step(*args)
        until, before = time.monotonic() + seconds, f._seconds
        while time.monotonic() < until:
            step(*args)
    return f._audit_seconds / (f._seconds - before)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["numpy", C])
@pytest.mark.parametrize("name", MODELS)
def test_what_audits_cost(name, backend, cells, tries, monkeypatch, tmp_path):
    model = MODELS[name]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "compared"))
    first, compared = first_calls(model, backend)
    shares = [later(model, backend, seconds) for seconds in tries((), (20.0,))]
    monkeypatch.setattr(Jit, "rows", lambda *args: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "traced"))
    traced_first, traced = first_calls(model, backend)
    cells(
        "What audits cost: a first call with the audit of the second beside the first call alone, "
        f"CPU time; and later ones, which may have {AUDITS:.0%} of the time of calls",
        f"{name}, {backend}",
        hurt="whoever tries something out, and waits twice",
        first_call=f"{first * 1e3:,.0f} ms",
        with_an_audit=f"{1 + compared / first:.2f}",
        of_the_trace_alone=f"{1 + traced / traced_first:.2f}",
        later=", ".join(f"{share:.1%}" for share in shares) or "–",
    )
    assert all(share < 2 * AUDITS for share in shares)
