"""What all emitters do alike: each kind of group has a method of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..graph import SUM
from ..passes.group import Ragged
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
