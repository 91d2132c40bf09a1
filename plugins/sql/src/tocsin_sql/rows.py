"""Deliveries and attempts as rows, and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from tocsin import Alert, Attempt, Receipt
from tocsin.store import Delivery, Record
from tocsin_sql.schema import attempts, deliveries
from tocsin_sql.statements import Listing, Statement

__all__ = [
    "DELIVERY",
    "DROP_BEGUN",
    "as_json",
    "attempt_row",
    "attempts_of",
    "bare",
    "content_id",
    "delivery_of",
    "delivery_values",
    "topic_of",
    "unit_values",
]

DELIVERY = list(deliveries.c)
_ATTEMPTS = Listing(
    lambda ids: (
        sa.select(attempts.c.delivery_id, attempts.c.body)
        .where(attempts.c.delivery_id.in_(ids), attempts.c.outcome.is_not(None))
        .order_by(attempts.c.delivery_id, attempts.c.number)
    )
)
DROP_BEGUN = Statement(
    sa.delete(attempts).where(attempts.c.delivery_id == sa.bindparam("delivery"), attempts.c.outcome.is_(None))
)
"""Forgets an attempt that had begun and was not made."""
_PLAIN = ("due", "expires", "stage", "tries", "plain", "token", "lease", "lost", "error", "hint")
_NOT_TAKEN = "the words of this failure could not be stored"
_FIXED = ("alert_id", "channel", "recipient_id", "recipient", "key", "rank")


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


def as_json(value: object) -> str:
    """Compact JSON text."""
    return _ENCODER.encode(value)


def content_id(text: str) -> str:
    """A stand-in of fixed length for a name that may say something: 32 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def topic_of(alert: Alert) -> str:
    """What the alert is about: its ``dedup_key``, else itself."""
    return content_id(alert.dedup_key or alert.alert_id)


def unit_values(delivery: Delivery) -> dict[str, Any]:
    """What finds the row of a delivery, as parameters."""
    return {"of": delivery.alert_id, "in_channel": delivery.channel, "to": delivery.recipient_id}


def delivery_values(delivery: Delivery, ended: float | None = None) -> dict[str, Any]:
    """Everything that changes in a delivery's row.

    Args:
        delivery: as it stands now.
        ended: when it ended, on the store's clock.
    """
    receipt = delivery.receipt
    return {
        **{name: getattr(delivery, name) for name in _PLAIN},
        "state": str(delivery.state),
        "receipt": None if receipt is None else as_json(receipt.to_dict()),
        "provider_id": None if receipt is None else receipt.provider_id,
        "error_kind": None if delivery.error_kind is None else str(delivery.error_kind),
        "attempted": len(delivery.attempts),
        "ended": ended,
    }


def bare(delivery: Delivery) -> Delivery:
    """The delivery with what stands for words left out: what is kept of a result that the database does not take.

    Its state, times and counts stay, so that it is not made again.
    """
    receipt, made = delivery.receipt, delivery.attempts
    return delivery.changed(
        receipt=None if receipt is None else Receipt(receipt.state),
        attempts=(*made[:-1], *(_wordless(one) for one in made[-1:])),
        error=None if delivery.error is None else _NOT_TAKEN,
        hint=None,
    )


def _wordless(attempt: Attempt) -> Attempt:
    return attrs.evolve(attempt, error=None, hint=None, status_code=None, provider_code=None)


def new_row(delivery: Delivery, topic: str) -> dict[str, Any]:
    """The whole row of a delivery that is new."""
    fixed = {name: getattr(delivery, name) for name in _FIXED}
    return {**fixed, "topic": topic, **delivery_values(delivery)}


def attempt_row(delivery_id: int, number: int, attempt: Attempt) -> dict[str, Any]:
    """The row of an attempt that has ended."""
    plain = attempt.to_dict()
    return {
        "delivery_id": delivery_id,
        "number": number,
        "started_at": plain["started_at"],
        "outcome": plain["outcome"],
        "body": as_json(plain),
    }


def begun_row(delivery_id: int, number: int, started_at: datetime) -> dict[str, Any]:
    """The row of an attempt that has begun: without an outcome it is one of which nothing is known."""
    return {"delivery_id": delivery_id, "number": number, "started_at": started_at.isoformat()}


def attempts_of(connection: sa.Connection, rows: Sequence[Any]) -> dict[int, list[Attempt]]:
    """The ended attempts of these deliveries' rows, oldest first, by the row's id."""
    ids = [row.id for row in rows if row.attempted]
    found: dict[int, list[Attempt]] = {}
    for row in _ATTEMPTS.all(connection, ids):
        found.setdefault(row.delivery_id, []).append(Attempt.from_dict(json.loads(row.body)))
    return found


def delivery_of(row: Any, tried: Mapping[int, Sequence[Attempt]]) -> Delivery:
    """The delivery that stands in a row, with its attempts by the row's id."""
    return Delivery(
        **{name: getattr(row, name) for name in (*_FIXED, *_PLAIN) if name != "plain"},
        plain=bool(row.plain),  # SQLite knows numbers only
        state=row.state,
        error_kind=row.error_kind,
        receipt=None if row.receipt is None else Receipt(**json.loads(row.receipt)),
        attempts=tuple(tried.get(row.id, ())),
        row=row.id,
    )


def deliveries_of(connection: sa.Connection, rows: Sequence[Any]) -> list[Delivery]:
    """The deliveries that stand in these rows, in their order."""
    tried = attempts_of(connection, rows)
    return [delivery_of(row, tried) for row in rows]


def unit_map(record: Record | None) -> dict[tuple[str, str], Delivery]:
    """A record's deliveries by channel and recipient."""
    return {one.unit: one for one in record.deliveries} if record else {}
