"""Every line that adds to a gradient, broken in each of the usual ways: no break goes unnoticed.

A mutant is a function of the package, compiled from its source with one line changed; it takes the
function's place while the op table is checked.
"""

import ast
import contextlib
import functools
import inspect
import itertools
from dataclasses import dataclass
from random import Random
from types import CodeType, FunctionType

import mpmath as mp
import pytest
from optable import OPS, WIDE, Op
from reliability.reference import slopes, ulps

import micrograd.functional as F
from micrograd import Value, engine, function, tensor
from micrograd.tensor import Tensor

THEME = "Numbers"

# The table of operations, and what else adds to gradients.


class ProductAndDifference(function.Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y, x - y

    @staticmethod
    def backward(ctx, grad, grad_of_difference):
        x, y = ctx.saved_tensors
        return y * grad + grad_of_difference, x * grad - grad_of_difference


class Weighted:
    """2a + 3b with its gradient from `Tensor.backward`."""

    def __init__(self, a, b):
        self.elements, self.data = Tensor([a, b]), 2 * a.data + 3 * b.data

    def backward(self, grad=1.0):
        self.elements.backward([2 * grad, 3 * grad])


ROWS = {op.name: op for op in OPS} | {
    "leaf": Op("leaf", lambda a: a, lambda a: a, (WIDE,)),
    "local derivatives": Op(
        "local derivatives",
        lambda a, b: Value(a.data * b.data, (a, b), (b.data, a.data)),
        lambda a, b: a * b,
        (WIDE, WIDE),
    ),
    "Function": Op(
        "Function",
        lambda a, b: F.dot(ProductAndDifference.apply(a, b), [1, 3]),
        lambda a, b: a * b + 3 * (a - b),
        ((1.0, 10.0), (-10.0, -1.0)),
        8.0,
    ),
    "take in a trace": Op(
        "take in a trace", lambda a, b: F.chosen([a, b], Value(1)), lambda a, b: b, (WIDE, WIDE)
    ),
    "Tensor": Op("Tensor", Weighted, lambda a, b: 2 * a + 3 * b, ((1.0, 10.0), (1.0, 10.0))),
}


@functools.cache
def points(name):
    """Inputs of an operation, its values and its derivatives there."""
    rng, op = Random(name), ROWS[name]
    with mp.workdps(100):
        inputs = [[rng.uniform(*ends) for ends in op.ranges] for _ in range(8)]
        exact = [[mp.mpf(x) for x in xs] for xs in inputs]
        return [(xs, op.reference(*e), slopes(op.reference, e)) for xs, e in zip(inputs, exact)]


def is_right(op):
    """What test_ops.py asks: right to the last digits, and gradients that scale and accumulate."""
    for xs, value, derivatives in points(op.name):
        inputs = [Value(x) for x in xs]
        y = op.compute(*inputs)
        y.backward()
        once = [x.grad for x in inputs]
        errors = [ulps(y.data, value), *map(ulps, once, derivatives)]
        y.backward(2.0)
        thrice = pytest.approx([3 * grad for grad in once], rel=1e-15)
        if max(errors) > op.ulps or [x.grad for x in inputs] != thrice:
            return False
    return True


def fault():
    """The first operation that is seen to be wrong, if any."""
    for op in ROWS.values():
        with contextlib.suppress(Exception):
            if is_right(op):
                continue
        return op.name
    return None


# The mutants.


EQUIVALENT = {
    "engine.Value.__add__: exchange x.grad and y.grad": "both have the slope one",
    "functional.sum_backward: reverse xs": "all have the slope one",
    "functional.mean_backward: reverse xs": "all have the same slope",
    "functional.max_backward: reverse winners": "all have the same slope",
    "functional.dot_backward: reverse operands[2 * half:]": "there is one bias at most",
    "function.collect: hub.grads[i] += grad → hub.grads[i] = +(grad)": "added to zero, once a pass",
}


@dataclass
class Mutant:
    name: str
    function: FunctionType
    code: CodeType

    def fault(self):
        """The operation that is seen to be wrong while the mutant is in its function's place."""
        shipped = self.function.__code__
        self.function.__code__ = self.code
        try:
            return fault()
        finally:
            self.function.__code__ = shipped


def mutants():
    for module in (engine, F, function, tensor):
        tree = ast.parse(inspect.getsource(module))
        for path, definition in functions(tree):
            for change in changes(definition):
                code = compile(ast.fix_missing_locations(tree), module.__file__, "exec")
                name = f"{module.__name__.removeprefix('micrograd.')}.{'.'.join(path)}: {change}"
                yield Mutant(name, shipped(module, path), inside(code, path))


def functions(tree):
    """The functions of a module and the methods of its classes, each with its path of names."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield (node.name,), node
        elif isinstance(node, ast.ClassDef):
            yield from (((node.name, *path), found) for path, found in functions(node))


def shipped(module, path):
    return inspect.unwrap(functools.reduce(getattr, path, module))


def inside(code, path):
    """The code of the function at a path."""
    for name in path:
        code = next(c for c in code.co_consts if isinstance(c, CodeType) and c.co_name == name)
    return code


def changes(definition):
    """Breaks a function in one way after another; says what is changed for the moment."""
    for node in list(ast.walk(definition)):
        body = getattr(node, "body", ())
        lines = [i for i, line in enumerate(body) if adds(line)] if isinstance(body, list) else []
        for i in lines:
            line = body[i]
            for text in broken(line):
                body[i] = statement(text)
                yield f"{ast.unparse(line)} → {text}"
            body[i] = line
        for i, j in itertools.pairwise(lines):
            one, other = body[i].target, body[j].target
            body[i].target, body[j].target = other, one
            yield f"exchange {ast.unparse(one)} and {ast.unparse(other)}"
            body[i].target, body[j].target = one, other
        if isinstance(node, ast.For) and any(map(adds, ast.walk(node))):
            whole = node.iter
            part = whole.args[0] if isinstance(whole, ast.Call) else whole
            text = ast.unparse(part)
            node.iter = expression(ast.unparse(whole).replace(text, f"{text}[::-1]", 1))
            yield f"reverse {text}"
            node.iter = whole


def adds(line):
    """Whether a statement is `x.grad += …` or the like."""
    return isinstance(line, ast.AugAssign) and ".grad" in ast.unparse(line.target)


def broken(line):
    """A line that adds to a gradient, as text, with each of the usual faults."""
    x, value = ast.unparse(line.target), ast.unparse(line.value)
    sign, wrong = "+-" if isinstance(line.op, ast.Add) else "-+"
    yield f"{x} {sign}= ({value}) * (1 + 1e-13)"
    yield f"{x} {wrong}= {value}"
    yield f"{x} = {sign}({value})"
    yield "pass"
    yield from (f"{x} {sign}= {turned}" for turned in swapped(value))


def swapped(text):
    """An expression with the two sides of one call, quotient or difference in it swapped."""
    for i in range(len(list(ast.walk(expression(text))))):
        whole = expression(text)
        part = list(ast.walk(whole))[i]
        if isinstance(part, ast.Call) and len(part.args) == 2:
            part.args.reverse()
        elif isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div | ast.Sub | ast.Pow):
            part.left, part.right = part.right, part.left
        else:
            continue
        yield ast.unparse(whole)


def statement(text):
    return ast.parse(text).body[0]


def expression(text):
    return ast.parse(text, mode="eval").body


def test_what_is_shipped_is_right():
    assert fault() is None


@pytest.mark.slow
def test_every_mutant_is_noticed(score):
    found = {mutant.name: mutant.fault() for mutant in mutants()}
    unnoticed = {name for name, noticed in found.items() if not noticed}
    assert unnoticed == set(EQUIVALENT)
    assert fault() is None
    total = len(found) - len(EQUIVALENT)
    score(
        f"{total} mutants of the lines that add to a gradient: times (1 + 1e-13), the other sign, "
        "dropped, operands swapped, = for +=",
        "all noticed",
        f"{total} of {total}",
        hurt="who changes the engine: a wrong sign would pass",
    )
