"""A `Function` is an operation of your own, made of a forward and a backward on plain floats."""

from __future__ import annotations

import copy
import reprlib
from collections.abc import Callable
from functools import partial
from typing import Any

from .engine import Value, is_real, real, result
from .text import visible


class Function:
    """The base class of custom operations, which define these two and are called by `apply`:

    >>> class Mul(Function):
    ...     @staticmethod
    ...     def forward(ctx, x, y):
    ...         ctx.save_for_backward(x, y)
    ...         return x * y
    ...
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         x, y = ctx.saved_tensors
    ...         return y * grad, x * grad
    >>> a, b = Value(10.0), Value(20.0)
    >>> Mul.apply(a, b).backward()
    >>> a.grad, b.grad
    (20.0, 10.0)

    Values reach forward as floats, other arguments as they are; these may have the gradient None.
    forward may return a tuple: the result is a tuple of Values then, and backward is called once,
    with a gradient for each. `ctx` is an instance of the class, one a call, and takes attributes.
    Errors in backward come as RuntimeError, from `Value.backward`.
    """

    saved_tensors: tuple = ()

    def save_for_backward(self, *numbers: Any) -> None:
        """Keeps what backward needs, as `saved_tensors`."""
        self.saved_tensors = numbers

    @staticmethod
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{name(ctx)} needs a static method forward(ctx, ...)")

    @staticmethod
    def backward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{name(ctx)} needs a static method backward(ctx, grad)")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """The Value, or tuple of Values, that forward computes from `args`."""
        return cls()(*args)

    def __call__(self, *args: Any) -> Any:
        ctx = copy.copy(self)  # it has what __init__ set
        operands = [Value(x) if is_real(x) else x for x in args]
        children = tuple(x for x in operands if isinstance(x, Value))
        if not children:
            raise TypeError(
                f"{name(self)} needs a Value or a number to compute from, got {reprlib.repr(args)}"
            )
        call = partial(spread, ctx, args, operands)
        y = type(self).forward(ctx, *(x.data if isinstance(x, Value) else x for x in args))
        if isinstance(y, tuple) and y:
            return outputs(tuple(number(ctx, data) for data in y), children, name(ctx), call)
        return result(number(ctx, y), name(ctx), pass_back, children, call)


def pass_back(grad, children, call):
    """The backward of a Function's only output."""
    call(grad)


def spread(ctx, args, operands, *grads):
    """Adds what the Function's own backward makes of the gradients of its outputs."""
    for x, grad in zip(operands, gradients(ctx, args, [0.0 + grad for grad in grads])):
        if isinstance(x, Value):
            x.grad += grad


def number(ctx, y):
    """What forward returned, as a float."""
    if not is_real(y):
        raise TypeError(
            f"{name(ctx)}.forward() must return a number or a tuple of numbers, got {shown(y)}"
        )
    return as_float(y, ctx, "forward")


def gradients(ctx, args, grads):
    """What backward returns: a float for each argument, all checked before any is used."""
    returned = type(ctx).backward(ctx, *grads)
    found = returned if isinstance(returned, tuple) else (returned,)
    if len(found) != len(args):
        raise ValueError(
            f"{name(ctx)}.backward() must return a gradient for each argument of forward(), "
            f"{len(args)} in all, got {len(found)}"
        )
    for i, (x, grad) in enumerate(zip(args, found)):
        if not (is_real(grad) or (grad is None and not isinstance(x, Value))):
            raise TypeError(
                f"{name(ctx)}.backward() must return a number for argument {i}, got {shown(grad)}"
            )
    return [0.0 if grad is None else as_float(grad, ctx, "backward") for grad in found]


def as_float(x, ctx, method):
    return x if type(x) is float else real(x, f"{name(ctx)}.{method}()")


class Outputs(Value):
    """The node between the inputs of a Function and its several outputs: their gradients meet here.

    As a number it is zero, a shift of all outputs alike; so its gradient is the sum of theirs. That
    of an output to which none came is -0.0: with one that is zero it would be 0.0.
    """

    def __init__(self, size: int, children: tuple, op: str, backward: Callable) -> None:
        self.grads = [-0.0] * size
        super().__init__(0.0, children, op, "outputs")
        self._chain, self._y = pass_all_back, (backward, self.grads)

    @property
    def grad(self) -> float:
        return sum(self.grads)

    @grad.setter
    def grad(self, zero: float) -> None:  # as every pass of backward begins
        self.grads[:] = [-zero] * len(self.grads)


def pass_all_back(grad, children, call):
    """The backward of an `Outputs` node."""
    backward, grads = call
    backward(*grads)


def outputs(data, children, op, backward):
    """A Value for each number of `data`, all computed from one `Outputs` node."""
    hub = Outputs(len(data), children, op, backward)
    return tuple(result(y, f"{op}[{i}]", collect, hub, i) for i, y in enumerate(data))


def collect(grad, hub, i):
    """The backward of one of several outputs."""
    hub.grads[i] += grad


def name(ctx):
    return visible(type(ctx).__name__)


def shown(x):
    return f"{type(x).__name__} {reprlib.repr(x)}"
