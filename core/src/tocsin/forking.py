"""What a forked child starts with: it has the memory of its parent, but none of its other threads."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any, Protocol

__all__ = ["Forgetting", "forget_in_child", "new_lock"]


class Forgetting(Protocol):
    """Something that starts anew in a forked child."""

    def forget(self) -> None:
        """Let go, without a word to them, of the threads, sockets and waiting callers of the parent."""


_LOCKS: weakref.WeakSet[threading.Lock] = weakref.WeakSet()
_OWNERS: weakref.WeakSet[Forgetting] = weakref.WeakSet()


def new_lock() -> threading.Lock:
    """A lock that a forked child finds open, though a thread that it does not have held it.

    For what outlives a fork and is only ever changed in small steps, each of which leaves it usable.
    """
    lock = threading.Lock()
    _LOCKS.add(lock)
    return lock


def forget_in_child(owner: Forgetting) -> None:
    """Have it forget in each forked child, as long as it lives; all locks are open by then."""
    _OWNERS.add(owner)


def _in_child() -> None:
    locks: list[Any] = list(_LOCKS)
    for lock in locks:
        lock._at_fork_reinit()  # as logging does: one that is just being taken cannot be released
    for owner in list(_OWNERS):
        owner.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
