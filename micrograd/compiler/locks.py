"""A lock that is open in a forked process, whoever held it in the first one."""

from __future__ import annotations

import os
import threading
import weakref


class Lock:
    """`held` is a threading.RLock, whose `with` statement no Ctrl-C can leave halfway."""

    def __init__(self) -> None:
        self.held = threading.RLock()
        LOCKS.add(self)

    def renew(self) -> None:
        """In a forked process, where no other thread lives that could release it."""
        if self.held.acquire(blocking=False):
            self.held.release()
        else:
            self.held = threading.RLock()


LOCKS: weakref.WeakSet[Lock] = weakref.WeakSet()


def renew_all():
    for lock in LOCKS:
        lock.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=renew_all)
