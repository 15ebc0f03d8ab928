"""A forward and a backward pass, replayed one node at a time on the Values of a graph."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..engine import topological_order
from ..function import Outputs
from ..names import called
from ..viz import GraphTooLargeError, factors, is_dot, label_of
from .rules import Rule, rule, total


@dataclass(frozen=True, eq=False)
class Node:
    """A value of the graph; its children are places in the list of nodes."""

    value: Any
    children: tuple[int, ...]
    op: str
    backward: Callable[[], None]  # passes value.grad on to the children
    data: float
    label: str
    constant: bool  # a number among named ones
    rule: Rule | None


@dataclass(frozen=True)
class Flow:
    """What a node passes back to a child: as a rule local derivative times upstream gradient."""

    child: int
    parent: int
    local: float | None  # None where backward does not multiply
    upstream: float
    added: float
    before: float  # the child's gradient
    after: float


@dataclass(frozen=True)
class Step:
    """A node's turn, and the gradients that change in it."""

    kind: str  # start, forward, seed, backward or end
    node: int
    grads: dict[int, float] = field(default_factory=dict)
    flows: tuple[Flow, ...] = ()


def graph(
    root: Any,
    expand: bool = False,
    max_nodes: int = 500,
    names: Mapping[str, Any] | None = None,
) -> list[Node]:
    """The nodes `root` was computed from, children first; `expand` spells dot products out.

    Raises GraphTooLargeError above `max_nodes`.
    """
    order = topological_order(root)
    known = called(names, order)
    dots = {v for v in order if is_dot(v)} if expand else set()
    size = len(order) + sum(len(v._prev) // 2 for v in dots)
    if size > max_nodes:
        raise GraphTooLargeError(
            f"the graph has {size} values and max_nodes is {max_nodes}; "
            "step through a part of it, such as one neuron or the loss of one sample"
        )
    nodes: list[Node] = []
    place: dict = {}

    def add(value, children, op, backward, known_rule):
        place[value] = len(nodes)
        at = tuple(place[c] for c in children)
        label = label_of(value, known).strip()
        constant = names is not None and not children and not label
        data = float(value.data)
        nodes.append(Node(value, at, op, backward, data, label, constant, known_rule))

    for v in order:
        if v in dots:
            products = [x * y for x, y in factors(v._prev)]
            for p in products:
                add(p, p._prev, p._op, p._backward, rule(p))
            terms = (*products, *v._prev[2 * len(products) :])
            add(v, terms, "+", pass_on(v, terms), total("+", len(terms)))
        else:
            add(v, tuple(v._prev), v._op, v._backward, rule(v))
    return nodes


def pass_on(total, terms):
    """The backward of a sum that is made of a dot product."""

    def backward():
        for term in terms:
            term.grad += total.grad

    return backward


def steps(nodes: list[Node]) -> list[Step]:
    """Both passes, with gradients that start from zero; the Values are left as they were.

    Raises RuntimeError, naming the operation, where an operation's own backward fails.
    """
    computed = [i for i, n in enumerate(nodes) if n.children]
    root = len(nodes) - 1
    with untouched(nodes):
        for n in nodes:
            n.value.grad = 0.0
        nodes[root].value.grad = 1.0
        return [
            Step("start", root, dict.fromkeys(range(len(nodes)), 0.0)),
            *(Step("forward", i) for i in computed),
            Step("seed", root, {root: 1.0}),
            *(backward_step(nodes, i) for i in reversed(computed)),
            Step("end", root, {i: float(n.value.grad) for i, n in enumerate(nodes)}),
        ]


@contextmanager
def untouched(nodes: Sequence[Node]) -> Iterator[None]:
    """Data and gradients are put back in the end, whatever happens between."""
    before = [(n.value, n.value.data, gradient(n.value)) for n in nodes]
    try:
        yield
    finally:
        for v, data, grad in before:
            v.data = data
            set_gradient(v, grad)


def gradient(v):
    """What `set_gradient` takes back: of a Function's several outputs, the gradient of each."""
    return v.grads.copy() if isinstance(v, Outputs) else v.grad


def set_gradient(v, grad):
    if isinstance(v, Outputs):
        v.grads[:] = grad
    else:
        v.grad = grad


def backward_step(nodes, i):
    """Run a node's backward, and note what each child got."""
    node, upstream = nodes[i], float(nodes[i].value.grad)
    before = {c: float(nodes[c].value.grad) for c in node.children}
    with untouched(nodes):
        slopes = additions(nodes, node, 1.0)
    added = additions(nodes, node, upstream)
    after = {c: float(nodes[c].value.grad) for c in before}
    flows = []
    for c in before:
        parts = shares(node.children.count(c), slopes[c], added[c])
        totals = [*itertools.accumulate((share for _, share in parts), initial=before[c])]
        totals[-1] = after[c]  # not the same where backward sets a gradient, and does not add
        for (slope, share), old, new in zip(parts, totals, totals[1:]):
            local = slope if same(slope * upstream, share) else None
            flows.append(Flow(c, i, local, upstream, share, old, new))
    return Step("backward", i, after, tuple(flows))


def additions(nodes, node, upstream):
    """What a node's backward adds to the gradient of each child, term by term."""
    before = {c: nodes[c].value.grad for c in node.children}
    for c, grad in before.items():
        if not isinstance(nodes[c].value, Outputs):
            nodes[c].value.grad = Sum(grad)
    if not isinstance(node.value, Outputs):
        node.value.grad = upstream
    try:
        node.backward()
    except Exception as error:
        raise RuntimeError(f"backward of {node.op!r} failed: {error}") from error
    return {c: terms(nodes[c].value, grad) for c, grad in before.items()}


def terms(v, before):
    """What was added to a gradient; all of it where it was set, and not added to."""
    if isinstance(v.grad, Sum):
        return v.grad.terms
    return (v.grad - before,) if isinstance(v, Outputs) else (float(v.grad),)


class Sum(float):
    """A float that remembers the terms that were added to it."""

    __array_ufunc__ = None  # makes NumPy's scalars leave the adding to __radd__
    terms: tuple[float, ...] = ()

    def __add__(self, x):
        total = Sum(float(self) + x)
        total.terms = (*self.terms, float(x))
        return total

    __radd__ = __add__

    def __sub__(self, x):
        return self + -x


def shares(uses, slopes, added):
    """For each use of a child its slope and share, or those of all uses if not told apart."""
    if len(slopes) == uses and len(added) in (0, uses):
        return list(zip(slopes, added or itertools.repeat(0.0)))
    return [(sum(slopes, 0.0), sum(added, 0.0))]


def same(x: float, y: float) -> bool:
    """Whether two numbers are equal but for rounding; nan is the same as nan."""
    return math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-12) or (math.isnan(x) and math.isnan(y))
