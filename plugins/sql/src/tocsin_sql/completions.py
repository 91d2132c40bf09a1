"""What follows from the ends of attempts: written for many at once, since several end while one commit is under way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from tocsin import DeliveryReport
from tocsin.store import Delivery, Settled, cancelled
from tocsin_sql.ledger import Ledger
from tocsin_sql.rows import DROP_BEGUN, attempt_row, unit_values
from tocsin_sql.schema import IN_FLIGHT, OPEN, alerts, attempts, deliveries
from tocsin_sql.statements import Insertion, Listing, Statement

__all__ = ["complete"]

_d = deliveries.c
_PLACE = Statement(
    sa.select(_d.id).where(
        _d.alert_id == sa.bindparam("of"),
        _d.channel == sa.bindparam("in_channel"),
        _d.recipient_id == sa.bindparam("to"),
    )
)
_HELD = Listing(
    lambda ids: (
        sa.select(_d.id, _d.alert_id, _d.channel, _d.recipient_id, _d.token, _d.attempted, alerts.c.closed)
        .join_from(deliveries, alerts, alerts.c.id == _d.alert_id)
        .where(_d.id.in_(ids), IN_FLIGHT)
        .order_by(alerts.c.id)  # whoever locks several alerts does it in one order
        .with_for_update()
    )
)
_STILL_OPEN = sa.exists().where(_d.alert_id == alerts.c.id, OPEN, _d.due < sa.bindparam("never"))
_ENDED = Listing(
    lambda ids: (
        sa.select(alerts)
        .where(alerts.c.id.in_(ids), sa.or_(alerts.c.fail_fast == sa.true(), ~_STILL_OPEN))
        .with_for_update()
    )
)


def _ending(insert: Any) -> Any:
    ended = {name: insert.excluded[name] for name in ("started_at", "outcome", "body")}
    return insert.on_conflict_do_update(index_elements=["delivery_id", "number"], set_=ended)


_END_ATTEMPTS = {
    "sqlite": Insertion(attempts, insert=sqlite.insert, finish=_ending),
    "postgresql": Insertion(attempts, insert=postgresql.insert, finish=_ending),
}


@attrs.frozen
class _Ending:
    """One delivery as it is to be written, and its row as it was."""

    row: Any
    after: Delivery


def complete(ledger: Ledger, changed: Sequence[Delivery]) -> list[Settled]:
    """See ``Store.complete``: for each of these deliveries what followed, in their order.

    Of what followed for an alert, the last of its deliveries here is told.
    """
    endings = _held(ledger, changed)
    ledger.complete([(one.row.id, one.after) for one in endings.values()])
    _end_attempts(ledger, endings.values())
    ended = {one.after.alert_id: place for place, one in endings.items() if one.after.state.is_final}
    followed = _followed(ledger, ended)
    settled = []
    for place, delivery in enumerate(changed):
        ending = endings.get(place)
        if ending is None:
            settled.append(Settled(taken=False, delivery=delivery))
        else:
            begun, report = followed.get(place, ((), None))
            settled.append(Settled(taken=True, delivery=ending.after, begun=begun, report=report))
    return settled


def _held(ledger: Ledger, changed: Sequence[Delivery]) -> dict[int, _Ending]:
    """Those whose lease is still the last one, by their places."""
    numbers = [_number(ledger, one) for one in changed]
    rows = {row.id: row for row in _HELD.all(ledger.connection, [one for one in numbers if one is not None])}
    found: dict[int, _Ending] = {}
    for place, (number, delivery) in enumerate(zip(numbers, changed, strict=True)):
        row = rows.get(number)
        if row is None or (row.alert_id, row.channel, row.recipient_id, row.token) != _identity(delivery):
            continue
        after = delivery.changed(lease=0.0)
        if row.closed is not None and not after.state.is_final:
            after = cancelled(after, row.closed)
        found[place] = _Ending(rows.pop(number), after)  # a second word about it comes too late
    return found


def _identity(delivery: Delivery) -> tuple[str, str, str, int]:
    """Which claim of which delivery: a database that was put back may have given its row's number to another."""
    return delivery.alert_id, delivery.channel, delivery.recipient_id, delivery.token


def _number(ledger: Ledger, delivery: Delivery) -> int | None:
    """Of the delivery's row; None where there is none."""
    if delivery.row is not None:
        return delivery.row
    row = _PLACE.first(ledger.connection, unit_values(delivery))
    return None if row is None else int(row.id)


def _end_attempts(ledger: Ledger, endings: Iterable[_Ending]) -> None:
    """Write what was tried; what had begun without being tried leaves nothing behind."""
    tried = []
    for one in endings:
        new = one.after.attempts[one.row.attempted :]
        if not new:
            DROP_BEGUN.change(ledger.connection, {"delivery": one.row.id})
        tried += [attempt_row(one.row.id, number, made) for number, made in enumerate(new, one.row.attempted + 1)]
    _END_ATTEMPTS[ledger.connection.dialect.name].put(ledger.connection, tried)


def _followed(ledger: Ledger, ended: Mapping[str, int]) -> dict[int, tuple[tuple[str, ...], DeliveryReport | None]]:
    """What followed for these alerts, of each of which a delivery has ended: by the places given with them."""
    done = _ENDED.all(ledger.connection, list(ended), {"never": math.inf})
    return {ended[record.alert_id]: ledger.advance(record) for record in ledger.records(done)}
