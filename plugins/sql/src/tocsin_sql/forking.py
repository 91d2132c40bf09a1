"""A process forks: connections that cannot be carried over are closed before, and opened anew by who needs one next."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable
from typing import Protocol

from tocsin.log import event

__all__ = ["Pausing", "Turn"]

_PATIENCE = 6.0
"""Seconds for which a fork waits at most; a transaction that waits for another process's lock takes up to 5."""


class Pausing(Protocol):
    """A database, of which this process has connections."""

    @property
    def survives_fork(self) -> bool:
        """Whether a child can have connections of its own while those of its parent stay open; else see below."""

    def pause(self, end: float) -> None:
        """Close all connections until ``end`` (``time.monotonic`` seconds), and open none before :meth:`resume`."""

    def resume(self) -> None:
        """The process has forked, and this is the parent."""

    def inherit(self) -> None:
        """The process has forked, and this is the child: note what could not be closed."""


class Turn:
    """Has a thread write only while the process does not fork: it does so within ``with turn:``.

    Args:
        database: where it writes.
        disconnect: closes the thread's own connection.
        reconnect: called in the parent once the process has forked.
    """

    def __init__(self, database: Pausing, disconnect: Callable[[], None], reconnect: Callable[[], None]) -> None:
        self._database = database
        self._disconnect = disconnect
        self._reconnect = reconnect
        self._lock = threading.Lock()
        self._has_paused = False
        if not database.survives_fork:
            _LIVING.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def pause(self, end: float) -> None:
        """See :class:`Pausing`."""
        self._has_paused = self._lock.acquire(timeout=max(0.0, end - time.monotonic()))
        if self._has_paused:
            self._disconnect()
        self._database.pause(end)

    def resume(self) -> None:
        """See :class:`Pausing`."""
        self._database.resume()
        if self._has_paused:
            self._lock.release()
        self._reconnect()

    def inherit(self) -> None:
        """See :class:`Pausing`."""
        self._database.inherit()


class _Fork:
    """The fork that is under way; a second thread that forks waits for the first."""

    def __init__(self) -> None:
        self._alone = threading.Lock()
        self._paused: list[Turn] = []

    def before(self) -> None:
        self._alone.acquire()
        end = time.monotonic() + _PATIENCE
        self._paused = list(_LIVING)
        for turn in self._paused:
            try:
                turn.pause(end)
            except Exception as error:  # the others are to be paused all the same
                event(logging.ERROR, "store_not_paused", error=type(error).__name__)

    def in_parent(self) -> None:
        for turn in self._paused:
            turn.resume()
        self._paused = []
        self._alone.release()

    def in_child(self) -> None:
        for turn in self._paused:
            turn.inherit()
        self._paused = []
        self._alone = threading.Lock()


_LIVING: weakref.WeakSet[Turn] = weakref.WeakSet()
_fork = _Fork()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_fork.before, after_in_parent=_fork.in_parent, after_in_child=_fork.in_child)
