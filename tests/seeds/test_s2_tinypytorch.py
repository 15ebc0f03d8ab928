"""TinyPytorch, steps 1 to 10: variables, functions, differences, backward, row by row."""

import math
import random
import weakref

import numpy as np
import pytest

from micrograd import Value
from micrograd import Value as Variable
from micrograd.function import Function
from micrograd.gradcheck import gradcheck, numerical_diff


class Square(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 2 * x * grad


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return math.exp(x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return math.exp(x) * grad


def square(x):
    return Square()(x)


def exp(x):
    return Exp()(x)


DESIGNS = {
    "functions": lambda x: square(exp(square(x))),
    "methods": lambda x: ((x**2).exp()) ** 2,
}
each_design = pytest.mark.parametrize("composite", DESIGNS.values(), ids=list(DESIGNS))


def test_s2_1_a_variable_is_a_box_for_a_number():
    """The listing as it is printed."""
    data = np.array(1.0)
    x = Variable(data)
    before = str(x.data)
    x.data = np.array(2.0)
    assert (before, str(x.data), (3 * x).data) == ("1.0", "2.0", 6.0)


def test_s2_2_a_function_is_called_on_variables():
    x = Value(10.0)
    results = [Square()(x), Square.apply(x), square(x)]
    assert [(type(y), y.data) for y in results] == [(Value, 100.0)] * 3


def test_s2_2_a_function_without_forward_says_so():
    class Cube(Function):
        pass

    for function in (Function, Cube):
        with pytest.raises(NotImplementedError, match=rf"^{function.__name__} needs .* forward\("):
            function()(Value(1.0))


@each_design
def test_s2_3_functions_in_a_row(composite):
    assert composite(Value(0.5)).data == 1.648721270700128


def test_s2_3_the_listing_as_it_is_printed(capsys):
    A = Square()
    B = Exp()
    C = Square()
    x = Variable(np.array(0.5))
    a = A(x)
    b = B(a)
    y = C(b)
    print(y.data)
    assert capsys.readouterr().out == "1.648721270700128\n"


def test_s2_4_the_central_difference_of_a_square():
    assert numerical_diff(square, Value(2.0), eps=1e-4) == 4.000000000004


@each_design
def test_s2_4_the_central_difference_of_functions_in_a_row(composite):
    assert numerical_diff(composite, Value(0.5)) == 3.2974426293330694


def test_s2_5_the_chain_rule_by_hand():
    x = Value(0.5)
    a = square(x)
    b = exp(a)
    y = square(b)
    y.grad = 1.0
    for v in (y, b, a):
        v._backward()
    assert x.grad == 3.297442541400256


@each_design
def test_s2_6_backward_finds_the_order_by_itself(composite):
    x = Value(0.5)
    composite(x).backward()
    assert x.grad == 3.297442541400256


@pytest.mark.slow
def test_s2_6_a_chain_of_a_million_nodes(score):
    a = x = Value(1.0)
    for _ in range(1_000_000):
        x = x + a
    x.backward()
    found, end = f"{a.grad:,.0f}; {x!r}", weakref.ref(x)
    del x
    freed = "gone" if end() is None else "still there"
    right = "1,000,001; Value(data=1000001.0, grad=1.0); gone"
    score(
        "a chain of 1,000,000: forward, backward, repr, del",
        right,
        f"{found}; {freed}",
        theme="Memory and depth",
        hurt="who writes a loop: a recurrent network, an ODE",
        peer="RecursionError above 995 nodes",
    )
    assert f"{found}; {freed}" == right


def test_s2_7_the_gradient_of_the_output_is_one():
    y = square(Value(3.0))
    y.backward()
    assert y.grad == 1.0


@pytest.mark.parametrize("data", ["1.0", None, [1.0], 1j])
def test_s2_8_a_wrong_type_is_refused(data):
    with pytest.raises(TypeError, match=f"needs a real number, got {type(data).__name__} "):
        Value(data)


def test_s2_9_unit_tests_of_the_square():
    x = Value(3.0)
    square(x).backward()
    assert (square(Value(2.0)).data, x.grad) == (4.0, 6.0)


def test_s2_9_a_gradient_check_at_a_random_point():
    assert gradcheck(square, random.Random(9).random())


@pytest.mark.parametrize(
    ("f", "x", "data", "slope"),
    [
        (lambda x: x + x, 3.0, 6.0, 2.0),
        (lambda x: x + x + x, 3.0, 9.0, 3.0),
        (lambda x: x * x + x, 3.0, 12.0, 7.0),
        (lambda x: square(square(x)) + square(square(x)), 2.0, 32.0, 64.0),
    ],
)
def test_s2_10_paths_add_up(f, x, data, slope):
    v = Value(x)
    y = f(v)
    y.backward()
    assert (y.data, v.grad) == (data, slope)


def test_s2_10_branches_that_share_a_node():
    x = Value(2.0)
    a = square(x)
    y = square(a) + square(a)
    y.backward()
    assert (y.data, x.grad) == (32.0, 64.0)
