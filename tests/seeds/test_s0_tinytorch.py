"""tinytorch 01: a tensor, operations as objects, a drawing, row by row."""

import pytest

from micrograd import Value
from micrograd.function import Function
from micrograd.gradcheck import GradientError, gradcheck
from micrograd.tensor import Tensor
from micrograd.viz import draw_dot, trace


class Add(Function):
    @staticmethod
    def forward(ctx, x, y):
        return x + y

    @staticmethod
    def backward(ctx, grad):
        return grad, grad


class Mul(Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx, grad):
        x, y = ctx.saved_tensors
        return y * grad, x * grad


def gradients(y, *leaves):
    y.backward()
    return [x.grad for x in leaves]


def test_s0_1_adding_two_tensors_of_one_element():
    assert (Tensor([8]) + Tensor([5])).tolist() == [13]


def test_s0_2_multiplying_them():
    assert (Tensor([8]) * Tensor([5])).tolist() == [40]


@pytest.mark.parametrize("number", [Value, Tensor])
def test_s0_3_the_gradient_of_a_sum(number):
    x, y = number(10), number(20)
    assert gradients(x + y, x, y) == [1, 1]


@pytest.mark.parametrize("number", [Value, Tensor])
def test_s0_4_the_gradient_of_a_product(number):
    x, y = number(10), number(20)
    assert gradients(x * y, x, y) == [20, 10]


@pytest.mark.parametrize(
    ("f", "slope"),
    [(lambda x: x + 10, 1), (lambda x: 10 + x, 1), (lambda x: 10 * x, 10), (lambda x: x * 10, 10)],
)
def test_s0_5_the_gradient_beside_a_constant(f, slope):
    x = Value(3)
    assert gradients(f(x), x) == [slope]


@pytest.mark.parametrize(
    ("operation", "numbers", "data", "slopes"),
    [
        (Add, (8, 5), 13, [1, 1]),
        (Mul, (8, 5), 40, [5, 8]),
        (Add, (10, 20), 30, [1, 1]),
        (Mul, (10, 20), 200, [20, 10]),
    ],
)
def test_s0_6_operations_as_objects(operation, numbers, data, slopes):
    x, y = map(Value, numbers)
    z = operation.apply(x, y)
    assert (z.data, gradients(z, x, y)) == (data, slopes)


def test_s0_6_operations_as_objects_beside_a_constant():
    x = Value(3)
    assert gradients(Add.apply(x, 10), x) == [1]
    x.grad = 0.0
    assert gradients(Mul.apply(10, x), x) == [10]


def test_s0_6_a_leaf_has_no_operation():
    x, y = Value(10), Value(20)
    assert [(v._op, v._prev) for v in (x, Mul.apply(x, y))] == [("", ()), ("Mul", (x, y))]


class AddThatIgnoresUpstream(Add):
    @staticmethod
    def backward(ctx, grad):
        return 1.0, 1.0


def test_s0_7_an_ignored_upstream_gradient_is_right_for_one_operation():
    x, y = Value(10), Value(20)
    assert gradients(AddThatIgnoresUpstream.apply(x, y), x, y) == [1, 1]
    assert gradcheck(AddThatIgnoresUpstream.apply, 10, 20)


def test_s0_7_an_ignored_upstream_gradient_is_wrong_for_two():
    def f(x, y):
        return Mul.apply(AddThatIgnoresUpstream.apply(x, y), 5)

    message = r"^input 0 \(x\): backward gives 1, differences give 5, relative error 0\.8$"
    with pytest.raises(GradientError, match=message):
        gradcheck(f, Value(10, label="x"), Value(20, label="y"))


def test_s0_8_a_sum_is_drawn_as_three_values_and_an_operation(tmp_path):
    drawing = draw_dot(Add.apply(Value(8), Value(5)))
    shown = ["shape=record", "label=Add ", "->"]
    assert [drawing.source.count(text) for text in shown] == [3, 1, 3]
    with open(drawing.render(tmp_path / "sum", format="png"), "rb") as file:
        assert file.read(8) == b"\x89PNG\r\n\x1a\n"


def test_s0_8_ten_doublings_are_drawn_as_eleven_values():
    y = Value(1)
    for _ in range(10):
        y = y + y
    assert [len(part) for part in trace(y)] == [11, 20]
    source = draw_dot(y).source
    assert (y.data, source.count("shape=record"), source.count("->")) == (1024, 11, 30)
