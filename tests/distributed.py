"""One of several processes that train together: `python distributed.py COORDINATOR COUNT NUMBER`.

It prints what it found; then the last one waits to be killed, and the others go on training.
"""

import json
import sys
import time

import jax
import meshes

from micrograd import Value
from micrograd.compiler import JitError, jit

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
print(json.dumps({"devices": len(devices), "own": len(jax.local_devices()), **found}), flush=True)

loss, arguments, optimizer = meshes.CASES["classes"]()
with jit(loss, backend="xla", devices=devices).training(optimizer) as step:
    step.many(4, *arguments)
    while number < count - 1:
        step(*arguments)
    print("waiting", flush=True)
    time.sleep(1000)
