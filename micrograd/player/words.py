"""What the player says about a step: every number with the names it comes from."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping, Sequence

from ..text import shortened
from .replay import Flow, Node, Step, same
from .rules import Rule, abridged

DIGITS = 4  # significant ones
LONGEST_NAME = 24  # characters
MOST_NAMES = 6  # listed in one sentence
MOST_FLOWS = 6  # told of one node
MOST_TOLD = 60  # values, in the words for a picture
NUDGE = 0.001


class Words:
    """Tells the steps through a graph."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes, self.names = nodes, names(nodes)

    def lines(self, step: Step) -> list[str]:
        """A sentence on the node, and in the backward pass another one on each child."""
        return getattr(self, step.kind)(step)

    def summary(self, known: Collection[int], grads: Mapping[int, float]) -> str:
        """The gradients of all nodes, and the data of those `known`."""
        rows = [
            f"{name}: data {number(n.data) if i in known else 'to come'}, grad {number(grads[i])}"
            for i, (n, name) in enumerate(zip(self.nodes, self.names))
        ]
        more = [f"and {len(rows) - MOST_TOLD} more"] if len(rows) > MOST_TOLD else []
        return "; ".join(rows[:MOST_TOLD] + more)

    def title(self) -> str:
        return f"{self.names[-1]}, step by step"

    def start(self, step):
        if not self.nodes[step.node].children:
            return [f"{self.names[step.node]} is a given number; nothing was computed."]
        leaves = [name for n, name in zip(self.nodes, self.names) if not n.children]
        given = ", ".join(leaves) if len(leaves) <= MOST_NAMES else f"{len(leaves)} numbers"
        return [f"{self.names[step.node]} is computed from {given}. Step forward to see how."]

    def forward(self, step):
        node, xs = self.nodes[step.node], self.operands(step.node)
        known = self.rule(step.node)
        calculation = expression(node.op, known, [number(x) for x in xs], " × ")
        equal = equals(node.data, known.value(*map(shown, xs))) if known else "="
        return [f"{self.definition(step.node)} = {calculation} {equal} {number(node.data)}"]

    def seed(self, step):
        name = self.names[step.node]
        return [f"Backward starts at {name}: its own gradient is 1, all others are still 0."]

    def backward(self, step):
        upstream = number(step.flows[0].upstream)
        head = f"{self.definition(step.node)}. Its gradient {upstream} is the upstream."
        told = [self.told(flow) for flow in step.flows[:MOST_FLOWS]]
        left = len(step.flows) - len(told)
        return [head, *told, *([f"… and {left} more in the same way."] if left else [])]

    def told(self, flow):
        """What a child gets, why, and what it has then."""
        name, before, after = self.names[flow.child], flow.before, flow.after
        line = f"{name} gets {self.reason(flow)}{number(flow.added)}"
        if not before:
            return line
        if not same(after, before + flow.added):
            return f"{line}, which replaces the {number(before)} that {name} had"
        total = f"{number(before)} + {bracketed(number(flow.added))}"
        equal = equals(after, shown(before) + shown(flow.added))
        return f"{line}, added to what {name} had: {total} {equal} {number(after)}"

    def end(self, step):
        root = self.names[step.node]
        leaves = [i for i, n in enumerate(self.nodes) if not (n.children or n.constant)]
        if not leaves:
            return [f"Done. All that {root} was computed from is constant."]
        labelled = [i for i in leaves if self.nodes[i].label] or leaves
        steepest = max(labelled, key=lambda i: abs(step.grads[i]))
        change = number(step.grads[steepest] * NUDGE)
        return [
            f"Done. A gradient tells how {root} reacts: "
            f"add {NUDGE} to {self.names[steepest]}, and {root} changes by about {change}."
        ]

    def definition(self, i):
        """The node's name, and what it was computed from."""
        children = [self.names[c] for c in self.nodes[i].children]
        return f"{self.names[i]} = {expression(self.nodes[i].op, self.rule(i), children, '·')}"

    def reason(self, flow):
        if flow.local is None:
            return ""
        return f"{self.slope(flow)} × upstream = {factors(flow)} {sign(flow)} "

    def slope(self, flow):
        """The local derivative as calculus writes it, where that is what the operation gave."""
        node, known, xs = (
            self.nodes[flow.parent],
            self.rule(flow.parent),
            self.operands(flow.parent),
        )
        for child, (text, slope) in zip(node.children, known.slopes if known else ()):
            if child == flow.child and same(slope(*xs, node.data), flow.local):
                x = [bracketed(self.names[c]) for c in node.children]
                return text.format(*x, a=x[0], b=x[-1], y=bracketed(self.names[flow.parent]))
        return "local derivative"

    def rule(self, i):
        """The rule that the node's operation is named after, where its data follow it."""
        xs = self.operands(i)
        known = self.nodes[i].rule
        return known if known and same(known.value(*xs), self.nodes[i].data) else None

    def operands(self, i):
        return [self.nodes[c].data for c in self.nodes[i].children]


def names(nodes: Sequence[Node]) -> list[str]:
    """Each node's label, a constant's number, or v1, v2, … for those without."""
    labels = [number(n.data) if n.constant else shortened(n.label, LONGEST_NAME) for n in nodes]
    taken = set(labels)
    fresh = (name for i in itertools.count(1) if (name := f"v{i}") not in taken)
    return [text or next(fresh) for text in labels]


def symbol(op: str) -> str:
    """An operation's name as it is shown."""
    return "−" if op == "-" else shortened(op, LONGEST_NAME)


def number(x: float) -> str:
    """x to four significant digits, or to the unit, with a true minus sign."""
    whole = len(f"{abs(x):.0f}") if abs(x) < 1e6 else 0
    return f"{x + 0.0:.{max(DIGITS, whole)}g}".replace("-", "−")


def shown(x: float) -> float:
    """What is left of x for a reader of `number`."""
    return float(number(x).replace("−", "-"))


def equals(result: float, exactly: float) -> str:
    """The sign between a calculation with shown numbers, which gives `exactly`, and its result."""
    return "=" if number(result) == number(exactly) else "≈"


def factors(flow):
    """The local derivative times the upstream gradient, in numbers."""
    return f"{number(flow.local)} × {bracketed(number(flow.upstream))}"


def sign(flow):
    return equals(flow.added, shown(flow.local) * shown(flow.upstream))


def short(flow: Flow) -> tuple[str, str]:
    """What stands on an arrow: local derivative × upstream, and what that makes."""
    if flow.local is None:
        return "gets", number(flow.added)
    return factors(flow), f"{sign(flow)} {number(flow.added)}"


def expression(op: str, known: Rule | None, operands: Sequence[str], times: str) -> str:
    """An operation on operands, in the notation of its rule or as a call."""
    if not (known and known.notation):
        return f"{symbol(op)}({', '.join(abridged(operands))})"
    xs = [bracketed(x) for x in operands]
    text = known.notation.replace("·", times).format(*xs, a=xs[0], b=xs[-1])
    return re.sub(r"^\((−[\w.]+)\)(?!\*\*)", r"\1", text)


def bracketed(text):
    """The text, in brackets where an operator beside it would take it apart."""
    return text if re.fullmatch(r"([\w.…#⁽⁾]|(?<=[₀-₉]),)+(e[+−]\d+)?", text) else f"({text})"
