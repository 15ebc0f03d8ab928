"""The passes of the compiler, one by one."""

import operator
import random

import numpy as np
import pytest
from optable import OPS

import micrograd.functional as F
from micrograd import Value
from micrograd.compiler.formula import PLAIN, Formula
from micrograd.compiler.graph import SUM, Builder
from micrograd.compiler.passes.differentiate import differentiate
from micrograd.compiler.passes.fold import fold
from micrograd.compiler.passes.group import group
from micrograd.compiler.passes.lower import lower
from micrograd.compiler.passes.matmul import Matmul, full_islands, matmuls
from micrograd.compiler.rules import ELEMENTWISE, Row
from micrograd.compiler.trace import traced
from micrograd.compiler.views import spacing, view


def lowered(function, *numbers):
    xs = [Value(x) for x in numbers]
    answer, trace = traced(lambda: function(*xs), {}, [], [])
    return lower([answer], trace, xs, [])


@pytest.mark.parametrize(
    "function, signs",
    [
        (lambda a, b: a + b, ["++"]),
        (lambda a, b: a + b + a + b, ["++++"]),
        (lambda a, b: sum([a, b, a]), ["++++"]),
        (lambda a, b: a + 0.0 + b + 0.0, ["+++"]),
        (lambda a, b: a * b + b, ["*+"]),
        (lambda a, b: a * b + b * b + a, ["**+"]),
        (lambda a, b: F.dot([a, b], [b, b], a) + b, ["+**+"]),
        (lambda a, b: (a + b) + (a + b), ["++", "+++"]),
        (lambda a, b: (lambda s: s + s)(a + b), ["++", "++"]),
        (lambda a, b: (lambda p: p * p + p)(a * b), ["*+"]),
        (lambda a, b: Value(0.0) + Value(0.0) + a * 1, ["+*"]),
        (lambda a, b: F.dot([a, b], [b, b]), ["+**"]),
    ],
)
def test_fold_makes_sums_of_chains_of_additions(function, signs):
    ops = fold(lowered(function, 2.0, 3.0)).ops
    assert [op.params for op in ops if op.kind == SUM] == signs


@pytest.mark.parametrize("op", OPS, ids=operator.attrgetter("name"))
def test_differentiate_needs_only_ops_that_are_there_before_them(op):
    graph = differentiate(lowered(op.compute, *(ends[1] / 2 for ends in op.ranges)), [0])
    known = {*graph.leaf_ids, *graph.constants, *graph.seeds}
    for one in graph.ops:
        assert known.issuperset(one.operands) and known.isdisjoint(one.outputs)
        known.update(one.outputs)
    assert known.issuperset(x for x in graph.gradients if x is not None)


@pytest.mark.parametrize(
    "formula",
    [
        lambda g, x, y: g / (1.0 + x * x) - y,
        lambda g, x, y: 2 * (3 - x) * (x - 0.5),
        lambda g, x, y: -(1 / y * g + x + 1),
        lambda g, x, y: g,
        lambda g, x, y: y * g,
    ],
)
def test_a_gradient_may_be_any_formula(formula, monkeypatch):
    monkeypatch.setitem(ELEMENTWISE, "mine", Row("", "", (formula,)))
    made = Formula("mine", None, 0)
    builder = Builder(lowered(lambda *xs: F.sum(xs), 3.0, 5.0, 7.0))
    first, second = made.factors((0, 1, 2), builder)
    data = {0: 3.0, 1: 5.0, 2: 7.0, **builder.constants, PLAIN: 1.0}
    compute = {
        "add": operator.add,
        "subtract": operator.sub,
        "multiply": operator.mul,
        "divide": operator.truediv,
        "negative": operator.neg,
    }
    for op in builder.ops:
        data[op.outputs[0]] = compute[op.kind](*(data[x] for x in op.operands))
    assert data[first] * data[second] == formula(3.0, 5.0, 7.0)


def test_the_gradient_of_a_value_is_one_sum_over_its_uses_from_the_last_to_the_first():
    graph = fold(differentiate(lowered(lambda a, b: a * b + a * a + a, 2.0, 3.0), [0]))
    (a, b), (seed,) = graph.leaf_ids, graph.seeds
    (total,) = [op for op in graph.ops if op.outputs == (graph.gradients[0],)]
    assert (total.kind, total.params) == (SUM, "+***")
    assert [*total.operands] == [seed, seed, a, seed, a, seed, b]


def test_group_puts_ops_of_one_kind_and_level_together():
    graph = lowered(lambda *xs: F.sum([(x * 2).tanh() for x in xs]), *range(5))
    schedule = group(differentiate(graph, [0]))
    forward, backward = (
        [(one.kind, one.size) for one in part] for part in (schedule.forward, schedule.backward)
    )
    assert forward == [("multiply", 5), ("tanh", 5), ("sum", 1)]
    assert backward == [("tanh slope", 5), ("multiply", 5), ("multiply", 5)]


def test_matrix_products_are_found_in_both_directions():
    def layer(*numbers):
        W, X = (np.reshape(part, (-1, 6)).tolist() for part in (numbers[:42], numbers[42:]))
        return F.sum(F.dot(w, x).tanh() for x in X for w in W)

    schedule = matmuls(group(differentiate(lowered(layer, *map(float, range(42 + 54))), [0])))
    shapes = [
        [(one.rows.shape, one.columns.shape) for one in part if isinstance(one, Matmul)]
        for part in (schedule.forward, schedule.backward)
    ]
    assert shapes[0] == [((9, 6), (7, 6))]  # X @ W.T
    assert sorted(shapes[1]) == [((7, 9), (6, 9)), ((9, 7), (6, 7))]  # G.T @ X and G @ W


def test_pairs_of_all_rows_with_all_columns_are_found_in_any_order():
    pairs = [(r, c) for r in range(3) for c in range(4)]
    random.Random(0).shuffle(pairs)
    r, c = np.array(pairs).T
    [(order, shape)], rest = full_islands(r, c, 12)
    assert shape == (3, 4) and (np.diff((4 * r + c)[order]) == 1).all() and not len(rest)
    islands, rest = full_islands(r[1:], c[1:], 1)
    assert islands == [] and len(rest) == 11


def test_matrix_products_of_different_shapes_are_told_apart():
    blocks = [(r + 5 * b, c + 7 * b) for b in range(3) for r in range(b + 2) for c in range(4)]
    r, c = (np.unique(x, return_inverse=True)[1] for x in np.array([*blocks, (20, 30)]).T)
    islands, rest = full_islands(r, c, 8)
    assert [shape for _, shape in islands] == [(2, 4), (3, 4), (4, 4)]
    assert rest.tolist() == [len(blocks)]


@pytest.mark.parametrize(
    "positions, shape",
    [
        ([3], (1,)),
        ([3, 4, 5], (3,)),
        ([9, 6, 3], (3,)),
        ([2, 2, 2], (3,)),
        ([0, 0, 1, 1, 2, 2], (3, 2)),
        ([0, 4, 8, 1, 5, 9], (2, 3)),
        ([0, 1, 10, 11, 5, 6, 15, 16], (2, 2, 2)),
        ([0, 1, 3], None),
        ([0, 1, 5, 7], None),
    ],
)
def test_evenly_spaced_positions_are_a_view(positions, shape):
    spaced = spacing(np.array(positions)[:, None])
    assert (spaced and spaced[0]) == shape
    if spaced:
        array = view(np.arange(20.0), positions[0], spaced[0], spaced[1][:, 0])
        assert array.ravel().tolist() == positions
