"""The jit's programs in C: the engine's numbers, mostly to the bit; how they are built and kept."""

import math
import pickle
import random
import shutil
import threading

import numpy as np
import pytest
from benchmarks import transformer
from optable import OPS
from processes import printed

import micrograd.functional as F
from micrograd import Value, data, nn, optim
from micrograd.compiler import jit
from micrograd.function import Function
from micrograd.train import fit

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="needs a C compiler"
)
EDGES = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 1e308, 5e-324, 800.0, -800.0]


def every_operation(points):
    """Each operation at its points, and going back from each result alone."""
    return [op.compute(*xs) for op, rows in zip(OPS, points) for xs in rows]


def answers(function, points):
    """(value, gradients) for each point."""
    leaves = [[list(map(Value, xs)) for xs in rows] for rows in points]
    found, ends = [], [xs for rows in leaves for xs in rows]
    for y, xs in zip(function(leaves), ends, strict=True):
        y.backward()
        found.append([y.data, *(x.grad for x in xs)])
    return found


@pytest.mark.parametrize("copies", [1, 9])
def test_all_operations_have_the_engines_bits(copies):
    rng = random.Random(copies)
    compiled = jit(every_operation, backend="c")
    for _ in range(10):
        points = [[[rng.uniform(*ends) for ends in op.ranges] for _ in range(copies)] for op in OPS]
        for xs, ys in zip(answers(compiled, points), answers(every_operation, points)):
            assert xs == pytest.approx(ys, rel=1e-13, abs=0) if copies > 1 else xs == ys


@pytest.mark.slow
@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
@pytest.mark.parametrize("copies", [1, 9])
def test_edge_values_come_out_as_in_the_engine(op, copies):
    n = len(op.ranges)

    def total(*xs):
        return F.sum(op.compute(*xs[i : i + n]) for i in range(0, len(xs), n))

    compiled = jit(total, backend="c")
    for i, x in enumerate(EDGES):
        point = [[x, *(EDGES[(i + 3 * j) % len(EDGES)] for j in range(1, n))] * copies]
        (xs,), (ys,) = (
            answers(lambda rows, f=f: [f(*rows[0][0])], [point]) for f in (compiled, total)
        )
        assert xs == pytest.approx(ys, rel=1e-12, nan_ok=True), point


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        if x > 100:
            raise OverflowError("too large for a cube")
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 3 * x * x * grad


def test_a_function_of_ones_own_is_called_back_and_may_raise():
    f = jit(lambda *xs: F.sum([Cube.apply(x) * Cube.apply(2.0) for x in xs]), backend="c")
    for numbers in ((1.0, 2.0), (-3.0, 5.0)):
        found = []
        for function in (f, f.function):
            xs = [Value(x) for x in numbers]
            y = function(*xs)
            y.backward()
            found.append([y.data, *(x.grad for x in xs)])
        assert found[0] == found[1]
    with pytest.raises(OverflowError, match="too large for a cube"):
        f(Value(1.0), Value(101.0))
    assert f(1.0, 1.0).data == 16.0


def test_comparisons_are_guards():
    f = jit(lambda a, b: a - b if a < b else b * a if b >= 0 else a, backend="c")
    for a, b in [(1.0, 2.0), (2.0, 1.0), (3.0, -1.0), (math.nan, 1.0), (1.0, math.nan)] * 2:
        assert f(a, b).data == pytest.approx(f.function(Value(a), Value(b)).data, nan_ok=True)


OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-3),
    "Adam": lambda p: optim.Adam(p, lr=optim.linear(0.05, 0.005, 30)),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_training_has_the_losses_and_weights_of_the_engine(optimizer):
    X, y = data.moons(20, seed=0)
    runs = []
    for backend in (False, "c"):
        model = nn.MLP(2, [8, 1], seed=0)
        made = OPTIMIZERS[optimizer](model.parameters())
        history = fit(model, X, 2 * y - 1, made, steps=30, progress=False, jit=backend)
        runs.append([*history.losses, *(p.data for p in model.parameters())])
    assert runs[1] == pytest.approx(runs[0], rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_many_steps_are_as_many_single_ones(optimizer):
    X, y = data.moons(20, seed=0)
    rows, runs = X.tolist(), []
    for backend in ("numpy", "c"):
        model = nn.MLP(2, [4, 1], seed=0)
        loss = jit(lambda m=model: F.hinge_loss([m(x) for x in rows], 2 * y - 1), backend=backend)
        made = OPTIMIZERS[optimizer](model.parameters())
        with loss.training(made) as step:
            losses = [step() for _ in range(5)] if backend == "numpy" else []
            for n in (37,) if backend == "numpy" else (1, 4, 17, 0, 20):
                losses += [step() for _ in range(n)] if backend == "numpy" else step.many(n)
        assert made.steps == 42
        runs.append([*losses, *(x for p in model.parameters() for x in (p.data, p.grad))])
    assert runs[1] == pytest.approx(runs[0], rel=1e-12, abs=1e-15)


def test_many_steps_of_many_batches_are_as_many_single_ones():
    X, y = data.moons(40, seed=0)
    batches = np.random.default_rng(0).integers(0, 40, (30, 8))
    runs = []
    for backend in ("numpy", "c"):
        model = nn.MLP(2, [4, 1], seed=0)
        loss = jit(lambda X, y, m=model: F.mse_loss([m(x) for x in X], y), backend=backend)
        with loss.training(optim.Adam(model.parameters(), lr=0.01)) as step:
            runs.append([*step.many(batches, X, 2.0 * y), *(p.data for p in model.parameters())])
    assert runs[1] == pytest.approx(runs[0], rel=1e-12, abs=1e-15)


def test_a_program_reads_as_c_without_text_of_the_user():
    x = Value(1.0, label='*/ system("rm"); //')
    f = jit(lambda x: (x * Value(2.0, label='"; exit(1);')).tanh(), backend="c")
    f(x)
    assert "int backward(" in f.program and "floats_tanh(v[" in f.program
    assert not any(word in f.program for word in ("system", "exit"))
    assert "lines of C forward" in f.explain()
    assert type(pickle.loads(pickle.dumps(jit(nn.MLP(1, [1]), backend="c")))).__name__ == "Jit"


LOADING = """
from micrograd.compiler import jit

def state(tiny, zero):
    return tiny / 1e10, -zero, tiny * 1e-320, (-tiny) * 1e-320, 1e16 + (1.0 + tiny)

before = state(1e-308, 0.0)
f = jit(lambda x: x * 0.5, backend="c")
nan = float("inf") * 0
print(f(1e-310).data, f(-0.0).data, f(nan).data, before, state(1e-308, 0.0))
"""


@pytest.mark.parametrize(
    "compiler", ["", "gcc -Ofast", "gcc -ffast-math", "gcc -funsafe-math-optimizations"]
)
def test_loading_a_program_changes_nothing_in_the_process(compiler, monkeypatch):
    if not shutil.which(compiler.partition(" ")[0] or "cc"):
        pytest.skip("needs gcc")
    monkeypatch.setenv("CC", compiler)
    state = "(1e-318, -0.0, 0.0, -0.0, 1e+16)"
    assert printed(LOADING).strip() == f"5e-311 -0.0 nan {state} {state}"


def test_threads_can_run_programs_side_by_side():
    f, found = jit(lambda x: (x * x).tanh(), backend="c"), []
    f(1.0)

    def work():
        found.extend(f(0.5).data for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [Value(0.25).tanh().data] * 200


@pytest.mark.slow
def test_the_transformer_trains_as_in_the_engine():
    tokens = transformer.tokens(transformer.NAMES[0])
    runs = []
    for compiled in (False, True):
        loss, optimizer = transformer.by_scalars()
        if compiled:
            with jit(loss, backend="c").training(optimizer) as step:
                runs.append([step(tokens) for _ in range(4)])
        else:
            runs.append(
                [float(transformer.training_step(loss, optimizer, tokens)()) for _ in range(4)]
            )
    assert runs[1] == pytest.approx(runs[0], rel=1e-13)
