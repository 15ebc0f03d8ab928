"""The Value: figures the field agrees on, backward passes, graphs of any depth, refusals."""

import copy
import gc
import math
import pickle
import weakref
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import micrograd.functional as F
from micrograd import Value
from micrograd.engine import topological_order

inf, nan = math.inf, math.nan


def gradients(y, *leaves):
    y.backward()
    return [x.grad for x in leaves]


# Figures of the field's reference notebooks.


def test_the_sanity_expression():
    x = Value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    assert (y.data, *gradients(y, x)) == (-20.0, 46.0)


def test_the_longer_expression():
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    assert g.data == 24.70408163265306
    assert gradients(g, a, b) == [138.83381924198252, 645.5772594752186]


def test_the_expression_of_six_letters():
    a, b, c, f = Value(2.0), Value(-3.0), Value(10.0), Value(-2.0)
    e = a * b
    d = e + c
    L = d * f
    assert (L.data, *gradients(L, a, b, c, e, d, f)) == (-8, 6, -4, -2, -2, -2, 4)


def test_the_tanh_neuron():
    x1, x2, w1, w2, b = map(Value, (2.0, 0.0, -3.0, 1.0, 6.8813735870195432))
    n = x1 * w1 + x2 * w2 + b
    o = n.tanh()
    assert o.data == 0.7071067811865476
    assert gradients(o, x1, w1, x2, w2, n) == pytest.approx([-1.5, 1, 0.5, 0, 0.5], rel=1e-15)


def test_the_same_neuron_from_exp():
    n = Value(0.8813735870195432)
    e = (2 * n).exp()
    o = (e - 1) / (e + 1)
    assert (o.data, *gradients(o, n)) == pytest.approx((0.7071067811865476, 0.5), rel=1e-15)


# Backward passes.


def test_a_value_used_twice_gets_both_gradients():
    a = Value(3.0)
    assert gradients(a + a, a) == [2]


def test_backward_twice_adds_to_leaves_what_once_did():
    a = Value(3.0)
    y = a * a * a
    assert (gradients(y, a), gradients(y, a)) == ([27], [54])


def test_two_losses_over_a_shared_node_add_up():
    a = Value(3.0)
    s = a * a
    (s + 1).backward()
    (3 * s + a * 10).backward()
    assert a.grad == 6 + 18 + 10


def test_two_losses_over_a_shared_square_give_34():
    a = Value(1.0)
    s = a * a
    (s * 2).backward()
    (s * 15).backward()
    assert a.grad == 34


def test_backward_takes_the_gradient_to_start_from():
    a = Value(3.0)
    (a * a).backward(0.5)
    assert a.grad == 3


def test_backward_of_a_leaf_is_one():
    a = Value(3.0)
    a.backward()
    a.backward()
    assert a.grad == 2


def test_gradients_by_hand_with_backward_of_each_node():
    a, b = Value(2.0), Value(-3.0)
    e = a * b
    o = e.tanh()
    o.grad = 1.0
    o._backward()
    e._backward()
    a._backward()
    slope = 1 - math.tanh(-6) ** 2
    assert (e.grad, a.grad, b.grad) == pytest.approx((slope, -3 * slope, 2 * slope), rel=1e-9)


def test_an_op_added_from_outside_takes_part_in_backward():
    def cube(x):
        out = Value(x.data**3, (x,), "cube")

        def backward():
            x.grad += 3 * x.data**2 * out.grad

        out._backward = backward
        return out

    a = Value(2.0)
    assert gradients(cube(a) + cube(2 * a), a) == [12 + 96]


def test_local_derivatives_may_stand_in_for_a_name():
    a, b = Value(2.0), Value(5.0)
    product = Value(a.data * b.data, (a, b), (b.data, a.data))
    assert gradients(product * product, a, b) == [100, 40]


CHANGED = {
    "*": (lambda x: x * 3.0 * x, lambda x: 6 * x),
    "/": (lambda x: 1 / x, lambda x: -1 / x**2),
    "**": (lambda x: x**3, lambda x: 3 * x**2),
    "exp": (Value.exp, math.exp),
    "log": (Value.log, lambda x: 1 / x),
    "sqrt": (Value.sqrt, lambda x: 0.5 / math.sqrt(x)),
    "tanh": (Value.tanh, lambda x: 1 / math.cosh(x) ** 2),
    "sin": (Value.sin, math.cos),
    "dot": (lambda x: F.dot([x], [x]), lambda x: 2 * x),
    "softplus": (Value.softplus, lambda x: 1 / (1 + math.exp(-x))),
}


@pytest.mark.parametrize("name", sorted(set(CHANGED) - {"*"}))
def test_slopes_are_taken_at_the_data_of_the_moment_of_backward(name):
    f, slope = CHANGED[name]
    x = Value(0.5)
    y = f(x)
    x.data = 0.25
    assert gradients(y, x) == pytest.approx([slope(0.25)], rel=1e-12)


# Edge values, as PyTorch's float64 has them.

EDGES = [
    (Value.relu, 0, 0, 0),
    (Value.relu, nan, nan, 1),
    (Value.relu, -inf, 0, 0),
    (abs, 0, 0, 0),
    (abs, nan, nan, nan),
    (abs, -inf, inf, -1),
    (Value.sqrt, 0, 0, inf),
    (Value.sqrt, -1, nan, nan),
    (Value.log, 0, -inf, inf),
    (Value.log, -1, nan, -1),
    (Value.log, inf, inf, 0),
    (Value.exp, 710, inf, inf),
    (Value.exp, -1000, 0, 0),
    (Value.tanh, 1000, 1, 0),
    (Value.tanh, -1000, -1, 0),
    (Value.tanh, nan, nan, nan),
    (Value.sigmoid, -1000, 0, 0),
    (Value.sigmoid, 1000, 1, 0),
    (Value.softplus, 1000, 1000, 1),
    (Value.softplus, -1000, 0, 0),
    (Value.sin, inf, nan, nan),
    (Value.cos, -inf, nan, nan),
    (lambda x: x**0, 0, 1, 0),
    (lambda x: x**0.5, 0, 0, inf),
    (lambda x: x**-1, 0, inf, -inf),
    (lambda x: x**-1, -0.0, -inf, -inf),
    (lambda x: x**3, -2, -8, 12),
    (lambda x: x**0.5, -2, nan, nan),
    (lambda x: x**3, 1e200, inf, inf),
    (lambda x: x**3, -1e200, -inf, inf),
    (lambda x: 0**x, 2, 0, 0),
    (lambda x: 0**x, -1, inf, -inf),
    (lambda x: (-2) ** x, 3, -8, nan),
    (lambda x: 1 / x, 0, inf, -inf),
    (lambda x: x / 0, 1, inf, inf),
    (lambda x: x / 0, 0, nan, inf),
    (lambda x: 0 / x, 0, nan, nan),
    (lambda x: -1 / x, 0, -inf, inf),
    (lambda x: x - inf, inf, nan, 1),
    (lambda x: inf - x, inf, nan, -1),
    (lambda x: x * 1e308, 1e308, inf, 1e308),
    (lambda x: F.sum([x, -inf]), inf, nan, 1),
    (lambda x: F.sum([x, 1e308]), 1e308, inf, 1),
    (lambda x: F.max([x, 3]), nan, nan, 1),
    (lambda x: F.max([x, nan]), 3, nan, 0),
    (lambda x: F.logsumexp([x, 1000]), 1000, 1000 + math.log(2), 0.5),
    (lambda x: F.logsumexp([x, 0]), -inf, 0, 0),
    (lambda x: F.cross_entropy([x, 0], 1), 1000, 1000, 1),
    (lambda x: F.cross_entropy([1000, x], 1), 0, 1000, -1),
    (lambda x: F.binary_cross_entropy_with_logits([x], [1]), -1000, 1000, -1),
    (lambda x: F.binary_cross_entropy_with_logits([x], [0]), 1000, 1000, 1),
    (lambda x: F.dot([x], [0.0]), inf, nan, 0),
]


@pytest.mark.parametrize("f, x, data, grad", EDGES)
def test_edge_values(f, x, data, grad):
    v = Value(x)
    y = f(v)
    assert (y.data, *gradients(y, v)) == pytest.approx((data, grad), nan_ok=True, abs=0)


def test_a_zero_gradient_meets_an_infinite_operand_as_ieee_says():
    w, x = Value(inf), Value(1.0)
    F.dot([w], [x]).backward(0.0)
    assert (w.grad, math.isnan(x.grad)) == (0, True)


def test_division_is_rounded_once():
    assert all((Value(n) / Value(n)).data == 1.0 for n in range(1, 1000))
    assert (Value(1) / Value(49) * 49).data == 1 / 49 * 49


# Depth, width, memory.


def test_a_chain_far_deeper_than_the_stack():
    a = Value(1.0)
    x = a
    for _ in range(20_000):
        x = x + a
    x.backward()
    assert (a.grad, repr(x)) == (20_001, "Value(data=20001.0, grad=1.0)")
    end = weakref.ref(x)
    del x
    assert end() is None


def test_doubling_costs_a_node_a_time():
    a = Value(1.0)
    y = a
    for _ in range(2_000):
        y = y + y
        y.data = 1.0
    assert len(topological_order(y)) == 2_001
    assert gradients(y, a) == [inf]


def test_nodes_are_freed_without_the_collector():
    gc.collect()
    gc.disable()
    try:
        a = Value(2.0)
        nodes = [
            (a * 3).tanh(),
            a**2,
            F.dot([a], [a]),
            F.softmax([a, 1])[0],
            Value(1.0, (a,), (1,)),
        ]
        y = F.sum(nodes)
        y.backward()
        watched = [weakref.ref(n) for n in topological_order(y) if n is not a]
        del nodes, y
        assert [w() for w in watched] == [None] * len(watched)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_children_are_in_order_and_counted():
    a, b = Value(1.0), Value(2.0)
    assert (a + b)._prev == (a, b)
    assert (a + a)._prev == (a, a)
    assert topological_order((a * b) + a)[:2] == [a, b]


# What a Value is made of, and what it refuses.

ACCEPTED = [3, True, 2.5, Fraction(1, 4), np.float32(0.5), np.int64(7), np.bool_(True), -0.0]


@pytest.mark.parametrize("x", ACCEPTED, ids=repr)
def test_real_numbers_become_floats(x):
    v = Value(x)
    assert type(v.data) is float and v.data == x
    assert type((v + x).data) is type((x * v).data) is float


@pytest.mark.parametrize("other", ["x", None, [1], {}, 1j, Decimal("1")], ids=repr)
@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "**"])
def test_operators_refuse_other_things_as_python_does(operator, other):
    for code in (f"v {operator} other", f"other {operator} v"):
        with pytest.raises(TypeError, match=r"unsupported operand|can't multiply|can only conc"):
            eval(code, {"v": Value(1.0), "other": other})


def test_arrays_of_values():
    v, array = Value(2.0), np.array([1.0, 3.0])
    for product in (v * array, array * v):
        assert [x.data for x in product] == [2, 6]
    assert [x.data for x in v**array] == [2, 8]
    assert [x.data for x in v - array] == [1, -1]
    tanhs = np.tanh(np.array([v, v * 0]))
    assert gradients(tanhs.sum(), v) == pytest.approx([1 / math.cosh(2) ** 2])
    assert (np.float64(3) * v).data == 6.0


def test_comparisons_are_of_data_and_equality_is_identity():
    a, b = Value(1.0), Value(2.0)
    assert (a < b, a <= 1, b > 1.5, 2 >= a) == (True,) * 4
    assert (a > b, b <= a, 1 > b, a >= 2) == (False,) * 4
    assert a != Value(1.0) and len({a, b, a}) == 2
    with pytest.raises(TypeError):
        a < "b"


def test_a_value_prints_its_data_and_gradient():
    assert repr(Value(2)) == "Value(data=2.0, grad=0.0)"
    assert repr(Value(2.0, label="x")) == "Value(data=2.0, grad=0.0)"


def test_attributes_can_be_added():
    v = Value(1.0)
    v.m, v._vis_color = 0.5, "red"
    assert (v.m, v._vis_color) == (0.5, "red")


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))]
)
def test_leaves_copy_and_computed_values_refuse_to(duplicate):
    a = Value(2.0, label="a")
    a.grad, a.m = 3.0, [1]
    b = duplicate(a)
    assert b is not a and (b.data, b.grad, b.label, b.m, b._prev, b._op) == (2, 3, "a", [1], (), "")
    assert gradients(b * b, b) == [3 + 4]
    with pytest.raises(TypeError, match=r"keep its \.data, or copy the leaves"):
        duplicate(a * a)
