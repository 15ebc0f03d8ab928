"""One operation in three designs, a closure, a Function, local derivatives: the same everywhere."""

import pytest

from micrograd import Value
from micrograd.function import Function
from micrograd.gradcheck import GradientError, gradcheck
from micrograd.viz import draw_dot


def by_closure(x):
    out = Value(x.data**3, (x,), "cube by closure")

    def backward():
        x.grad += 3 * x.data**2 * out.grad

    out._backward = backward
    return out


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * grad


def by_local_derivative(x):
    return Value(x.data**3, (x,), (3 * x.data**2,))


DESIGNS = {"cube by closure": by_closure, "Cube": Cube.apply, "local": by_local_derivative}
each_design = pytest.mark.parametrize("cube", DESIGNS.values(), ids=list(DESIGNS))


@each_design
def test_value_and_gradient(cube):
    x = Value(2.0)
    y = 5 * cube(x) + cube(x) * x
    y.backward()
    assert (y.data, x.grad) == (56.0, 92.0)


def test_all_three_in_one_graph():
    xs = [Value(2.0) for _ in DESIGNS]
    a, b, c = (cube(x) for cube, x in zip(DESIGNS.values(), xs))
    (a * b * c).backward()
    assert [x.grad for x in xs] == [768.0] * 3


def test_one_inside_the_other():
    x = Value(1.1)
    y = by_closure(Cube.apply(by_local_derivative(x)))
    for times in (1, 2):
        y.backward()
        assert x.grad == pytest.approx(times * 27 * 1.1**26, rel=1e-14)


@each_design
def test_gradcheck_passes(cube):
    assert gradcheck(lambda x: cube(x) * cube(x).tanh(), 0.8)


@each_design
def test_a_wrong_slope_is_found_in_any_graph(cube):
    def with_a_fault(x):
        return Value(cube(x).data, (x,), (2 * x.data**2,))

    with pytest.raises(GradientError, match=r"relative error 0\.33$"):
        gradcheck(lambda x: with_a_fault(x) + 0 * cube(x), 0.8)


@pytest.mark.parametrize(("op", "cube"), DESIGNS.items())
def test_it_is_drawn_as_one_operation(op, cube):
    drawing = draw_dot(cube(Value(2.0)))
    assert (drawing.source.count("shape=record"), drawing.source.count("->")) == (2, 2)
    assert f">{op}</text>" in drawing.pipe("svg", encoding="utf-8").replace("&#160;", " ")
