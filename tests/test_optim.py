"""Optimizers: the steps of the papers, checked settings, no step where a number is not finite."""

import json
import math

import pytest

from micrograd import Value, nn
from micrograd.compiler import jit
from micrograd.optim import SGD, Adam, NonFiniteError, Optimizer, cosine, linear


def descend(optimizer, x, steps):
    """The path of x down the parabola x²."""
    path = []
    for _ in range(steps):
        optimizer.zero_grad()
        (x * x).backward()
        optimizer.step()
        path.append(x.data)
    return path


def test_sgd_steps_against_the_gradient():
    x = Value(1.0)
    assert descend(SGD([x], lr=0.1), x, 3) == pytest.approx([0.8, 0.64, 0.512])


def test_momentum_keeps_part_of_the_last_step():
    x = Value(1.0)
    # velocities 2, 0.5·2 + 1.6 = 2.6, 0.5·2.6 + 1.08 = 2.38
    assert descend(SGD([x], lr=0.1, momentum=0.5), x, 3) == pytest.approx([0.8, 0.54, 0.302])


def test_weight_decay_adds_to_the_gradient():
    x = Value(1.0)
    assert descend(SGD([x], lr=0.1, weight_decay=1.0), x, 2) == pytest.approx([0.7, 0.49])


def test_adam_as_in_the_paper():
    x, lr, b1, b2, eps = Value(1.0), 0.1, 0.9, 0.999, 1e-8
    path = descend(Adam([x], lr=lr, betas=(b1, b2), eps=eps), x, 50)
    theta, m, v, expected = 1.0, 0.0, 0.0, []
    for t in range(1, 51):
        g = 2 * theta
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        theta -= lr * (m / (1 - b1**t)) / (math.sqrt(v / (1 - b2**t)) + eps)
        expected.append(theta)
    assert path == pytest.approx(expected, rel=1e-12)


def test_the_first_step_of_adam_is_the_learning_rate():
    a, b = Value(0.0), Value(0.0)
    a.grad, b.grad = 1e-3, -1e5
    Adam([a, b], lr=0.25).step()
    assert (a.data, b.data) == pytest.approx((-0.25, 0.25), rel=1e-4)


def test_a_learning_rate_may_be_a_function_of_the_step():
    x, seen = Value(1.0), []
    optimizer = SGD([x], lr=lambda step: seen.append(step) or 0.1 / (step + 1))
    assert descend(optimizer, x, 2) == pytest.approx([0.8, 0.72])
    assert seen == [0, 1]


@pytest.mark.parametrize(
    "schedule, rates",
    [(linear(1.0, 0.2, 4), [1, 0.8, 0.6, 0.4, 0.2, 0.2]), (cosine(1, 0, 2), [1, 0.5, 0, 0])],
)
def test_schedules(schedule, rates):
    assert [schedule(step) for step in range(len(rates))] == pytest.approx(rates)


X, Y = Value(1.0), Value(2.0)
REFUSED = [
    (lambda: SGD([X], lr=0), ValueError, "lr is from 0 (excluded) to below inf, got 0"),
    (lambda: SGD([X], lr=-0.1), ValueError, "lr is from 0 (excluded) to below inf, got -0.1"),
    (lambda: SGD([X], lr=math.nan), ValueError, "lr is from 0 (excluded) to below inf, got nan"),
    (lambda: Adam([X], lr=math.inf), ValueError, "lr is from 0 (excluded) to below inf, got inf"),
    (lambda: Adam([X], lr="1"), ValueError, "lr is from 0 (excluded) to below inf, got '1'"),
    (lambda: SGD([X], momentum=1), ValueError, "momentum is from 0 to below 1, got 1"),
    (lambda: SGD([X], weight_decay=-1), ValueError, "weight_decay is from 0 to below inf, got -1"),
    (lambda: Adam([X], betas=(1.0, 0.9)), ValueError, "betas[0] is from 0 to below 1, got 1.0"),
    (lambda: Adam([X], betas=(0.9, -0.1)), ValueError, "betas[1] is from 0 to below 1, got -0.1"),
    (lambda: Adam([X], eps=-1.0), ValueError, "eps is from 0 to below inf, got -1.0"),
    (lambda: SGD([]), ValueError, "an optimizer needs at least one parameter, got none"),
    (lambda: SGD([X, Y, X]), ValueError, "an optimizer needs each parameter once, got one twice"),
    (lambda: SGD([X, 1.0]), TypeError, "parameters have .data and .grad, parameter 1 is a float"),
    (lambda: SGD([X], lr=lambda k: -1).step(), ValueError, "lr is from 0 to below inf, got -1"),
    (lambda: Optimizer([X], 0.1), NotImplementedError, "Optimizer has no initial_state()"),
]


@pytest.mark.parametrize("call, kind, message", REFUSED)
def test_settings_that_make_no_sense_are_refused(call, kind, message):
    with pytest.raises(kind) as error:
        call()
    assert str(error.value) == message


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", [SGD, lambda p: SGD(p, momentum=0.9), Adam])
def test_a_gradient_that_is_not_finite_changes_nothing_and_is_named(kind, bad):
    a, b = Value(1.0), Value(2.0, label="w")
    optimizer = kind([a, b])
    a.grad, b.grad = 1.0, bad
    with pytest.raises(NonFiniteError, match=f"gradient of parameter 1 \\('w'\\) is {bad}"):
        optimizer.step()
    assert (a.data, b.data, optimizer.steps, optimizer.state[0]) == (1.0, 2.0, 0, [0.0, 0.0])
    b.grad = 1.0
    optimizer.step()
    assert a.data < 1 and b.data < 2


def test_a_step_out_of_bounds_changes_nothing():
    x = Value(-1.7e308)
    x.grad = 1e308
    with pytest.raises(NonFiniteError, match="the step of parameter 0 is -inf"):
        SGD([x], lr=10.0).step()
    assert x.data == -1.7e308


@pytest.mark.parametrize(
    "kind", [lambda p: SGD(p, lr=0.1, momentum=0.9), lambda p: Adam(p, lr=0.1)]
)
def test_a_run_goes_on_from_a_saved_state_to_the_last_digit(kind):
    x = Value(1.0)
    straight = descend(kind([x]), x, 10)
    x = Value(1.0)
    first = kind([x])
    descend(first, x, 4)
    saved, x = json.dumps(first.state_dict()), Value(x.data)
    second = kind([x])
    second.load_state_dict(json.loads(saved))
    assert descend(second, x, 6) == straight[4:]


@pytest.mark.parametrize(
    "state", [[], [[0.0]], [[0.0], [0.0], [0.0]], [[0.0, 0.0], [0.0, 0.0]], [[0.0], [math.nan]]]
)
def test_a_state_that_does_not_fit_is_refused(state):
    optimizer = Adam([Value(1.0)])
    with pytest.raises((ValueError, NonFiniteError)):
        optimizer.load_state_dict({"steps": 3, "state": state})
    assert (optimizer.steps, optimizer.state) == (0, ([0.0], [0.0]))


def test_an_optimizer_writes_nothing_but_data_and_grad():
    model = nn.MLP(1, [1])
    optimizer = Adam(model.parameters())
    optimizer.step()
    assert [p.__dict__ for p in model.parameters()] == [{}, {}]


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ({"steps": True, "state": [[0.0], [0.0]]}, "whole number"),
        ({"steps": 1.0, "state": [[0.0], [0.0]]}, "whole number"),
        ({"steps": -1, "state": [[0.0], [0.0]]}, "whole number"),
        ({"steps": 10**400, "state": [[0.0], [0.0]]}, "whole number"),
        ({"steps": 1, "state": [[0.0], [-1e-300]]}, "means of squares of a state are from 0"),
    ],
)
def test_a_damaged_state_of_adam_is_refused(state, says):
    optimizer = Adam([Value(1.0)])
    with pytest.raises(ValueError, match=says):
        optimizer.load_state_dict(state)
    assert optimizer.state_dict() == {"steps": 0, "state": [[0.0], [0.0]]}


def test_adam_without_eps_says_the_same_in_both_ways_of_running():
    said = []
    for compiled in (False, True):
        x, unused = Value(1.0), Value(2.0)
        optimizer = Adam([x, unused], eps=0.0)
        f = jit(lambda: x * x + 0.0 * unused)  # noqa: B023
        with pytest.raises(NonFiniteError) as error:
            if compiled:
                with f.training(optimizer) as step:
                    step()
            else:
                f().backward()
                optimizer.step()
        said.append((str(error.value), x.data, unused.data, optimizer.steps))
    assert said[0] == said[1] and said[0][1:] == (1.0, 2.0, 0)
