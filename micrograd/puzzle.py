"""Gradient puzzles: a rule of one line is tried at random, and a right one is thanked for."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from . import lesson, viz
from .engine import Value

TRIALS = 6
QUARTERS = [n / 4 for n in range(2, 10)]  # 0.5 to 2.25: easy to follow by hand


def diagram(op: str, inputs: str, outputs: str = "out") -> viz.Drawing:
    """An operation between the names of what goes in and comes out; xs stands for three numbers."""
    drawing = viz.Drawing(format="svg", graph_attr={"rankdir": "LR", "bgcolor": "transparent"})
    drawing.node_attr.update(fontname=viz.FONT, fontsize="11", style="filled", color=viz.LINE)
    drawing.node_attr.update(shape="box", width="0.4", height="0.3", margin="0.07,0.04")
    drawing.edge_attr.update(color=viz.LINE, arrowsize="0.6")
    drawing.node("operation", viz.written(op), shape="ellipse", fillcolor=viz.OPERATION)
    for name in spelled(inputs):
        drawing.node(node(name), viz.written(name), fillcolor=viz.LEAF)
        drawing.edge(node(name), "operation")
    for name in spelled(outputs):
        drawing.node(node(name), viz.written(name), fillcolor=viz.COMPUTED)
        drawing.edge("operation", node(name))
    drawing.alt = f"{op}: from {inputs} to {outputs}"
    return drawing


def node(name):
    """What the node of a name is called in DOT, where a colon would end it."""
    return name if name.isidentifier() else name.encode("utf-8", "backslashreplace").hex()


def check_rule(
    rule: Callable,
    forward: Callable,
    inputs: str,
    asked: str,
    hint: str = "",
    *,
    signs: tuple[int, ...] = (-1, 1),
) -> None:
    """Print whether a rule adds the right numbers to the gradients of `asked`, and to no others.

    `inputs` are names such as "a b" or "xs b", where xs is a list of three; `forward` makes the
    output of Values, one or a list, and the rule is called with the inputs and the output. Half of
    the trials use one number in two places, and every gradient holds something before.
    """
    name, cases = rule.__name__, []
    for i in range(TRIALS):
        trial = Trial(random.Random(f"{name} {i}"), spelled(inputs), i % 2, signs)
        wanted = trial.wanted(forward, inputs, asked)
        cases.append((trial.gradients, (rule, forward, inputs), wanted, f"{name}{trial}", "leaves"))
    if lesson.tell(cases, name, hint, 1e-9, 1e-9, f"all {TRIALS} trials"):
        print(creature(name))


def spelled(names):
    """The names of single numbers: x1 x2 x3 for xs."""
    return [part for name in names.split() for part in triple(name)]


def triple(name):
    return [name[:-1] + i for i in "123"] if is_several(name) else [name]


def is_several(name):
    return name.endswith("s")


class Trial:
    """Random numbers for the inputs, what their gradients hold, and what arrives."""

    def __init__(self, rng, names, shared, signs):
        self.names = names
        self.at = [*range(len(names) - 1), 0 if shared else len(names) - 1]  # boxes of the inputs
        self.used = sorted({*self.at})
        self.numbers = [rng.choice(signs) * n for n in rng.sample(QUARTERS, len(names))]
        self.before = [rng.choice(QUARTERS) for _ in names]
        self.upstream = [rng.choice((-1, 1)) * rng.choice(QUARTERS[2:]) for _ in range(3)]

    def __str__(self):
        told = ", ".join(f"{name} {self.numbers[i]:g}" for name, i in zip(self.names, self.at))
        before = ", ".join(f"{self.before[i]:g}" for i in self.used)
        return f" at {told}, upstream {self.upstream[0]:g}, on gradients of {before},"

    def wanted(self, forward, inputs, asked):
        """The gradients of the boxes by the engine, through the inputs that are asked for."""
        values = [Value(self.numbers[i]) for i in self.at]
        outs = listed(forward(*grouped(inputs, values)))
        sum(out * g for out, g in zip(outs, self.upstream)).backward()
        after = list(self.before)
        for name, i, value in zip(self.names, self.at, values):
            after[i] += value.grad * (name in spelled(asked))
        return [after[i] for i in self.used]

    def gradients(self, rule, forward, inputs):
        """The gradients of the boxes after a rule; what it returns where that is no answer."""
        boxes = [Value(n) for n in self.numbers]
        outs = forward(*grouped(inputs, [Value(self.numbers[i]) for i in self.at]))
        fresh = [Value(out.data) for out in listed(outs)]
        for value, grad in zip(boxes + fresh, self.before + self.upstream[: len(fresh)]):
            value.grad = grad
        out = fresh if isinstance(outs, list) else fresh[0]
        said = rule(*grouped(inputs, [boxes[i] for i in self.at]), out)
        found = [boxes[i].grad for i in self.used]
        if any(isinstance(grad, Value) for grad in found):
            raise TypeError(
                "a gradient is a plain number and became a Value: take .data of a Value"
            )
        return said if said is ... else found


def listed(outs: Any) -> list:
    return outs if isinstance(outs, list) else [outs]


def grouped(inputs, values):
    """The values as the inputs take them: three in a list for a name of several."""
    left = iter(values)
    return [[next(left) for _ in "123"] if is_several(n) else next(left) for n in inputs.split()]


def creature(name: str) -> str:
    """A small creature, always the same one for a name."""
    rng = random.Random(name)
    rows = [[rng.random() < 0.55 for _ in range(4)] for _ in range(6)]
    rows[1][1:], rows[2][1:] = [True, False, True], [True, True, True]  # eyes
    return "\n".join(
        "    " + "".join("██" if dot else "  " for dot in (*row, *row[-2::-1])) for row in rows
    )
