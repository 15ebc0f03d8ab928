"""F: one node for many values, losses that neither overflow nor lose digits, refusals."""

import math
import statistics

import pytest

import micrograd.functional as F
from micrograd import Value
from micrograd.compiler import jit
from micrograd.gradcheck import gradcheck


def test_each_fused_op_is_one_node_over_its_inputs():
    xs = [Value(1.0), Value(2.0), Value(3.0)]
    for f in (F.sum, F.mean, F.max, F.logsumexp):
        assert f(xs)._prev == tuple(xs)
    assert F.dot(xs, xs)._prev == (*xs, *xs)
    assert F.dot(xs, xs, xs[0])._prev == (*xs, *xs, xs[0])
    assert [y._prev for y in F.softmax(xs)] == [tuple(xs)] * 3


def test_a_sum_is_rounded_once():
    assert F.sum([0.1] * 10).data == 1.0
    assert F.sum([1e16, 1.0, -1e16]).data == 1.0


def test_nothing_adds_up_to_zero():
    assert (F.sum([]).data, F.dot([], []).data, F.dot([], [], 3).data) == (0, 0, 3)


def test_equal_maxima_share_the_gradient():
    xs = [Value(x) for x in (9, 1, 9, 9)]
    F.max(xs).backward()
    assert [x.grad for x in xs] == pytest.approx([1 / 3, 0, 1 / 3, 1 / 3])


def test_softmax_adds_up_to_one_for_large_logits():
    p = F.softmax([1000, 1000, 999])
    assert sum(x.data for x in p) == pytest.approx(1, rel=1e-15)
    assert p[0].data == pytest.approx(1 / (2 + math.exp(-1)), rel=1e-15)


XS = [0.5, -1.0, 3.0, 2.0]


def test_layer_norm_has_mean_0_and_variance_1_whatever_scale_and_shift_were():
    ys = [y.data for y in F.layer_norm(XS, eps=0)]
    assert sum(ys) == pytest.approx(0, abs=1e-15) and statistics.pvariance(ys) == pytest.approx(1)
    moved = F.layer_norm([10 * x + 3 for x in XS], eps=0)
    assert [y.data for y in moved] == pytest.approx(ys, rel=1e-14)
    assert [y.data for y in F.layer_norm([2.0, 2.0])] == [0.0, 0.0]


def test_layer_norm_has_a_gradient_also_compiled():
    def weighted(*xs):
        return F.dot(F.layer_norm(xs), [1.0, -2.0, 3.0, 0.5])

    assert gradcheck(weighted, *XS)
    assert jit(weighted)(*XS).data == pytest.approx(weighted(*XS).data, rel=1e-14)


LOSSES = [
    (F.mse_loss, [1.0, 2.0], [0.0, 4.0], 2.5),
    (F.hinge_loss, [0.5, 2.0, -1.0], [1, 1, 1], (0.5 + 0 + 2) / 3),
    (F.binary_cross_entropy_with_logits, [0.0, 0.0], [0, 1], math.log(2)),
    (F.binary_cross_entropy_with_logits, [0.0], [0.3], math.log(2)),
    (F.cross_entropy, [0.0, 0.0, 0.0], 2, math.log(3)),
    (F.cross_entropy, [[0.0, 0.0], [0.0, 0.0]], [0, 1], math.log(2)),
    (F.cross_entropy, [40.0, 0.0], 0, math.log1p(math.exp(-40))),
]


@pytest.mark.parametrize("loss, scores, targets, expected", LOSSES)
def test_losses(loss, scores, targets, expected):
    assert loss(scores, targets).data == pytest.approx(expected, rel=1e-14)


ACCURACIES = [
    ([0.5, -0.5, 2.0, -1.0], [1, -1, -1, -1], 0.75),
    ([0.5, -0.5], [1, 0], 1.0),
    ([[1, 2, 3], [3, 2, 1]], [2, 1], 0.5),
    ([[1, 2, 3], [3, 2, 1]], [[0, 0, 1], [0.1, 0.8, 0.1]], 0.5),
]


@pytest.mark.parametrize("scores, targets, expected", ACCURACIES)
def test_accuracy(scores, targets, expected):
    assert F.accuracy(scores, targets) == expected
    values = [[Value(s) for s in row] if isinstance(row, list) else Value(row) for row in scores]
    assert F.accuracy(values, targets) == expected


REFUSED = [
    (lambda: F.max([]), ValueError, "max() needs at least one number, got none"),
    (lambda: F.mean([]), ValueError, "mean() needs at least one number, got none"),
    (lambda: F.softmax([]), ValueError, "softmax() needs at least one number, got none"),
    (lambda: F.logsumexp([]), ValueError, "logsumexp() needs at least one number, got none"),
    (lambda: F.accuracy([], []), ValueError, "accuracy() needs at least one sample, got none"),
    (
        lambda: F.accuracy([[1, 2]], [[0.5, 0.5]]),
        ValueError,
        "accuracy() needs the index of the right class as the target of a row of scores, or 2 "
        "numbers with one that is the largest, got [0.5, 0.5]",
    ),
    (
        lambda: F.accuracy([1], [[0, 1]]),
        TypeError,
        "accuracy() needs a number as the target of a single score, got [0, 1]",
    ),
    (lambda: F.dot([1, 2], [1]), ValueError, "dot() needs equal lengths, got 2 and 1"),
    (lambda: F.sum(["1"]), TypeError, "Value() needs a real number, got str '1'"),
    (lambda: F.dot([1], [None]), TypeError, "Value() needs a real number, got NoneType None"),
    (
        lambda: F.mse_loss([1, 2], [1]),
        ValueError,
        "mse_loss() needs a target a score, got 2 scores, 1 targets",
    ),
    (
        lambda: F.cross_entropy([1, 2], 2),
        IndexError,
        "cross_entropy() needs a target from 0 to 1, got 2",
    ),
    (
        lambda: F.cross_entropy([1, 2], -1),
        IndexError,
        "cross_entropy() needs a target from 0 to 1, got -1",
    ),
    (
        lambda: F.cross_entropy([1, 2], 0.5),
        TypeError,
        "cross_entropy() needs the index of a class as target, got 0.5: targets are "
        "integers, of an array y.astype(int)",
    ),
]


@pytest.mark.parametrize("call, kind, message", REFUSED)
def test_refusals(call, kind, message):
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message


INF, NAN = math.inf, math.nan
HARD = [
    ("logsumexp of inf and nan", F.logsumexp, [INF, NAN], NAN),
    ("logsumexp of nan and inf", F.logsumexp, [NAN, INF], NAN),
    ("logsumexp of inf", F.logsumexp, [1.0, INF], INF),
    ("logsumexp of -inf", F.logsumexp, [-INF, -INF], -INF),
    ("the right class is impossible", lambda xs: F.cross_entropy(xs, 0), [-INF, 1.0], INF),
    ("a wrong class is impossible", lambda xs: F.cross_entropy(xs, 0), [1.0, -INF], 0.0),
    ("the right class is at inf", lambda xs: F.cross_entropy(xs, 1), [1.0, INF], NAN),
    ("a wrong class is at inf", lambda xs: F.cross_entropy(xs, 0), [1.0, INF], NAN),
    ("a wrong class is nan", lambda xs: F.cross_entropy(xs, 0), [1.0, NAN], NAN),
    ("all classes are impossible", lambda xs: F.cross_entropy(xs, 0), [-INF, -INF], NAN),
    ("a sum that passes the largest float", F.sum, [1.7e308, 1.7e308, -1.7e308], 1.7e308),
    ("and comes back to little", F.sum, [1.7e308, 1.7e308, -1.7e308, -1.7e308, 3e-310], 3e-310),
    ("a sum beyond the largest float", F.sum, [1.7e308, 1.7e308], INF),
    ("a sum of inf among them", F.sum, [1.7e308, 1.7e308, -INF], -INF),
    ("a sum of both inf", F.sum, [INF, -INF], NAN),
    ("a mean of the largest floats", F.mean, [1.7e308, 1.7e308], 1.7e308),
    ("a mean of inf", F.mean, [1.0, -INF], -INF),
]


@pytest.mark.parametrize("way", ["engine", "jit", "eight at once"])
@pytest.mark.parametrize(
    ("function", "xs", "wanted"), [row[1:] for row in HARD], ids=[row[0] for row in HARD]
)
def test_the_largest_floats_infinity_and_nan(function, xs, wanted, way):
    many = {
        "engine": function,
        "jit": jit(function),
        "eight at once": jit(lambda xs: [function(xs) for _ in range(8)][-1]),
    }
    found = many[way](list(map(Value, xs))).data
    assert found == wanted or (math.isnan(found) and math.isnan(wanted))


@pytest.mark.parametrize(
    ("x", "y", "slope"),
    [(1e-310, 1e-310, 1.0), (1e-200, 1.5, 1.5e-100), (1e200, 2.0, 2e200), (-1e-310, 2.0, -2e-310)],
)
def test_the_slope_of_a_power_where_a_part_is_out_of_range(x, y, slope):
    for f in (lambda x: x**y, jit(lambda x: x**y), jit(lambda x: [x**y * i for i in range(9)][1])):
        v = Value(x)
        f(v).backward()
        assert v.grad == pytest.approx(slope, rel=1e-12)


@pytest.mark.parametrize("rows", [{1.0, 2.0}, {1.0: 2.0}, b"12", bytearray(b"12"), "12"], ids=str)
@pytest.mark.parametrize(
    "function",
    [
        F.sum,
        F.mean,
        F.max,
        F.logsumexp,
        F.softmax,
        lambda xs: F.dot(xs, [1, 2]),
        lambda xs: F.dot([1, 2], xs),
        lambda xs: F.mse_loss([1, 2], xs),
        lambda xs: F.hinge_loss(xs, [1, -1]),
        lambda xs: F.cross_entropy(xs, 0),
        lambda xs: F.cross_entropy([[1, 2], [1, 2]], xs),
        lambda xs: F.accuracy(xs, [1, -1]),
    ],
)
def test_what_is_no_row_of_numbers_is_refused(function, rows):
    with pytest.raises(TypeError, match="list"):
        function(rows)


def test_a_dot_at_a_zero_gradient_asks_its_operands_when_backward_runs():
    x, w = Value(1.0), Value(2.0)
    y = F.dot([x], [w]) * 0.0
    x.data = INF
    y.backward()
    assert math.isnan(w.grad) and x.grad == 0.0
