"""The unit of delivery: one alert for one recipient of one channel, its key, and its line in the log."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Callable

from tocsin.alert import Alert
from tocsin.channel import Channel
from tocsin.log import event, is_heard
from tocsin.plan import Plan
from tocsin.recipient import Recipient
from tocsin.store import Delivery

__all__ = ["delivery_key", "log", "units_of"]


def units_of(alert: Alert, plan: Plan, channels: Callable[[str], Channel | None], now: float) -> list[Delivery]:
    """The pending deliveries of an alert, one for each recipient of each channel of its plan.

    Args:
        alert: what is to be delivered.
        plan: its way.
        channels: finds a ready channel by its name.
        now: on the store's clock; those of the first stage are due then, the others once their stage begins.
    """
    return [
        _unit(alert, channel, recipient, stage, now if stage == 0 else math.inf, now + plan.lifetime)
        for stage, name in plan.staged
        if (channel := channels(name)) is not None
        for recipient in channel.recipients
    ]


def _unit(alert: Alert, channel: Channel, recipient: Recipient, stage: int, due: float, expires: float) -> Delivery:
    return Delivery(
        alert_id=alert.alert_id,
        channel=channel.name,
        recipient_id=recipient.id,
        recipient=recipient.label,
        key=delivery_key(alert.alert_id, channel.name, recipient.id),
        rank=alert.priority.rank,
        stage=stage,
        due=due,
        expires=expires,
    )


def delivery_key(alert_id: str, channel: str, recipient_id: str) -> str:
    """The idempotency key of a unit: 32 hexadecimal digits, the same after a restart."""
    return hashlib.sha256(f"{alert_id}\0{channel}\0{recipient_id}".encode()).hexdigest()[:32]


def log(delivery: Delivery, *, attempted: bool, late: bool = False) -> None:
    """One line about what became of an attempt, or of a refusal before it; ``late``: another worker had taken over."""
    level = logging.INFO if delivery.state.is_success or not delivery.state.is_final else logging.WARNING
    if not is_heard(level):
        return
    last = delivery.attempts[-1] if attempted else None
    event(
        level,
        "delivery_late"
        if late
        else "delivery"
        if delivery.state.is_final
        else "delivery_retrying"
        if attempted
        else "delivery_deferred",
        alert_id=delivery.alert_id,
        channel=delivery.channel,
        outcome=str(delivery.state),
        attempt=len(delivery.attempts),
        error_kind=str(delivery.error_kind) if delivery.error_kind else None,
        status_code=last.status_code if last else None,
        duration_s=round(last.duration, 4) if last else None,
        retry_in_s=last.wait if last else None,
    )
