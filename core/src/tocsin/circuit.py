"""One circuit: a state machine without clock, lock or calls."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import Any

import attrs

from tocsin.errors import AuthError, CircuitOpen, DeliveryError, ErrorKind, InvalidRecipient

__all__ = ["TRANSPORT", "Circuit", "held"]

TRANSPORT = frozenset({ErrorKind.CONNECTION, ErrorKind.TIMEOUT, ErrorKind.SERVER, ErrorKind.TLS})
"""What opens a circuit by its number, and defers what comes."""

_WINDOW = 30.0
_CALLS = 5
_SHARE = 0.5
_FIRST = 5.0
_LONGEST = 75.0
"""Seconds: an outage of an hour is called 55 times, counting the five that opened it; at 60 s it would be 67."""
_PROBE = 120.0
"""Seconds after which a probe that never came back is taken for lost."""


@attrs.define(eq=False)
class Circuit:
    """Closed, open, or half open with one probe under way; its owner holds the lock.

    Attributes:
        cause: what opened it; None while closed.
        reason: the words of the failure that opened it.
    """

    cause: ErrorKind | None = None
    reason: str = ""
    _calls: deque[tuple[float, bool]] = attrs.field(factory=lambda: deque(maxlen=256))
    _until: float = 0.0
    _open_for: float = _FIRST
    _probe: tuple[str, float] | None = None

    @property
    def is_closed(self) -> bool:
        """Whether everything passes."""
        return self.cause is None

    @property
    def is_paused(self) -> bool:
        """Whether only a person closes it."""
        return self.cause is not None and math.isinf(self._until)

    def admit(self, now: float, unit: str) -> float:
        """Seconds to wait, 0.0 to go ahead; an open circuit whose time is up takes the caller as its probe."""
        if self.cause is None:
            return 0.0
        if now < self._until:
            return self._until - now
        if self._probe is not None and now < self._probe[1] + _PROBE and self._probe[0] != unit:
            return 1.0
        self._probe = (unit, now)
        return 0.0

    def wait(self, now: float) -> float:
        """What :meth:`admit` would tell somebody new, without taking anybody as the probe."""
        if self.cause is None:
            return 0.0
        if now < self._until:
            return self._until - now
        return 1.0 if self._probe is not None and now < self._probe[1] + _PROBE else 0.0

    def refusal(self, wait: float) -> DeliveryError:
        """What is raised instead of a call while it is open; its kind says whether the delivery waits or fails."""
        words = "not tried, the recipient is paused" if math.isinf(wait) else f"not tried for another {wait:.0f} s"
        if self.cause is ErrorKind.INVALID_RECIPIENT:
            return InvalidRecipient(f"{words}: {self.reason}")
        if self.cause is ErrorKind.AUTH:
            return AuthError(f"{words}: {self.reason}")
        return CircuitOpen(f"the circuit is open: {self.reason}", retry_after=wait)

    def failed(self, now: float, unit: str, cause: ErrorKind, reason: str) -> bool:
        """Count a failure; True where it was the probe's."""
        if self.cause is not None:
            probing = self._probe is not None and self._probe[0] == unit
            if probing:
                self.open(now, cause, reason)
            return probing
        self._calls.append((now, False))
        recent = [good for moment, good in self._calls if moment > now - _WINDOW]
        if len(recent) >= _CALLS and recent.count(False) >= _SHARE * len(recent):
            self.open(now, cause, reason)
        return False

    def open(self, now: float, cause: ErrorKind, reason: str, *, forever: bool = False) -> None:
        """Open for 5 s, doubling to 75 s with each failed probe; or until a person closes it."""
        self._open_for = min(_LONGEST, 2 * self._open_for) if self.cause is not None and self._probe else self._open_for
        self._until = math.inf if forever else now + self._open_for
        self.cause, self.reason, self._probe = cause, reason, None

    def succeeded(self, now: float) -> None:
        """Count a success, which closes it."""
        if self.cause is not None:
            self._close()
        self._calls.append((now, True))

    def answered(self, now: float, unit: str) -> None:
        """The provider answered, though with a refusal: the probe has shown that it works."""
        if self.cause is None:
            self._calls.append((now, True))
        elif self._probe is not None and self._probe[0] == unit:
            self._close()

    def release(self, unit: str) -> None:
        """The probe did not take place."""
        if self._probe is not None and self._probe[0] == unit:
            self._probe = None

    def _close(self) -> None:
        self._calls.clear()
        self.cause, self.reason, self._open_for, self._probe = None, "", _FIRST, None

    def to_dict(self, now: float) -> dict[str, Any]:
        """State (closed, open, half_open, paused), cause, reason, and seconds until the next probe."""
        if self.cause is None:
            return {"state": "closed", "cause": None, "reason": None, "retry_in": None}
        wait = self._until - now
        state = "paused" if math.isinf(wait) else "open" if wait > 0 else "half_open"
        return {
            "state": state,
            "cause": str(self.cause),
            "reason": self.reason,
            "retry_in": None if math.isinf(wait) else max(0.0, wait),
        }


def held(circuits: Iterable[Circuit | None], now: float) -> float:
    """Seconds for which a delivery that must pass all these would be deferred; 0.0 where it would fail at once."""
    opened = [one for one in circuits if one is not None and one.cause is not None]
    if not opened or any(one.cause not in TRANSPORT for one in opened):
        return 0.0
    return max(one.wait(now) for one in opened)
