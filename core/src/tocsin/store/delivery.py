"""What a store keeps: the delivery, which is the unit of work, and the record of an alert with all of them."""

from __future__ import annotations

import math
from typing import Any, Self

import attrs

from tocsin.alert import Alert, AlertStatus
from tocsin.errors import ErrorKind, Outcome
from tocsin.plan import Plan
from tocsin.receipt import Receipt
from tocsin.report import Attempt, DeliveryReport, DeliveryState, RecipientResult

__all__ = ["Delivery", "Earlier", "Record"]


@attrs.frozen(kw_only=True, slots=False)
class Delivery:
    """One alert for one recipient of one channel: the unit of work.

    Attributes:
        key: idempotency key, the same in every attempt.
        rank: 0 for CRITICAL to 4 for INFO.
        due: when it may be tried next, in seconds of the store's clock; infinite until its stage begins.
        expires: after which it is not tried, on the same clock.
        stage: of the alert's plan.
        tries: attempts that count towards ``max_retries``.
        plain: the next attempt sends the simpler form.
        attempts: what was tried, oldest first.
        token: counts the claims. What a worker reports under an older one comes too late.
        lease: until when the worker that claimed it has it, on the store's clock.
        lost: leases in a row that ran out without a word from their worker.
        row: where the store keeps it, for stores that number what they keep.
    """

    alert_id: str
    channel: str
    recipient_id: str
    recipient: str
    key: str
    rank: int
    due: float
    expires: float
    stage: int = 0
    state: DeliveryState = attrs.field(default=DeliveryState.PENDING, converter=DeliveryState)
    tries: int = 0
    plain: bool = False
    attempts: tuple[Attempt, ...] = ()
    receipt: Receipt | None = None
    error_kind: ErrorKind | None = attrs.field(default=None, converter=attrs.converters.optional(ErrorKind))
    error: str | None = None
    hint: str | None = None
    token: int = 0
    lease: float = 0.0
    lost: int = 0
    row: int | None = attrs.field(default=None, eq=False, repr=False)

    def changed(self, **fields: Any) -> Self:
        """The delivery with other values of these fields, which must be of their types already.

        It changes a few times in each delivery, and ``attrs.evolve`` costs as much as the rest of a step.
        """
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, **fields)
        return other

    @property
    def unit(self) -> tuple[str, str]:
        """Channel and recipient: what tells an alert's deliveries apart."""
        return self.channel, self.recipient_id

    @property
    def is_waiting(self) -> bool:
        """Nobody has it, and it has not ended."""
        return self.state in (DeliveryState.PENDING, DeliveryState.RETRYING)

    @property
    def repeated(self) -> bool:
        """An earlier attempt may have arrived."""
        return any(attempt.outcome is Outcome.UNKNOWN for attempt in self.attempts)

    def claimed(self, lease: float) -> Self:
        """In flight, in the hands of the worker that has its token until the lease runs out."""
        return self.changed(state=DeliveryState.IN_FLIGHT, token=self.token + 1, lease=lease)

    def released(self) -> Self:
        """As it was before it was claimed; nothing was begun."""
        state = DeliveryState.RETRYING if self.attempts else DeliveryState.PENDING
        return self.changed(state=state, lease=0.0)

    def renewed(self, fresh: Delivery) -> Delivery | None:
        """What becomes of it when its alert is sent again: None where it arrived or is on its way, else a new start."""
        if self.state.is_success or not self.state.is_final:
            return None
        return fresh.changed(attempts=self.attempts, token=self.token, state=DeliveryState.PENDING, lease=0.0)

    def is_replayable(self, *, named: bool) -> bool:
        """Whether it ended without success; what was suppressed counts only where a person names it."""
        return (
            self.state.is_final and not self.state.is_success and (named or self.state is not DeliveryState.SUPPRESSED)
        )

    def replayed(self, now: float, lifetime: float) -> Self:
        """A new start, because a person wants it: due now, with its time to live anew; what was tried stays known."""
        return self.changed(
            state=DeliveryState.PENDING,
            due=now,
            expires=now + lifetime,
            tries=0,
            plain=False,
            lost=0,
            error_kind=None,
            error=None,
            hint=None,
        )

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


@attrs.frozen(kw_only=True)
class Record:
    """Everything that is kept of one alert.

    Attributes:
        alert: None where its content was removed after the retention time, or cannot be read.
        stage: the last one of the plan that has begun.
        deliveries: of all stages, in the order in which they were added.
        report: once everything has ended; the last one, where it was sent again since.
        closed: why nothing further begins.
    """

    alert_id: str
    alert: Alert | None
    plan: Plan
    stage: int
    deliveries: tuple[Delivery, ...]
    report: DeliveryReport | None = None
    closed: str | None = None

    @property
    def open(self) -> int:
        """Deliveries that have begun their stage and not ended."""
        return sum(one.due != math.inf and not one.state.is_final for one in self.deliveries)


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
