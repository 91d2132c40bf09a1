"""How many deliveries a lane may take up: none while all would only be put off, few when that has just ended."""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["Gate"]

_GROWTH = 500.0
"""Deliveries let through in the first second after an outage; four times as many in two, and so on."""
_RECOVERY = 10.0
"""Seconds after which nothing is held back any more."""


class Gate:
    """Closed while a channel is known to be down, so that what waits is left in peace, and a probe goes first.

    When the channel is back, its queue does not fall upon it at once: ``500 * t ** 2`` deliveries have been let through
    ``t`` seconds later, so that even a queue of 1,000 takes more than a second. Not thread-safe.

    Args:
        hold: seconds for which nothing of the channel would be admitted; 0.0 where something would.
        now: the clock.
    """

    def __init__(self, hold: Callable[[], float], now: Callable[[], float]) -> None:
        self._hold = hold
        self._now = now
        self._recovering = False
        self._since: float | None = None
        self._passed = 0

    @property
    def is_recovering(self) -> bool:
        """Whether it is closed, or was so lately."""
        return self._recovering

    def ask(self, wanted: int) -> tuple[int, float]:
        """How many may pass now, and if none, in how many seconds to ask again."""
        wait = self._hold()
        if wait > 0:
            self._recovering, self._since = True, None
            return 0, wait
        if not self._recovering:
            return wanted, 0.0
        now = self._now()
        if self._since is None:  # whatever passes first is the probe
            self._since, self._passed = now, 0
        elapsed = now - self._since
        if elapsed >= _RECOVERY:
            self._recovering = False
            return wanted, 0.0
        room = min(wanted, 1 + int(_GROWTH * elapsed**2) - self._passed)
        if room <= 0:
            return 0, max(0.001, math.sqrt(self._passed / _GROWTH) - elapsed)
        self._passed += room
        return room, 0.0
