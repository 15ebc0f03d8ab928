"""Names: what the numbers of a network are called in drawings, in the player, by gradcheck."""

import re
from collections import Counter
from xml.etree import ElementTree

import pytest

import micrograd.functional as F
from micrograd import Value, nn
from micrograd.engine import topological_order
from micrograd.gradcheck import GradientError, gradcheck
from micrograd.names import called
from micrograd.player import step_through
from micrograd.tensor import Tensor
from micrograd.viz import draw_dot


class Neuron(nn.Module):
    """A neuron as the video types it: a sum that starts at the bias, and tanh."""

    def __init__(self, nin):
        self.w = [Value(0.1 * i + 0.2) for i in range(nin)]
        self.b = Value(0.5)

    def __call__(self, x):
        return sum((w * x for w, x in zip(self.w, x)), self.b).tanh()


class Net(nn.Module):
    """Two layers under names of their own."""

    def __init__(self):
        self.hidden, self.out = nn.Layer(2, 2, seed=0, act="tanh"), nn.Neuron(2, False, seed=1)

    def __call__(self, x):
        return self.out(self.hidden(x))


def names_of(names, root):
    """The names found among the nodes of a graph, or their operations, in order."""
    nodes = topological_order(root)
    known = called(names, nodes)
    return [known.get(n, n._op) for n in nodes]


x = F.values([1.0, -2.0])
model = nn.MLP(2, [2, 1], act="tanh", seed=0)
NETWORK = (
    "w⁽²⁾₁,₁ w⁽²⁾₁,₂ w⁽¹⁾₁,₁ w⁽¹⁾₁,₂ x₁ x₂ b⁽¹⁾₁ z⁽¹⁾₁ h⁽¹⁾₁ "
    "w⁽¹⁾₂,₁ w⁽¹⁾₂,₂ b⁽¹⁾₂ z⁽¹⁾₂ h⁽¹⁾₂ b⁽²⁾₁ ŷ"
)


def test_a_network_calls_its_numbers_what_they_are():
    assert names_of({"x": x, "model": model}, model(x)) == NETWORK.split()


@pytest.mark.parametrize(
    "module, wanted",
    [
        (nn.Neuron(2, act="tanh", seed=0), "w₁ w₂ x₁ x₂ b z h"),
        (nn.Neuron(2, False, seed=0), "w₁ w₂ x₁ x₂ b h"),
        (nn.MLP(2, [1], seed=0), "w₁,₁ w₁,₂ x₁ x₂ b₁ ŷ"),
        (Neuron(2), "b w₁ x₁ * + w₂ x₂ * z h"),
    ],
    ids=["neuron", "linear neuron", "single layer", "neuron of another kind"],
)
def test_of_a_single_layer_no_layer_is_said(module, wanted):
    assert names_of({"x": x, "f": module}, module(x)) == wanted.split()


def test_several_outputs_are_told_apart():
    network = nn.MLP(2, [2, 3], seed=0)
    found = names_of({"f": network}, F.sum(network(x)))
    assert [name for name in found if "ŷ" in name] == ["ŷ₁", "ŷ₂", "ŷ₃"]


def test_several_modules_are_told_apart():
    f, g = nn.Neuron(1, seed=0), nn.Neuron(1, seed=1)
    found = names_of({"f": f, "g": g}, f(x[:1]) + g(x[:1]))
    wanted = "f.w₁ f.b f.z f.h g.w₁ g.b g.z g.h +"
    assert [name for name in found if name] == wanted.split()


def test_parts_of_a_module_keep_their_names():
    net = Net()
    found = names_of({"net": net}, net(x))
    assert {"hidden.w₁,₂", "hidden.b₂", "hidden.h₁", "out.w₂", "out.b", "out.h"} <= set(found)


def test_samples_are_counted_and_weight_decay_is_no_neuron():
    X = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    decay = sum(p * p for p in model.parameters()) * 0.1
    found = Counter(names_of({"f": model}, F.sum([model(x) for x in X]) + decay))
    for name in ("z⁽¹⁾₁", "h⁽¹⁾₁", "h⁽¹⁾₂", "ŷ"):
        assert [found[f"{name}#{i}"] for i in (1, 2, 3, 4)] == [1, 1, 1, 0]
    assert not [name for name in found if name.startswith(("z", "ŷ")) and "#" not in name]


@pytest.mark.parametrize(
    "total, is_sum",
    [
        (lambda v, w, b: v * w[0] + v * w[1] + b, True),
        (lambda v, w, b: F.sum([v * w[0], w[1] * v, b]), True),
        (lambda v, w, b: 0.0 + w[0] * v + w[1] * v + b, True),
        (lambda v, w, b: v * w[0] + v * w[0] + b, False),
        (lambda v, w, b: v * w[0] + v * w[1] + b * b, False),
        (lambda v, w, b: v * w[0] + v * w[1] + 5.0 + b, False),
        (lambda v, w, b: v * w[0] + v * w[1] + v * v + b, False),
        (lambda v, w, b: v * w[0] * w[1] + b, False),
    ],
)
def test_a_weighted_sum_has_each_weight_once_and_nothing_else(total, is_sum):
    neuron = nn.Neuron(2, False, seed=0)
    y = total(Value(3.0), neuron.w, neuron.b)
    assert ("h" in names_of({"f": neuron}, y)) == is_sum


def test_weight_decay_of_one_neuron_is_no_neuron():
    neuron = nn.Neuron(2, seed=0)
    decay = sum((p * p for p in neuron.parameters()), Value(0.0))
    assert "z" not in names_of({"f": neuron}, decay)


@pytest.mark.parametrize(
    "part, wanted",
    [
        (Value(1.0), ["a"]),
        ([Value(1.0), Value(2.0)], ["a₁", "a₂"]),
        ([[Value(1.0)], [Value(2.0), Value(3.0)]], ["a₁,₁", "a₂,₁", "a₂,₂"]),
        (tuple(Value(i) for i in range(11)), [*(f"a{c}" for c in "₁₂₃₄₅₆₇₈₉"), "a₁₀", "a₁₁"]),
        ({"w": Value(1.0), "u": [Value(2.0)]}, ["a.w", "a.u₁"]),
        (Tensor([[1.0, 2.0]]), ["a₁,₁", "a₁,₂"]),
        (Tensor([1.0, 2.0]).values, ["a₁", "a₂"]),
        ([], []),
    ],
    ids=repr,
)
def test_a_part_is_called_by_its_key_and_places(part, wanted):
    assert list(called({"a": part}, ()).values()) == wanted


@pytest.mark.parametrize("names", [[x], "x", {1: x}, {"x": 1.0}, {"x": [x, 2.0]}, {"x": None}])
def test_what_holds_no_values_is_refused(names):
    for use in (draw_dot, step_through, lambda y, names: gradcheck(abs, y, names=names)):
        with pytest.raises(TypeError, match=r"^names (is a dict|holds Values, got)"):
            use(Value(1.0), names=names)


def texts(drawing):
    return [t.text for t in ElementTree.fromstring(drawing.pipe("svg")).iter() if t.text]


def test_a_drawing_shows_names_and_constants_as_their_number():
    y = Value(2.0, label="mine") * x[0] + 0.25
    shown = texts(draw_dot(y, names={"x": x, "y": y}))
    assert {"mine", "x₁", "y", "0.25"} <= set(shown)
    assert [t.count("data") for t in shown].count(1) == 4  # not the constant, but the product
    assert "data 0.2500" in texts(draw_dot(y))


def test_names_are_known_in_a_spelt_out_graph():
    shown = texts(draw_dot(model(x), names={"x": x, "model": model}, expand=True))
    assert set(NETWORK.split()) <= set(shown)


def test_the_player_speaks_in_names():
    loss = (1.0 - model(x)).relu()
    player = step_through(loss, names={"x": x, "model": model, "loss": loss})
    told = str(player)
    assert "z⁽¹⁾₂ = w⁽¹⁾₂,₁·x₁ + w⁽¹⁾₂,₂·x₂ + b⁽¹⁾₂ = " in told
    assert "h⁽¹⁾₁ = tanh(z⁽¹⁾₁) = " in told and "v1 = 1 − ŷ = 1 − " in told
    assert "h⁽¹⁾₁ gets w⁽²⁾₁,₁ × upstream = " in told
    assert re.findall(r"\bv\d+\b", told) and not re.findall(r"\bv[2-9]\b", told)


def test_a_constant_is_never_the_one_to_nudge():
    a, big = Value(2.0), Value(100.0)
    y = a * big
    assert "add 0.001 to v2, and" in str(step_through(big * a))
    assert "add 0.001 to big, and" in str(step_through(y, names={"big": big, "y": y}))
    assert "add 0.001 to a, and" in str(step_through(y * 1000.0, names={"a": a}))
    assert str(step_through(y, names={})).endswith("All that v1 was computed from is constant.")


def test_gradcheck_names_the_parameter():
    def wrong(v):
        out = Value(3 * v.data, (v,), "triple")
        out._backward = lambda: None
        return out

    w = model.layers[0].neurons[1].w[0]
    with pytest.raises(GradientError, match=re.escape("input 0 (w⁽¹⁾₂,₁): backward gives 0, ")):
        gradcheck(wrong, w, names={"model": model})
