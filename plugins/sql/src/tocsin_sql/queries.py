"""What is asked of the store without a change to it."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from tocsin import Alert, AlertStatus, ContentLost, ContentSealed, DeliveryReport, DeliveryState, Receipt
from tocsin.plan import Plan
from tocsin.store import Delivery, Earlier, Record
from tocsin_sql.rows import DELIVERY, deliveries_of, topic_of
from tocsin_sql.schema import alerts, channels, contents, deliveries
from tocsin_sql.sealing import Seal
from tocsin_sql.statements import Statement

__all__ = [
    "content",
    "find",
    "kept",
    "load_channel",
    "previous",
    "recent",
    "record",
    "record_of",
    "report",
    "reports",
    "select",
]

_CONTENT = Statement(sa.select(contents).where(contents.c.alert_id == sa.bindparam("of")))
_ALERT = sa.select(alerts).where(alerts.c.id == sa.bindparam("of"))
_DELIVERIES = sa.select(deliveries).where(deliveries.c.alert_id == sa.bindparam("of")).order_by(deliveries.c.id)
_REPORT = Statement(sa.select(alerts.c.report).where(alerts.c.id == sa.bindparam("of")))
_IDS = sa.bindparam("ids", type_=sa.Text)
"""A list as JSON: one parameter, and one text of the statement, for any number of ids."""
_LISTED: dict[str, Any] = {
    "sqlite": sa.func.json_each(_IDS),
    "postgresql": sa.func.json_array_elements_text(sa.cast(_IDS, sa.JSON)),
}


def _of_listed(column: Any, *conditions: Any) -> dict[str, Statement]:
    """Of the alerts whose ids are listed, for each kind of database."""
    listed = {name: sa.select(function.table_valued("value").c.value) for name, function in _LISTED.items()}
    return {name: Statement(sa.select(column).where(alerts.c.id.in_(ids), *conditions)) for name, ids in listed.items()}


_REPORTS = _of_listed(alerts.c.report, alerts.c.report.is_not(None))
_KEPT = _of_listed(alerts.c.id)
_RECENT = (
    sa.select(alerts.c.report)
    .where(alerts.c.finished.is_not(None))
    .order_by(alerts.c.finished.desc(), alerts.c.seq.desc())
    .limit(sa.bindparam("most"))
)
_FIND = (
    sa.select(deliveries)
    .where(deliveries.c.channel == sa.bindparam("name"), deliveries.c.provider_id == sa.bindparam("known_as"))
    .order_by(deliveries.c.id.desc())
    .limit(1)
)
_PREVIOUS = Statement(
    sa.select(deliveries.c.alert_id, deliveries.c.receipt, alerts.c.rank, alerts.c.status)
    .join_from(deliveries, alerts, alerts.c.id == deliveries.c.alert_id)
    .where(
        deliveries.c.topic == sa.bindparam("about"),
        deliveries.c.channel == sa.bindparam("name"),
        deliveries.c.recipient_id == sa.bindparam("to"),
        deliveries.c.ended.is_not(None),
        deliveries.c.receipt.is_not(None),
    )
    .order_by(deliveries.c.ended.desc(), deliveries.c.id.desc())
    .limit(1)
)
_CHANNEL = sa.select(channels.c.state).where(channels.c.name == sa.bindparam("name"))


def content(connection: sa.Connection, alert_id: str) -> Any:
    """An alert's row of content; None where it is not known or was removed."""
    return _CONTENT.first(connection, {"of": alert_id})


def report(connection: sa.Connection, alert_id: str) -> DeliveryReport | None:
    """See ``Store.report``."""
    row = _REPORT.first(connection, {"of": alert_id})
    return None if row is None or row.report is None else DeliveryReport.from_json(row.report)


def reports(connection: sa.Connection, alert_ids: Sequence[str]) -> list[DeliveryReport]:
    """See ``Store.reports``."""
    rows = _REPORTS[connection.dialect.name].all(connection, {"ids": json.dumps(list(alert_ids))})
    return [DeliveryReport.from_json(row.report) for row in rows]


def kept(connection: sa.Connection, alert_ids: Sequence[str]) -> set[str]:
    """Which of these alerts there are."""
    rows = _KEPT[connection.dialect.name].all(connection, {"ids": json.dumps(list(alert_ids))})
    return {row.id for row in rows}


def recent(connection: sa.Connection, limit: int) -> list[DeliveryReport]:
    """See ``Store.recent``."""
    texts = connection.execute(_RECENT, {"most": max(0, limit)}).scalars()
    return [DeliveryReport.from_json(text) for text in texts if text is not None]


def find(connection: sa.Connection, channel: str, provider_id: str) -> Delivery | None:
    """See ``Store.find``."""
    rows = connection.execute(_FIND, {"name": channel, "known_as": provider_id}).all()
    return next(iter(deliveries_of(connection, rows)), None)


def previous(connection: sa.Connection, alert: Alert, channel: str, recipient_id: str) -> Earlier | None:
    """See ``Store.previous``."""
    about = {"about": topic_of(alert), "name": channel, "to": recipient_id}
    row = _PREVIOUS.first(connection, about)
    if row is None or row.alert_id == alert.alert_id:
        return None
    return Earlier(Receipt(**json.loads(row.receipt)), row.rank, AlertStatus(row.status))


def select(
    connection: sa.Connection, states: Sequence[DeliveryState], channel: str | None, limit: int
) -> list[Delivery]:
    """See ``Store.select``."""
    query = sa.select(*DELIVERY).join_from(alerts, deliveries, deliveries.c.alert_id == alerts.c.id)
    if states:
        query = query.where(deliveries.c.state.in_([str(state) for state in states]))
    if channel is not None:
        query = query.where(deliveries.c.channel == channel)
    query = query.order_by(alerts.c.seq.desc(), deliveries.c.id).limit(max(0, limit))
    return deliveries_of(connection, connection.execute(query).all())


def load_channel(connection: sa.Connection, name: str) -> Mapping[str, Any] | None:
    """See ``Store.load_channel``."""
    text = connection.execute(_CHANNEL, {"name": name}).scalar()
    if text is None:
        return None
    state: Mapping[str, Any] = json.loads(text)
    return state


def record(connection: sa.Connection, seal: Seal, alert_id: str) -> Record | None:
    """See ``Store.record``."""
    row = connection.execute(_ALERT, {"of": alert_id}).one_or_none()
    if row is None:
        return None
    rows = connection.execute(_DELIVERIES, {"of": alert_id}).all()
    return record_of(row, deliveries_of(connection, rows), _readable(connection, seal, alert_id))


def _readable(connection: sa.Connection, seal: Seal, alert_id: str) -> Alert | None:
    found = content(connection, alert_id)
    try:
        return None if found is None else seal.alert(found)
    except (ContentLost, ContentSealed):  # what is known of its deliveries is to be seen all the same
        return None


@functools.lru_cache(maxsize=256)
def _plan(text: str) -> Plan:
    """Alerts that go the same way have the same plan."""
    return Plan.from_dict(json.loads(text))


def record_of(row: Any, known: Sequence[Delivery], alert: Alert | None) -> Record:
    """The record of an alert's row."""
    return Record(
        alert_id=row.id,
        alert=alert,
        plan=_plan(row.plan),
        stage=row.stage,
        deliveries=tuple(known),
        report=None if row.report is None else DeliveryReport.from_json(row.report),
        closed=row.closed,
    )
