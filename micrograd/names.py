"""What the numbers of a graph are called, after the lists and modules that they are kept in."""

from __future__ import annotations

import reprlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

from .operations import operation

SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
LISTS = ("layers", "neurons")  # of a network: indices say enough
SUMS = ("+", "sum", "dot")


def called(names: Mapping[str, Any] | None, nodes: Iterable) -> dict[Any, str]:
    """Names for Values: `names` is a dict of name to Value, list, Tensor or Module.

    Places count from 1: x₂; in a network w⁽¹⁾₃,₂ is the weight, in layer 1, of neuron 3 for input
    2, and b⁽¹⁾₃ its bias. What its neurons compute among `nodes` has names as well: z the weighted
    sum, h the activation, ŷ what the last layer gives, h#2 for the second sample. Raises TypeError
    for other names.
    """
    names = {} if names is None else names
    if not isinstance(names, Mapping) or not all(isinstance(key, str) for key in names):
        raise TypeError(
            "names is a dict of name to Value, list or Module, such as {'x': x, 'model': model}, "
            f"got {reprlib.repr(names)}"
        )
    modules = {key: part for key, part in names.items() if is_module(part)}
    found: dict[Any, str] = {}
    for key, module in modules.items():
        found |= network(module, [key] if len(modules) > 1 else [], nodes)
    for key, part in names.items():
        if key not in modules:
            found |= {v: key + places(at) for at, v in entries(part, key)}
    return found


def is_module(part):
    return callable(getattr(part, "named_parameters", None))


def entries(part, key, at=()):
    """The Values in a part, each with its place: (0, 1) in a list of lists."""
    array = part if isinstance(part, Mapping) else getattr(part, "values", part)
    if hasattr(part, "data") and hasattr(part, "_prev"):
        return [(at, part)]
    if getattr(array, "dtype", None) == "O":
        return entries(array.tolist(), key, at)
    if not isinstance(part, (list, tuple, Mapping)):
        raise TypeError(
            f"names holds Values, got {type(part).__name__} {reprlib.repr(part)} under {key!r}; "
            "make numbers Values before the model meets them, as by F.values(x)"
        )
    items = part.items() if isinstance(part, Mapping) else enumerate(part)
    return [found for i, inner in items for found in entries(inner, key, (*at, i))]


def places(at):
    """Places as subscripts that count from 1, keys of dicts as words."""
    words = [f".{i}" for i in at if not isinstance(i, int)]
    return "".join(words) + indices([i for i in at if isinstance(i, int)])


def indices(numbers):
    return ",".join(str(int(n) + 1).translate(SUBSCRIPT) for n in numbers)


def network(module, prefix, nodes):
    """Names for the parameters of a module, and for what its neurons compute among `nodes`."""
    paths = {v: tuple(path.split(".")) for path, v in module.named_parameters()}
    several = len({layer(path) for path in paths.values()}) > 1
    found = {v: symbol(path, prefix, several) for v, path in paths.items()}
    times = Counter(found.values())
    found = {v: x if times[x] == 1 else ".".join([*prefix, *paths[v]]) for v, x in found.items()}
    users, last = used_by(nodes), last_neurons(paths.values())
    for at, (weights, bias) in neurons(paths).items():
        sums = [weighted_sum(start, weights, bias, users) for start in users[bias]]
        sums = [z for z in sums if z is not None]
        for i, z in enumerate(sums, 1):
            sample = f"#{i}" if len(sums) > 1 else ""
            for letter, v in computed(reduce(inner, at, module), z, users):
                path = (*at, letter)
                if letter == "h" and at in last:
                    path = (*at[-2:], "ŷ") if len(last) > 1 else ("ŷ",)
                found[v] = symbol(path, prefix, several) + sample
    return found


def symbol(path, prefix, several):
    """w⁽¹⁾₃,₂ for layers.0.neurons.2.w.1; the layer is left out unless there are several."""
    words = [part for part in path if not part.isdigit() and part not in LISTS]
    numbers = [n for word, n in zip(("", *path), path) if n.isdigit() and word != "layers"]
    above = f"⁽{layer(path) + 1}⁾".translate(SUPERSCRIPT) if several and "layers" in path else ""
    return ".".join([*prefix, *words]) + above + indices(numbers)


def layer(path):
    """The place among the layers, where there are any."""
    return int(path[path.index("layers") + 1]) if "layers" in path else 0


def last_neurons(paths):
    """The paths of the neurons in the last layer, where there are layers."""
    end = max(map(layer, paths), default=0)
    ends = [path for path in paths if "layers" in path and layer(path) == end]
    return {path[:-1] for path in ends if path[-1] == "b"}


def neurons(paths):
    """The weights and the bias of each neuron, by its path."""
    weights, biases = defaultdict(list), {}
    for v, path in paths.items():
        if path[-1] == "b":
            biases[path[:-1]] = v
        elif path[-2:-1] == ("w",):
            weights[path[:-2]].append(v)
    return {at: (weights[at], b) for at, b in biases.items() if at in weights}


def inner(part, key):
    if isinstance(part, Mapping):
        return part[key]
    return part[int(key)] if isinstance(part, (list, tuple)) else getattr(part, key)


def used_by(nodes):
    """The nodes that were computed from each node, in order."""
    users = defaultdict(list)
    for v in nodes:
        for child in dict.fromkeys(v._prev):
            users[child].append(v)
    return users


def weighted_sum(v, weights, bias, users):
    """The first sum, from v on, of all weights times something and the bias; None without one."""
    while v._op in SUMS:
        if adds_up(v, weights, bias):
            return v
        above = [user for user in users[v] if user._op in SUMS]
        if len(above) != 1:
            return None
        v = above[0]
    return None


def adds_up(total, weights, bias):
    """Whether a sum is that of each weight times something, the bias, and nothing but zeros."""
    products, terms, rest = [], [], [total]
    while rest:
        v = rest.pop()
        operands = tuple(v._prev)
        if v._op == "dot":
            half = len(operands) // 2
            products += zip(operands[:half], operands[half:])
            rest += operands[2 * half :]
        elif v._op in SUMS:
            rest += operands
        elif v._op == "*":
            products.append(operands)
        else:
            terms.append(v)
    wanted = set(weights)
    met = [factor for product in products for factor in product if factor in wanted]
    others = [v for v in terms if v is not bias and (v._prev or v.data != 0)]
    return len(met) == len(products) == len(wanted) and wanted == set(met) and not others


def computed(neuron, z, users):
    """What a neuron computes, with its letter: z the weighted sum, h its activation or itself."""
    nonlinear, act = getattr(neuron, "nonlin", None), getattr(neuron, "act", None)
    after = [v for v in users[z] if (known := operation(v)) and known.activation]
    if nonlinear is False or act == "linear" or (nonlinear is None and len(after) != 1):
        return [("h", z)]
    return [("z", z), *(("h", v) for v in after[:1])]
