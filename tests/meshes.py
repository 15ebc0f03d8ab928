"""Small trainings for tests on several devices, in a Python of their own: cases by name."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np

import micrograd.functional as F
from micrograd import nn, optim
from micrograd.compiler import batched, jit

QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"  # to compile


def environment(devices):
    """That of a process in which the processor stands for so many devices."""
    flags = f"{QUICK} --xla_force_host_platform_device_count={devices}"
    paths = os.pathsep.join(path for path in sys.path if path)
    return {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": paths}


def answer(program, devices=4):
    """What a program prints as JSON, in a process with so many devices."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(devices),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


def points(n):
    """Inputs (n, 2), and targets of -1 and 1."""
    X = np.random.default_rng(0).normal(size=(n, 2))
    return X, np.sign(X[:, 0] * X[:, 1])


def moons(n, kind):
    """A hinge loss and its optimizer, of examples that do not divide."""
    X, y = points(n)
    model = nn.MLP(2, [4, 1], seed=0)
    loss = batched(lambda x, t: (1 - t * model(x)).relu())
    return loss, (X, y), kind(model.parameters(), lr=0.1)


def classes():
    """Integers as targets, of classes."""
    model, rng = nn.MLP(2, [3], seed=0), np.random.default_rng(1)
    loss = batched(lambda x, t: F.cross_entropy(model(x), t))
    return (
        loss,
        (rng.normal(size=(6, 2)), rng.integers(0, 3, 6)),
        optim.SGD(model.parameters(), 0.1),
    )


def several():
    """Several outputs: a loss with a penalty, a logarithm of a mean, which needs that first, and
    the scores."""
    X, y = points(7)
    model = nn.MLP(2, [1], seed=0)
    squares = batched(lambda x, t: (model(x) - t) ** 2)

    def outputs(X, y):
        mean = squares(X, y)
        penalty = F.sum([p * p for p in model.parameters()])
        return mean.log() + 0.01 * penalty, penalty, mean

    return outputs, (X, y), optim.SGD(model.parameters(), 0.1, momentum=0.9)


CASES = {
    "moons, SGD": lambda: moons(9, optim.SGD),
    "moons as whole arrays, Adam": lambda: moons(1001, optim.Adam),
    "classes": classes,
    "several": several,
}
OF_PROCESSES = "classes", "moons as whole arrays, Adam"


def trained(name, devices):
    """The losses of some steps and the parameters then; what explain() says."""
    loss, (X, y), optimizer = CASES[name]()
    f = jit(loss, backend="xla", devices=devices)
    with f.training(optimizer) as step:
        first = step(X, y)
        losses = [*np.ravel(first).tolist(), *step.many(5, X, y)]
    return losses + [p.data for p in optimizer.parameters], f


def all_reduces(f):
    """How many all-reduces there are in a whole step, as it was compiled."""
    code = f.last().code
    with code.settings():
        compiled = code.jit(code.whole).lower(code.seeds.copy(), *code.given_now()).compile()
    return compiled.as_text().count(" all-reduce(")


@contextlib.contextmanager
def processes(count, devices=2):
    """So many processes with as many devices each, which train together until they are left.

    They are ended after some minutes, whatever they do.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:  # a port that is free
        coordinator = f"127.0.0.1:{server.getsockname()[1]}"
    program = Path(__file__).with_name("distributed.py")
    run = [
        subprocess.Popen(
            [sys.executable, program, coordinator, str(count), str(number)],
            env=environment(devices),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    alarm = threading.Timer(300, lambda: [process.kill() for process in run])
    alarm.start()
    try:
        yield run
    finally:
        alarm.cancel()
        for process in run:
            process.kill()
            process.communicate()


def line_of(process, start):
    """The first line that a process prints and that starts so."""
    for line in process.stdout:
        if line.startswith(start):
            return line
    raise AssertionError(process.stderr.read())
