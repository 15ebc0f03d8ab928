"""Programs on several devices: the numbers of one device, and one all-reduce a step."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from backends import needs_jax
from meshes import answer, line_of, points, processes, trained
from test_derivatives import Square

from micrograd import Value, nn, optim
from micrograd.compiler import JitError, batched, jit
from micrograd.train import fit

PAGE = Path(__file__).parent.parent / "README.md"
STEPS = """
import json
from meshes import CASES, all_reduces, trained

found = {}
for name in CASES:
    one, _ = trained(name, None)
    four, f = trained(name, 4)
    row = next(line for line in f.explain().splitlines() if line.startswith("mesh"))
    found[name] = one, four, all_reduces(f), row[20:]
print(json.dumps(found))
"""


@needs_jax
@pytest.mark.slow
def test_four_devices_make_the_steps_of_one_with_one_all_reduce():
    """Unless something has to be known before."""
    of = "4 devices, each with at most {} examples; a step has one all-reduce of {}"
    expected = {
        "moons, SGD": (1, "3 of 9", "18 numbers"),
        "moons as whole arrays, Adam": (1, "251 of 1,001", "18 numbers"),
        "classes": (1, "2 of 6", "12 numbers"),
        "several": (2, "2 of 7", "1 number and one of 3 numbers"),
    }
    found = answer(STEPS)
    assert found.keys() == expected.keys()
    for name, (one, four, *rest) in found.items():
        assert four == pytest.approx(one, rel=1e-12, abs=1e-14), name
        count, *row = expected[name]
        assert rest == [count, of.format(*row)]


CALLS = """
import json
import jax, numpy as np
from jax.sharding import Mesh
from meshes import points
from micrograd import Value, nn, optim
from micrograd.compiler import batched, jit
from micrograd.optim import NonFiniteError
from micrograd.train import fit

def row(explained):
    return next(line for line in explained.splitlines() if line.startswith("mesh"))[20:]

w, x = Value(0.5), np.array([1.0, -2.0, 3.0, 0.25, -1.0])
loss = batched(lambda x: (w * x - 1) ** 2)
turned = batched(lambda x: w * x if w > 0 else x - w)
devices = jax.devices()
meshes = {
    "two": 2,
    "list": devices[1:],
    "last": devices[3:],
    "named": Mesh(np.array(devices).reshape(2, 2), ("data", "model")),
}
calls = {}
for name, chosen in meshes.items():
    f, w.data, w.grad = jit(loss, backend="xla", devices=chosen), 0.5, 0.0
    error = f(x)
    error.backward()
    calls[name] = error.data, w.grad, row(f.explain())
f, sides = jit(turned, backend="xla", devices=4), []
for w.data in (0.5, -0.5, 0.25):
    sides.append(f(x).data)
f = jit(lambda a: a * w, backend="xla", devices=4)
of_no_examples = f(2.0).data, row(f.explain())

big = Value(1e200)
step = jit(batched(lambda x: (big * x) ** 4), backend="xla", devices=4)
try:
    with step.training(optim.SGD([big], 0.1)) as train:
        train.many(3, x)
except NonFiniteError as error:
    infinite = str(error), big.data

fitted = []
for options in ({"jit": True}, {"jit": "xla", "devices": jax.make_mesh((4,), ("data",))}):
    model = nn.MLP(2, [1], seed=0)
    optimizer = optim.Adam(model.parameters(), 0.1)
    history = fit(model, *points(10), optimizer, steps=5, progress=False, **options)
    fitted.append(history.losses + history.accuracies)
print(json.dumps([calls, sides, of_no_examples, infinite, fitted]))
"""


@needs_jax
@pytest.mark.slow
def test_calls_and_trainings_run_on_the_devices_that_are_named():
    calls, sides, (product, row), (words, data), (one, four) = answer(CALLS)
    w, x = Value(0.5), [1.0, -2.0, 3.0, 0.25, -1.0]
    error = batched(lambda x: (w * x - 1) ** 2)(x)
    error.backward()
    for name, parts in {"two": 2, "list": 3, "last": 1, "named": 2}.items():
        loss, grad, explained = calls[name]
        assert [loss, grad] == pytest.approx([error.data, w.grad], rel=1e-14)
        assert explained.startswith(f"{parts} device")
    assert sides == pytest.approx([0.5 * 0.25, 0.25 + 0.5, 0.25 * 0.25])  # of a mean of 0.25
    assert product == 0.5
    assert row == "4 devices, which all do the same: no examples"
    assert "gradient" in words and data == 1e200  # a step that is not finite is refused
    assert four == pytest.approx(one, rel=1e-12)  # of fit, also what is right


TABLE = "other parameters or another state of the optimizer"
SETTINGS = "another optimizer, other settings of it or another number of steps"
REFUSALS = {
    "lr": SETTINGS,
    "momentum": SETTINGS,
    "state": TABLE,
    "data": TABLE,
    "arguments": "other arguments",
    "steps": SETTINGS,
    "kind": f"{TABLE} and {SETTINGS}",  # the state of Adam is another one
    "call": TABLE,
}


@needs_jax
@pytest.mark.slow
def test_two_processes_make_the_same_steps_and_neither_waits_for_ever_for_the_other():
    with processes(2) as (first, second):
        for process in (first, second):
            found = json.loads(line_of(process, "{"))
            assert [found.pop("devices"), found.pop("own")] == [4, 2]
            assert found.pop("alone").startswith("process 1 has other parameters than process 0")
            said = found.pop("refusals")
            assert said.pop("after") == pytest.approx(said.pop("after in the engine"), rel=1e-12)
            starts = {
                name: text.split(" than process 0: all make")[0] for name, text in said.items()
            }
            assert starts == {name: f"process 1 has {what}" for name, what in REFUSALS.items()}
            for name, numbers in found.items():
                assert numbers == pytest.approx(trained(name, None)[0], rel=1e-12, abs=1e-14)
        line_of(second, "waiting")
        second.kill()
        _, error = first.communicate(timeout=120)
        assert first.returncode
        assert "heartbeat" in error or "Gloo" in error or "closed by peer" in error


README = """
import json, re, sys
import numpy as np
import micrograd.functional as F
from micrograd import nn, optim
from micrograd.compiler import batched, jit

model, rng = nn.MLP(2, [3], seed=0), np.random.default_rng(0)
X, labels = rng.normal(size=(10, 2)), rng.integers(0, 3, 10)
optimizer = optim.SGD(model.parameters(), 0.1)
page = open(sys.argv[1], encoding="utf-8").read().split("## From here to a cluster")[1]
exec(re.search(r"```python\\n(.*?)```", page, re.DOTALL).group(1))
print(json.dumps([len(losses), g.explain().count("4 devices"), losses[-1] < losses[0], len(saved)]))
"""


@needs_jax
@pytest.mark.slow
def test_the_page_of_the_readme_runs():
    pytest.importorskip("flatbuffers")
    steps, explained, is_less, size = answer(README.replace("sys.argv[1]", repr(str(PAGE))))
    assert (steps, explained, is_less) == (100, 1, True)
    assert size > 1000


@needs_jax
def test_fit_takes_devices():
    import jax

    X, y = points(8)
    losses = []
    for options in ({"jit": False}, {"jit": "xla", "devices": jax.devices()[:1]}):
        model = nn.MLP(2, [1], seed=0)
        history = fit(model, X, y, optim.SGD(model.parameters(), 0.1), steps=4, **options)
        losses.append(history.losses)
    assert losses[1] == pytest.approx(losses[0], rel=1e-12)


BAD = {
    "for numpy": ({"devices": 2}, ValueError, "for the backend 'xla', got backend 'numpy'"),
    "none": ({"backend": "xla", "devices": 0}, ValueError, "a number from 1, .* got 0"),
    "truth": ({"backend": "xla", "devices": True}, TypeError, "got bool True"),
    "text": ({"backend": "xla", "devices": "cpu"}, TypeError, "got str 'cpu'"),
    "empty": ({"backend": "xla", "devices": []}, ValueError, "got an empty list"),
    "numbers": ({"backend": "xla", "devices": [0, 1]}, TypeError, "got a list with int 0"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_are_no_devices_is_refused(name):
    options, error, words = BAD[name]
    with pytest.raises(error, match=words):
        jit(lambda x: x, **options)


@needs_jax
def test_more_devices_than_there_are_get_a_sentence():
    f = jit(batched(lambda x: x * x), backend="xla", devices=99)
    with pytest.raises(ValueError, match=r"devices=99, but JAX has .*device_count=99 in the env"):
        f(np.ones(3))


@needs_jax
def test_meshes_and_shardings_of_other_kinds_are_refused():
    import jax
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    (device, *_) = jax.devices()
    for wrong, words in (
        ([device, device], "a device twice"),
        (NamedSharding(Mesh([device], ("a",)), PartitionSpec("a")), "got NamedSharding"),
    ):
        with pytest.raises((TypeError, ValueError), match=words):
            jit(lambda x: x, backend="xla", devices=wrong)


@needs_jax
def test_a_function_of_ones_own_is_not_for_xla_and_one_is_told_so():
    w, x = Value(3.0), np.array([1.0, 2.0, 3.0])
    loss = batched(lambda x: Square.apply(w * x))
    f = jit(loss, backend="xla")
    assert f(x).data == pytest.approx(42.0)
    assert "\nbackend             NumPy's, as it calls a Function" in f.explain()
    with pytest.raises(JitError, match="devices=… needs a program in XLA"):
        jit(loss, backend="xla", devices=1)(x)


@needs_jax
def test_copies_keep_their_devices():
    f = copy.copy(jit(batched(lambda x: x * x), backend="xla", devices=1))
    assert f(np.array([1.0, 2.0, 6.0])).data == pytest.approx(41 / 3, rel=1e-15)
    assert "\nmesh                1 device, each with 3 of 3 examples" in f.explain()
