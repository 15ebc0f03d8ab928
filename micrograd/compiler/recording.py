"""A recording: what a function did, as plain lists of numbered operations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..engine import Refusal, Value


class JitError(Refusal):
    """A function that cannot be replayed, and why."""


class TooDeepError(JitError):
    """A recording of so many levels that a replay would not pay."""


class Call:
    """An operation: its kind, what else sets it apart, and numbers of Values.

    The gradient of an operand is the sum of what all operations add to it, in the order of `ranks`.
    """

    __slots__ = ("kind", "static", "operands", "ranks", "outputs", "function")

    def __init__(self, kind, static, operands, ranks, outputs, function=None):
        self.kind, self.static, self.operands = kind, static, operands
        self.ranks, self.outputs, self.function = ranks, outputs, function


@dataclass
class Recording:
    """What a function did. Values are numbered: leaves, inputs, constants and results alike.

    `leaves` are the Values from before, whose data is read at each replay and whose gradients are
    wanted; `inputs` are plain numbers that differ from replay to replay; `constants` are not.
    `guards` are comparisons that must come out as they did: (compare, number, number, outcome).
    """

    leaves: list[Value]
    leaf_numbers: list[int]
    inputs: list[int]
    constants: dict[int, float]
    calls: list[Call]
    outputs: list[int]
    guards: list[tuple[Callable, int, int, bool]]
    size: int  # how many numbers are in use
    nodes: int  # how many Values the function computed
    shortcuts: bool = False  # whether zeros were multiplied that the engine would leave out

    def new(self) -> int:
        """A number for one more Value."""
        self.size += 1
        return self.size - 1

    def constant(self, x: float) -> int:
        """A number for a constant."""
        found = next((n for n, data in self.constants.items() if data == x), None)
        if found is None:
            found = self.new()
            self.constants[found] = x
        return found
