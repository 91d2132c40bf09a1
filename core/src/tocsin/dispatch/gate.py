"""How many deliveries a lane may take up: none while all would only be put off, few when that has just ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from tocsin.policies import WAITING, Throttle
from tocsin.store import Delivery

__all__ = ["Gate"]

_GROWTH = 500.0
"""Deliveries let through in the first second after an outage; four times as many in two, and so on."""
_RECOVERY = 10.0
"""Seconds after which nothing is held back any more."""
_LATELY = 30.0
"""Seconds for which the reason of having been closed is told."""
_SOON = 0.001
"""Seconds until it is asked again at the earliest: no wait may become a busy loop."""


class Gate:
    """Closed while a channel is known to be down, so that what waits is left in peace, and a probe goes first.

    When the channel is back, its queue does not fall upon it at once: ``500 * t ** 2`` deliveries have been let through
    ``t`` seconds later, so that even a queue of 1,000 takes more than a second. Under a rate limit no more pass than
    have their turn: what waits in the store goes in its order, the most urgent first. Not thread-safe.

    Args:
        hold: seconds for which nothing of the channel would be admitted; 0.0 where something would.
        throttle: the channel's rate limit.
        recipients: how many the channel has.
        now: the clock.
    """

    def __init__(
        self, hold: Callable[[], float], throttle: Throttle, recipients: int, now: Callable[[], float]
    ) -> None:
        self._hold = hold
        self._throttle = throttle
        throttle.expect_nobody()  # a channel outlives its workers: in a forked child, those of its parent
        self._recipients = recipients
        self._now = now
        self._recovering = False
        self._limited = False
        self._closed: tuple[float, str] = (-math.inf, "")
        self._since: float | None = None
        self._passed = 0

    @property
    def is_holding_back(self) -> bool:
        """Whether more may pass as soon as an attempt has ended."""
        return self._recovering or self._limited

    def reason(self) -> str:
        """Why it was closed lately, or empty: for the report of what expires without a turn."""
        until, reason = self._closed
        return reason if self._now() <= until + _LATELY else ""

    def ask(self, wanted: int) -> tuple[int, float]:
        """How many may pass now, and if none, in how many seconds to ask again."""
        wait = self._hold()
        if wait > 0:
            self._recovering, self._since = True, None
            return self._close("the circuit is open, the channel was down", wait)
        room, wait = self._throttle.room(wanted, self._recipients)
        self._limited = room < wanted
        if self._limited and not room:
            return self._close(WAITING, wait)
        return self._ramp(room) if self._recovering else (room, 0.0)

    def passed(self, deliveries: Sequence[Delivery]) -> None:
        """These were taken up."""
        self._passed += len(deliveries)
        self._throttle.expect(one.key for one in deliveries)

    def ended(self, delivery: Delivery) -> None:
        """One that had passed has ended its attempt, or has none."""
        self._throttle.forget(delivery.key)

    def _close(self, reason: str, wait: float) -> tuple[int, float]:
        self._closed = (self._now() + wait, reason)
        return 0, max(_SOON, wait)

    def _ramp(self, wanted: int) -> tuple[int, float]:
        now = self._now()
        if self._since is None:  # whatever passes first is the probe
            self._since, self._passed = now, 0
        elapsed = now - self._since
        if elapsed >= _RECOVERY:
            self._recovering = False
            return wanted, 0.0
        room = min(wanted, 1 + int(_GROWTH * elapsed**2) - self._passed)
        if room <= 0:
            return 0, max(_SOON, math.sqrt(self._passed / _GROWTH) - elapsed)
        return room, 0.0
