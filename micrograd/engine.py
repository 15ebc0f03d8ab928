"""A `Value` is a float that remembers how it was computed, and passes gradients back."""

from __future__ import annotations

import functools
import operator
import reprlib
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from itertools import filterfalse
from numbers import Real
from typing import Any

from . import floats

# Where a function is recorded: the Values made and the comparisons drawn, in order; else None.
tape: ContextVar[list | None] = ContextVar("tape", default=None)


class Refusal(RuntimeError):
    """An error that passes through `Value.backward` as it is."""


def binary(method):
    """An operator between two Values, extended to plain numbers: they become constant Values."""

    @functools.wraps(method)
    def with_constants(self, other):
        if isinstance(other, Value):
            return method(self, other)
        return method(self, Value(other)) if is_real(other) else NotImplemented

    return with_constants


def comparison(compare):
    """A comparison between data."""

    def compared(self, other):
        outcome = compare(self.data, other.data if isinstance(other, Value) else other)
        return noted(compare, self, other, outcome)

    return compared


class Value:
    """A number, the Values it was computed from, and room for its gradient.

    Every operation defines `backward`: how much each operand's gradient grows when the result has
    the gradient `grad`. The slopes are taken at the operands' data when `backward` is called.

    >>> a, b = Value(2.0), Value(-3.0)
    >>> y = a * b + a
    >>> y.backward()
    >>> y.data, a.grad, b.grad
    (-4.0, -2.0, 2.0)
    """

    # Slots make a node small and quick; __dict__ takes any further attributes.
    __slots__ = ("data", "grad", "label", "_prev", "_op", "_chain", "__dict__", "__weakref__")
    data: float
    grad: float
    label: str
    _prev: tuple[Value, ...]
    _op: str
    _chain: Callable[[float], None]

    def __init__(
        self, data: Any, _children: Iterable[Value] = (), _op="", label="", *, children=()
    ) -> None:
        """`_op` is the operation's name, or a tuple of the local derivatives by the children."""
        self.data = real(data, "Value()")
        self.grad = 0.0
        self.label = label
        self._prev = tuple(_children or children)
        for child in self._prev:
            if not isinstance(child, Value):
                raise TypeError(
                    f"Value() needs Values as children, got {type(child).__name__} "
                    f"{reprlib.repr(child)}"
                )
        self._op = _op if isinstance(_op, str) else "local" if _op else ""
        self._chain = nothing if isinstance(_op, str) else weighted(self._prev, _op)
        if (made := tape.get()) is not None:
            made.append(self)

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    @binary
    def __add__(self, other):
        def backward(grad):
            self.grad += grad
            other.grad += grad

        return node(self.data + other.data, (self, other), "+", backward)

    @binary
    def __sub__(self, other):
        def backward(grad):
            self.grad += grad
            other.grad -= grad

        return node(self.data - other.data, (self, other), "-", backward)

    @binary
    def __mul__(self, other):
        def backward(grad):
            self.grad += other.data * grad
            other.grad += self.data * grad

        return node(self.data * other.data, (self, other), "*", backward)

    @binary
    def __truediv__(self, other):
        def backward(grad):
            self.grad += floats.divide(grad, other.data)
            other.grad -= floats.divide(floats.divide(self.data, other.data), other.data) * grad

        return node(floats.divide(self.data, other.data), (self, other), "/", backward)

    def __pow__(self, other):
        if not is_real(other):
            return self._power(other)

        def backward(grad):
            self.grad += floats.power_slope(self.data, other) * grad

        return node(floats.power(self.data, other), (self,), f"**{other}", backward)

    @binary
    def _power(self, other):
        def backward(grad):
            self.grad += floats.power_slope(self.data, other.data) * grad
            other.grad += floats.exponent_slope(self.data, other.data) * grad

        return node(floats.power(self.data, other.data), (self, other), "**", backward)

    __radd__ = binary(lambda self, other: other + self)
    __rsub__ = binary(lambda self, other: other - self)
    __rmul__ = binary(lambda self, other: other * self)
    __rtruediv__ = binary(lambda self, other: other / self)
    __rpow__ = binary(lambda self, other: other**self)

    def __neg__(self):
        def backward(grad):
            self.grad -= grad

        return node(-self.data, (self,), "neg", backward)

    def __pos__(self):
        return self

    def __abs__(self):
        def backward(grad):
            self.grad += floats.sign(self.data) * grad

        return node(abs(self.data), (self,), "abs", backward)

    def abs(self) -> Value:
        return self.__abs__()

    def relu(self) -> Value:
        def backward(grad):
            if not self.data <= 0:
                self.grad += grad

        return node(floats.relu(self.data), (self,), "ReLU", backward)

    def tanh(self) -> Value:
        def backward(grad):
            self.grad += floats.tanh_slope(self.data) * grad

        return node(floats.tanh(self.data), (self,), "tanh", backward)

    def sigmoid(self) -> Value:
        def backward(grad):
            self.grad += floats.sigmoid_slope(self.data) * grad

        return node(floats.sigmoid(self.data), (self,), "sigmoid", backward)

    def softplus(self) -> Value:
        def backward(grad):
            self.grad += floats.sigmoid(self.data) * grad

        return node(floats.softplus(self.data), (self,), "softplus", backward)

    def exp(self) -> Value:
        def backward(grad):
            self.grad += floats.exp(self.data) * grad

        return node(floats.exp(self.data), (self,), "exp", backward)

    def log(self) -> Value:
        def backward(grad):
            self.grad += floats.divide(grad, self.data)

        return node(floats.log(self.data), (self,), "log", backward)

    def sqrt(self) -> Value:
        def backward(grad):
            self.grad += floats.divide(grad, 2 * floats.sqrt(self.data))

        return node(floats.sqrt(self.data), (self,), "sqrt", backward)

    def sin(self) -> Value:
        def backward(grad):
            self.grad += floats.cos(self.data) * grad

        return node(floats.sin(self.data), (self,), "sin", backward)

    def cos(self) -> Value:
        def backward(grad):
            self.grad -= floats.sin(self.data) * grad

        return node(floats.cos(self.data), (self,), "cos", backward)

    def backward(self, grad: float = 1.0) -> None:
        """Add to the `grad` of every leaf the derivative of self by that leaf, times `grad`.

        Leaves accumulate from call to call; the gradients of computed Values start from zero.
        Raises RuntimeError, naming the operation, where an operation's own backward fails.
        """
        grad = real(grad, "backward()")
        if (events := tape.get()) is not None:
            events.append(("backward", self, None, None))
        order = topological_order(self)
        for v in order:
            if v._prev:
                v.grad = 0.0
        self.grad += grad
        try:
            for v in reversed(order):
                v._chain(v.grad)
        except Refusal:
            raise
        except Exception as error:
            raise RuntimeError(f"backward of {v._op!r} failed: {error}") from error

    @property
    def _backward(self) -> Callable[[], None]:
        """Passes the gradient this node has now to its children. May be set to a function."""
        return lambda: self._chain(self.grad)

    @_backward.setter
    def _backward(self, function: Callable[[], None]) -> None:
        self._chain = lambda grad: function()

    __lt__ = comparison(operator.lt)
    __le__ = comparison(operator.le)
    __gt__ = comparison(operator.gt)
    __ge__ = comparison(operator.ge)

    def __eq__(self, other):
        """Identity, so that Values can be kept in sets."""
        return True if self is other else noted(operator.eq, self, other, NotImplemented)

    __hash__ = object.__hash__

    def __bool__(self):
        return noted(bool, self, None, True)

    def __float__(self):
        raise TypeError("float() of a Value would drop its gradient; use value.data")

    def __reduce__(self):
        if self._prev:
            raise TypeError(
                "a computed Value cannot be copied or pickled without the Values it came from; "
                "keep its .data, or copy the leaves and compute it again"
            )
        return type(self), (self.data,), (self.__dict__, {"grad": self.grad, "label": self.label})


def node(data: float, children: tuple, op: str, backward: Callable[[float], None]) -> Value:
    """The Value that an operation returns, also one of your own; `backward` takes its gradient.

    `backward` must not mention the node itself: held by its own closure, a node is a reference
    cycle that waits for the garbage collector, which would then take most of the running time.
    """
    v = Value.__new__(Value)
    v.data, v.grad, v.label, v._prev, v._op, v._chain = data, 0.0, "", children, op, backward
    if (made := tape.get()) is not None:
        made.append(v)
    return v


def noted(question, value, other, answer):
    """The answer; on the tape, since with another answer the function might go another way."""
    if (asked := tape.get()) is not None:
        asked.append((question, value, other, answer))
    return answer


def topological_order(root: Any) -> list:
    """`root` and all it was computed from, every node after its children.

    Needs nothing of a node but `_prev`. Without recursion: a graph may be a million nodes deep.
    """
    order: list = []
    seen, stack = set(), [root]
    while stack:
        v = stack.pop()
        if v is None:  # the children of the node below are done
            order.append(stack.pop())
        elif v not in seen:
            seen.add(v)
            stack += (v, None)
            stack.extend(filterfalse(seen.__contains__, reversed(tuple(v._prev))))
    return order


def nothing(grad):
    """The backward of a leaf."""


def weighted(children, slopes):
    """The backward of a node whose local derivatives are known numbers."""
    if not isinstance(slopes, (tuple, list)):
        raise TypeError(
            "Value() needs an operation's name or a tuple of local derivatives, "
            f"got {type(slopes).__name__} {reprlib.repr(slopes)}"
        )
    if len(slopes) != len(children):
        raise ValueError(
            f"Value() needs a local derivative a child, got {len(slopes)} for {len(children)}"
        )

    def backward(grad):
        for child, slope in zip(children, slopes):
            child.grad += slope * grad

    return backward


def is_real(x: Any) -> bool:
    """Whether x is a real number of Python or NumPy, whose bool is not registered as one."""
    return isinstance(x, (float, int, Real)) or (
        type(x).__module__ == "numpy" and type(x).__name__ in ("bool", "bool_")
    )


def real(x: Any, caller: str) -> float:
    """x as a float; an error in the name of `caller` where it is not one real number."""
    if is_real(x):
        try:
            return float(x)
        except OverflowError:
            raise OverflowError(
                f"{caller} needs a number within a float's range, got {shortened(x)}"
            ) from None
    if isinstance(x, Value):
        if caller == "Value()" and hasattr(x, "taken"):  # a float argument of a jitted function
            return x.taken()
        use = "it directly" if caller == "Value()" else "its .data"
        raise TypeError(f"{caller} needs a real number, got a Value; use {use}")
    raise TypeError(f"{caller} needs a real number, got {type(x).__name__} {shortened(x)}")


def shortened(x):
    try:
        return reprlib.repr(x)
    except ValueError:  # a whole number of more digits than Python prints
        return "one of thousands of digits"
