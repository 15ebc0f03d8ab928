"""A lock that is open in a forked process, whoever held it in the first one."""

from __future__ import annotations

import itertools
import os
import sys
import threading
import weakref


class Lock:
    """`held` is a threading.RLock, whose `with` statement no Ctrl-C can leave halfway."""

    def __init__(self) -> None:
        self.held = threading.RLock()
        # No callback in Python, as a WeakSet has one: there Ctrl-C would be lost.
        LOCKS.add(weakref.ref(self, LOCKS.discard))

    def is_held_here(self) -> bool:
        """Whether a call that holds it goes on below: one in which, say, a signal came."""
        # What threading.Condition asks; Ctrl-C may have left it held by a call that is over.
        if not self.held._is_owned():  # type: ignore[attr-defined]
            return False
        callers = (name.startswith(__package__) for name in modules(sys._getframe(1)))
        return any(itertools.dropwhile(bool, callers))

    def renew(self) -> None:
        """In a forked process, where no other thread lives that could release it."""
        if self.held.acquire(blocking=False):
            self.held.release()
        else:
            self.held = threading.RLock()


def modules(frame):
    """The modules of a frame and of its callers."""
    while frame:
        yield frame.f_globals.get("__name__", "")
        frame = frame.f_back


LOCKS: set[weakref.ref[Lock]] = set()


def all_locks() -> list[Lock]:
    return [lock for found in [*LOCKS] if (lock := found()) is not None]


def renew_all():
    for lock in all_locks():
        lock.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=renew_all)
