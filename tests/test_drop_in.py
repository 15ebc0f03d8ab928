"""Code written for the well-known micrograd runs unchanged, and gives the same digits."""

import random

import numpy as np
import pytest
from sklearn.datasets import make_moons

from micrograd import Value, nn
from micrograd.engine import Value as EngineValue
from micrograd.nn import MLP, Layer, Module, Neuron

FIRST_LOSS = 0.8958441028683222  # of the original's own demo notebook


def moons_demo(steps):
    """The demo as people wrote it, and its losses; seeds 1337."""
    np.random.seed(1337)
    random.seed(1337)
    X, y = make_moons(n_samples=100, noise=0.1)
    y = y * 2 - 1
    model = MLP(2, [16, 16, 1])
    losses = []
    for k in range(steps):
        inputs = [list(map(Value, xrow)) for xrow in X]
        scores = list(map(model, inputs))
        data_loss = sum((1 + -yi * scorei).relu() for yi, scorei in zip(y, scores)) * (1.0 / len(y))
        reg_loss = 1e-4 * sum(p * p for p in model.parameters())
        total_loss = data_loss + reg_loss
        model.zero_grad()
        total_loss.backward()
        learning_rate = 1.0 - 0.9 * k / 100
        for p in model.parameters():
            p.data -= learning_rate * p.grad
        losses.append(total_loss.data)
    return losses, model


def test_the_moons_demo_starts_at_the_originals_loss():
    losses, model = moons_demo(1)
    assert losses == [FIRST_LOSS]
    assert len(model.parameters()) == 337


def test_the_moons_demo_has_the_same_digits_on_every_run():
    assert moons_demo(5)[0] == moons_demo(5)[0]


def test_a_seed_gives_the_numbers_of_the_global_generator():
    random.seed(1337)
    assert MLP(2, [3, 1]).state_dict() == MLP(2, [3, 1], seed=1337).state_dict()


def test_names_are_where_people_import_them_from():
    assert Value is EngineValue and nn.MLP is MLP
    assert all(issubclass(c, Module) for c in (Neuron, Layer, MLP))


REPRS = [
    (Neuron(2), "ReLUNeuron(2)"),
    (Neuron(16, nonlin=False), "LinearNeuron(16)"),
    (Neuron(3, act="tanh"), "TanhNeuron(3)"),
    (Neuron(3, act=Value.sin), "sinNeuron(3)"),
    (Layer(2, 2), "Layer of [ReLUNeuron(2), ReLUNeuron(2)]"),
    (MLP(2, [1, 1]), "MLP of [Layer of [ReLUNeuron(2)], Layer of [LinearNeuron(1)]]"),
]


@pytest.mark.parametrize("module, text", REPRS)
def test_modules_print_as_the_originals_do(module, text):
    assert repr(module) == text


def test_the_attributes_people_use():
    n = Neuron(2, nonlin=False)
    assert ([type(w) for w in n.w], n.b.data, n.nonlin) == ([Value, Value], 0.0, False)
    model = MLP(3, [4, 4, 1])
    assert len(model.layers) == 3 and len(model.layers[0].neurons) == 4
    assert isinstance(model([2.0, 3.0, -1.0]), Value)
    assert isinstance(Layer(2, 3)([1, 2]), list)


def test_values_take_children_and_labels_by_keyword():
    a = Value(2.0, label="a")
    assert Value(4.0, _children=(a,), _op="double")._prev == Value(4.0, children=(a,))._prev == (a,)


def test_the_trace_that_people_copy_finds_nodes_and_edges():
    def trace(root):
        nodes, edges = set(), set()

        def build(v):
            if v not in nodes:
                nodes.add(v)
                for child in v._prev:
                    edges.add((child, v))
                    build(child)

        build(root)
        return nodes, edges

    a, b = Value(2.0), Value(-3.0)
    nodes, edges = trace(a * b + a)
    assert (len(nodes), len(edges)) == (4, 4)
    assert sorted(n._op for n in nodes) == ["", "", "*", "+"]


def test_a_neuron_equals_its_sum_written_out_to_the_last_digit():
    rng = random.Random(0)
    neuron = Neuron(16, nonlin=False, seed=1)
    x = [rng.uniform(-1, 1) for _ in range(16)]
    assert neuron(x).data == sum((w * xi for w, xi in zip(neuron.w, x)), neuron.b).data


def test_an_optimizer_may_keep_its_numbers_on_the_parameters():
    """As EurekaLabs' AdamW does."""
    parameters = MLP(2, [3, 1], seed=0).parameters()
    for p in parameters:
        p.m, p.v = 0.0, 1.0
    y = sum(parameters)
    y.note = "a computed Value takes attributes too"
    assert [(p.m, p.v) for p in parameters] == [(0.0, 1.0)] * len(parameters)


def test_values_are_made_with_local_slopes_as_in_microgpt():
    x, w = Value(3.0), Value(-2.0)
    y = Value(x.data * w.data, (x, w), (w.data, x.data))
    y.backward()
    assert (y._children, x.grad, w.grad) == ((x, w), -2.0, 3.0) and x._children == ()
    named = Value(9.0, children=(x,), local_grads=(6.0,))
    named.backward()
    assert x.grad == -2.0 + 6.0


def test_a_backward_that_was_read_keeps_its_meaning_when_another_one_is_set():
    x = Value(3.0)
    y = x * x
    first = y._backward
    calls = []

    def second():
        calls.append(y.grad)
        first()

    y._backward = second
    assert y._backward is second
    y.backward()
    assert (x.grad, calls) == (6.0, [1.0])


def test_the_backward_of_a_leaf_does_nothing_until_it_is_set():
    x, seen = Value(3.0), []
    x._backward()
    assert x.grad == 0.0
    x._backward = lambda: seen.append(x.grad)
    (x * x).backward()
    (x * x).backward()
    assert seen == [6.0, 12.0]  # a leaf still accumulates


@pytest.mark.parametrize(
    "number",
    [np.array(2.5), np.float32(2.5), np.array(2.5, dtype="f2"), np.int8(2), np.array(True)],
)
def test_an_array_without_axes_is_a_number(number):
    wanted = float(number)
    assert Value(number).data == wanted and type(Value(number).data) is float
    x = Value(1.0)
    for y in (x + number, number + x, x * number, number * x, x - number, x / number, x**number):
        assert type(y) is Value
    assert ((x + number) * number).data == (1.0 + wanted) * wanted


@pytest.mark.parametrize("package", ["torch", "jax.numpy"])
def test_an_array_of_another_package_without_axes_is_a_number(package):
    array = pytest.importorskip(package).asarray(2.5)
    assert Value(array).data == 2.5 and (Value(1.0) + array).data == 3.5
    with pytest.raises(TypeError, match="real number"):
        Value(pytest.importorskip(package).asarray([2.5]))


def test_a_value_that_is_only_traced_is_refused():
    jax = pytest.importorskip("jax")
    with pytest.raises(TypeError, match="real number"):
        jax.jit(lambda x: Value(x).data)(1.0)
