"""The lines of a program that compute the values of a group."""

from __future__ import annotations

import numpy as np

from .fold import terms
from .groups import Group
from .kernels import EXACT_LOOP
from .rules import ELEMENTWISE, REDUCTIONS, SINGLE, literal

ZERO = np.zeros(1)
FEW_TERMS = 4  # up to which terms are added one by one
SINGLES = 3  # up to which operations plain Python is faster


class Values:
    """Values of a recording as arrays in the source of its program."""

    def __init__(self, source, slot, recording):
        self.source, self.slot = source, slot
        constants = list(recording.constants)
        self.is_constant = np.zeros(recording.size, bool)
        self.is_constant[constants] = True
        self.data = np.zeros(recording.size)
        self.data[constants] = list(recording.constants.values())

    def column(self, numbers):
        """Constants, or places in `v`."""
        if self.is_constant[numbers].all():
            return self.data[numbers]
        return "v", self.slot[numbers]

    def columns(self, rows):
        return [self.column(numbers) for numbers in rows]

    def grid(self, numbers):
        """The name of an array of the shape of `numbers`."""
        if self.is_constant[numbers].all():
            return self.source.given("k", self.data[numbers])
        return self.source.grid("v", self.slot[numbers])


def write_forward(group: Group, values: Values) -> None:
    source = values.source
    if group.kind == "chain":
        write_chain(group, values)
    elif group.kind in ("sum", "mean") and group.operands.size <= EXACT_LOOP and group.size == 1:
        x, y = values.grid(group.operands[:, 0]), values.slot[group.outputs[0, 0]]
        count = f" / {len(group.operands)}" if group.kind == "mean" else ""
        source.write(f"v[{y}] = floats.total({x}.tolist()){count}")
    elif group.kind in REDUCTIONS:
        y = values.grid(group.outputs.reshape(result_shape(group)))
        x, f = values.grid(group.operands), functions(group, source)
        source.write(REDUCTIONS[group.kind][0].format(x=x, y=y, f=f))
    elif group.size <= SINGLES:
        for i in range(group.size):
            operands = map(source.number, values.columns(group.operands[:, i : i + 1]))
            rule = SINGLE[group.kind][0].format(**dict(zip("ab", operands)), **exponent(group))
            source.write(f"v[{values.slot[group.outputs[0, i]]}] = {rule}")
    else:
        out = "v", values.slot[group.outputs[0]]
        y, *operands = source.aligned(out, values.columns(group.operands))
        rule = ELEMENTWISE[array_kind(group)][0]
        names = {"y": y, **dict(zip("ab", operands)), **exponent(group)}
        if "{zero}" in rule:
            names["zero"] = source.constant(ZERO)
        source.write(rule.format(**names))


def result_shape(group):
    """(outputs, operations), or just (operations,) for operations that have one number each."""
    several = group.kind in ("softmax", "function")
    return group.outputs.shape if several else group.outputs.shape[1:]


def exponent(group):
    return {"n": literal(group.static)} if group.kind == "constant power" else {}


def array_kind(group):
    return "square" if group.kind == "constant power" and group.static == 2.0 else group.kind


def functions(group, source):
    """The name of the list of the user's functions that a group applies."""
    if group.kind != "function":
        return None
    key = "functions", id(group)
    if key not in source.known:
        source.known[key] = source.name("f", group.functions, f"{group.size} functions")
    return source.known[key]


def write_chain(group, values):
    source = values.source
    out = "v", values.slot[group.outputs[0]]
    starts, products = terms(group.static)
    if group.grid is not None:
        write_product(group, values)
        for start in starts[~products]:
            y, x = source.aligned(out, [values.column(group.operands[start])])
            source.write(f"add({y}, {x}, out={y})")
    elif group.size == 1 and not products.any() and len(products) > FEW_TERMS:
        x = values.grid(group.operands[:, 0])
        source.write(f"v[{values.slot[group.outputs[0, 0]]}] = add.accumulate({x})[-1]")
    elif len(products) <= FEW_TERMS and group.size <= SINGLES:
        write_single_terms(group, values)
    elif len(products) <= FEW_TERMS:
        write_terms(group, values, out)
    else:
        y = values.grid(group.outputs[0])
        source.write(f"running_sum({terms_of(group, values)}, {y})")


def write_product(group, values):
    b, p, q = group.grid.shape
    rows, columns = (squeezed(x) for x in (group.grid.rows, group.grid.columns))
    y = values.source.grid("v", squeezed(values.slot[group.outputs[0]].reshape(b, p, q)))
    write_matmul(values.source, values.grid(rows), values.grid(turned(columns)), y)


def write_matmul(source, a, b, out):
    """The product of two matrices, by the function that is quicker where it can be used."""
    array = source.names[out]
    name = "dot" if array.ndim < 3 and array.flags.c_contiguous else "matmul"
    source.write(f"{name}({a}, {b}, out={out})")


def squeezed(x):
    return x[0] if len(x) == 1 else x


def turned(x):
    return np.swapaxes(x, -1, -2)


def write_terms(group, values, out):
    """A short chain: its first term, and then each other one added to it."""
    source = values.source
    y, *operands = source.aligned(out, values.columns(group.operands))
    operands = iter(operands)
    summed = None
    for i, sign in enumerate(group.static):
        x = next(operands)
        if sign == "*":
            to = y if i == 0 else source.scratch(source.names[y].shape)
            source.write(f"multiply({x}, {next(operands)}, out={to})")
            x = to
        if summed is not None:
            source.write(f"add({summed}, {x}, out={y})")
        summed = x if summed is None else y
    if len(group.static) == 1 and summed != y:
        source.write(f"{y}[...] = {summed}")


def write_single_terms(group, values):
    for i in range(group.size):
        numbers = map(values.source.number, values.columns(group.operands[:, i : i + 1]))
        sums = [
            f"{next(numbers)} * {next(numbers)}" if sign == "*" else next(numbers)
            for sign in group.static
        ]
        values.source.write(f"v[{values.slot[group.outputs[0, i]]}] = {' + '.join(sums)}")


def terms_of(group, values):
    """The name of an array (terms, operations) of what a long chain adds up."""
    source = values.source
    starts, products = terms(group.static)
    if not products.any():
        return values.grid(group.operands)
    name = source.scratch((len(products), group.size))
    for run in np.split(starts, np.flatnonzero(np.diff(products)) + 1):
        row = int(np.searchsorted(starts, run[0]))
        to = name if len(run) == len(starts) else f"{name}[{row}:{row + len(run)}]"
        if products[row]:
            x, y = (values.grid(group.operands[run + i]) for i in (0, 1))
            source.write(f"multiply({x}, {y}, out={to})")
        else:
            source.write(f"{to} = {values.grid(group.operands[run])}")
    return name
