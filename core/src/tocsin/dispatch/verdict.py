"""What an attempt's result means for its delivery: pure, the one place that knows the promises of delivery."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import attrs

from tocsin.errors import DeliveryError, ErrorKind, Expired, Outcome
from tocsin.receipt import Receipt, ReceiptState
from tocsin.report import Attempt, DeliveryState
from tocsin.retry import Random, RetryPolicy
from tocsin.store import Delivery

__all__ = ["Verdicts", "expired"]

_MARGIN = 1.0
"""Seconds before a delivery's end at which a deferred retry goes out at the latest."""
_MIN_WAIT = 0.001
"""A refusal that names no wait must not become a busy loop."""


@attrs.frozen
class Verdicts:
    """Turns the result of an attempt into the delivery's next state.

    Attributes:
        policy: when to try again.
        rng: randomness of the backoff.
        extra_wait: takes a token of the channel's retry budget and tells how long the retry must wait for it.
        has_plain: whether the channel has a simpler form.
        held_back: why what waits for the channel is not taken up; empty where it is.
    """

    policy: RetryPolicy
    rng: Random
    extra_wait: Callable[[], float]
    has_plain: bool
    held_back: Callable[[], str]

    def accepted(self, delivery: Delivery, receipt: Receipt, started_at: datetime, duration: float) -> Delivery:
        """The delivery after its provider took it."""
        delivered = receipt.state is ReceiptState.DELIVERED
        attempt = Attempt(
            started_at=started_at, duration=duration, outcome=Outcome.DELIVERED if delivered else Outcome.ACCEPTED
        )
        return delivery.changed(
            state=DeliveryState.DELIVERED if delivered else DeliveryState.ACCEPTED,
            attempts=(*delivery.attempts, attempt),
            tries=delivery.tries + 1,
            receipt=receipt,
            error_kind=None,
            error=None,
            hint=None,
        )

    def failed(
        self, delivery: Delivery, error: DeliveryError, now: float, started_at: datetime, duration: float
    ) -> Delivery:
        """The delivery after a failure: due again, or at its end."""
        if not error.attempted:
            return self._refused_by_policy(delivery, error, now)
        tries = delivery.tries + (1 if error.counts else 0)
        if error.kind is ErrorKind.PAYLOAD and self.has_plain and not delivery.plain:
            wait: float | None = 0.0
            delivery = delivery.changed(plain=True)
        else:
            wait = self.policy.wait(error.outcome, tries, error.retry_after, self.rng)
            wait = None if wait is None else self._within_budget(wait, delivery.expires - now)
        attempts = (*delivery.attempts, Attempt.of(error, started_at, duration, wait))
        delivery = delivery.changed(attempts=attempts, tries=tries)
        if wait is None:
            final = DeliveryState.UNKNOWN if error.outcome is Outcome.UNKNOWN else DeliveryState.FAILED
            return _with(delivery, final, error)
        return _later(delivery, error, now + wait)

    def _within_budget(self, wait: float, left: float) -> float:
        """The wait, and what the retry budget adds: never so much that it alone would let the delivery expire."""
        if wait >= left:
            return wait
        return max(wait, min(wait + self.extra_wait(), left - _MARGIN))

    def _refused_by_policy(self, delivery: Delivery, error: DeliveryError, now: float) -> Delivery:
        if error.kind is ErrorKind.EXPIRED:
            return expired(delivery, reason=self.held_back())
        if error.outcome is not Outcome.RETRY:
            return _with(delivery, DeliveryState.FAILED, error)
        return _later(delivery, error, now + max(error.retry_after or 0.0, _MIN_WAIT))


def _later(delivery: Delivery, error: DeliveryError, due: float) -> Delivery:
    if due >= delivery.expires:
        return expired(delivery, error)
    state = DeliveryState.RETRYING if delivery.attempts else DeliveryState.PENDING
    return _with(delivery, state, error).changed(due=due)


def expired(delivery: Delivery, error: DeliveryError | None = None, reason: str = "") -> Delivery:
    """The delivery ended because the alert's deadline leaves no room for another attempt."""
    reason = error.message if error else delivery.error or reason
    over = "the alert's deadline leaves no time for another attempt"
    words = (over if delivery.attempts else "the alert's deadline passed before its first attempt") + (
        f"; last: {reason}" if reason else ""
    )
    return _with(delivery, DeliveryState.EXPIRED, Expired(words, hint=error.hint if error else delivery.hint))


def _with(delivery: Delivery, state: DeliveryState, error: DeliveryError) -> Delivery:
    return delivery.changed(state=state, error_kind=error.kind, error=error.message, hint=error.hint or None)
