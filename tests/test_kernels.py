"""Functions of arrays answer for each column what the engine's do, however the array lies."""

import numpy as np
import pytest

import micrograd.functional as F
from micrograd import Value, floats
from micrograd.compiler.emit import kernels

INF, NAN = np.inf, np.nan
COLUMNS = [
    [0.5, -1.0, 2.0],
    [2.0, 2.0, -3.0],
    [1000.0, 0.0, -1000.0],
    [INF, 0.0, 1.0],
    [0.0, INF, 1.0],
    [0.0, -INF, 1.0],
    [-INF, 0.0, 1.0],
    [-INF, -INF, -INF],
    [NAN, 0.0, 1.0],
    [0.0, 1.0, NAN],
]
LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "a view": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
}
REDUCED = {
    "log_sum_exp": (kernels.log_sum_exp, F.logsumexp),
    "cross_entropy": (kernels.cross_entropy, lambda xs: F.cross_entropy(xs, 0)),
}


@pytest.mark.parametrize("lies", LAYOUTS)
@pytest.mark.parametrize("name", REDUCED)
@pytest.mark.parametrize("finite", [True, False])
def test_a_column_is_reduced_as_in_the_engine(name, lies, finite):
    kernel, function = REDUCED[name]
    columns = COLUMNS[:3] if finite else COLUMNS
    out = np.empty(len(columns))
    with np.errstate(all="ignore"):
        kernel(LAYOUTS[lies](np.array(columns).T), out)
    expected = [function(list(map(Value, column))).data for column in columns]
    assert out == pytest.approx(expected, rel=1e-14, nan_ok=True)


@pytest.mark.parametrize("lies", LAYOUTS)
def test_softmax_goes_back_as_in_the_engine(lies):
    shares = np.array([[0.2, 0.3, 0.5], [1e-300, 1.0, 0.0], [0.25, 0.5, 0.25]]).T
    grads = np.array([[1.0, -2.0, 0.5], [1e308, 1.0, -1e308], [INF, 0.0, 0.0]]).T
    out = np.empty(shares.shape)
    with np.errstate(all="ignore"):
        kernels.softmax_backward(LAYOUTS[lies](shares), LAYOUTS[lies](grads), out)
        for p, g, found in zip(shares.T, grads.T, out.T):
            alone = np.empty((3, 1))
            kernels.softmax_backward(p[:, None], g[:, None], alone)
            assert found == pytest.approx(alone[:, 0], rel=1e-12, nan_ok=True)


BASES = [2.0, -2.0, 0.0, -0.0, 1e-200, 1e200, 5e-324, INF, -INF, NAN, 1.0]


@pytest.mark.parametrize("y", [2.0, 3.0, 1.0, 0.0, -1.0, -0.5, 0.5, 40.0, -40.0])
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("bases", [BASES[:2], BASES])
def test_the_slope_of_a_power_is_the_engines(y, several, bases):
    x, out = np.array(bases), np.empty(len(bases))
    with np.errstate(all="ignore"):
        kernels.power_slope(x, np.full(len(x), y) if several else y, out)
    expected = [floats.power_slope(base, y) for base in bases]
    assert out == pytest.approx(expected, rel=1e-14, nan_ok=True)
