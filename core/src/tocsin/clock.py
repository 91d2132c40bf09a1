"""Time as an argument, so that tests own it."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """What the core needs of time. Called from many threads."""

    def monotonic(self) -> float:
        """Seconds that never run backwards; for due times, limits and circuits."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC; for what people read."""

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        """Wait on the held condition until it is notified or the seconds have passed."""


class SystemClock:
    """The machine's own clocks."""

    monotonic = staticmethod(time.monotonic)

    def now(self) -> datetime:
        """The wall clock in UTC."""
        return datetime.now(UTC)

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        """Wait on the condition, at most a day at a time."""
        condition.wait(min(max(seconds, 0.0), 86_400.0))
