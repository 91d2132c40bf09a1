"""Calls that a person asked for: a test message, a look at the health. They count nowhere."""

from __future__ import annotations

import time
import uuid

from tocsin.alert import Alert, AlertPriority
from tocsin.channel import Channel
from tocsin.clock import Clock
from tocsin.deadline import Deadline
from tocsin.dispatch.bounded import bounded
from tocsin.errors import DeliveryError, Outcome
from tocsin.hookspecs import SendContext
from tocsin.receipt import Health, Receipt, ReceiptState
from tocsin.recipient import Recipient
from tocsin.report import Attempt, DeliveryState, NotificationResult, RecipientResult

__all__ = ["probe", "test_delivery"]


def probe(channel: Channel, clock: Clock, seconds: float) -> Health:
    """What the channel's health hook finds out without sending."""
    found = bounded(lambda deadline: channel.health(_context(channel, clock, deadline)), channel.timeout or seconds)
    return Health.failing(found.message) if isinstance(found, DeliveryError) else found


def test_delivery(channel: Channel, clock: Clock, seconds: float) -> NotificationResult:
    """One test message to each recipient, without retries."""
    alert = Alert(
        title="Test alert",
        message=f"This is a test of the channel {channel.name}. If you can read this, it works.",
        priority=AlertPriority.INFO,
        source="tocsin",
    )
    results = [_one(channel, alert, recipient, clock, channel.timeout or seconds) for recipient in channel.recipients]
    return NotificationResult.of(channel.name, results, clock.now())


test_delivery.__test__ = False  # type: ignore[attr-defined] # the name starts with test_, and pytest would collect it


def _one(channel: Channel, alert: Alert, recipient: Recipient, clock: Clock, seconds: float) -> RecipientResult:
    started_at, started = clock.now(), time.perf_counter()
    result = bounded(lambda deadline: channel.test(alert, recipient, _context(channel, clock, deadline)), seconds)
    duration = time.perf_counter() - started
    if isinstance(result, Receipt):
        delivered = result.state is ReceiptState.DELIVERED
        attempt = Attempt(
            started_at=started_at, duration=duration, outcome=Outcome.DELIVERED if delivered else Outcome.ACCEPTED
        )
        state = DeliveryState.DELIVERED if delivered else DeliveryState.ACCEPTED
        return RecipientResult(
            recipient=recipient.label, recipient_id=recipient.id, state=state, attempts=(attempt,), receipt=result
        )
    attempt = Attempt.of(result, started_at, duration, None)
    return RecipientResult(
        recipient=recipient.label,
        recipient_id=recipient.id,
        state=DeliveryState.UNKNOWN if result.outcome is Outcome.UNKNOWN else DeliveryState.FAILED,
        attempts=(attempt,),
        error_kind=result.kind,
        error=result.message,
        hint=result.hint or None,
    )


def _context(channel: Channel, clock: Clock, deadline: Deadline) -> SendContext:
    return SendContext(key=uuid.uuid4().hex, deadline=deadline, now=clock.now(), test=True, client=channel.client)
