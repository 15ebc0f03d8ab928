"""The backends of the jit, as parameters of tests; those that cannot run here are skipped."""

import importlib.util
import shutil

import pytest

HAS_CC = any(map(shutil.which, ("cc", "gcc", "clang")))
HAS_JAX = importlib.util.find_spec("jax") is not None
needs_a_c_compiler = pytest.mark.skipif(not HAS_CC, reason="needs a C compiler")
needs_jax = pytest.mark.skipif(not HAS_JAX, reason="needs JAX")

C, XLA = pytest.param("c", marks=needs_a_c_compiler), pytest.param("xla", marks=needs_jax)
ALL = ["numpy", C, XLA]


def others(names):
    """Rows (backend, name): all in C, and each fourth in XLA, which compiles for a second."""
    in_c = (pytest.param("c", name, marks=needs_a_c_compiler) for name in names)
    in_xla = (pytest.param("xla", name, marks=needs_jax) for name in [*names][::4])
    return [*in_c, *in_xla]
