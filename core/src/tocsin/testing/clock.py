"""A clock that tests own: waits pass at once, in the order in which they are due."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

__all__ = ["FakeClock"]

_PATIENCE = 40
"""Slices for which somebody may be busy before a waiting thread looks for itself what there is to do."""
_START = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """Time that moves only when everybody waits for it.

    ``NotificationService(config, clock=clock)`` attaches it. While a delivery is under way time stands still; as soon
    as nothing is, it jumps to the next due time. ``advance`` moves it by hand.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self._lock = threading.Lock()
        self._wakes: dict[int, float] = {}
        self._is_busy: Callable[[], bool] = lambda: False

    def attach(self, is_busy: Callable[[], bool]) -> None:
        """Called by the service: tells whether a delivery is under way."""
        self._is_busy = is_busy

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._seconds

    def now(self) -> datetime:
        """2026-01-01 00:00 UTC and the seconds since."""
        return _START + timedelta(seconds=self._seconds)

    def advance(self, seconds: float) -> None:
        """Let that many seconds pass."""
        with self._lock:
            self._seconds += seconds

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        """Wait until notified or until the time has come; if nobody is busy and this wake is next, it comes at once."""
        me = threading.get_ident()
        wake, patience = self._seconds + max(0.0, seconds), _PATIENCE
        with self._lock:
            self._wakes[me] = wake
        try:
            # A notification that comes as a slice ends is lost: who is busy for long may be waiting for this thread.
            while self._seconds < wake and patience:
                if condition.wait(0.0005):
                    return
                patience = patience - 1 if self._is_busy() else _PATIENCE
                with self._lock:
                    if not self._is_busy() and wake <= min(self._wakes.values()):
                        self._seconds = max(self._seconds, wake)
        finally:
            with self._lock:
                self._wakes.pop(me, None)
