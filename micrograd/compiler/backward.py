"""The lines of a program that compute gradients, group after group from the outputs back."""

from __future__ import annotations

import numpy as np

from .edges import NOBODY
from .fold import factor_rows, terms
from .forward import (
    FEW_TERMS,
    SINGLES,
    ZERO,
    Values,
    array_kind,
    exponent,
    functions,
    result_shape,
    squeezed,
    turned,
    write_matmul,
)
from .gradients import Gradients
from .groups import Group
from .rules import ELEMENTWISE, REDUCTIONS, SINGLE


def write_backward(group: Group, values: Values, gradients: Gradients) -> None:
    if not any(map(gradients.edges.is_wanted, gradients.edges.parts[id(group)])):
        return
    slots = values.slot[group.outputs].ravel()
    g = gradients.of(int(slots[0]), len(slots))
    if group.kind == "chain":
        chain_backward(group, values, gradients, g)
    elif group.kind in REDUCTIONS:
        reduction_backward(group, values, gradients, g)
    else:
        elementwise_backward(group, values, gradients, g)


def elementwise_backward(group, values, gradients, g):
    edges, source = gradients.edges, gradients.source
    single = group.size <= SINGLES
    rules = SINGLE[group.kind][1] if single else ELEMENTWISE[array_kind(group)][1]
    columns = dict(zip("ab", values.columns(group.operands)))
    columns |= {"g": ("d", g), "y": ("v", values.slot[group.outputs[0]])}
    for rule, part in zip(rules, edges.parts[id(group)]):
        if not edges.is_wanted(part):
            continue
        if rule is None:
            edges.place[part] = g
            continue
        at = gradients.places_for(part)
        used = {name: column for name, column in columns.items() if f"{{{name}}}" in rule}
        if single:
            for i in np.flatnonzero(edges.targets[part] != NOBODY):
                numbers = {name: source.number(x, i) for name, x in used.items()}
                source.write(f"d[{at[i]}] = " + rule.format(**numbers, **exponent(group)))
        else:
            c, *names = source.aligned(("d", at), list(used.values()))
            more = exponent(group)
            if "{m}" in rule:
                more |= {"m": source.mask(source.names[c].shape), "zero": source.constant(ZERO)}
            source.write(rule.format(c=c, **dict(zip(used, names)), **more))


def reduction_backward(group, values, gradients, g):
    edges, source = gradients.edges, gradients.source
    (part,) = edges.parts[id(group)]
    rule = REDUCTIONS[group.kind][1]
    if group.kind == "mean":
        g = mean_backward(group, gradients, g)
    if rule is None:  # every term gets the same
        edges.place[part] = np.broadcast_to(g, group.operands.shape).ravel()
        return
    at = gradients.grid_for(part, group.operands.shape)
    shape = result_shape(group)
    y = values.grid(group.outputs.reshape(shape)) if "{y}" in rule else None
    x = values.grid(group.operands) if "{x}" in rule else None
    names = {"x": x, "y": y, "f": functions(group, source)}
    g = g.reshape(shape)
    source.write(rule.format(g=source.grid("d", g), c=source.grid("d", at), **names))


def mean_backward(group, gradients, g):
    shares = gradients.region(group.size)
    if group.size == 1:
        share = f"d.item({g[0]}) / {len(group.operands)}"
        gradients.source.write(f"d[{shares[0]}] = {share}")
        return shares
    to, x = gradients.source.aligned(("d", shares), [("d", g)])
    gradients.source.write(f"divide({x}, {len(group.operands)}.0, out={to})")
    return shares


def chain_backward(group, values, gradients, g):
    edges = gradients.edges
    _, products = terms(group.static)
    if group.grid is None or group.grid.bias is None:
        plain = np.broadcast_to(g, ((~products).sum(), group.size))
        edges.place[edges.parts[id(group)][2]] = plain.ravel()
    if group.grid is not None:
        product_backward(group, values, gradients, g)
    elif len(products) <= FEW_TERMS:
        few_products_backward(group, values, gradients, g)
    elif products.any():
        many_products_backward(group, values, gradients, g)


def product_backward(group, values, gradients, g):
    """The gradient of a matrix product is two matrix products."""
    source, grid = gradients.source, group.grid
    g = squeezed(g.reshape(grid.shape))
    upstream = source.grid("d", g), source.grid("d", turned(g))
    if grid.is_square:
        upstream = (source.scratch((1, 1)),) * 2
        source.write(f"{upstream[0]}[0, 0] = 2.0 * d.item({g[0, 0]})")
    *parts, last = gradients.edges.parts[id(group)]
    if grid.bias is not None and gradients.edges.is_wanted(last):
        bias_backward(source, gradients.grid_for(last, -1), upstream[0], grid)
    for part, numbers, other, flow in zip(
        parts, (grid.rows, grid.columns), (grid.columns, grid.rows), upstream
    ):
        if gradients.edges.is_wanted(part):
            at = squeezed(gradients.grid_for(part, numbers.shape))
            x, c = values.grid(squeezed(other)), source.grid("d", at)
            write_matmul(source, flow, x, c)


def bias_backward(source, at, upstream, grid):
    """The gradient of a bias is the sum of what it was added to."""
    ones = source.given("k", np.ones(grid.shape[1 + grid.bias.axis]))
    factors = (ones, upstream) if grid.bias.axis == 0 else (upstream, ones)
    write_matmul(source, *factors, source.grid("d", at))


def wanted_factors(group, gradients):
    """For each side of the products that wants gradients: its part, places, and the other side."""
    first = factor_rows(group.static)
    for i, part in enumerate(gradients.edges.parts[id(group)][:2]):
        if gradients.edges.is_wanted(part):
            yield part, gradients.grid_for(part, (len(first), group.size)), first + 1 - i


def few_products_backward(group, values, gradients, g):
    source = gradients.source
    for part, at, others in wanted_factors(group, gradients):
        wanted = (gradients.edges.targets[part] != NOBODY).reshape(at.shape)
        for place, row, used in zip(at, others, wanted):
            other = values.column(group.operands[row])
            if group.size <= SINGLES:
                for j in np.flatnonzero(used):
                    factors = source.number(other, j), source.number(("d", g), j)
                    source.write(f"d[{place[j]}] = " + " * ".join(factors))
                continue
            c, upstream, x = source.aligned(("d", place), [("d", g), other])
            source.write(f"multiply({upstream}, {x}, out={c})")


def many_products_backward(group, values, gradients, g):
    source = gradients.source
    for _, at, others in wanted_factors(group, gradients):
        x = values.grid(group.operands[others])
        source.write(f"multiply({source.grid('d', g)}, {x}, out={source.grid('d', at)})")
