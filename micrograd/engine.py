"""A `Value` is a float that remembers how it was computed, and passes gradients back."""

from __future__ import annotations

import inspect
import operator
import reprlib
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from numbers import Real
from typing import Any

from . import floats

# Where a function is recorded: the Values made and the comparisons drawn, in order; else None.
tape: ContextVar[list | None] = ContextVar("tape", default=None)


class Refusal(RuntimeError):
    """An error that passes through `Value.backward` as it is."""


ALONE = object()  # in place of y: backward takes the gradient only


def unary(op: str, forward: Callable[[float], float]) -> Callable[[Callable], Any]:
    """A method of Value from what it computes, of a float, and, decorated, how it goes back."""

    def operation(backward):
        def method(self) -> Value:
            return result(forward(self.data), op, backward, self)

        return declared(method, op, backward)

    return operation


def binary(op: str, forward: Callable[[float, float], float]) -> Callable[[Callable], Any]:
    """The same of two floats; a plain number on the right becomes a constant Value."""

    def operation(backward):
        def method(self, other) -> Value:
            if not isinstance(other, Value):
                if not is_real(other):
                    return NotImplemented
                other = Value(other)
            return result(forward(self.data, other.data), op, backward, self, other)

        return declared(method, op, backward)

    return operation


def declared(method, op, backward):
    """The method under the name of its declaration, which is the source that a reader sees."""
    method.__signature__ = inspect.signature(method)
    method.__name__, method.__qualname__ = backward.__name__, backward.__qualname__
    method.__wrapped__ = method.backward = backward
    method.op = op
    return method


def reflected(method):
    """The operator with a plain number on its left."""

    def swapped(self, other):
        return method(Value(other), self) if is_real(other) else NotImplemented

    return swapped


def comparison(compare):
    """A comparison between data."""

    def compared(self, other):
        outcome = compare(self.data, other.data if isinstance(other, Value) else other)
        return noted(compare, self, other, outcome)

    return compared


class Value:
    """A number, the operation it was computed by, and room for its gradient.

    An operation is declared by what it computes and, below that, by the chain rule: how much the
    gradient of each operand grows when the result has the gradient `grad`. The slopes are taken at
    the operands' data when `backward` is called.

    >>> a, b = Value(2.0), Value(-3.0)
    >>> y = a * b + a
    >>> y.backward()
    >>> y.data, a.grad, b.grad
    (-4.0, -2.0, 2.0)
    """

    # A node is one object for the garbage collector, which would else take most of the time: it
    # holds the arguments of its operation, x and y, and shares one backward with all its kind.
    # Slots make it small and quick; __dict__ takes any further attributes.
    __slots__ = ("data", "grad", "label", "_op", "_chain", "_x", "_y", "__dict__", "__weakref__")
    data: float
    grad: float
    label: str
    _op: str
    _chain: Callable[..., None]  # backward(grad, x, y); without y if it is None; ALONE: see node
    _x: Any  # an operand, or a tuple of all of them; None for a leaf
    _y: Any  # the other operand, or what else the operation depends on

    def __init__(
        self,
        data: Any,
        _children: Iterable[Value] = (),
        _op="",
        label="",
        *,
        children=(),
        local_grads=(),
    ) -> None:
        """`_op` is the operation's name, or a tuple of the local derivatives by the children."""
        _op = local_grads or _op
        self.data = real(data, "Value()")
        self.grad = 0.0
        self.label = label
        self._op, self._chain, self._x, self._y = "", nothing, None, None
        if _children or children or _op:
            self._x = operands(_children or children) or None
            if isinstance(_op, str):
                self._op = _op
            else:
                self._op, self._chain, self._y = "local", weighted, slopes(_op, self._prev)
        if (made := tape.get()) is not None:
            made.append(self)

    def __repr__(self):
        return f"Value(data={self.data}, grad={self.grad})"

    @property
    def _prev(self) -> tuple[Value, ...]:
        """The Values it was computed from, in their order."""
        x, y = self._x, self._y
        if x is None or isinstance(x, tuple):
            return x or ()
        return (x, y) if isinstance(y, Value) else (x,)

    @property
    def _children(self) -> tuple[Value, ...]:
        """The same."""
        return self._prev

    @binary("+", lambda x, y: x + y)
    def __add__(grad, x, y):
        x.grad += grad
        y.grad += grad

    @binary("-", lambda x, y: x - y)
    def __sub__(grad, x, y):
        x.grad += grad
        y.grad -= grad

    @binary("*", lambda x, y: x * y)
    def __mul__(grad, x, y):
        x.grad += y.data * grad
        y.grad += x.data * grad

    @binary("/", floats.divide)
    def __truediv__(grad, x, y):
        x.grad += floats.divide(grad, y.data)
        y.grad -= floats.divide(floats.divide(x.data, y.data), y.data) * grad

    @binary("**", floats.power)
    def _power(grad, x, y):
        x.grad += floats.power_slope(x.data, y.data) * grad
        y.grad += floats.exponent_slope(x.data, y.data) * grad

    def __pow__(self, other):
        if not is_real(other):
            return self._power(other)
        n = real(other, "**")
        return result(floats.power(self.data, n), f"**{other}", constant_power, self, n)

    __radd__ = reflected(__add__)
    __rsub__ = reflected(__sub__)
    __rmul__ = reflected(__mul__)
    __rtruediv__ = reflected(__truediv__)
    __rpow__ = reflected(_power)

    @unary("neg", operator.neg)
    def __neg__(grad, x):
        x.grad -= grad

    def __pos__(self):
        return self

    conjugate = __pos__  # which NumPy's var() and std() ask for

    @unary("abs", abs)
    def __abs__(grad, x):
        x.grad += floats.sign(x.data) * grad

    abs = __abs__

    @unary("ReLU", floats.relu)
    def relu(grad, x):
        if not x.data <= 0:
            x.grad += grad

    @unary("tanh", floats.tanh)
    def tanh(grad, x):
        x.grad += floats.tanh_slope(x.data) * grad

    @unary("sigmoid", floats.sigmoid)
    def sigmoid(grad, x):
        x.grad += floats.sigmoid_slope(x.data) * grad

    @unary("softplus", floats.softplus)
    def softplus(grad, x):
        x.grad += floats.sigmoid(x.data) * grad

    @unary("exp", floats.exp)
    def exp(grad, x):
        x.grad += floats.exp(x.data) * grad

    @unary("log", floats.log)
    def log(grad, x):
        x.grad += floats.divide(grad, x.data)

    @unary("sqrt", floats.sqrt)
    def sqrt(grad, x):
        x.grad += floats.divide(grad, 2 * floats.sqrt(x.data))

    @unary("sin", floats.sin)
    def sin(grad, x):
        x.grad += floats.cos(x.data) * grad

    @unary("cos", floats.cos)
    def cos(grad, x):
        x.grad -= floats.sin(x.data) * grad

    def backward(self, grad: float = 1.0) -> None:
        """Add to the `grad` of every leaf the derivative of self by that leaf, times `grad`.

        Leaves accumulate from call to call; the gradients of computed Values start from zero.
        Threads may do so at once on graphs that have no more than leaves in common.
        Raises RuntimeError, naming the operation, where an operation's own backward fails.
        """
        grad = real(grad, "backward()")
        if (events := tape.get()) is not None:
            events.append(("backward", self, None, None))
        order = topological_order(self, leaves=False)
        for v in order:
            if v._x is not None:
                v.grad = 0.0
        self.grad += grad
        try:
            for v in reversed(order):
                if v._y is None:
                    v._chain(v.grad, v._x)
                elif v._y is ALONE:
                    v._chain(v.grad)
                else:
                    v._chain(v.grad, v._x, v._y)
        except Refusal:
            raise
        except Exception as error:
            raise RuntimeError(f"backward of {v._op!r} failed: {error}") from error

    @property
    def _backward(self) -> Callable[[], None]:
        """Passes the gradient this node has now to its children. May be set to a function."""
        chain, x, y = self._chain, self._x, self._y
        if chain is replaced:
            return y
        others = () if y is ALONE else (x,) if y is None else (x, y)
        return lambda: chain(self.grad, *others)

    @_backward.setter
    def _backward(self, function: Callable[[], None]) -> None:
        if not callable(function):
            raise TypeError(f"_backward is a function, got {type(function).__name__} {function!r}")
        self._chain, self._x, self._y = replaced, self._prev or None, function

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

    def __int__(self):
        raise TypeError("int() of a Value would drop its gradient; use value.data")

    def __round__(self, digits=None):
        raise TypeError("round() of a Value would drop its gradient; use value.data")

    def __format__(self, form):
        if form:
            raise TypeError(f"a Value has no format {form!r}; use value.data")
        return repr(self)

    def __reduce__(self):
        if self._prev:
            raise TypeError(
                "a computed Value cannot be copied or pickled without the Values it came from; "
                "keep its .data, or copy the leaves and compute it again"
            )
        return type(self), (self.data,), (self.__dict__, {"grad": self.grad, "label": self.label})


new = Value.__new__


def result(data, op, backward, x, y=None):
    """The Value that an operation on x (and y) returns; see Value for what `backward` takes."""
    v = new(Value)
    v.data, v.grad, v.label, v._op, v._chain, v._x, v._y = data, 0.0, "", op, backward, x, y
    if (made := tape.get()) is not None:
        made.append(v)
    return v


def node(data: float, children: tuple, op: str, backward: Callable[[float], None]) -> Value:
    """The Value that an operation returns, also one of your own; `backward` takes its gradient.

    `backward` must not mention the node itself: held by its own closure, a node is a reference
    cycle that waits for the garbage collector, which would then take most of the running time.
    """
    return result(data, op, backward, children, ALONE)


def replaced(grad, children, function):
    """The backward of a node whose `_backward` was set."""
    function()


def constant_power(grad, x, n):
    """The backward of x**n for a plain number n."""
    x.grad += floats.power_slope(x.data, n) * grad


def noted(question, value, other, answer):
    """The answer; on the tape, since with another answer the function might go another way."""
    if (asked := tape.get()) is not None:
        asked.append((question, value, other, answer))
    return answer


def topological_order(root: Any, leaves: bool = True) -> list:
    """`root` and all it was computed from, every node after its children.

    Needs nothing of a node but `_prev`; without leaves, which pass no gradient on, also `_chain`.
    Without recursion: a graph may be a million nodes deep.
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
            for child in reversed(tuple(v._prev)):
                if (leaves or child._chain is not nothing) and child not in seen:
                    stack.append(child)
    return order


def nothing(grad, children):
    """The backward of a leaf."""


def weighted(grad, children, slopes):
    """The backward of a node whose local derivatives are known numbers."""
    for child, slope in zip(children, slopes):
        child.grad += slope * grad


def slopes(given, children):
    """The local derivatives by the children, checked."""
    if not isinstance(given, (tuple, list)):
        raise TypeError(
            "Value() needs an operation's name or a tuple of local derivatives, "
            f"got {type(given).__name__} {reprlib.repr(given)}"
        )
    if len(given) != len(children):
        raise ValueError(
            f"Value() needs a local derivative a child, got {len(given)} for {len(children)}"
        )
    return tuple(real(slope, "a local derivative") for slope in given)


def operands(children):
    """The children in a tuple, checked."""
    if not hasattr(children, "__iter__"):
        raise TypeError(
            f"Value() needs Values as children in a tuple, got {type(children).__name__} "
            f"{reprlib.repr(children)}"
        )
    children = tuple(children)
    for child in children:
        if not isinstance(child, Value):
            raise TypeError(
                f"Value() needs Values as children, got {type(child).__name__} "
                f"{reprlib.repr(child)}"
            )
    return children


def is_real(x: Any) -> bool:
    """Whether x is one real number: Python's, or an array without axes (NumPy, PyTorch, JAX)."""
    return isinstance(x, (float, int, Real)) or (
        getattr(x, "shape", None) == () and isinstance(item(x), (float, int, Real))
    )


def item(x):
    """The number in an array without axes; None where there is none that could be a constant."""
    if str(getattr(x, "dtype", "")) == "object" or hasattr(x, "zero_grad"):  # Values, a Tensor
        return None
    try:
        return x.item()
    except Exception:  # no array, or one that is only traced
        return None


def real(x: Any, caller: str) -> float:
    """x as a float; an error in the name of `caller` where it is not one real number."""
    if is_real(x):
        try:
            return float(x if isinstance(x, (float, int, Real)) else x.item())
        except OverflowError:
            raise OverflowError(
                f"{caller} needs a number within a float's range, got {short_repr(x)}"
            ) from None
    if isinstance(x, Value):
        if caller == "Value()" and hasattr(x, "taken"):  # a float argument of a jitted function
            return x.taken()
        use = "it directly" if caller == "Value()" else "its .data"
        raise TypeError(f"{caller} needs a real number, got a Value; use {use}")
    raise TypeError(f"{caller} needs a real number, got {type(x).__name__} {short_repr(x)}")


def short_repr(x):
    try:
        return reprlib.repr(x)
    except ValueError:  # a whole number of more digits than Python prints
        return "one of thousands of digits"
