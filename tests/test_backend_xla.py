"""The jit's programs in XLA: the engine's numbers, closely; JAX and its settings left alone."""

import functools
import math
import random
import re
import sys
from types import ModuleType

import numpy as np
import pytest
from backends import needs_jax
from meshes import answer
from optable import OPS
from processes import printed
from test_backend_c import EDGES, OPTIMIZERS, Cube, answers, every_operation

import micrograd.functional as F
from micrograd import Value, data, nn, optim
from micrograd.compiler import JitError, batched, grad, jit

TINY = sys.float_info.min  # smaller ones are zero in XLA


@needs_jax
def test_all_operations_have_the_engines_numbers():
    rng = random.Random(0)
    compiled = jit(every_operation, backend="xla")
    for _ in range(10):
        points = [[[rng.uniform(*ends) for ends in op.ranges] for _ in range(3)] for op in OPS]
        for xs, ys in zip(answers(compiled, points), answers(every_operation, points)):
            assert xs == pytest.approx(ys, rel=1e-13, abs=0)


@needs_jax
def test_edge_values_come_out_as_in_the_engine():
    edges = [x for x in EDGES if not 0 < abs(x) < TINY]
    compiled = jit(every_operation, backend="xla")
    for i, x in enumerate(edges):
        turned = [edges[(i + 3 * j) % len(edges)] for j in range(len(edges))]
        points = [[[x, *turned[1 : len(op.ranges)]]] for op in OPS]
        both = answers(compiled, points), answers(every_operation, points)
        for op, xs, ys in zip(OPS, *both):
            assert xs == pytest.approx(ys, rel=1e-12, abs=TINY, nan_ok=True), (op.name, x)


@needs_jax
def test_sums_are_those_of_twice_the_digits():
    f = jit(lambda *xs: [F.sum(xs), F.mean(xs), F.sum(xs[:2])], backend="xla")
    for xs in ([1e16, 1.0, -1e16, 3.0], [0.1] * 4, [1.5e308, 1.5e308, -1.5e308, 0.0]):
        assert [y.data for y in f(*xs)] == [y.data for y in f.function(*map(Value, xs))]


@needs_jax
def test_comparisons_are_guards():
    f = jit(lambda a, b: a - b if a < b else b * a if b >= 0 else a, backend="xla")
    for a, b in [(1.0, 2.0), (2.0, 1.0), (3.0, -1.0), (math.nan, 1.0), (1.0, math.nan)] * 2:
        assert f(a, b).data == pytest.approx(f.function(Value(a), Value(b)).data, nan_ok=True)


@needs_jax
def test_gradients_that_need_care_get_it():
    f = jit(lambda x: [(x - 1.0).relu() * x.log(), F.softmax([x, 2.0 * x])[0]], backend="xla")
    for x in (0.0, 2.0, math.inf):
        found = []
        for function in (f, f.function):
            leaf = Value(x)
            one, other = function(leaf)
            (one + other).backward()
            found.append([one.data, other.data, leaf.grad])
        assert found[0] == pytest.approx(found[1], rel=1e-13, nan_ok=True)


@needs_jax
def test_results_that_lead_to_others_have_their_gradients():
    f = jit(lambda a, b: (c := a * b, c.tanh(), a), backend="xla")
    found = []
    for function in (f, f.function):
        a, b = Value(0.5), Value(-2.0)
        c, d, e = function(a, b)
        (c * d + e).backward()
        found.append([x.grad for x in (a, b, c, d)])
    assert found[0] == pytest.approx(found[1], rel=1e-13)


@needs_jax
def test_a_function_of_ones_own_makes_it_a_program_in_numpy():
    f = jit(lambda *xs: F.sum([Cube.apply(x) * Cube.apply(2.0) for x in xs]), backend="xla")
    assert f(1.0, 2.0).data == 72.0
    assert "call_functions(" in f.program


@needs_jax
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_training_has_the_losses_and_weights_of_numpy(optimizer):
    X, y = data.moons(20, seed=0)
    rows, runs = X.tolist(), []
    for backend in ("numpy", "xla"):
        model = nn.MLP(2, [4, 1], seed=0)
        parameters = [*model.parameters(), Value(5.0)]  # one that the loss does not use
        loss = jit(lambda m=model: F.hinge_loss([m(x) for x in rows], 2 * y - 1), backend=backend)
        made = OPTIMIZERS[optimizer](parameters)
        with loss.training(made) as step:
            losses = [step() for _ in range(5)]
            parameters[0].data += 0.5
            for n in (1, 4, 17, 0, 20):
                losses += step.many(n)
        assert made.steps == 47
        runs.append([*losses, *(x for p in parameters for x in (p.data, p.grad)), *made.state[0]])
    assert runs[1] == pytest.approx(runs[0], rel=1e-12, abs=1e-15)


@needs_jax
@pytest.mark.parametrize("classes", [False, True])
def test_many_steps_on_rows_of_arrays_are_as_many_single_ones(classes):
    X, y = data.blobs(30, seed=0)
    batches = np.random.default_rng(0).integers(-30, 30, (40, 8))
    runs = []
    for backend in ("numpy", "xla"):
        model = nn.MLP(2, [4, 3 if classes else 1], seed=0)

        def loss(X, y, scale, weights, model=model):
            scores = [model(x * scale) for x in X]
            error = F.cross_entropy(scores, y) if classes else F.mse_loss(scores, y)
            return error * weights[0] + weights[1]

        made = optim.Adam(model.parameters(), lr=optim.linear(0.1, 0.01, 40))
        with jit(loss, backend=backend).training(made) as step:
            arrays = X, y if classes else y.astype(float)
            more = {"scale": 0.5, "weights": np.array([2.0, 1.0, 0.0])}
            losses = step.many(batches, *arrays, **more)
            losses += step.many(batches[:7], X, arrays[1].copy(), **more | {"scale": 0.25})
        runs.append([*losses, *(p.data for p in model.parameters())])
    assert runs[1] == pytest.approx(runs[0], rel=1e-11)


def of_examples(n):
    """A program of so many examples, its loss and gradients."""
    X, y = data.moons(n, seed=0)
    model = nn.MLP(2, [16, 1], seed=0)
    tables = [Value(0.5), Value(0.25)]

    def loss(x, target):
        return F.hinge_loss([model(x)], [2.0 * target - 1.0]) * F.take(tables, target)

    found = []
    for backend in ("numpy", "xla"):
        f = jit(batched(loss), backend=backend)
        leaves = [*model.parameters(), *tables]
        for p in leaves:
            p.grad = 0.0
        answer = f(X, y)
        answer.backward()
        found.append([answer.data, *(p.grad for p in leaves)])
    return f, found


@needs_jax
def test_a_program_is_as_long_for_many_examples_as_for_few():
    programs = []
    for n in (1000, 2000):
        f, found = of_examples(n)
        assert found[1] == pytest.approx(found[0], rel=1e-12, abs=1e-16)
        programs.append(re.sub(rf"\b({n}|{2 * n}|{3 * n})\b", "n", f.program))
    assert programs[0] == programs[1]
    assert "jnp.maximum(" in f.program and "lines backward" in f.explain()


@needs_jax
def test_a_program_has_no_text_of_the_user():
    f = jit(lambda x: (x * Value(2.0, label='"; exit(1)#')).tanh(), backend="xla")
    f(Value(1.0, label="\n    exit()"))
    assert "def backward(s, h, p" in f.program and "exit" not in f.program


BESIDE = """
import jax, jax.numpy as jnp
from micrograd import Value, optim
from micrograd.compiler import jit

settings = dict(jax.config.values)
own = jax.jit(lambda x: x / 3)
before = own(jnp.array([1.0])).dtype, jnp.arange(2.0).dtype
w = Value(2.0)
f = jit(lambda: (w - 1.0) ** 2, backend="xla")
with f.training(optim.SGD([w], lr=0.1)) as step:
    step()
    inside = own(jnp.array([1.0])).dtype, jnp.arange(2.0).dtype
    step.many(3)
f().backward()
after = own(jnp.array([1.0])).dtype, jnp.arange(2.0).dtype
print(before == inside == after, before[0], settings == dict(jax.config.values))
"""


@needs_jax
def test_jax_beside_it_computes_as_before():
    assert printed(BESIDE).strip() == "True float32 True"


LOADING = """
import sys
from micrograd.compiler import jit
from micrograd import Value

def state(tiny, zero):
    return tiny / 1e10, -zero, tiny * 1e-320, (-tiny) * 1e-320, 1e16 + (1.0 + tiny)

before = state(1e-308, 0.0)
jit(lambda x: x * 0.5)(1.0)
print("jax" in sys.modules)
f = jit(lambda x: x * 0.5, backend="xla")
y = f(Value(-0.0))
y.backward()
print(y.data, (Value(1e-310) * 0.5).data, before, state(1e-308, 0.0))
"""


@needs_jax
def test_loading_jax_changes_nothing_in_the_process_and_happens_only_when_asked():
    state = "(1e-318, -0.0, 0.0, -0.0, 1e+16)"
    assert printed(LOADING).split("\n")[:2] == ["False", f"-0.0 5e-311 {state} {state}"]


def test_without_jax_there_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(JitError, match=r"needs JAX: pip install 'micrograd-lessons\[xla\]'"):
        jit(lambda x: x * 2, backend="xla")(1.0)


def test_beside_a_folder_of_its_name_there_is_the_same_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", ModuleType("jax"))
    with pytest.raises(JitError, match=r"needs JAX: pip install .* \(jax is a folder without it"):
        jit(lambda x: x * 2, backend="xla")(1.0)


AS_WRITTEN = {  # what XLA's algebra would compute otherwise, and where that shows
    "x / 1e308": (lambda x: x / 1e308, 1e308),
    "x / y / z": (lambda x: x / (2 * x) / (3 * x), 1e200),
    "x / (y / z)": (lambda x: x / ((2 * x) / (3 * x)), 1e200),
    "x + 1e9 - 1e9": (lambda x: (x + 1e9) - 1e9, 0.1),
    "x * 1e200 * 1e-200": (lambda x: (x * 1e200) * 1e-200, 1e200),
    "log(exp(x))": (lambda x: x.exp().log(), 720.0),
    "sqrt(x * x)": (lambda x: (x * x).sqrt(), 1e200),
    "exp(x) / exp(x)": (lambda x: x.exp() / x.exp(), 720.0),
    "exp(x)**0.5": (lambda x: x.exp() ** 0.5, 720.0),
    "log(x**800)": (lambda x: (x**800).log(), 0.3),
    "second derivative of 5e300 / x": (grad(grad(lambda x: 5e300 / x)), 5e200),
}


@needs_jax
def test_what_is_written_is_computed():
    functions, points = zip(*AS_WRITTEN.values())
    found = jit(lambda xs: [f(x) for f, x in zip(functions, xs)], backend="xla")(list(points))
    right = [f(Value(x)).data for f, x in AS_WRITTEN.values()]
    for name, y, z in zip(AS_WRITTEN, found, right):
        assert y.data == pytest.approx(z, rel=1e-13, abs=0, nan_ok=True), name


@needs_jax
@pytest.mark.parametrize(
    ("w", "x", "loss"),
    [
        (1e-155, 1.0, lambda w, x: (w * x) ** 2 / 1e-312),
        (1e-310, 1e300, lambda w, x: w * x + w),  # beside a gradient of 1e300
    ],
)
def test_an_audit_says_what_numbers_are_zero_in_xla(w, x, loss):
    f = jit(functools.partial(loss, Value(w)), backend="xla")
    with pytest.raises(JitError, match=r"takes numbers below 2.2e-308 for zero: use backend='c'"):
        for _ in range(3):
            f(x)


@needs_jax
def test_arrays_and_devices_of_jax_are_refused_with_what_to_write():
    import jax

    X = jax.numpy.ones(3)
    with pytest.raises(TypeError, match=r"np\.asarray\(X\) makes one .* got ArrayImpl"):
        jit(batched(lambda x: x * 2.0), backend="xla")(X)
    with pytest.raises(TypeError, match=r"as \[device\], .* got Device"):
        jit(abs, backend="xla", devices=jax.devices("cpu")[0])


SETTINGS = {
    "jax_numpy_rank_promotion": "raise",
    "jax_numpy_dtype_promotion": "strict",
    "jax_transfer_guard": "disallow",
    "jax_debug_nans": True,
}
UNDER_SETTINGS = """
import contextlib, json, math
import jax, numpy as np
from micrograd import Value, optim
from micrograd.compiler import batched, jit

def numbers(**how):
    w, (X, y) = Value(1.5), (np.arange(8.0), np.arange(8.0) % 3)
    f = jit(batched(lambda x, y: (w * x + w - y) ** 2), **how)
    found = []
    for _ in range(3):
        f(X, y).backward()
        found.append(w.grad)
    with f.training(optim.SGD([w], lr=1e-3)) as step:
        found += [step(X, y), step(X, y), *step.many(3, X, y)]
        found += step.many(np.array([[0, 1], [2, 3]]), X, y)
    return [*found, w.data, f(np.array([math.nan]), y[:1]).data]

@contextlib.contextmanager
def set_to(name, setting):
    before = getattr(jax.config, name)
    jax.config.update(name, setting)
    yield
    jax.config.update(name, before)

def agree(name):
    found = [numbers(backend="xla"), numbers(backend="xla", devices=4)]
    agreed[name] = np.allclose(found, numbers(), rtol=1e-12, atol=0, equal_nan=True)

agreed = {}
for name, setting in SETTINGS.items():
    with set_to(name, setting):
        agree(name)
with jax.set_mesh(jax.make_mesh((4,), ("i",))):
    agree("mesh")
print(json.dumps(agreed))
"""


@needs_jax
def test_the_users_settings_of_jax_change_nothing():
    agreed = answer(f"SETTINGS = {SETTINGS}\n{UNDER_SETTINGS}")
    assert agreed == dict.fromkeys([*SETTINGS, "mesh"], True)


@needs_jax
def test_inside_a_function_that_jax_traces_there_is_a_sentence():
    import jax

    w = Value(1.5)
    f = jit(lambda x: w * x, backend="xla")
    with pytest.raises(JitError, match="not inside a function that JAX traces"):
        jax.jit(lambda z: f(2.0).data * z)(1.0)
    y = f(2.0)
    y.backward()
    assert (y.data, w.grad) == (3.0, 2.0)
