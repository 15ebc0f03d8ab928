"""One of several processes that train together: `python distributed.py COORDINATOR COUNT NUMBER`.

It prints what it found; then the last one waits to be killed, and the others go on training.
"""

import json
import sys
import time

import jax
import meshes
import numpy as np

from micrograd import Value, optim
from micrograd.compiler import JitError, batched, jit

coordinator, count, number = sys.argv[1], *map(int, sys.argv[2:])
jax.distributed.initialize(
    coordinator, count, number, initialization_timeout=200, heartbeat_timeout_seconds=10
)
devices = jax.devices()
found = {name: meshes.trained(name, devices)[0] for name in meshes.OF_PROCESSES}
try:
    alone = Value(float(number))
    jit(lambda: alone * 2.0, backend="xla", devices=devices)()
except JitError as error:
    found["alone"] = str(error)


def refusals():
    """What a step says, for each thing that the last process alone changes before it."""
    w, points = Value(1.0), np.arange(8.0)
    optimizer = optim.SGD([w], lr=1e-4, momentum=0.5)
    f = jit(batched(lambda x: (w * x - 1) ** 2), backend="xla", devices=devices)
    changes = {
        "lr": lambda: setattr(optimizer, "lr", 2e-4),
        "momentum": lambda: setattr(optimizer, "momentum", 0.9),
        "state": lambda: optimizer.state[0].fill(7.0),
        "data": lambda: setattr(w, "data", 3.0),
        "arguments": lambda: points.fill(9.0),
    }
    said: dict[str, float | str] = {}
    with f.training(optimizer) as step:
        step.many(20, points)
        for name, change in changes.items():
            kept = (
                w.data,
                optimizer.lr,
                optimizer.momentum,
                optimizer.state[0].copy(),
                points.copy(),
            )
            if number:
                change()
            said[name] = words_of(step, points)
            w.data, optimizer.lr, optimizer.momentum, optimizer.state[0][:], points[:] = kept
        said["steps"] = words_of(step.many, 3 + number, points)
        said["after in the engine"] = sum((w.data * x - 1) ** 2 for x in points) / len(points)
        said["after"] = step(points)
    with f.training((optim.Adam if number else optim.SGD)([w], lr=1e-4)) as step:
        said["kind"] = words_of(step, points)
    w.data += number
    said["call"] = words_of(f, points)
    return said


def words_of(function, *args):
    """What it raises."""
    try:
        function(*args)
    except JitError as error:
        return str(error)
    return "nothing"


found["refusals"] = refusals()
print(json.dumps({"devices": len(devices), "own": len(jax.local_devices()), **found}), flush=True)

loss, arguments, optimizer = meshes.CASES["classes"]()
with jit(loss, backend="xla", devices=devices).training(optimizer) as step:
    step.many(4, *arguments)
    while number < count - 1:
        step(*arguments)
    print("waiting", flush=True)
    time.sleep(1000)
