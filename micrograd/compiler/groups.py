"""Groups: operations of one kind whose operands are ready at the same time are done together."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .grids import Grid, find_grid
from .padding import family, padded
from .recording import Call, Recording, TooDeepError

MOST_GROUPS = 20_000  # each is lines to compile


@dataclass
class Group:
    """Calls of one kind: operands and ranks (terms, calls), outputs (outputs of a call, calls)."""

    kind: str
    static: object
    operands: np.ndarray
    ranks: np.ndarray
    outputs: np.ndarray
    functions: list = field(default_factory=list)
    grid: Grid | None = None

    @property
    def size(self) -> int:
        return self.operands.shape[1]


def described(group: Group) -> str:
    """How many operations of what kind a group is."""
    return f"{group.size:,} × {name(group)}"


def name(group):
    if group.kind != "chain":
        return f"power {group.static}" if group.kind == "constant power" else group.kind
    if group.grid is not None:
        return "dot, as a matrix product"
    return "dot" if "*" in str(group.static) else "sum"


def grouped(recording: Recording, calls: list[Call], strict: bool = False) -> list[Group]:
    """The calls in groups, each after all that it needs; if not `strict`, padded and filled up."""
    level = [0] * recording.size
    members: dict[tuple, list[Call]] = {}
    for call in calls:
        depth = 1 + max([level[x] for x in call.operands], default=0)
        for x in call.outputs:
            level[x] = depth
        kin = None if strict else family(call)
        key = (depth, kin) if kin else (depth, None, *shape(call))
        members.setdefault(key, []).append(call)
    if len(members) > MOST_GROUPS:
        raise TooDeepError(
            f"{recording.nodes:,} operations are {len(members):,} groups that wait for each other, "
            f"more than {MOST_GROUPS:,}: the function runs in the engine"
        )
    tails: dict[tuple, list[int]] = {}
    groups = []
    for key in sorted(members, key=lambda key: key[0]):
        alike = members[key]
        if key[1]:
            alike = padded(recording, alike, tails)
        by_shape: dict[tuple, list[Call]] = {}
        for call in alike:
            by_shape.setdefault(shape(call), []).append(call)
        groups += [group(recording, same, strict) for same in by_shape.values()]
    return groups


def shape(call):
    return call.kind, call.static, len(call.operands), len(call.outputs)


def group(recording: Recording, calls: list[Call], strict: bool) -> Group:
    made = Group(
        kind=calls[0].kind,
        static=calls[0].static,
        operands=np.array([call.operands for call in calls]).T.copy(),
        ranks=np.array([call.ranks for call in calls]).T.copy(),
        outputs=np.array([call.outputs for call in calls]).T.copy(),
        functions=[call.function for call in calls],
    )
    if made.kind == "chain":
        find_grid(made, None if strict else recording)
    return made
