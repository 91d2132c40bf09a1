"""The unit of work that a store keeps, and what it knows of an earlier one."""

from __future__ import annotations

from typing import Self

import attrs

from tocsin.alert import Alert, AlertStatus
from tocsin.errors import ErrorKind, Outcome
from tocsin.receipt import Receipt
from tocsin.report import Attempt, DeliveryState, RecipientResult

__all__ = ["Delivery", "Earlier"]


@attrs.frozen(kw_only=True)
class Delivery:
    """One alert for one recipient of one channel: the unit of work.

    Attributes:
        key: idempotency key, the same in every attempt.
        rank: 0 for CRITICAL to 4 for INFO.
        due: when it may be tried next, in seconds of the dispatcher's clock.
        expires: after which it is not tried, on the same clock.
        tries: attempts that count towards ``max_retries``.
        plain: the next attempt sends the simpler form.
        attempts: what was tried, oldest first.
    """

    alert_id: str
    channel: str
    recipient_id: str
    recipient: str
    key: str
    rank: int
    due: float
    expires: float
    state: DeliveryState = DeliveryState.PENDING
    tries: int = 0
    plain: bool = False
    attempts: tuple[Attempt, ...] = ()
    receipt: Receipt | None = None
    error_kind: ErrorKind | None = None
    error: str | None = None
    hint: str | None = None

    @property
    def unit(self) -> tuple[str, str]:
        """Channel and recipient: what tells an alert's deliveries apart."""
        return self.channel, self.recipient_id

    @property
    def repeated(self) -> bool:
        """An earlier attempt may have arrived."""
        return any(attempt.outcome is Outcome.UNKNOWN for attempt in self.attempts)

    def result(self) -> RecipientResult:
        """What the report says about it."""
        return RecipientResult(
            recipient=self.recipient,
            recipient_id=self.recipient_id,
            state=self.state,
            attempts=self.attempts,
            receipt=self.receipt,
            error_kind=self.error_kind,
            error=self.error,
            hint=self.hint,
        )


@attrs.frozen
class Earlier:
    """What a recipient last got about the same thing.

    Attributes:
        receipt: of that message.
        rank: of that alert, 0 for CRITICAL to 4 for INFO.
        status: of that alert.
    """

    receipt: Receipt
    rank: int
    status: AlertStatus

    @classmethod
    def of(cls, alert: Alert, receipt: Receipt) -> Self:
        """What is to be known of this alert when the next one comes."""
        return cls(receipt, alert.priority.rank, alert.status)

    def is_topped_by(self, alert: Alert) -> bool:
        """Whether the next alert must be noticed anew: more urgent, or firing again after it was resolved."""
        if alert.status is not AlertStatus.FIRING:
            return False
        return alert.priority.rank < self.rank or self.status is AlertStatus.RESOLVED
