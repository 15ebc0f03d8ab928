"""Gradients in eight threads at once, and in pools of processes: the same as one after another."""

import multiprocessing
import sys
import threading

import pytest
from processes import in_a_fresh_process

import micrograd.functional as F
from micrograd import Value, nn

THEME = "Threads and processes"

pytestmark = pytest.mark.slow

THREADS = 8
SHARED = nn.MLP(3, [4, 1], act="tanh", seed=0)  # made before any fork, and read by all threads


def task(seed):
    """Inputs of its own for each seed."""
    return [((seed * k) % 17 - 8) / 4 for k in (1, 5, 11)]


def input_gradients(seed):
    """The gradients of leaves of one's own, by way of parameters that all others use as well."""
    x = [Value(number) for number in task(seed)]
    F.logsumexp([SHARED(x), x[0] * x[1] - x[2] ** 2, F.max(x)]).backward()
    return [v.grad for v in x]


def parameter_gradients(seed, model=None):
    """The gradients of a whole model of one's own."""
    model = model or nn.MLP(3, [4, 1], act="tanh", seed=seed)
    model.zero_grad()
    F.mse_loss([model(task(seed)), model(task(seed + 1))], [1.0, -1.0]).backward()
    return [p.grad for p in model.parameters()]


def of_a_model_received(model_and_seed):
    """The gradients of a model that came from another process."""
    model, seed = model_and_seed
    return parameter_gradients(seed, model)


@pytest.fixture
def frequent_switches():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


GRADIENTS = {"own inputs, shared parameters": input_gradients, "own models": parameter_gradients}


@pytest.mark.parametrize("name", GRADIENTS)
def test_threads_with_leaves_of_their_own(name, frequent_switches, tries, score):
    n, gradients = tries(200, 5_000), GRADIENTS[name]
    right = [gradients(seed) for seed in range(n)]
    found = [[] for _ in range(THREADS)]
    start = threading.Barrier(THREADS)

    def work(results):
        start.wait()
        results += [gradients(seed) for seed in range(n)]

    threads = [threading.Thread(target=work, args=(results,)) for results in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    exact = sum(a == b for results in found for a, b in zip(results, right))
    score(
        f"{THREADS} threads, {name}: {THREADS * n:,} backwards",
        "all exact",
        f"{exact:,}",
        hurt="a server, which has a thread for each request",
        peer="398 of 48,000 gradients kept",
    )
    assert exact == THREADS * n


def in_a_pool(method, n):
    """Gradients computed by three processes, and the same ones computed here."""
    seeds = range(n)
    models = [(nn.MLP(3, [4, 1], act="tanh", seed=seed), seed) for seed in seeds]
    with multiprocessing.get_context(method).Pool(3) as pool:
        there = [
            pool.map(input_gradients, seeds),
            pool.map(parameter_gradients, seeds),
            pool.map(of_a_model_received, models),
        ]
    return there, [
        list(map(input_gradients, seeds)),
        list(map(parameter_gradients, seeds)),
        list(map(of_a_model_received, models)),
    ]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_pools_of_processes(method, tries, score):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"the system has no {method}")
    n = tries(100, 2_000)
    there, here = in_a_fresh_process(in_a_pool, method, n)
    exact = sum(a == b for found, right in zip(there, here) for a, b in zip(found, right))
    score(
        f"a {method} pool, {3 * n:,} backwards",
        "as in one process",
        f"{exact:,} exact",
        hurt="who searches for settings with all cores",
    )
    assert exact == 3 * n
