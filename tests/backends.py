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
