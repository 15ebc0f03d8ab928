"""Exports: bytes from which JAX computes the same numbers, without this package."""

import os
import subprocess
import sys

import numpy as np
import pytest
from backends import needs_jax

from micrograd import Value, nn
from micrograd.compiler import JitError, batched, jit

ELSEWHERE = """
import sys
import jax, numpy as np
jax.config.update("jax_enable_x64", True)
exported = jax.export.deserialize(bytearray(open(sys.argv[1], "rb").read()))
p, x = (np.array(line.split(), float) for line in sys.stdin.read().split(";"))
numbers, alike = exported.call(p, x)
print(*numbers.tolist(), bool(alike), "micrograd" in sys.modules)
"""


@needs_jax
@pytest.mark.slow
def test_bytes_compute_the_same_elsewhere(tmp_path):
    pytest.importorskip("flatbuffers")
    X, y = np.random.default_rng(0).normal(size=(5, 2)), np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    model = nn.MLP(2, [3, 1], act="tanh", seed=0)
    loss = batched(lambda x, t: (model(x) - t) ** 2)
    f = jit(lambda X, y, c: (c * loss(X, y), c), backend="xla")
    f(X, y, 2.0)
    parameters = model.parameters()
    (tmp_path / "loss.jax").write_bytes(f.export(parameters).serialize())
    for i, p in enumerate(parameters):
        p.data += 0.01 * i
    given = [p.data for p in parameters], [3.0, *X.ravel().tolist(), *y.tolist()]
    paths = [path for path in sys.path if "site-packages" in path]
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, tmp_path / "loss.jax"],
        input=";".join(" ".join(map(repr, numbers)) for numbers in given),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    number, c, *rest = done.stdout.split()
    assert float(number) == pytest.approx(3.0 * loss(X, y).data, rel=1e-13)
    assert [c, *rest] == ["3.0", "True", "False"]


@needs_jax
def test_what_is_no_parameter_stays_as_it_was_and_comparisons_are_told():
    a, b = Value(2.0), Value(3.0)
    f = jit(lambda x: x * a if x < b else x - a, backend="xla")
    f(1.0)
    exported = f.export([b])
    import jax

    with jax.enable_x64(True):
        found = [exported.call(np.array([edge]), np.array([5.0])) for edge in (6.0, 4.0)]
    assert [(numbers.tolist(), bool(alike)) for numbers, alike in found] == [
        ([10.0], True),
        ([10.0], False),
    ]


BAD = {
    "numpy": ("numpy", 1.0, [], JitError, 'needs a function of jit.…, backend="xla"'),
    "Value": ("xla", Value(1.0), [], JitError, "there are Values among them"),
    "parameter": ("xla", 1.0, ["w"], TypeError, "parameter 0 is str 'w'"),
}


@needs_jax
@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_exported_gets_a_sentence(name):
    backend, argument, parameters, error, words = BAD[name]
    f, w = jit(lambda x: x * w, backend=backend), Value(2.0)
    f(argument)
    with pytest.raises(error, match=words):
        f.export(parameters)
