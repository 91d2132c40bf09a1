"""The unit of delivery: one alert for one recipient of one channel, its key, and its line in the log."""

from __future__ import annotations

import hashlib
import logging

from tocsin.alert import Alert
from tocsin.channel import Channel
from tocsin.log import event
from tocsin.recipient import Recipient
from tocsin.store import Delivery

__all__ = ["delivery_key", "log", "unit_of"]


def unit_of(
    alert: Alert, channel: Channel, recipient: Recipient, now: float, expires: float, earlier: Delivery | None
) -> Delivery:
    """The pending delivery of an alert to one recipient; attempts of an earlier sending are kept.

    Args:
        alert: what is to be delivered.
        channel: through which channel.
        recipient: to whom.
        now: on the dispatcher's clock.
        expires: after which it is given up, on the same clock.
        earlier: what had become of it when the alert was sent before.
    """
    return Delivery(
        alert_id=alert.alert_id,
        channel=channel.name,
        recipient_id=recipient.id,
        recipient=recipient.label,
        key=delivery_key(alert.alert_id, channel.name, recipient.id),
        rank=alert.priority.rank,
        due=now,
        expires=expires,
        attempts=earlier.attempts if earlier else (),
    )


def delivery_key(alert_id: str, channel: str, recipient_id: str) -> str:
    """The idempotency key of a unit: 32 hexadecimal digits, the same after a restart."""
    return hashlib.sha256(f"{alert_id}\0{channel}\0{recipient_id}".encode()).hexdigest()[:32]


def log(delivery: Delivery, *, attempted: bool) -> None:
    """One line about what became of an attempt, or of a refusal before it."""
    last = delivery.attempts[-1] if attempted else None
    level = logging.INFO if delivery.state.is_success or not delivery.state.is_final else logging.WARNING
    event(
        level,
        "delivery" if delivery.state.is_final else "delivery_retrying" if attempted else "delivery_deferred",
        alert_id=delivery.alert_id,
        channel=delivery.channel,
        outcome=str(delivery.state),
        attempt=len(delivery.attempts),
        error_kind=str(delivery.error_kind) if delivery.error_kind else None,
        status_code=last.status_code if last else None,
        duration_s=round(last.duration, 4) if last else None,
        retry_in_s=last.wait if last else None,
    )
