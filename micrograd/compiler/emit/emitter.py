"""What all emitters do alike: each kind of group has a method of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from ..graph import SUM
from ..passes.group import Group, Ragged
from ..passes.matmul import Matmul
from ..rules import REDUCTIONS


class Emitter(ABC):
    def group(self, group):
        """Writes what computes a group."""
        if isinstance(group, Matmul):
            self.matmul(group)
        elif isinstance(group, Ragged):
            self.ragged(group)
        elif group.kind == SUM:
            self.sum(group)
        elif group.kind == "take":
            self.take(group)
        elif group.kind in REDUCTIONS:
            self.reduction(group)
        else:
            self.elementwise(group)

    @abstractmethod
    def matmul(self, matmul): ...

    @abstractmethod
    def ragged(self, ragged): ...

    @abstractmethod
    def sum(self, group): ...

    @abstractmethod
    def take(self, group): ...

    @abstractmethod
    def reduction(self, group): ...

    @abstractmethod
    def elementwise(self, group): ...


def rows_of_a_table(group: Group) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Ids of the indices, of the table (rows, columns), and of what a group takes from it, as rows.

    None unless each index takes a whole row of one table.
    """
    order = np.lexsort((group.operands[1], group.operands[0]))
    width = max(1, group.size // len(np.unique(group.operands[0])))
    if group.size % width:
        return None
    index, *columns = group.operands[:, order].reshape(len(group.operands), -1, width)
    table = np.array(columns)[:, 0]
    if np.any(index != index[:, :1]) or np.any(columns != table[:, None]):
        return None
    return index[:, 0], table, group.outputs[0, order].reshape(-1, width)
