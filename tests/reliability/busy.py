"""Processes begun beside a jitted function that another thread keeps busy."""

import itertools
import math
import multiprocessing
import os
import pickle
import random
import select
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import TimeoutError as NoAnswer

import micrograd.functional as F
from micrograd import Value, nn, optim
from micrograd.compiler import jit

LIMIT = 60  # seconds, of a child that takes some hundredths of one
MODEL = nn.MLP(3, [4, 1], act="tanh", seed=0)
X, Y = [[0.5, -1.0, 2.0], [1.0, 0.25, -0.5]], [1.0, -1.0]


def loss(X, Y):
    return F.mse_loss([MODEL(x) for x in X], Y)


JITTED = {backend: jit(loss, backend=backend) for backend in ("numpy", "c")}


def answers(backend):
    """A loss and its gradients, then the losses of a training by a second jitted function.

    The parameters are as they were before.
    """
    before = [p.data for p in MODEL.parameters()]
    y = JITTED[backend](X, Y)
    MODEL.zero_grad()
    y.backward()
    found = [y.data, *(p.grad for p in MODEL.parameters())]
    for function in (jit(loss, backend=backend), JITTED[backend]):
        with function.training(optim.Adam(MODEL.parameters(), lr=0.01)) as step:
            found += [step(X, Y), step(X, Y), *step.many(5, X, Y)]
        for p, x in zip(MODEL.parameters(), before):
            p.data = x
    MODEL.zero_grad()
    return found


# What the other thread does, again and again.


def recording(backend):
    for n in itertools.count(1):
        JITTED[backend].forget()
        yield JITTED[backend](X * (1 + n % 3), Y * (1 + n % 3))


def replaying(backend):
    while True:
        yield JITTED[backend](X, Y).backward()


def compiling(backend):
    """A new program each time."""
    w = Value(0.5)
    while True:
        number = random.random()
        yield jit(lambda x: (w * x * number).tanh(), backend=backend)(1.0)  # noqa: B023


def training(backend):
    """Steps that are too small to change a parameter."""
    while True:
        with JITTED[backend].training(optim.SGD(MODEL.parameters(), lr=1e-300)) as step:
            for _ in range(5):
                yield step(X, Y)
            yield step.many(200, X, Y)


WORK = {work.__name__: work for work in (recording, replaying, compiling, training)}


# How a child begins; each returns its answers, or None if it hangs.


def by_fork(backend):
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writer, pickle.dumps(answers(backend)))
        finally:
            os._exit(0)
    os.close(writer)
    came, _, _ = select.select([reader], [], [], LIMIT)
    if not came:
        os.kill(child, signal.SIGKILL)
    with open(reader, "rb") as pipe:
        content = pipe.read()
    os.waitpid(child, 0)
    return pickle.loads(content) if came else None


def send(connection, backend):
    connection.send(answers(backend))


def by_process(method, backend):
    context = multiprocessing.get_context(method)
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=send, args=(sender, backend))
    child.start()
    sender.close()
    try:
        return receiver.recv() if receiver.poll(LIMIT) else None
    finally:
        child.kill()
        child.join()


def by_pool(method, backend):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
        try:
            return pool.submit(answers, backend).result(LIMIT)
        except NoAnswer:
            for child in multiprocessing.active_children():
                child.kill()
            return None


def by_subprocess(backend):
    program = f"import json, reliability.busy as b; print(json.dumps(b.answers({backend!r})))"
    path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, **path},
            capture_output=True,
            check=True,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired:
        return None
    return [float(x) for x in done.stdout.decode().strip("[]\n").split(",")]


def begun(way, backend):
    """What a child answers that begins in this way."""
    how, _, method = way.partition(", ")
    if how == "os.fork":
        return by_fork(backend)
    if how == "subprocess":
        return by_subprocess(backend)
    return {"multiprocessing": by_process, "concurrent.futures": by_pool}[how](method, backend)


def beside(work, backend, ways):
    """How many children were right, wrong, failed or hung, each begun while a thread does `work`.

    Then how often the thread did it meanwhile, and the error that ended it, if one did.
    """
    warnings.simplefilter("ignore", DeprecationWarning)  # newer versions warn of fork with threads
    right, rng, over, rounds, errors = answers(backend), random.Random(0), False, [], []

    def run():
        try:
            for _ in WORK[work](backend):
                rounds.append(1)
                if over:
                    return
        except BaseException as error:
            errors.append(repr(error))

    thread = threading.Thread(target=run)
    thread.start()
    counts = {"right": 0, "wrong": 0, "failed": 0, "hung": 0}
    try:
        for way in ways:
            time.sleep(rng.uniform(0, 0.01))
            counts[verdict(way, backend, right)] += 1
    finally:
        over = True
    thread.join(LIMIT)
    return counts, len(rounds), errors


def verdict(way, backend, right):
    try:
        found = begun(way, backend)
    except Exception:  # whatever it is: the child has none
        return "failed"
    return "hung" if found is None else "right" if close(found, right) else "wrong"


def close(xs, ys):
    return len(xs) == len(ys) and all(math.isclose(x, y, rel_tol=1e-12) for x, y in zip(xs, ys))
