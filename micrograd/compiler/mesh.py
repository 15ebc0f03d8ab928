"""Programs in XLA on several devices: each has its part of the examples, all have the parameters.

The devices are those of this process, or of all that jax.distributed has brought together, each of
which then makes the same calls with the same arguments.
"""

from __future__ import annotations

import hashlib
import reprlib
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from .emit.mesh import MeshEmitter, rows_of_each
from .errors import JitError
from .graph import examples
from .report import counted
from .xla import XLA, Ends, imported

if TYPE_CHECKING:
    from jax.sharding import Mesh

AXIS = "examples"  # of a mesh that is made here
IN_PROGRAMS = "another program", "other parameters", "other arguments"
IN_STEPS = (
    "other parameters or another state of the optimizer",
    "other arguments",
    "another optimizer, other settings of it or another number of steps",
)
ALIKE = ": all make the same calls, seeded alike, with the whole arrays"
WANTED = "devices is a number from 1, a list of JAX's devices, as [device], or a jax.sharding.Mesh"


class OnMesh(XLA):
    """A program on a mesh: over the devices along its first axis go the examples."""

    def __init__(self, layout: Ends, mesh: Mesh) -> None:
        from jax.sharding import NamedSharding, PartitionSpec

        self.mesh, self.axis = mesh, mesh.axis_names[0]
        self.parts, self.in_step = mesh.shape[self.axis], is_of_several_processes(mesh)
        self.digests: list[bytes] = []  # that the others were told last, and as a row
        self.row: Any = None
        self.everywhere = NamedSharding(mesh, PartitionSpec())
        self.by_rows = NamedSharding(mesh, PartitionSpec(self.axis))
        super().__init__(layout)

    def forward(self):
        if self.in_step and not self.runs:
            with self.settings():
                self.check_processes()
        return super().forward()

    def check_processes(self):
        """Raises JitError unless all processes begin with the same program and numbers."""
        if not self.has_all_processes():
            return
        constants = b"".join(x.tobytes() for x in self.constants.values())
        parts = self.text.encode() + constants, self.p.tobytes(), self.fed()
        rows = self.gathered(list(map(digest, parts)))
        if difference := difference_of(rows, IN_PROGRAMS):
            raise JitError(difference)

    def gathered(self, digests):
        """Those of each process."""
        from jax.experimental import multihost_utils

        rows = np.frombuffer(b"".join(digests), np.uint8).reshape(len(digests), -1)
        return multihost_utils.process_allgather(rows)

    def fed(self):
        return b"".join(x.tobytes() for x in self.x)

    def told(self, *parts):
        """One row of numbers for each device, by which a program finds that one has others."""
        if not self.in_step:
            return []
        digests = list(map(digest, parts))
        if digests != self.digests:
            words = np.frombuffer(digest(b"".join(digests)), "<u2")[:2].astype(float)
            rows = np.tile(np.append(words, words**2), (self.parts, 1))
            self.digests, self.row = digests, self.placed(rows, self.by_rows)
        return [self.row]

    def went_alike(self, alike):
        """The same; raises JitError if processes have other numbers, as all of them find."""
        if alike == alike:
            return super().went_alike(alike)
        rows = self.gathered(self.digests) if self.has_all_processes() else np.zeros((1, 1, 1))
        raise JitError(difference_of(rows, IN_STEPS) or f"a process has other numbers{ALIKE}")

    def has_all_processes(self):
        """Whether none is outside the mesh, where it cannot be asked."""
        found = {device.process_index for device in self.mesh.devices.flat}
        return len(found) == self.jax.process_count()

    def emitter(self, layout):
        emitter = MeshEmitter(layout, self.parts, self.in_step)
        self.messages, self.constants = emitter.messages, emitter.given
        return emitter

    def kernels(self):
        from .emit import mesh_kernels

        return super().kernels() | mesh_kernels.kernels(self.axis, self.parts)

    def compile(self):
        x = [self.sharding_of(block).spec for block in self.x]
        x += [self.by_rows.spec] * self.in_step
        forward, step = (
            self.on_each(self.names[name], [self.everywhere.spec] * first + x)
            for name, first in (("forward", 1), ("step", 2))
        )
        self.whole = step
        self.run_forward = self.jit(forward)
        self.run_backward = self.jit(lambda s, *given: step(s, *given)[2:])

    def on_each(self, function, specs):
        """A function of arrays on all devices, from one of those on each."""
        return self.jax.shard_map(
            function,
            mesh=self.mesh,
            in_specs=tuple(specs),
            out_specs=self.everywhere.spec,
            check_vma=False,  # what all_reduce returns is the same everywhere
        )

    def jit(self, function, **more):
        return super().jit(function, out_shardings=self.everywhere, **more)

    @property
    def platform(self):
        return self.mesh.devices.flat[0].platform

    def given_now(self):
        told = self.told(self.p.tobytes(), self.fed(), b"") if self.in_step else []
        return [self.put(self.p), *map(self.put_input, self.x), *told]

    def put(self, array):
        return self.placed(array.copy(), self.everywhere)

    def put_input(self, block):
        """A block of inputs; a table has its rows spread, the last one as often as it takes."""
        sharding = self.sharding_of(block)
        if sharding is self.everywhere:
            return self.put(block)
        more = rows_of_each(len(block), self.parts) * self.parts - len(block)
        return self.placed(np.append(block, np.repeat(block[-1:], more, axis=0), axis=0), sharding)

    def sharding_of(self, block):
        return self.by_rows if block.ndim == 2 else self.everywhere

    def placed(self, array, sharding):
        return self.jax.make_array_from_callback(array.shape, sharding, array.__getitem__)

    def explanation(self):
        counts = sorted({n for n in examples(self.layout.schedule.graph) if n > 1})
        of = " and ".join(map(self.part_of, counts))
        what = f"each with {of} examples" if counts else "which all do the same: no examples"
        reduced = " and one ".join(f"of {counted(n, 'number')}" for n in self.messages)
        what += f"; a step has one all-reduce {reduced}" if self.messages else ""
        emit, build = super().explanation()
        return [emit, ("mesh", f"{counted(self.parts, 'device')}, {what}"), build]

    def part_of(self, n):
        """How many of n examples a device has, for readers."""
        rows = rows_of_each(n, self.parts)
        return f"{'at most ' * (rows * self.parts > n)}{rows:,} of {n:,}"


def digest(x: bytes) -> bytes:
    return hashlib.sha256(x).digest()


def difference_of(digests: np.ndarray, names: tuple[str, ...]) -> str:
    """What the first process to have anything else than process 0 has, in a sentence, or nothing.

    `digests` are (processes, parts, bytes), of parts with these names.
    """
    differ = (digests != digests[0]).any(axis=2)
    if not differ.any():
        return ""
    i = int(differ.any(axis=1).argmax())
    what = " and ".join(name for name, other in zip(names, differ[i]) if other)
    return f"process {i} has {what} than process 0{ALIKE}"


def is_of_several_processes(mesh: Mesh) -> bool:
    return len({device.process_index for device in mesh.devices.flat}) > 1


def check_devices(devices: Any, backend: str) -> None:
    """Raises TypeError or ValueError unless it names devices, which need not be there yet."""
    if devices is None:
        return
    if backend != "xla":
        raise ValueError(f"devices are for the backend 'xla', got backend {backend!r}")
    if isinstance(devices, (int, np.integer)) and not isinstance(devices, bool):
        if devices < 1:
            raise ValueError(f"{WANTED}, got {devices}")
        return
    jax = sys.modules.get("jax")
    if jax and isinstance(devices, jax.sharding.Mesh):
        if not devices.axis_names:
            raise ValueError(f"{WANTED}, got a mesh without an axis")
        return
    if not isinstance(devices, (list, tuple, np.ndarray)):
        raise TypeError(f"{WANTED}, got {type(devices).__name__} {reprlib.repr(devices)}")
    found = np.array(devices, object).ravel().tolist()
    for device in found:
        if not (jax and isinstance(device, jax.Device)):
            raise TypeError(f"{WANTED}, got a list with {type(device).__name__} {device!r}")
    if not found or len(set(found)) < len(found):
        what = "a device twice" if found else "an empty list"
        raise ValueError(f"{WANTED}, got {what}")


def mesh_of(devices: Any) -> Mesh | None:
    """The mesh that checked devices are; starts JAX. Raises ValueError for more than there are."""
    if devices is None:
        return None
    jax = imported()
    if not isinstance(devices, jax.sharding.Mesh):
        if isinstance(devices, (int, np.integer)):
            devices = first_devices(jax, devices)
        devices = jax.sharding.Mesh(np.array(devices, object).ravel(), (AXIS,))
    devices = jax.sharding.Mesh(devices.devices, devices.axis_names)  # its axes of the plain type
    if not any(x.process_index == jax.process_index() for x in devices.devices.flat):
        raise ValueError(
            f"the devices are all of other processes: process {jax.process_index()} needs one of "
            f"its own among them, of {jax.local_devices()}"
        )
    return devices


def first_devices(jax, count):
    """The first of all devices."""
    found = jax.devices()
    if count > len(found):
        raise ValueError(
            f"devices={count}, but JAX has {counted(len(found), 'device')} here. A CPU can stand "
            f"for several: set XLA_FLAGS=--xla_force_host_platform_device_count={count} in the "
            "environment before JAX starts"
        )
    return found[:count]
