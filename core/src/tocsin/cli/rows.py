"""A delivery of the store as a row of a table, as JSON values, and in words; recipients by their masked labels."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tocsin.alert import AlertPriority
from tocsin.cli.outcome import code_of
from tocsin.cli.terminal import seconds
from tocsin.report import Attempt, DeliveryState

if TYPE_CHECKING:
    from tocsin.store import Delivery

__all__ = ["COLUMNS", "attempt_words", "cells", "clock_time", "in_words", "style_of", "to_dict", "when", "why"]

COLUMNS = ("alert", "channel", "recipient", "state", "tries", "next", "why")
_PRIORITIES = tuple(AlertPriority)
_STYLES = {DeliveryState.FAILED: "bad", DeliveryState.UNKNOWN: "warn", DeliveryState.RETRYING: "warn"}
_LARGER = ((86_400, "d"), (3_600, "h"), (60, "min"))


def to_dict(delivery: Delivery, now: float) -> dict[str, Any]:
    """JSON values; ``due_in`` and ``expires_in`` in seconds, null where that does not apply.

    Args:
        delivery: as the store has it.
        now: on the store's clock.
    """
    is_open = not delivery.state.is_final
    began = delivery.due != math.inf
    return {
        "alert_id": delivery.alert_id,
        "channel": delivery.channel,
        "priority": _PRIORITIES[min(delivery.rank, len(_PRIORITIES) - 1)],
        "stage": delivery.stage,
        "due_in": round(delivery.due - now, 3) if is_open and began else None,
        "expires_in": round(delivery.expires - now, 3) if is_open and delivery.expires != math.inf else None,
        "idempotency_key": delivery.key,
        **delivery.result().to_dict(),
    }


def cells(delivery: Delivery, now: float) -> list[str]:
    """The row's cells in the order of :data:`COLUMNS`."""
    return [
        delivery.alert_id,
        delivery.channel,
        delivery.recipient,
        str(delivery.state),
        str(len(delivery.attempts) or ""),
        when(delivery, now),
        why(delivery),
    ]


def style_of(delivery: Delivery) -> str:
    """How its row looks."""
    return "good" if delivery.state.is_success else _STYLES.get(delivery.state, "")


def when(delivery: Delivery, now: float) -> str:
    """When it is tried next; empty where it has ended or is in flight."""
    if not delivery.is_waiting:
        return ""
    if delivery.due == math.inf:
        return "after the others"
    return "now" if delivery.due <= now else f"in {in_words(delivery.due - now)}"


def why(delivery: Delivery) -> str:
    """Why it did not arrive, with the code of the error; empty where it did or was not tried."""
    if delivery.state.is_success:
        return ""
    source = delivery if delivery.error or not delivery.attempts else delivery.attempts[-1]
    code = code_of(source.error_kind)
    return f"{source.error}{f' [{code}]' if code else ''}" if source.error else ""


def attempt_words(attempt: Attempt) -> str:
    """What an attempt came to, in one line."""
    words = [str(attempt.outcome)]
    if attempt.error:
        status = f" (status {attempt.status_code})" if attempt.status_code is not None else ""
        words.append(f"{attempt.error}{status if str(attempt.status_code) not in attempt.error else ''}")
    words.append(seconds(attempt.duration))
    if attempt.wait is not None:
        words.append(f"again in {in_words(attempt.wait)}")
    return " · ".join(words)


def in_words(duration: float) -> str:
    """``<1 ms`` to ``59.00 s``, then ``2 min``, ``3 h``, ``4 d``."""
    for size, unit in _LARGER:
        if duration >= size:
            return f"{duration / size:.0f} {unit}"
    return seconds(duration)


def clock_time(moment: datetime) -> str:
    """The moment in local time, to the millisecond."""
    return moment.astimezone().isoformat(sep=" ", timespec="milliseconds")[:23]
