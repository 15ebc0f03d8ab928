"""Modules: shapes, parameters by name, state, and the weight files."""

import copy
import json
import os
import pickle

import numpy as np
import pytest

from micrograd import Value
from micrograd.nn import MLP, Layer, Module, Neuron, WeightsError
from micrograd.tensor import Tensor


def test_a_layer_of_one_neuron_inside_works():
    model = MLP(2, [3, 1, 4, 1], act="tanh", seed=0)
    y = model([1.0, 2.0])
    y.backward()
    assert isinstance(y, Value) and all(p.grad for p in model.parameters())


@pytest.mark.parametrize("x", [[1, 2], (1.0, 2.0), np.array([1.0, 2.0]), [Value(1), 2]], ids=repr)
def test_inputs_come_as_any_sequence_of_numbers(x):
    assert MLP(2, [2, 1], seed=0)(x).data == MLP(2, [2, 1], seed=0)([1, 2]).data


WRONG_INPUTS = [
    ([], "Neuron expects 3 inputs, got 0"),
    ([1, 2], "Neuron expects 3 inputs, got 2"),
    ([1, 2, 3, 4, 5], "Neuron expects 3 inputs, got 5"),
    (1.0, "Neuron expects 3 inputs, got 1"),
    (Value(1.0), "Neuron expects 3 inputs, got 1"),
    ({1: 1, 2: 2, 3: 3}, "Neuron expects 3 inputs in a list, tuple or array, got a dict"),
    ({1, 2, 3}, "Neuron expects 3 inputs in a list, tuple or array, got a set"),
    ("abc", "Neuron expects 3 inputs in a list, tuple or array, got a str"),
    (iter([1, 2, 3]), "Neuron expects 3 inputs in a list, tuple or array, got a list_iterator"),
    (None, "Neuron expects 3 inputs in a list, tuple or array, got a NoneType"),
]


@pytest.mark.parametrize("x, message", WRONG_INPUTS, ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("module", [Neuron(3), Layer(3, 2), MLP(3, [2, 1])], ids=str)
def test_other_numbers_of_inputs_are_refused(module, x, message):
    with pytest.raises(ValueError) as error:
        module(x)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "init, nin, nout, r",
    [
        ("unit", 12, 5, 1.0),
        ("lecun", 12, 5, 0.5),
        ("he", 24, 5, 0.5),
        ("glorot", 12, 12, 0.5),
        ("glorot", 20, 4, 0.5),
        (0.25, 3, 4, 0.25),
        (0, 3, 4, 0.0),
    ],
)
def test_first_weights_are_the_same_draws_within_a_reach_of_their_init(init, nin, nout, r):
    drawn = Layer(nin, nout, init=init, seed=1).parameters()
    assert [p.data for p in drawn] == [r * p.data for p in Layer(nin, nout, seed=1).parameters()]


def test_all_layers_of_an_mlp_start_by_their_own_numbers_of_inputs():
    model = MLP(3, [300, 1], init="lecun", seed=0)
    reaches = [max(abs(w.data) for n in layer.neurons for w in n.w) for layer in model.layers]
    assert reaches == pytest.approx([1.0, 0.1], rel=0.02)
    assert all(n.b.data == 0 for layer in model.layers for n in layer.neurons)


WRONG_SIZES = [
    (lambda: MLP(0, [1]), ValueError, "nin is at least 1, got 0"),
    (lambda: MLP(-1, [1]), ValueError, "nin is at least 1, got -1"),
    (lambda: MLP(2, []), ValueError, "MLP needs nouts with at least one layer, got none"),
    (lambda: MLP(2, [0]), ValueError, "nout is at least 1, got 0"),
    (lambda: MLP(2, [1.5]), TypeError, "nout is a whole number, got float 1.5"),
    (lambda: MLP("2", [1]), TypeError, "nin is a whole number, got str '2'"),
    (lambda: Neuron(True), TypeError, "nin is a whole number, got bool True"),
    (
        lambda: Neuron(2, act="rleu"),
        ValueError,
        "act is one of relu, tanh, sigmoid, softplus, linear, or a function, got 'rleu'",
    ),
]


@pytest.mark.parametrize("call, kind, message", WRONG_SIZES)
def test_wrong_sizes_are_refused(call, kind, message):
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message


@pytest.mark.parametrize("act", ["relu", "tanh", "sigmoid", "softplus"])
def test_act_is_applied_except_in_the_last_layer(act):
    model = MLP(1, [1, 1], act=act, seed=1)
    hidden, last = (layer.neurons[0] for layer in model.layers)
    inner = getattr(hidden.w[0] * 2 + hidden.b, act)()
    assert model([2.0]).data == (last.w[0] * inner + last.b).data


class Tied(Module):
    def __init__(self):
        w = Value(1.0)
        self.layers = {"first": [w, Value(2.0)], "second": (w, Neuron(1, seed=0))}
        self.scale, self.name, self.cache = Value(3.0), "tied", w * 2


def test_parameters_are_the_leaves_found_once_each():
    names = [name for name, _ in Tied().named_parameters()]
    assert names == [
        "layers.first.0", "layers.first.1", "layers.second.1.w.0", "layers.second.1.b", "scale",
    ]  # fmt: skip
    assert [name for name, _ in MLP(1, [1]).named_parameters()] == [
        "layers.0.neurons.0.w.0", "layers.0.neurons.0.b",
    ]  # fmt: skip


def test_parameters_are_found_in_tensors_and_arrays():
    class Linear(Module):
        def __init__(self):
            self.W, self.b = Tensor.randn(2, 2, seed=0), Tensor(1.0)
            self.array, self.data = np.array([Value(1.0)]), np.ones(3)

    names = [name for name, _ in Linear().named_parameters()]
    assert names == ["W.0", "W.1", "W.2", "W.3", "b.0", "array.0"]


def test_zero_grad_clears_every_gradient():
    model = MLP(2, [2, 1], seed=0)
    model([1, 1]).backward()
    model.zero_grad()
    assert {p.grad for p in model.parameters()} == {0.0}


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_modules_copy_and_pickle(duplicate):
    model = MLP(2, [3, 1], seed=5)
    twin = duplicate(model)
    twin.parameters()[0].data += 1
    assert twin([1, 2]).data != model([1, 2]).data
    twin.load_state_dict(model.state_dict())
    assert twin([1, 2]).data == model([1, 2]).data


def test_saved_weights_come_back_to_the_last_digit(tmp_path):
    model, other = MLP(2, [3, 1], seed=1), MLP(2, [3, 1], seed=2)
    model.save(tmp_path / "w.json")
    other.load(tmp_path / "w.json")
    assert other.state_dict() == model.state_dict()
    assert os.listdir(tmp_path) == ["w.json"]


MODEL = MLP(1, [1], seed=0)
W, B = "layers.0.neurons.0.w.0", "layers.0.neurons.0.b"
MISFITS = [
    ({W: 1.0}, f"weights do not fit: missing {B}, unexpected none"),
    ({W: 1.0, B: 0.0, "x": 1.0}, "weights do not fit: missing none, unexpected x"),
    ({W: 1.0, B: float("nan")}, f"weight '{B}' is nan, not a finite number"),
    ({W: float("inf"), B: 0.0}, f"weight '{W}' is inf, not a finite number"),
    ({W: "1.0", B: 0.0}, f"weight '{W}' is '1.0', not a finite number"),
    ({W: None, B: 0.0}, f"weight '{W}' is None, not a finite number"),
    ({W: True, B: 0.0}, f"weight '{W}' is True, not a finite number"),
    ([1.0, 0.0], "weights are a mapping of names to numbers, got list"),
]


@pytest.mark.parametrize("state, message", MISFITS, ids=lambda x: str(x)[:40])
def test_a_state_that_does_not_fit_changes_nothing(state, message):
    before = MODEL.state_dict()
    with pytest.raises(WeightsError) as error:
        MODEL.load_state_dict(state)
    assert (str(error.value), MODEL.state_dict()) == (message, before)


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    model = MLP(1, [1], seed=0)
    model.save(tmp_path / "w.json")
    model.parameters()[0].data = float("inf")
    with pytest.raises(WeightsError, match=r"weight 'layers.0.neurons.0.w.0' is inf"):
        model.save(tmp_path / "w.json")
    assert MLP(1, [1]).load(tmp_path / "w.json") is None


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        MLP(1, [1]).load(tmp_path / "none.json")


def test_saved_weights_are_json_that_says_what_it_is(tmp_path):
    MODEL.save(tmp_path / "w.json")
    content = json.loads((tmp_path / "w.json").read_text())
    assert (content["format"], content["version"]) == ("micrograd weights", 1)
    assert content["weights"] == MODEL.state_dict()
