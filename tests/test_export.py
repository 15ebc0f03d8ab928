"""The way out: weights as arrays by layer and back, and networks as ONNX files."""

import sys

import numpy as np
import pytest

from micrograd import Value, nn
from micrograd.nn import MLP, Layer, Module, Neuron, WeightsError

POINTS = np.random.RandomState(0).uniform(-4, 4, (2000, 2))
METHODS = [
    Value.exp,
    Value.sin,
    Value.cos,
    Value.abs,
    Value.sqrt,
    Value.log,
    Value.__neg__,
    Value.tanh,
]


def answers(path, X=POINTS):
    """What the reference implementation of ONNX computes."""
    reference = pytest.importorskip("onnx.reference")
    with np.errstate(all="ignore"):
        return reference.ReferenceEvaluator(str(path)).run(None, {"x": X})[0]


def outputs(model, X=POINTS):
    return np.array([[y.data for y in listed(model(x))] for x in X])


def listed(y):
    return [y] if isinstance(y, Value) else y


@pytest.mark.parametrize(
    "act", [*nn.ACTIVATIONS, *METHODS], ids=lambda act: getattr(act, "__name__", act)
)
def test_onnx_computes_what_the_network_does(act, tmp_path):
    model = MLP(2, [5, 3], act=act, seed=1)
    for p in model.parameters():
        p.data += 0.125
    pytest.importorskip("onnx")
    model.save(tmp_path / "model.onnx")
    found, wanted = answers(tmp_path / "model.onnx"), outputs(model)
    assert found.dtype == float and found.shape == (2000, 3) and np.isfinite(wanted).any()
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)


def test_a_layer_and_a_network_of_one_output_leave_too(tmp_path):
    pytest.importorskip("onnx")
    for model in (Layer(2, 3, seed=0), Layer(2, 1, seed=0, nonlin=False), MLP(2, [1], seed=0)):
        model.save(tmp_path / "m.onnx")
        np.testing.assert_allclose(
            answers(tmp_path / "m.onnx"), outputs(model), rtol=1e-12, atol=1e-13
        )


def test_single_precision_is_there_for_browsers(tmp_path):
    pytest.importorskip("onnx")
    model = MLP(2, [8, 1], act="tanh", seed=0)
    model.save(tmp_path / "m.ONNX", dtype="float32")
    found = answers(tmp_path / "m.ONNX", POINTS.astype("float32"))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, outputs(model), rtol=1e-5, atol=1e-5)


def test_weights_come_back_from_onnx_to_the_last_digit(tmp_path):
    pytest.importorskip("onnx")
    model, other = MLP(2, [3, 1], seed=1), MLP(2, [3, 1], seed=2)
    model.save(tmp_path / "m.onnx")
    other.load(tmp_path / "m.onnx")
    assert other.state_dict() == model.state_dict()
    with pytest.raises(WeightsError, match=r"layers.0.weight has the shape \(3, 2\), not \(4, 2\)"):
        MLP(2, [4, 1]).load(tmp_path / "m.onnx")


def swish(v):
    return v * v.sigmoid()


class Residual(MLP):
    def __call__(self, x):
        return super().__call__(x) + x[0]


class Gated(Neuron):
    def __call__(self, x):
        return super().__call__(x) * 2


def of_two_kinds():
    model = MLP(2, [2, 1], seed=0)
    model.layers[0].neurons[1].act = "tanh"
    return model


def gated():
    model = MLP(2, [1, 1], seed=0)
    model.layers[0].neurons[0] = Gated(2)
    return model


def not_finite():
    model = MLP(2, [1], seed=0)
    model.parameters()[0].data = float("nan")
    return model


def tied():
    model = MLP(2, [2, 1], seed=0)
    model.layers[0].neurons[1].b = model.layers[0].neurons[0].b
    return model


@pytest.mark.parametrize(
    ("model", "kind", "message"),
    [
        (MLP(2, [2, 1], act=swish), ValueError, "ONNX has no operation for the activation 'swish'"),
        (Neuron(2), TypeError, "only an MLP or a Layer can be saved as ONNX, got Neuron"),
        (Residual(2, [1]), TypeError, "only an MLP or a Layer .* got Residual"),
        (of_two_kinds(), ValueError, "a layer of different neurons .* layers.0.neurons"),
        (gated(), ValueError, "a layer of different neurons .* layers.0.neurons"),
        (tied(), ValueError, "needs 9 parameters, .* got 8: some are shared"),
        (not_finite(), WeightsError, "layers.0.neurons.0.w.0' is nan"),
    ],
)
def test_what_onnx_cannot_hold_is_refused_by_name(model, kind, message, tmp_path):
    with pytest.raises(kind, match=message):
        model.save(tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_a_type_of_numbers_is_one_of_two_and_for_onnx(tmp_path):
    with pytest.raises(ValueError, match="dtype is float64 or float32, got 'int8'"):
        MLP(2, [1]).save(tmp_path / "m.onnx", dtype="int8")
    with pytest.raises(ValueError, match=r"dtype is for \.onnx, .* got 'float32'"):
        MLP(2, [1]).save(tmp_path / "m.json", dtype="float32")


def test_a_file_that_is_no_onnx_is_refused(tmp_path):
    pytest.importorskip("onnx")
    (tmp_path / "m.onnx").write_bytes(b"{}")
    with pytest.raises(WeightsError, match="it is no ONNX file"):
        MLP(2, [1]).load(tmp_path / "m.onnx")


def test_without_the_package_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'micrograd-lessons\[onnx\]'"):
        MLP(2, [1]).save(tmp_path / "m.onnx")


def test_a_network_becomes_a_page_among_its_points(tmp_path):
    X, y = POINTS[:20], np.sign(POINTS[:20, 0])
    path = MLP(2, [3, 1], act="tanh", seed=0).page(tmp_path / "model.html", X, y)
    text = path.read_text(encoding="utf-8")
    assert "<title>MLP 2-3-1</title>" in text and "microgradFilm(host" in text
    with pytest.raises(ValueError, match="two inputs, this one has 3"):
        MLP(3, [1]).page(tmp_path / "other.html", X, y)


# Arrays.


class Letters(Module):
    """A module of lists, as a language model has them."""

    def __init__(self):
        self.table = [[Value(10 * i + j) for j in range(3)] for i in range(2)]
        self.head = Layer(3, 2, seed=0)
        self.ragged = [[Value(1)], [Value(2), Value(3)]]
        self.scale = Value(7)


def test_arrays_have_the_names_and_the_shapes_of_pytorch():
    arrays = MLP(2, [3, 1], seed=0).arrays()
    assert {name: x.shape for name, x in arrays.items()} == {
        "layers.0.weight": (3, 2),
        "layers.0.bias": (3,),
        "layers.1.weight": (1, 3),
        "layers.1.bias": (1,),
    }
    assert {name: x.shape for name, x in Neuron(2).arrays().items()} == {"w": (2,), "b": ()}


def test_arrays_compute_what_the_network_does():
    model = MLP(2, [5, 3], act="tanh", seed=3)
    (w1, b1, w2, b2), x = model.arrays().values(), POINTS
    np.testing.assert_allclose(np.tanh(x @ w1.T + b1) @ w2.T + b2, outputs(model), rtol=1e-12)


def test_other_lists_become_arrays_as_far_as_they_are_rectangles():
    arrays = Letters().arrays()
    assert arrays["table"].tolist() == [[0, 1, 2], [10, 11, 12]]
    assert {name: x.shape for name, x in arrays.items()} == {
        "table": (2, 3),
        "head.weight": (2, 3),
        "head.bias": (2,),
        "ragged.0": (1,),
        "ragged.1": (2,),
        "scale": (),
    }


@pytest.mark.parametrize("make", [Letters, lambda: MLP(3, [4, 2]), lambda: Neuron(3)])
def test_arrays_go_back_to_the_last_digit(make):
    model, other = make(), make()
    for i, p in enumerate(other.parameters()):
        p.data = i / 7
    model.load_arrays(other.arrays())
    assert model.state_dict() == other.state_dict()


MISFITS = [
    ({"w": [1, 2]}, "weights do not fit: missing b, unexpected none"),
    ({"w": [1, 2], "b": 0, "c": 0}, "weights do not fit: missing none, unexpected c"),
    ({"w": [1, 2, 3], "b": 0}, r"w has the shape \(3,\), not \(2,\)"),
    ({"w": ["1", "2"], "b": 0}, "w holds <U1, not numbers"),
    ({"w": [True, False], "b": 0}, "w holds bool, not numbers"),
    ({"w": [1j, 2], "b": 0}, "w holds complex128, not numbers"),
    ({"w": [1, float("inf")], "b": 0}, "weight 'w.1' is inf, not a finite number"),
    ({"w": [[1], [2, 3]], "b": 0}, "w is no array of numbers"),
    ([1, 2], "arrays are a mapping of names to arrays, got list"),
]


@pytest.mark.parametrize(("arrays", "message"), MISFITS, ids=lambda x: str(x)[:40])
def test_arrays_that_do_not_fit_change_nothing(arrays, message):
    model = Neuron(2, seed=0)
    before = model.state_dict()
    with pytest.raises(WeightsError, match=message):
        model.load_arrays(arrays)
    assert model.state_dict() == before
