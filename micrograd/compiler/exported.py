"""Exports: the forward part of a program in XLA, for JAX, without this package."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine import Value
from .errors import JitError
from .run import Executable
from .xla import XLA

if TYPE_CHECKING:
    from jax.export import Exported


def exported(
    replay: Executable, parameters: Iterable[Value], platforms: Sequence[str] | None = None
) -> Exported:
    """See Jit.export()."""
    code, parameters = replay.program.code, list(parameters)
    if type(code) is not XLA:
        raise JitError('export() needs a function of jit(…, backend="xla"), on one device')
    if replay.arguments:
        raise JitError("export() needs arguments of floats and arrays; there are Values among them")
    for i, p in enumerate(parameters):
        if not isinstance(p, Value):
            what = f"{type(p).__name__} {reprlib.repr(p)}"
            raise TypeError(f"export() needs Values as parameters, parameter {i} is {what}")
    from jax import export, jit

    with code.settings():
        shapes = (len(parameters),), (sum(x.size for x in code.x),)
        given = [code.jax.ShapeDtypeStruct(shape, float) for shape in shapes]
        return export.export(jit(function_of(replay, code, parameters)), platforms=platforms)(
            *given
        )


def function_of(replay: Executable, code: XLA, parameters: Sequence[Value]) -> Any:
    """A pure function of the parameters and of all numbers in the arguments."""
    from jax import numpy as jnp

    leaves = replay.program.leaves
    slots = {leaf: slot for slot, leaf in enumerate(leaves)}
    used = [i for i, p in enumerate(parameters) if p in slots]
    at = [slots[parameters[i]] for i in used]
    data, ends = np.array([leaf.data for leaf in leaves]), np.cumsum([x.size for x in code.x])

    def forward(p, x):
        p = jnp.array(data).at[np.array(at, int)].set(p[np.array(used, int)])
        pieces = [
            piece.reshape(block.shape) for piece, block in zip(jnp.split(x, ends[:-1]), code.x)
        ]
        results, alike, _ = code.names["forward"](p, *pieces)
        return jnp.concatenate([p, x, results])[code.outputs], jnp.asarray(alike)

    return forward
