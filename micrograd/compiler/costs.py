"""Costs: whether it may pay to record a function once more, counted in calls of the engine.

Counts, not clocks, decide what runs where: the same program then rounds the same way every time.
"""

from __future__ import annotations

FREE = 4  # recordings, before costs are asked
POT = 128.0  # what all signatures may spend together, beside what each has saved
SHARE = 0.4  # of a call that each call adds to the pot: so much slower than the engine may it be
MOST_SAVED = 1 << 20


class Pot:
    """What recordings may cost, for all signatures of a function."""

    def __init__(self) -> None:
        self.left, self.recordings, self.price = POT, 0, 0.0

    def call(self) -> None:
        self.left = min(self.left + SHARE, POT)


class Account:
    """What the recordings of a signature have saved."""

    def __init__(self, pot: Pot) -> None:
        self.pot, self.saved = pot, 0.0

    def hit(self) -> None:
        """A call was replayed."""
        self.saved = min(self.saved + 1.0, MOST_SAVED)

    def can_pay(self) -> bool:
        """Whether one more recording is not too dear."""
        pot = self.pot
        return pot.recordings < FREE or self.saved + pot.left >= pot.price

    def pay(self, nodes: int) -> None:
        """For a recording of so many operations, which then is the price of the next."""
        pot = self.pot
        pot.recordings += 1
        pot.price = price(nodes)
        from_saved = min(self.saved, pot.price)
        self.saved -= from_saved
        pot.left -= pot.price - from_saved


def price(nodes: int) -> float:
    """What recording, compiling and one audit cost, in calls of the engine, as measured."""
    return 12.0 + 1500.0 / (nodes + 1)
