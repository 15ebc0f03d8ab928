"""`batched`: a loss of one example becomes the mean over all; a trace records one of them."""

from __future__ import annotations

import functools
import itertools
import reprlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .. import functional as F
from ..engine import Value, is_real, result, tape
from ..tensor import Tensor
from .errors import ElementsError, ExamplesError
from .guards import Guards
from .indices import EXACT, Index, elements, of_arrays
from .interpret import Shared
from .pytree import are_the_same, items_of, replaced
from .sameness import alike
from .trace import Input, Trace, hidden
from .whole import Whole


def batched(loss: Callable[..., Value]) -> Callable[..., Value]:
    """The mean of `loss` over examples: every positional argument holds one in each of its rows.

    The rows of lists, arrays and Tensors are taken together, row by row; keyword arguments are the
    same for all examples, as is what the loss finds outside. For jit, one example is recorded, with
    an axis over all of them, unless they go different ways through the function. Pass millions of
    them as arrays: each number of lists is recorded, and of arrays that are looked into.
    Raises ValueError where arguments are not equally long, or empty.

    >>> w = Value(3.0)
    >>> error = batched(lambda x, y: (w * x - y) ** 2)([1.0, 2.0], [2.0, 4.0])
    >>> error.backward()
    >>> error.data, w.grad
    (2.5, 5.0)
    """
    if not callable(loss):
        raise TypeError(f"batched() needs a function, got {type(loss).__name__} {loss!r}")

    @functools.wraps(loss)
    def mean_loss(*arrays, **shared):
        one = functools.partial(loss, **shared)
        seen = loss, *shared.values()
        return of_examples(lambda *rows: (scalar(one(*rows)),), arrays, *seen)[0]

    return mean_loss


def of_examples(function: Callable[..., tuple], arrays: tuple, *seen: Any) -> tuple:
    """What a function of an example returns: the mean of the first, and lists of all others.

    `seen` is what the function sees of the user's.
    """
    n, trace = length_of(arrays), tape.get()
    if n > 1 and isinstance(trace, Trace) and trace.takes_one_example:
        if trace.sample is None:
            return traced_once(trace, function, arrays, n, seen)
        with trace.all_examples():
            return of_a_sample(trace.sample, function, arrays, n)
    answers = [function(*rows) for rows in zip(*map(rows_of, arrays))]
    first, *others = zip(*answers)
    return F.mean(first), *map(list, others)


def of_a_sample(sample, function, arrays, n):
    """The same from some examples, each of which stands for as many as there are of it."""
    rows = sample.rows.get(n, range(n))
    distinct, counts = np.unique(rows, return_counts=True)
    found = {i: function(*(row_at(x, i, sample) for x in arrays)) for i in distinct.tolist()}
    first, shares = [answer[0] for answer in found.values()], counts / n
    others = range(1, len(found[rows[0]]))
    return F.dot(first, shares.tolist()), *([of_its_own(found[i][k]) for i in rows] for k in others)


def row_at(array, i, sample):
    """Row i, also of an array that only has columns."""
    if not isinstance(array, Whole):
        return rows_of(array)[i]
    return elements(sample.arrays[array.number][i : i + 1], array.number)[0]


def of_its_own(x):
    """x in new lists, which are not taken for others with the same Values."""
    return x if isinstance(x, Value) else replaced(x, lambda v: v)


def scalar(y):
    if isinstance(y, Value) or is_real(y):
        return y
    raise TypeError(f"a batched function returns a Value for an example, got {shown(y)}")


def shown(x):
    """For a message: the type, and what it is, but for a Value, which may be hidden."""
    return "a Value" if isinstance(x, Value) else f"{type(x).__name__} {reprlib.repr(x)}"


def length_of(arrays):
    """How many examples there are."""
    if not arrays:
        raise ValueError("a batched function needs arrays of examples, got no argument")
    lengths = [len(rows_of(x)) for x in arrays]
    if len(set(lengths)) > 1:
        raise ValueError(
            f"a batched function needs equally many examples in each argument, got {lengths}"
        )
    if not lengths[0]:
        raise ValueError("a batched function needs at least one example, got none")
    return lengths[0]


def rows_of(x):
    """What holds an example in each row."""
    if isinstance(x, (list, tuple, range)) or (isinstance(x, (np.ndarray, Tensor)) and x.shape):
        return x
    can_be_one = hasattr(x, "__array__") and np.ndim(x)
    hint = " (np.asarray(X) makes one of another library's)" if can_be_one else ""
    raise TypeError(
        "a batched function maps each argument over its first axis: it needs lists or arrays"
        f"{hint}, got {shown(x)}"
    )


# One example in a trace


def traced_once(trace, function, arrays, n, seen):
    """The same from one example: what is made meanwhile stands for that of each of them.

    Raises ExamplesError where one does not tell what all do.
    """
    start = len(trace)
    try:
        guards, rows = Guards(seen), [row_of(x, n) for x in arrays]
        before, drawn = items_of(rows), guards.drawn()
        with trace.all_examples():
            first, *others = function(*rows)
        if guards.broken() or guards.drawn() != drawn or not are_the_same(items_of(rows), before):
            raise ExamplesError
    except Exception as error:
        if not isinstance(trace.refusal, ElementsError):
            trace.refusal = ExamplesError()
        raise trace.refusal from error
    inside = [v for v in trace[start:] if isinstance(v, Value)]
    answers = mean_of(F.value(first), n), *(apart(y, n) for y in others)
    trace.of_an_example.append((inside, len(trace)))
    trace.repeated += (n - 1) * sum(v._x is not None for v in inside)
    return answers


def row_of(array, n):
    """What stands for a row of an array, whichever it is."""
    if isinstance(array, Whole):
        return row_with(map(column, array.columns), array.shape[1:])
    if isinstance(array, Tensor):
        row = row_of(array.values, n)
        return row if isinstance(row, Value) else Tensor(row)
    if not isinstance(array, np.ndarray):
        return alternatives(list(array))
    if array.dtype.kind not in "fiuO":
        return alternatives(array.tolist())
    integers = np.iinfo(array.dtype) if array.dtype.kind in "iu" else None
    columns = array.reshape(n, -1).T
    return row_with((alternatives(list(x), integers) for x in columns), array.shape[1:])


def row_with(items, shape):
    row = np.empty(shape, object)
    row.ravel()[:] = list(items)
    return row[()]


def column(x):
    """What stands for the number of an example in a column, given what stands for that."""
    made = result(x.data, "example", column_backward, x)
    made.__class__ = type(x)
    vars(made).update(vars(x))
    return made


def alternatives(xs, integers=None):
    """What stands for any of these: what they all are, or something of their structure."""
    first, kinds = xs[0], set(map(type, xs))
    if all(x is first for x in xs):
        return first
    if bool not in kinds and all(isinstance(x, Value) or is_real(x) for x in xs):
        return example(xs, integers)
    if len(kinds) > 1:
        raise ExamplesError
    if isinstance(first, (np.ndarray, Tensor)) and len({x.shape for x in xs}) == 1:
        rows = np.array([x.values if isinstance(x, Tensor) else x for x in xs])
        return row_of(Tensor(rows) if isinstance(first, Tensor) else rows, len(xs))
    if type(first) in (list, tuple) and len(set(map(len, xs))) == 1:
        return type(first)(map(alternatives, map(list, zip(*xs))))
    if type(first) is dict and all(list(x) == list(first) for x in xs):
        return {key: alternatives([x[key] for x in xs]) for key in first}
    if all(alike(x, first) for x in xs):
        return first
    raise ExamplesError


def example(xs, integers):
    """A Value that stands for any of these numbers and Values."""
    if all(alike(x, xs[0]) for x in xs):
        return xs[0]
    if all(isinstance(x, (Index, int, np.integer)) for x in xs):
        whole = [x for x in xs if isinstance(x, Index)]
        limits = [x.within for x in whole] or [(-EXACT, EXACT)]
        if integers:
            limits.append((integers.min, integers.max))
        made = stack(xs, hidden(Index))
        made.arrays = of_arrays(whole)
        made.within = max(low for low, _ in limits), min(high for _, high in limits)
        if any(abs(x) > EXACT for x in xs if not isinstance(x, Index)):
            raise ExamplesError
        return made
    if all(isinstance(x, Input) or not isinstance(x, Value) for x in xs):
        return stack(xs, hidden(Input))
    made = stack(xs, hidden(Value))
    tape.get().alternatives.add(id(made))  # type: ignore[union-attr]
    return made


def stack(xs, kind):
    operands = tuple(map(F.value, xs))
    made = result(operands[0].data, "example", stack_backward, operands)
    made.__class__ = kind
    return made


def mean_of(y, n):
    return result(y.data, "mean of examples", mean_backward, (y,), n)


def apart(y, n):
    """A list of what y is for each example."""
    if isinstance(y, (list, tuple)):
        parts = [apart(item, n) for item in y]
        return [type(y)(row) for row in zip(*parts)] if parts else [y] * n
    if not isinstance(y, Value):
        return [y] * n
    operands = Shared((y,))
    operands.outputs = n
    return [result(y.data, "example", apart_backward, operands, i) for i in range(n)]


def column_backward(grad, x):
    """What it is of, in a trace, where nothing goes back; as are those below."""
    x.grad += grad


def stack_backward(grad, operands):
    operands[0].grad += grad


def mean_backward(grad, operands, n):
    operands[0].grad += grad


def apart_backward(grad, operands, i):
    operands[0].grad += grad


def check_examples(trace: Trace, returned: Iterable[Value]) -> None:
    """Raises ExamplesError where a Value of one example was used without the others."""
    for inside, end in trace.of_an_example:
        ids = set(map(id, inside))
        after = itertools.islice(trace, end, None)
        used = (x for e in after for x in (e[1:3] if type(e) is tuple else e._prev))
        if any(id(x) in ids for x in itertools.chain(used, returned)):
            raise ExamplesError
