"""Custom operations: they behave as built-in ones do, and say what is wrong with them."""

import gc
import math
import weakref

import pytest

import micrograd.functional as F
from micrograd import Value
from micrograd.engine import topological_order
from micrograd.function import Function
from micrograd.gradcheck import gradcheck
from micrograd.optim import SGD
from micrograd.viz import draw_dot


class Square(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 2 * x * grad


class Mul(Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx, grad):
        x, y = ctx.saved_tensors
        return y * grad, x * grad


class Power(Function):
    @staticmethod
    def forward(ctx, x, n):
        ctx.save_for_backward(x)
        ctx.n = n
        return x**n

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return ctx.n * x ** (ctx.n - 1) * grad, None


class Polar(Function):
    """The length and the angle of (x, y)."""

    calls = 0

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return math.hypot(x, y), math.atan2(y, x)

    @staticmethod
    def backward(ctx, length, angle):
        Polar.calls += 1
        x, y = ctx.saved_tensors
        r = math.hypot(x, y)
        return length * x / r - angle * y / r**2, length * y / r + angle * x / r**2


def custom(forward=lambda ctx, *args: 1.0, backward=lambda ctx, *grads: 1.0):
    """A Function of the name Custom."""
    methods = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("Custom", (Function,), methods)


LENGTH, ANGLE = (0.6, 0.8), (-0.16, 0.12)  # the gradients of Polar at (3, 4), by hand


def gradients(y, *leaves):
    y.backward()
    return [x.grad for x in leaves]


def failing(x):
    def fail():
        raise ZeroDivisionError("on purpose")

    out = Value(x.data, (x,), "failing")
    out._backward = fail
    return out


# One output.


def test_an_operation_is_one_node():
    x = Value(3.0)
    y = Square.apply(x)
    assert (y.data, y._op, y._prev, topological_order(y)) == (9.0, "Square", (x,), [x, y])


def test_an_instance_is_called_like_apply():
    x = Value(3.0)
    square = Square()
    assert gradients(square(square(x)), x) == [108.0]


def test_an_instance_keeps_what_its_init_set():
    class Scale(Function):
        def __init__(self, factor):
            self.factor = factor

        def forward(self, x):
            return self.factor * x

        def backward(self, grad):
            return self.factor * grad

    x = Value(3.0)
    y = Scale(2.0)(x) + Scale(10.0)(x)
    assert (y.data, *gradients(y, x)) == (36.0, 12.0)


def test_a_value_used_twice_gets_both_gradients():
    x = Value(3.0)
    assert gradients(Mul.apply(x, x), x) == [6.0]


def test_backward_twice_accumulates_in_leaves_only():
    x = Value(3.0)
    y = Mul.apply(Square.apply(x), x)
    assert (gradients(y, x), gradients(y, x)) == ([27.0], [54.0])


@pytest.mark.parametrize(
    ("f", "data", "slope"),
    [
        (lambda x: Mul.apply(x, 10), 30.0, 10.0),
        (lambda x: Mul.apply(10, x), 30.0, 10.0),
        (lambda x: Power.apply(x, 3), 27.0, 27.0),
        (lambda x: 1 - Square.apply(2 * x), -35.0, -24.0),
    ],
)
def test_plain_numbers_are_constants(f, data, slope):
    x = Value(3.0)
    assert (f(x).data, *gradients(f(x), x)) == (data, slope)


def test_a_constant_is_in_the_graph():
    assert [v.data for v in Mul.apply(Value(3.0), 10)._prev] == [3.0, 10.0]


def test_values_reach_forward_as_floats_and_other_arguments_as_they_are():
    seen = []
    custom(forward=lambda ctx, *args: len(seen.extend(args) or args)).apply(Value(2), 3, "mode")
    assert repr(seen) == "[2.0, 3, 'mode']"


def test_data_are_floats_whatever_forward_returns():
    y = custom(forward=lambda ctx, x: 3).apply(Value(2.0))
    assert repr(y) == "Value(data=3.0, grad=0.0)"


def test_arguments_that_are_not_values_may_have_no_gradient():
    x = Value(2.0)
    operation = custom(backward=lambda ctx, grad: (5 * grad, None, None))
    assert gradients(operation.apply(x, 3, "mode"), x) == [5.0]


def test_each_call_has_a_context_of_its_own():
    x, y = Value(3.0), Value(5.0)
    square = Square()
    assert gradients(square(x) + square(y), x, y) == [6.0, 10.0]
    assert square.saved_tensors == ()


def test_saved_tensors_is_a_tuple():
    def backward(ctx, grad):
        assert ctx.saved_tensors == (1.0, "mode")
        return grad

    operation = custom(lambda ctx, x: ctx.save_for_backward(x, "mode") or x, backward)
    assert operation.apply(Value(1.0)).backward() is None


def test_gradcheck_passes():
    assert gradcheck(lambda x, y: Mul.apply(Square.apply(x), Power.apply(y, 3)).tanh(), 0.7, -0.8)


def test_backward_can_be_stepped_by_hand():
    x = Value(3.0)
    y = Square.apply(x)
    y.grad = 1.0
    y._backward()
    assert x.grad == 6.0


def test_it_trains():
    w = Value(0.0)
    optimizer = SGD([w], lr=0.1)
    for _ in range(50):
        optimizer.zero_grad()
        Square.apply(w - 3).backward()
        optimizer.step()
    assert w.data == pytest.approx(3.0, abs=1e-4)


def test_it_is_drawn_with_its_name():
    source = draw_dot(Square.apply(Value(3.0))).source
    assert (source.count("shape=record"), source.count("label=Square")) == (2, 1)


# Several outputs.


def polar():
    x, y = Value(3.0), Value(4.0)
    return x, y, *Polar.apply(x, y)


def test_a_tuple_gives_a_tuple_of_values():
    results = Polar.apply(3.0, 4.0)
    assert type(results) is tuple
    length, angle = results
    assert (length.data, angle.data) == (5.0, math.atan2(4, 3))
    assert (length._op, angle._op) == ("Polar[0]", "Polar[1]")


@pytest.mark.parametrize(
    ("f", "slopes"),
    [
        (lambda length, angle: length, LENGTH),
        (lambda length, angle: angle, ANGLE),
        (lambda length, angle: length + angle, (0.44, 0.92)),
        (lambda length, angle: angle + length, (0.44, 0.92)),
        (lambda length, angle: 2 * length + angle + angle, (0.88, 1.84)),
    ],
)
def test_backward_is_called_once_with_all_gradients(f, slopes):
    x, y, length, angle = polar()
    Polar.calls = 0
    assert gradients(f(length, angle), x, y) == pytest.approx(slopes)
    assert Polar.calls == 1


def test_an_output_that_is_not_used_has_the_gradient_zero():
    class Pair(Function):
        @staticmethod
        def forward(ctx, x):
            return x, x

        @staticmethod
        def backward(ctx, *grads):
            found.extend(map(str, grads))
            return sum(grads)

    found = []
    Pair.apply(Value(1.0))[1].backward()
    assert found == ["0.0", "1.0"]


def test_several_outputs_pass_gradcheck():
    assert gradcheck(lambda x, y: F.dot(Polar.apply(x, y), Polar.apply(y, x)).sin(), 0.7, -1.2)


def test_a_second_pass_adds_the_same():
    x, y, length, angle = polar()
    once = gradients(length * angle, x, y)
    again = gradients(length * angle, x, y)
    assert again == [2 * g for g in once]


def test_passes_that_share_an_operation_do_not_mix():
    x, y, length, angle = polar()
    assert gradients(length, x, y) == pytest.approx(LENGTH)
    assert gradients(angle, x, y) == pytest.approx([sum(g) for g in zip(LENGTH, ANGLE)])


def test_a_pass_that_failed_leaves_nothing_behind():
    x, y, length, angle = polar()
    with pytest.raises(RuntimeError, match="'failing' failed: on purpose"):
        (failing(angle) + length).backward()  # fails when the gradient of length has arrived
    x.grad = y.grad = 0.0
    assert gradients(angle, x, y) == pytest.approx(ANGLE)


def test_several_outputs_can_be_stepped_by_hand():
    x, y, length, angle = polar()
    length.grad = 1.0
    (between,) = length._prev
    for v in (length, length, angle, between):
        v._backward()
    assert (between.grad, x.grad, y.grad) == pytest.approx((2.0, 2 * LENGTH[0], 2 * LENGTH[1]))


def test_several_outputs_are_drawn_from_one_operation():
    _, _, length, angle = polar()
    y = 2 * length + angle
    y.backward()
    source = draw_dot(y).source
    shown = {"label=Polar ": 1, 'label="Polar[0]"': 1, 'label="Polar[1]"': 1, "shape=record": 8}
    assert {text: source.count(text) for text in shown} == shown
    assert "outputs: data 0.0, grad 3.0" in source


# Memory.


@pytest.mark.parametrize(
    "f",
    [Square.apply, lambda x: F.sum(Polar.apply(x, 2.0)), lambda x: Mul.apply(x, x)],
)
def test_a_graph_is_freed_without_the_garbage_collector(f):
    gc.collect()
    gc.disable()
    try:
        x = Value(3.0)
        y = f(x)
        y.backward()
        nodes = [weakref.ref(v) for v in topological_order(y) if v is not x]
        del y
        assert [ref() for ref in nodes] == [None] * len(nodes)
        x = weakref.ref(x)
        assert x() is None
    finally:
        gc.enable()


# Faults.


@pytest.mark.parametrize(
    ("result", "cause", "message"),
    [
        (1.0, ValueError, "a gradient for each argument of forward(), 2 in all, got 1"),
        ((1.0,), ValueError, "a gradient for each argument of forward(), 2 in all, got 1"),
        ((1.0, 2.0, 3.0), ValueError, "a gradient for each argument of forward(), 2 in all, got 3"),
        (None, ValueError, "a gradient for each argument of forward(), 2 in all, got 1"),
        ((1.0, None), TypeError, "a number for argument 1, got NoneType None"),
        ([1.0, 2.0], ValueError, "a gradient for each argument of forward(), 2 in all, got 1"),
        ((1.0, "x"), TypeError, "a number for argument 1, got str 'x'"),
        ((1.0, 1j), TypeError, "a number for argument 1, got complex 1j"),
        (
            (Value(7.0), 1.0),
            TypeError,
            "a number for argument 0, got Value Value(data=7.0, grad=0.0)",
        ),
    ],
)
def test_backward_must_return_a_number_for_each_value(result, cause, message):
    x, y = Value(2.0), Value(3.0)
    with pytest.raises(RuntimeError) as caught:
        custom(backward=lambda ctx, grad: result).apply(x, y).backward()
    assert str(caught.value) == (
        f"backward of 'Custom' failed: Custom.backward() must return {message}"
    )
    assert type(caught.value.__cause__) is cause
    assert (x.grad, y.grad) == (0.0, 0.0)


def test_an_exception_in_backward_names_the_operation():
    with pytest.raises(RuntimeError, match=r"^backward of 'Custom' failed: math domain error$"):
        custom(backward=lambda ctx, grad: math.sqrt(-grad)).apply(Value(2.0)).backward()


def test_a_pass_that_failed_can_be_repeated():
    results = [None, 7.0]
    a, b = Value(2.0), Value(3.0)
    y = custom(backward=lambda ctx, grad: results.pop(0)).apply(a * b) + a
    with pytest.raises(RuntimeError, match="'Custom'"):
        y.backward()
    a.grad = b.grad = 0.0
    assert gradients(y, a, b) == [22.0, 14.0]


def test_a_missing_forward_is_named():
    class Half(Function):
        pass

    for operation in (Half, Function):
        with pytest.raises(NotImplementedError, match=f"^{operation.__name__} needs .* forward"):
            operation.apply(Value(2.0))


def test_a_missing_backward_is_named():
    class Half(Function):
        @staticmethod
        def forward(ctx, x):
            return x / 2

    with pytest.raises(RuntimeError, match=r"'Half' failed: Half needs .* backward") as caught:
        Half.apply(Value(2.0)).backward()
    assert type(caught.value.__cause__) is NotImplementedError
