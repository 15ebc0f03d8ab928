"""Guards: what a function sees beside its arguments, as it was: a recording holds while they do."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np

from ..text import visible
from .reachable import Reachable, parts_of
from .sameness import contents, has_twins, same, same_container

KIND_OF_ARRAY = operator.attrgetter("shape", "dtype")


class Guards(Reachable):
    """What is reachable from some roots, as it was."""

    def __init__(self, roots: Iterable[Any]) -> None:
        super().__init__(roots)
        self.read_before, self.listed_before = self.read(), self.listed()
        self.written_before = self.written()
        self.twinned = [x for x in self.containers if has_twins(x)]
        pairs = zip(self.lists, self.listed_before)
        self.twinned_lists = [read for (_, read), found in pairs if has_twins(found)]
        self.twins_before = list(self.twins())
        parts = functools.partial(parts_of, self.functions)
        self.follow("a function", parts, "functions", self.functions)
        self.listed_before.append(parts())

    def hold(self) -> bool:
        """Whether all is as it was."""
        try:
            return (
                (not self.twins_before or all(map(operator.is_, self.twins(), self.twins_before)))
                and self.containers == self.copies
                and self.listed() == self.listed_before
                and self.written() == self.written_before
                and (not self.readers or all(map(same, self.read(), self.read_before)))
            ) or not self.broken()
        except RecursionError:  # in containers that hold each other
            return not self.broken()

    def twins(self):
        """All items that others could equal, which == would take for the same."""
        lists = [read() for read in self.twinned_lists]
        return chain.from_iterable((*map(contents, self.twinned), *lists))

    def listed(self):
        return [read() for _, read in self.lists]

    def broken(self) -> str:
        """The name of the first thing that is not as it was, or nothing."""
        before = zip(self.names, self.containers, self.copies)
        names = (name for name, now, then in before if not same_container(now, then))
        rows = chain(
            zip(self.readers, self.read(), self.read_before),
            zip(self.lists, self.listed(), self.listed_before),
        )
        more = [name for (name, _), now, then in rows if not same(now, then)]
        pairs = zip(zip(*self.written()), zip(*self.written_before))
        more += [name for name, (now, then) in zip(self.names_of_arrays, pairs) if now != then]
        return visible(next((str(name) or "what it sees" for name in chain(names, more)), ""))

    def read(self):
        return [read() for _, read in self.readers]

    def written(self) -> tuple[list, list]:
        """What the arrays of numbers are, and all that is in them."""
        return list(map(KIND_OF_ARRAY, self.arrays)), list(map(np.ndarray.tobytes, self.arrays))

    def drawn(self) -> list:
        """The states of all random number generators."""
        return list(map(state, self.generators))


def state(generator):
    """What a random number generator draws from, cheaply: its text would take a millisecond."""
    if isinstance(generator, np.random.Generator):
        return repr(generator.bit_generator.state)
    if generator is np.random or isinstance(generator, np.random.RandomState):
        kind, key, *rest = generator.get_state(legacy=True)
        return kind, key.tobytes(), *rest
    return generator.getstate()
