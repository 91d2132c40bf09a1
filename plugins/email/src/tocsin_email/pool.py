"""Connections that stay open between two mails, so that a burst of alerts does not pay for TLS and login each time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tocsin.deadline import timer
from tocsin.forking import forget_in_child
from tocsin_email.connection import Connection

__all__ = ["IDLE_SECONDS", "Pool"]

IDLE_SECONDS = 30.0
"""How long an unused connection is kept; servers end it after 5 minutes (RFC 5321, section 4.5.3.2.7) or sooner."""
_SIZE = 8


class Pool:
    """Idle connections, the last used on top; safe from any thread.

    Args:
        clock: seconds, of ``time.monotonic``.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._closed = False
        self.forget()
        forget_in_child(self)

    def forget(self) -> None:
        """Start anew: a forked child has neither its parent's connections nor the thread that may hold the lock."""
        self._lock = threading.Lock()
        self._idle: list[tuple[float, Connection]] = []
        self._sweeping: int | None = None

    def __len__(self) -> int:
        """How many connections are idle."""
        return len(self._idle)

    def take(self) -> Connection | None:
        """The connection that was used last, if it is still fresh."""
        self._drop(self._clock() - IDLE_SECONDS)
        with self._lock:
            return self._idle.pop()[1] if self._idle else None

    def give(self, connection: Connection) -> None:
        """Keep a connection that is open, or close it where enough are kept."""
        with self._lock:
            keep = connection.is_open and not self._closed and len(self._idle) < _SIZE
            if keep:
                self._idle.append((self._clock(), connection))
                if self._sweeping is None:
                    self._sweeping = timer.call_at(time.monotonic() + IDLE_SECONDS, self.sweep)
        if not keep:
            connection.leave()

    def sweep(self) -> None:
        """Close what has been idle for too long; called by the timer as long as anything is kept."""
        self._drop(self._clock() - IDLE_SECONDS)
        with self._lock:
            waits = bool(self._idle) and not self._closed
            self._sweeping = timer.call_at(time.monotonic() + IDLE_SECONDS, self.sweep) if waits else None

    def close(self) -> None:
        """Close what is idle now, and what is given back later."""
        with self._lock:
            self._closed = True
            number, self._sweeping = self._sweeping, None
        if number is not None:
            timer.cancel(number)
        self._drop(float("inf"))

    def _drop(self, before: float) -> None:
        with self._lock:
            gone = [connection for used, connection in self._idle if used <= before]
            self._idle = [entry for entry in self._idle if entry[1] not in gone]
        for connection in gone:
            connection.leave()
