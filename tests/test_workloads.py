"""The workloads of the benchmarks: all their programs make the same steps, so times compare."""

import shutil
import warnings

import pytest
from benchmarks import leanest, moons, rnn, transformer

from micrograd import Value

TOKENS = transformer.tokens(transformer.NAMES[0])
WORKLOADS = {
    "moons": (moons, (), moons.with_fused_losses, 20),
    "transformer": (transformer, (TOKENS,), transformer.by_scalars, 5),
    "rnn": (rnn, (), rnn.by_scalars, 20),
}
BUILDERS = ["by_hand", "by_hand_tuned", "torch_eager", "torch_compiled", "jax_jitted"]
OLDEST = {"torch_eager": "2.4", "torch_compiled": "2.4"}  # fused Adam on the CPU, rms_norm


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("workload", WORKLOADS)
def test_the_losses_are_those_of_the_engine(workload, name):
    module, args, parts, steps = WORKLOADS[workload]
    if not hasattr(module, name):
        pytest.skip("not written by hand")
    expected = losses(moons.training_step(*parts(), *args), steps)
    assert expected[-1] < 0.8 * expected[0]
    with warnings.catch_warnings():
        if not name.startswith("by_hand"):
            warnings.simplefilter("ignore")
            pytest.importorskip(name.split("_")[0], minversion=OLDEST.get(name))
        if name == "torch_compiled" and not shutil.which("g++"):
            pytest.skip("torch.compile needs a C++ compiler")
        step = getattr(module, name)(*args)
        assert losses(step, steps) == pytest.approx(expected, rel=0, abs=1e-9)


def test_people_write_the_same_step_on_moons():
    steps = [moons.training_step(*moons.with_fused_losses())]
    steps.append(moons.training_step(*moons.as_people_wrote_it()))
    fused, plain = (losses(step, 3) for step in steps)
    assert plain == pytest.approx(fused, rel=0, abs=1e-9)


def test_single_operations_are_those_of_the_leanest_class():
    ours, leanest_ones = (leanest.transformer_steps(kind) for kind in (Value, leanest.Node))
    expected = losses(leanest_ones, 3)
    assert expected[-1] < expected[0]
    assert losses(ours, 3) == pytest.approx(expected, rel=0, abs=1e-12)
    assert leanest.products(Value, 4, 6, 4) == leanest.products(leanest.Node, 4, 6, 4)


def test_the_rnn_has_the_parameters_that_its_title_says():
    _, adam = rnn.by_scalars()
    assert f"{len(adam.parameters):,} parameters" in rnn.__doc__


def test_the_transformer_has_the_parameters_of_microgpt():
    _, adam = transformer.by_scalars()
    assert len(adam.parameters) == len(transformer.start()[0]) == 4192


@pytest.mark.parametrize("name", [transformer.NAMES[1], min(transformer.NAMES, key=len)])
def test_the_transformer_by_hand_takes_names_of_any_length(name):
    tokens = transformer.tokens(name)
    expected = losses(moons.training_step(*transformer.by_scalars(), tokens), 2)
    assert losses(transformer.by_hand_tuned(tokens), 2) == pytest.approx(expected, rel=0, abs=1e-9)


def test_the_names_are_short_and_in_small_letters():
    names = transformer.NAMES
    assert 200 <= len(names) == len(set(names))
    assert all(3 <= len(name) <= 10 and name.isascii() and name.islower() for name in names)


def losses(step, n):
    return [step() for _ in range(n)]
