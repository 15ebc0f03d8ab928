"""An operation of one's own that raises in backward: it is named, and leaves nothing behind."""

import pytest

from micrograd import Value
from micrograd.engine import node
from micrograd.function import Function

THEME = "Numbers"

# The ways to write an operation, here 18 s. In backward, each passes half of its gradient on, then
# calls `fault`, then passes the other half on.


def by_attribute(s, fault):
    y = Value(18 * s.data, (s,), "fussy")

    def backward():
        s.grad += 9 * y.grad
        fault()
        s.grad += 9 * y.grad

    y._backward = backward
    return y


def by_node(s, fault):
    def backward(grad):
        s.grad += 9 * grad
        fault()
        s.grad += 9 * grad

    return node(18 * s.data, (s,), "fussy", backward)


class Fussy(Function):
    def __init__(self, fault):
        self.fault = fault

    def forward(self, *numbers):
        return 18 * numbers[0]

    def backward(self, grad):
        self.fault()
        return 18 * grad


class TwoFussy(Fussy):
    def forward(self, s):
        return 9 * s, 9 * s

    def backward(self, first, second):
        self.fault()
        return 9 * first + 9 * second


def by_function(s, fault):
    return Fussy(fault)(s)


def by_function_of_two(s, fault):
    first, second = TwoFussy(fault)(s)
    return first + second


WAYS = {
    "_backward": (by_attribute, "fussy"),
    "node": (by_node, "fussy"),
    "Function": (by_function, "Fussy"),
    "Function with two outputs": (by_function_of_two, "TwoFussy"),
}


class Faults:
    """A function that raises an error, but only when called for the `at`-th time."""

    def __init__(self, error, at=1):
        self.error, self.at, self.calls = error, at, 0

    def __call__(self):
        self.calls += 1
        if self.calls == self.at:
            raise self.error


@pytest.mark.parametrize("error", [ZeroDivisionError("not yet"), OSError(5, "not yet")], ids=repr)
@pytest.mark.parametrize("way", WAYS)
def test_an_operation_that_raises_is_named_and_can_be_tried_again(way, error, score):
    make, name = WAYS[way]
    a = Value(6.0)
    y = make(a * a, Faults(error)) + a
    with pytest.raises(RuntimeError) as caught:
        y.backward()
    assert str(caught.value) == f"backward of {name!r} failed: {error}"
    assert caught.value.__cause__ is error
    a.grad = 0.0
    y.backward()
    score(
        "an op of one's own raises in backward; zero_grad; backward again",
        217,
        f"{a.grad:.0f} ({way})",
        hurt="who writes an operation with a mistake, corrects it, and goes on in the notebook",
        peer="865",
    )
    assert a.grad == 217


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)], ids=repr)
@pytest.mark.parametrize("way", WAYS)
def test_a_request_to_stop_is_passed_on_as_it_is(way, error):
    make, _ = WAYS[way]
    with pytest.raises(type(error)) as caught:
        make(Value(6.0), Faults(error)).backward()
    assert caught.value is error


@pytest.mark.parametrize("at", range(1, 21))
def test_wherever_it_raises_a_second_try_is_exact(at):
    def gradients(fault):
        a, b = Value(1.5), Value(-0.5)
        x, attempts = a * b, []
        for k in range(20):
            make, _ = list(WAYS.values())[k % len(WAYS)]
            x = make(x.tanh() + a, fault) * b / 18
        for _ in range(2):
            a.grad = b.grad = 0.0
            try:
                x.backward()
            except RuntimeError:
                attempts.append("raised")
            else:
                attempts.append((a.grad, b.grad))
        return attempts

    _, right = gradients(lambda: None)
    assert gradients(Faults(ZeroDivisionError(), at)) == ["raised", right]
