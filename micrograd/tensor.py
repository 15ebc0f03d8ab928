"""A `Tensor` is a grid of Values: NumPy does the shapes, Value does the calculus."""

from __future__ import annotations

import functools
import math
import reprlib
from collections.abc import Callable, Iterator
from numbers import Integral
from typing import Any

import numpy as np

from . import functional as F
from .engine import Value, node, real

Axis = int | tuple[int, ...] | None


def operators(ufunc: Callable) -> tuple[Callable, Callable]:
    """x + other and other + x, for a function such as np.add of two grids."""

    @np.errstate(all="ignore")  # inf and nan come silently, as from Values
    def operator(self, other):
        return tensor_or_value(ufunc(self.values, grid(other)))

    @np.errstate(all="ignore")
    def reflected(self, other):
        return tensor_or_value(ufunc(grid(other), self.values))

    return operator, reflected


def elementwise(method: Callable) -> Callable:
    """A method of Value, called on every element."""
    each = np.frompyfunc(method, 1, 1)

    @functools.wraps(method)
    @np.errstate(all="ignore")
    def on_every_element(self):
        return tensor_or_value(each(self.values))

    return on_every_element


def matmul(a, b):
    """a @ b by NumPy's rules, one fused node for each element of the product."""
    rows, columns = Tensor(a).values, Tensor(b).values
    if b.ndim > 1:
        columns = columns.swapaxes(-1, -2)
        if a.ndim > 1:  # each row meets each column
            rows, columns = rows[..., :, None, :], columns[..., None, :, :]
    try:
        return np.vectorize(F.dot, otypes=[object], signature="(n),(n)->()")(rows, columns)[()]
    except ValueError as error:
        raise ValueError(f"@ needs shapes that match, got {a.shape} @ {b.shape}") from error


class Tensor:
    """An array of Values, with NumPy's operators, broadcasting, axes and indices.

    Reshaping, transposing and indexing only rearrange the same Values, which keep their gradients:
    these methods need no gradient code at all. A single element, x[0, 1] or x.sum(), is a Value.

    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> y = (x.T[0] * [10, 20]).sum()
    >>> y.backward()
    >>> y.data, x.grad.tolist()
    (70.0, [[10.0, 0.0], [20.0, 0.0]])
    """

    __array_ufunc__ = None  # array + x is left to x

    values: np.ndarray

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        """From a number, a Value, or nested lists or an array of them; the Values are kept.

        `requires_grad` is for code written for PyTorch: every Value takes a gradient.
        """
        self.values = np.asarray(as_values(grid(data)), dtype=object)

    @staticmethod
    def zeros(*shape: int) -> Tensor:
        return Tensor(np.zeros(shape))

    @staticmethod
    def ones(*shape: int) -> Tensor:
        return Tensor(np.ones(shape))

    @staticmethod
    def randn(*shape: int, seed: int) -> Tensor:
        """Normal random numbers, the same for a seed in every version of NumPy."""
        if not (isinstance(seed, Integral) and 0 <= seed < 2**32):
            raise ValueError(f"seed is a whole number from 0 to 2**32 - 1, got {seed!r}")
        return Tensor(np.random.RandomState(seed).randn(*shape))

    def __repr__(self):
        return f"Tensor({np.array2string(self.data, separator=', ', prefix='Tensor(')})"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def ndim(self) -> int:
        return self.values.ndim

    @property
    def size(self) -> int:
        return self.values.size

    @property
    def data(self) -> np.ndarray:
        """The numbers, as they are now; set, as by `x.data -= step`, they go into the Values."""
        return reading([v.data for v in self.values.flat], self.shape)

    @data.setter
    def data(self, data: Any) -> None:
        for v, x in zip(self.values.flat, numbers(data, self.shape, "data")):
            v.data = x

    @property
    def grad(self) -> np.ndarray:
        """The gradients, as they are now."""
        return reading([v.grad for v in self.values.flat], self.shape)

    def zero_grad(self) -> None:
        for v in self.values.flat:
            v.grad = 0.0

    def item(self) -> float:
        """The only number. Raises ValueError where there are more."""
        return self.data.item()

    def tolist(self) -> Any:
        """The numbers in nested lists."""
        return self.data.tolist()

    __add__, __radd__ = operators(np.add)
    __sub__, __rsub__ = operators(np.subtract)
    __mul__, __rmul__ = operators(np.multiply)
    __truediv__, __rtruediv__ = operators(np.true_divide)
    __pow__, __rpow__ = operators(np.power)
    __matmul__, __rmatmul__ = operators(matmul)

    # Comparisons are between data, and give an array of bools; `==` is identity, as of Values.
    __lt__, __gt__ = operators(np.less)
    __le__, __ge__ = operators(np.less_equal)

    __neg__ = elementwise(Value.__neg__)
    __abs__ = elementwise(Value.__abs__)
    abs = elementwise(Value.abs)
    relu = elementwise(Value.relu)
    tanh = elementwise(Value.tanh)
    sigmoid = elementwise(Value.sigmoid)
    softplus = elementwise(Value.softplus)
    exp = elementwise(Value.exp)
    log = elementwise(Value.log)
    sqrt = elementwise(Value.sqrt)
    sin = elementwise(Value.sin)
    cos = elementwise(Value.cos)

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Any:
        return reduced(F.sum, self.values, axis, keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Any:
        return reduced(F.mean, self.values, axis, keepdims)

    def max(self, axis: Axis = None, keepdims: bool = False) -> Any:
        """The largest elements; equal ones share the gradient."""
        return reduced(F.max, self.values, axis, keepdims)

    def min(self, axis: Axis = None, keepdims: bool = False) -> Any:
        """The smallest elements; equal ones share the gradient."""
        return -(-self).max(axis, keepdims)

    def __len__(self):
        return len(self.values)

    def __iter__(self) -> Iterator:
        return map(tensor_or_value, self.values)

    def __getitem__(self, index):
        return tensor_or_value(self.values[index])

    def reshape(self, *shape: Any) -> Tensor:
        return Tensor(self.values.reshape(*shape))

    def transpose(self, *axes: Any) -> Tensor:
        return Tensor(self.values.transpose(*axes))

    @property
    def T(self) -> Tensor:
        return self.transpose()

    def backward(self, seed: Any = None) -> None:
        """One pass of `Value.backward` that begins with `seed`, a number for each element.

        Without one it begins with ones, which PyTorch refuses for more than one element: the
        gradients are those of the sum. Raises ValueError for a seed of another shape.
        """
        seeds = numbers(np.ones(self.shape) if seed is None else seed, self.shape, "backward()")
        elements = tuple(self.values.flat)

        def backward(grad):
            for element, s in zip(elements, seeds):
                element.grad += s

        node(0.0, elements, "seed", backward).backward()


def grid(data):
    """An array of objects, each checked to be a Value or a number."""
    array = data.values if isinstance(data, Tensor) else np.array(data, dtype=object)
    for x in array.flat:
        if isinstance(x, (list, tuple, np.ndarray)):
            raise ValueError(f"a Tensor needs rows of equal length, got {reprlib.repr(data)}")
        if not isinstance(x, Value):
            real(x, "Tensor()")
    return array


as_values = np.frompyfunc(lambda x: x if isinstance(x, Value) else Value(x), 1, 1)


def tensor_or_value(x):
    """What NumPy answers for objects, an array of Values, as a Tensor; a Value stays one."""
    return Tensor(x) if isinstance(x, np.ndarray) and x.dtype == object else x


def reduced(function, values, axis, keepdims):
    """`function` of the elements along the axes, all of them for None."""
    axes = tuple(range(values.ndim)) if axis is None else axis if type(axis) is tuple else (axis,)
    kept = values.ndim - len(axes)
    last = np.moveaxis(values, axes, range(-len(axes), 0))
    rows = last.reshape(*last.shape[:kept], math.prod(last.shape[kept:]))
    result = np.vectorize(function, otypes=[object], signature="(n)->()")(rows)
    return tensor_or_value(np.expand_dims(result, axes) if keepdims else result[()])


class Reading(np.ndarray):
    """Numbers read from a Tensor. Setting x.data[0] is refused: it would change a copy only."""

    # x.data -= 1 computes a new array, and sets x.data to it.
    __iadd__, __isub__ = np.ndarray.__add__, np.ndarray.__sub__  # type: ignore[assignment]
    __imul__, __itruediv__ = np.ndarray.__mul__, np.ndarray.__truediv__  # type: ignore[assignment]

    def __repr__(self):
        return repr(np.asarray(self))

    def __array_wrap__(self, array, *_):
        return np.asarray(array)[()]  # what is computed from a reading is a plain array


def reading(xs, shape):
    array = np.array(xs, dtype=float).reshape(shape).view(Reading)
    array.flags.writeable = False
    return array


def numbers(data, shape, caller):
    """The real numbers of an array, in a list, once its shape is seen to be right."""
    array = np.array(data, dtype=object)
    if array.shape != shape:
        raise ValueError(f"{caller} needs numbers of shape {shape}, got shape {array.shape}")
    return [real(x, caller) for x in array.flat]
