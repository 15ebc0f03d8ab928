"""`grad` and `gradients`: gradients as Values, which can be differentiated again."""

from __future__ import annotations

import copy
import functools
import reprlib
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from dataclasses import replace
from numbers import Integral
from typing import Any

import numpy as np

from ..engine import ALONE, Value, tape, topological_order
from ..tensor import Tensor
from .indices import Index
from .interpret import applied, interpret
from .passes.differentiate import differentiate
from .passes.lower import KINDS, Lowering
from .pytree import replaced
from .trace import Trace


def grad(function: Callable, argnums: int | Sequence[int] | None = None) -> Callable[..., Any]:
    """A function of the same arguments that returns the gradients by them, as Values.

    These are computed from the arguments by operations, as other Values are, so that they can be
    differentiated again. Newton's method, to where exp(x) - 3x is flat:

    >>> f, x = lambda x: x.exp() - 3 * x, 1.0
    >>> for _ in range(5):
    ...     x -= (grad(f)(x) / grad(grad(f))(x)).data
    >>> x  # log 3
    1.0986122886681098

    By floats and Values, alone or in lists, tuples, dicts, arrays and Tensors: the gradients come
    in their structure, with None for all else, such as an int. Of several positional arguments
    there is a tuple of gradients, one for each; with `argnums`, those by the arguments at these
    places, or at one place. The Hessian of Rosenbrock's function:

    >>> f = lambda x, y: (1 - x) ** 2 + 100 * (y - x * x) ** 2
    >>> rows = grad(grad(f, 0)), grad(grad(f, 1))
    >>> [[v.data for v in row(-1.2, 1.0)] for row in rows]
    [[1330.0, 480.0], [480.0, 200.0]]

    Keyword arguments are constants.
    Other Values that the function uses, as the weights of a model, are constants to `grad`; but
    `backward()` of a gradient goes back to them too, as to the Values among the arguments.
    The function gets Values for floats; it runs at each call, and may branch; `jit(grad(f))` is
    recorded, of a `batched` loss each example.

    Raises TypeError where there is nothing to differentiate by, where the function returns no
    single Value, and for a `Function` or node of one's own: these go back with floats.
    """
    if not callable(function):
        hint = "; gradients(y, xs) are those of a Value" if isinstance(function, Value) else ""
        raise TypeError(
            f"grad() needs a function, got {type(function).__name__} {function!r}{hint}"
        )
    chosen = None if argnums is None else indices(argnums)

    @functools.wraps(function, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        if kwargs and not args:
            raise TypeError(
                "grad() needs positional arguments to differentiate by, got keyword arguments "
                f"only, which are constants: {', '.join(kwargs)}"
            )
        at = range(len(args)) if chosen is None else in_range(chosen, args)
        given, stand_ins, originals = with_stand_ins(args, at, needed=at if chosen else ())
        named = {name: replaced(x, as_constant) for name, x in kwargs.items()}
        y = copy_context().run(returned, function, given, named)
        for v in stand_ins:  # in a drawing, only what they stand for has its name
            LABEL.__set__(v, "")
        found = derivatives(y, stand_ins, originals)
        parts = [like(given[i], found) for i in at]
        is_alone = len(args) == 1 if chosen is None else isinstance(argnums, Integral)
        return parts[0] if is_alone else tuple(parts)

    return gradient


def gradients(y: Value, xs: Any) -> Any:
    """The gradients of y by Values that it was computed from, as Values, in the structure of xs.

    For what is computed already, as grad() is for functions:

    >>> w, x = Value(3.0), Value(2.0)
    >>> slope = gradients(w * x**3, x)
    >>> slope.data, [g.data for g in gradients(slope, [w, x])]
    (36.0, [12.0, 36.0])

    Raises TypeError as grad() does. Of what a jitted function returned there is backward() only.
    """
    if not isinstance(y, Value):
        raise TypeError(f"gradients() needs a Value, got {type(y).__name__} {reprlib.repr(y)}")
    variables: dict[int, Value] = {}

    def variable(x):
        if not isinstance(x, (Index, np.ndarray)):
            variables[id(x)] = x
        return x

    replaced(xs, variable)
    if not variables or not all(isinstance(x, Value) for x in variables.values()):
        raise TypeError(f"gradients() needs Values to differentiate by, got {reprlib.repr(xs)}")
    return like(xs, derivatives(y, list(variables.values())))


def indices(argnums):
    """Places of arguments, in a list."""
    found = list(argnums) if isinstance(argnums, (list, tuple, range)) else [argnums]
    if not found or not all(isinstance(i, Integral) and not isinstance(i, bool) for i in found):
        raise TypeError(
            "grad() needs argnums to be the place of an argument, or a list of such, "
            f"got {argnums!r}"
        )
    return found


def in_range(at, args):
    """The places, counted from the first argument."""
    for i in at:
        if not -len(args) <= i < len(args):
            raise ValueError(f"grad() needs an argument at place {i}, got {len(args)} of them")
    return [i % len(args) for i in at]


def with_stand_ins(args, at, needed):
    """The arguments as Values, those at the places `at` standing for others; which for which."""
    given, stand_ins, originals = [], [], []

    def stand_in(x):
        if isinstance(x, (Index, np.ndarray)):  # integers, which select
            return x
        stand_ins.append(stand_in_for(x) if isinstance(x, Value) else Value(x))
        originals.append(x)
        return stand_ins[-1]

    for i, x in enumerate(args):
        before = len(stand_ins)
        given.append(replaced(x, stand_in if i in at else as_constant))
        if i in needed and len(stand_ins) == before:
            raise nothing_in(x)
    if not stand_ins:
        raise nothing_in(*args)
    return given, stand_ins, originals


def as_constant(x):
    return x if isinstance(x, (Value, np.ndarray)) else Value(x)


def stand_in_for(v):
    """A Value that equals v and goes back to it, but is another one: v may be in use elsewhere."""
    made = v * 1.0
    LABEL.__set__(made, LABEL.__get__(v))
    if not (isinstance(trace := tape.get(), Trace) and trace.stands_for(made, v)):
        vars(made).update(vars(v))
    return made


LABEL = Value.__dict__["label"]


def nothing_in(*args):
    return TypeError(
        "grad() needs floats or Values to differentiate by, as positional arguments or in them, "
        f"got {', '.join(map(reprlib.repr, args)) or 'no arguments'}; an int is a constant: write "
        "3.0 for 3"
    )


class Unheard(list):
    """A tape that forgets: with one, jitted functions run in the engine."""

    def append(self, event: Any) -> None:
        pass


def returned(function, args, kwargs):
    """The Value that a function returns."""
    trace = tape.get()
    if trace is None:
        tape.set(Unheard())
    if isinstance(trace, Trace):
        with trace.all_examples():
            y = function(*args, **kwargs)
    else:
        y = function(*args, **kwargs)
    if not isinstance(y, Value):
        raise TypeError(
            "grad() needs a function that returns one Value, "
            f"got {type(y).__name__} {reprlib.repr(y)}"
        )
    return y


def derivatives(y, variables, originals=()):
    """The gradients of y by variables, by their ids; the variables may stand for others."""
    # Without a tape, which would take note of what is asked about Values.
    forward, graph, known = Context().run(differentiated, y, variables, originals)
    known |= {i: Value(x) for i, x in graph.constants.items()}
    known[graph.seeds[0]] = Value(1.0)
    for op in forward:
        if not all(x in known for x in op.outputs):  # some shares of a softmax were not used
            for x, v in zip(op.outputs, applied(op, [known[x] for x in op.operands])):
                known.setdefault(x, v)
    interpret(graph.ops[len(forward) :], known)
    found = dict(zip(graph.leaf_ids, graph.gradients)) | graph.inner
    by_id = {id(known[x]): Value(0.0) if g is None else known[g] for x, g in found.items()}
    return {id(v): by_id[id(v)] for v in variables}


def differentiated(y, variables, originals):
    """The ops from variables to y, the graph with the gradients by them, and Values by id."""
    order, wanted = topological_order(y), set(variables)
    place = {v: i for i, v in enumerate(order)}
    if wanted.isdisjoint(order) and any(x in place for x in originals if isinstance(x, Value)):
        raise TypeError(
            "grad() differentiates by the arguments, but the function computed with Values that "
            "it found outside, which were passed too: let it compute with its arguments"
        )
    made: dict[Value, None] = {}
    for v in order:
        if not (wanted.isdisjoint(v._prev) and made.keys().isdisjoint(v._prev)):
            made[smooth(v)] = None
    lowering = Lowering(place, [v for v in variables if v not in made], [])
    graph, ids = lowering.graph(made, [y], []), lowering.ids
    first = [ids[v] for v in variables if v not in made]
    inner = [ids[v] for v in variables if v in made]
    found = differentiate(replace(graph, leaf_ids=first), [0], inner, careful=True)
    return graph.ops, found, {i: v for v, i in ids.items()}


def smooth(v):
    """v, if what it passes back is known as operations; else a TypeError."""
    kind = KINDS.get(v._chain) if v._y is not ALONE else None
    if kind in (None, "function", "outputs", "output"):
        what = "a Function" if kind else "no operation of micrograd's"
        way = "write it in operations of Values, or call backward() alone"
        if v._op == "jit" and not kind:
            what, way = "the result of a jitted function", "differentiate that function, by grad()"
        raise TypeError(
            f"there are no gradients as Values through {v._op!r}, {what}: its backward gives "
            f"floats, which have no derivative themselves; {way}"
        )
    return v


def like(x: Any, found: dict[int, Value]) -> Any:
    """What was found for each Value in x, by id, in the structure of x; None for all else."""
    if isinstance(x, Value):
        return None if isinstance(x, Index) else found[id(x)]
    if isinstance(x, Tensor):
        return Tensor(like(x.values, found))
    if isinstance(x, np.ndarray) and x.dtype == object:
        array = np.empty(x.size, object)
        array[:] = [like(item, found) for item in x.flat]
        return array.reshape(x.shape) if any(v is not None for v in array) else None
    if isinstance(x, tuple):
        items = [like(item, found) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    if isinstance(x, (list, dict)):
        made: Any = copy.copy(x)
        for key in x if isinstance(x, dict) else range(len(x)):
            made[key] = like(x[key], found)
        return made
    return None
