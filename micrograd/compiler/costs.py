"""Costs: whether a recording or a replay may pay, counted in calls of the engine.

Counts, not clocks, decide what runs where: the same program then rounds the same way every time.
"""

from __future__ import annotations

FREE, TRIALS = 4, 40  # recordings, and calls, before costs are asked
POT = 128.0  # what may be lost on trying
SHARE = 0.25  # of a call that each call adds to it: so much slower than the engine may it be
LUCK, MORE_LUCK = 8.0, 0.1  # what may be lost on replays of another way; what a call adds
# A replayed step of training, in operations of the engine, and how many guarded items are one more.
STEPS = {"numpy": (14.0, 60), "c": (4.0, 600), "xla": (30.0, 600)}
NAPS, LONGEST_NAP = 4, 64  # after so many calls in the engine, the next are not even looked at


class Costs:
    """What the calls of a jitted function have cost more than the engine, and what is left."""

    def __init__(self) -> None:
        self.calls = self.recordings = self.in_a_row = self.nap = 0
        self.left, self.price = POT, 0.0

    def sleeps(self) -> bool:
        """Whether a call goes to the engine without more ado."""
        self.calls += 1
        if self.left < POT:
            self.left = min(self.left + SHARE, POT)
        if not self.nap:
            return False
        self.nap -= 1
        return True

    def replayed(self) -> None:
        self.in_a_row = 0

    def looped(self, calls: int) -> None:
        """So many calls more were replayed, by a loop."""
        self.calls += calls
        self.left = min(self.left + calls * SHARE, POT)

    def ran_in_the_engine(self) -> None:
        self.in_a_row += 1
        if self.in_a_row > NAPS:
            self.nap = min(1 << (self.in_a_row - NAPS), LONGEST_NAP)

    def pays(self, cost: float) -> bool:
        """Whether replays at this cost are not dearer than the engine, or may still be tried."""
        return cost < 1.0 or self.calls <= TRIALS


class Account:
    """What a signature has saved, beside what it still owes to all for its recordings."""

    def __init__(self, costs: Costs) -> None:
        self.costs, self.saved, self.debt, self.luck = costs, 0.0, 0.0, LUCK

    def hit(self, gain: float) -> None:
        """A call was replayed."""
        if self.luck < LUCK:
            self.luck = min(self.luck + gain, LUCK)
        if gain > 0.0 == self.debt:
            self.saved += gain
        else:
            self.book(gain)

    def missed(self, cost: float) -> None:
        """A replay was tried, but the call takes another way through the function."""
        self.luck -= cost

    def can_try(self) -> bool:
        """Whether replays may be tried."""
        if self.luck >= LUCK:
            return True
        self.luck += MORE_LUCK
        return self.luck > 0 or self.costs.calls <= TRIALS

    def book(self, gain: float) -> None:
        """A gain pays debts first; a loss that the signature cannot bear is a debt."""
        paid = max(min(gain, self.debt), 0.0)
        lent = max(-gain - self.saved, 0.0)
        self.debt += lent - paid
        self.saved += gain - paid + lent
        self.costs.left = min(self.costs.left + paid - lent, POT)

    def can_record(self) -> bool:
        """Whether one more recording is not too dear."""
        costs = self.costs
        return costs.recordings < FREE or self.saved + costs.left >= costs.price

    def recorded(self, nodes: int, lines: int) -> None:
        """For a recording of so many operations, after which the next is taken to cost as much."""
        self.costs.recordings += 1
        self.costs.price = price(nodes, lines)
        self.book(-self.costs.price)


def price(nodes: int, lines: int) -> float:
    """What recording, compiling `lines` and a first audit cost, in calls of the engine."""
    return 12.0 + (2000.0 + 60.0 * lines) / (nodes + 1)


def replay_cost(nodes: int, guarded: int) -> float:
    """What a replay and going back cost; `guarded` are the items that are looked at before."""
    return 0.15 + (26.0 + guarded / 60) / (nodes + 1)


def step_cost(nodes: int, guarded: int, backend: str) -> float:
    """What a replayed step of training costs, in steps of the engine, optimizer and all."""
    step, items = STEPS[backend]
    return 0.15 + (step + guarded / items) / (nodes + 8)
