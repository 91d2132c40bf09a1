"""The changes that a store is asked for, each within one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from tocsin import Alert, DeliveryReport
from tocsin.plan import Plan
from tocsin.store import Added, Delivery, Record, cancelled
from tocsin_sql.drafts import Draft
from tocsin_sql.key_check import note_key
from tocsin_sql.ledger import Ledger, has_begun
from tocsin_sql.rows import begun_row, unit_map
from tocsin_sql.schema import IN_FLIGHT, alerts, attempts, channels, contents, deliveries
from tocsin_sql.statements import Insertion, Statement

__all__ = ["add", "amend", "cancel", "replay", "save_channel", "suppress"]

Unit = tuple[str, str]

_KNOWN = Statement(sa.select(alerts.c.id, alerts.c.report).where(alerts.c.client_key == sa.bindparam("key_of")))
_ALERT = Statement(sa.select(alerts).where(alerts.c.id == sa.bindparam("of")).with_for_update())
_NEW_ALERT = Statement(sa.insert(alerts).inline(), [one.name for one in alerts.c if one.name != "seq"])
_NEW_CONTENT = Statement(sa.insert(contents))
_NEW_DELIVERIES = Insertion(deliveries, "id")
_BEGIN_ATTEMPTS = Insertion(attempts, "outcome", "body")
_ROWS = Statement(
    sa.select(deliveries.c.id, deliveries.c.channel, deliveries.c.recipient_id).where(
        deliveries.c.alert_id == sa.bindparam("of"), IN_FLIGHT
    )
)


def add(ledger: Ledger, draft: Draft) -> Added:
    """See ``Store.add``."""
    connection, alert_id = ledger.connection, draft.alert.alert_id
    if draft.key is not None and (known := _KNOWN.first(connection, {"key_of": draft.key})) is not None:
        report = None if known.report is None else DeliveryReport.from_json(known.report)
        return Added(alert_id=known.id, known=True, report=report)
    row = _ALERT.first(connection, {"of": alert_id})
    if row is not None:
        return _add_again(ledger, draft, row)
    ledger.room.check(connection, len(draft.rows), draft.alert.priority.rank)
    _NEW_ALERT.change(connection, draft.row)
    _put_content(ledger, draft)
    _NEW_DELIVERIES.put(connection, draft.rows)
    ledger.room.add(len(draft.rows))
    taken = _taken(ledger, draft)
    begun, report = _begun(ledger, draft, draft.deliveries, None)
    return Added(alert_id=alert_id, fresh=begun, taken=taken, report=report)


def _taken(ledger: Ledger, draft: Draft) -> tuple[Delivery, ...]:
    """The deliveries that were claimed as they were added, with their attempts noted as begun."""
    claimed = [one for one in draft.deliveries if not one.is_waiting]
    if not claimed:
        return ()
    found = _ROWS.all(ledger.connection, {"of": draft.alert.alert_id})
    _BEGIN_ATTEMPTS.put(ledger.connection, [begun_row(row.id, 1, ledger.wall) for row in found])
    numbers = {(row.channel, row.recipient_id): row.id for row in found}
    return tuple(one.changed(row=numbers[one.unit]) for one in claimed)


def _add_again(ledger: Ledger, draft: Draft, row: Any) -> Added:
    """What arrived or is on its way stays, the rest starts anew."""
    draft = draft.unclaimed()
    earlier = ledger.record_of(row)
    known = unit_map(earlier)
    renewed = [(one, known.get(one.unit)) for one in draft.deliveries]
    fresh = [new for one, old in renewed if (new := one if old is None else old.renewed(one)) is not None]
    ledger.room.check(ledger.connection, len(fresh), draft.alert.priority.rank)
    _renew_alert(ledger, draft)
    _put_deliveries(ledger, draft, fresh, known)
    begun, report = _begun(ledger, draft, fresh, earlier)
    return Added(
        alert_id=row.id,
        fresh=begun,
        before=frozenset(unit for unit, one in known.items() if one.state.is_success),
        again=bool(row.reported),
        report=report,
    )


def _begun(
    ledger: Ledger, draft: Draft, fresh: Sequence[Delivery], earlier: Record | None
) -> tuple[tuple[str, ...], DeliveryReport | None]:
    """The channels of what is due, after the steps that an alert without an open delivery takes at once."""
    due = tuple(one.channel for one in fresh if has_begun(one) and one.is_waiting)
    if earlier is None and any(map(has_begun, fresh)):
        return due, None
    record = ledger.record(draft.alert.alert_id)
    assert record is not None
    if record.open and not draft.plan.fail_fast:
        return due, None
    more, report = ledger.advance(record)
    return (*due, *more), report


def _renew_alert(ledger: Ledger, draft: Draft) -> None:
    alert_id = draft.alert.alert_id
    values = {name: value for name, value in draft.row.items() if name != "client_key" or value is not None}
    ledger.connection.execute(sa.update(alerts).where(alerts.c.id == alert_id), values)
    ledger.connection.execute(sa.delete(contents).where(contents.c.alert_id == alert_id))
    _put_content(ledger, draft)


def _put_content(ledger: Ledger, draft: Draft) -> None:
    note_key(ledger.connection, ledger.seal)
    _NEW_CONTENT.change(ledger.connection, draft.content)


def _put_deliveries(ledger: Ledger, draft: Draft, fresh: Sequence[Delivery], known: Mapping[Unit, Delivery]) -> None:
    units = zip(draft.deliveries, draft.rows, strict=True)
    rows = [row for one, row in units if one.unit not in known]
    _NEW_DELIVERIES.put(ledger.connection, rows)
    ledger.room.add(len(rows))
    for one in fresh:
        if one.unit in known:
            ledger.replace(known[one.unit], one)


def cancel(ledger: Ledger, alert_id: str, reason: str, unit: Unit | None, *, close: bool) -> list[Delivery]:
    """See ``Store.cancel``."""
    record = ledger.record(alert_id)
    if record is None or record.report is not None:
        return []
    if close:
        record = attrs.evolve(record, closed=reason)
        ledger.close(alert_id, reason)
    waiting = [one for one in record.deliveries if one.is_waiting and unit in (None, one.unit)]
    ended = [cancelled(one, reason) for one in waiting if has_begun(one) or unit]
    record = ledger.change(record, ended)
    if not record.open or record.plan.fail_fast:
        ledger.advance(record)
    return ended


def replay(ledger: Ledger, alert_id: str, unit: Unit | None) -> list[Delivery]:
    """See ``Store.replay``."""
    record = ledger.record(alert_id)
    if record is None:
        return []
    fresh = [
        one.replayed(ledger.now, record.plan.lifetime)
        for one in record.deliveries
        if unit in (None, one.unit) and one.is_replayable(named=unit is not None)
    ]
    if fresh:
        ledger.reopen(alert_id)
        ledger.change(record, fresh)
    return fresh


def amend(ledger: Ledger, delivery: Delivery) -> DeliveryReport | None:
    """See ``Store.amend``."""
    record = ledger.record(delivery.alert_id)
    known = unit_map(record).get(delivery.unit)
    if record is None or known is None:
        return None
    ledger.replace(known, delivery)
    if record.report is None:
        return None
    report = record.report.amended(delivery.channel, delivery.result())
    ledger.amend(delivery.alert_id, report)
    return report


def suppress(ledger: Ledger, alert: Alert, report: DeliveryReport) -> None:
    """See ``Store.suppress``."""
    record = ledger.record(alert.alert_id)
    if record is None:
        draft = Draft.of(ledger.seal, alert, Plan(()), (), None)
        _NEW_ALERT.change(ledger.connection, draft.row)
        _put_content(ledger, draft)
        record = Record(alert_id=alert.alert_id, alert=None, plan=Plan(()), stage=0, deliveries=())
    if not record.open:
        ledger.finish(record, report)


def save_channel(connection: sa.Connection, name: str, state: str) -> None:
    """See ``Store.save_channel``."""
    connection.execute(sa.delete(channels).where(channels.c.name == name))
    connection.execute(sa.insert(channels), {"name": name, "state": state})
