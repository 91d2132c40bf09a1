"""What is wrong inside a database: found by reading it once."""

from __future__ import annotations

import sqlalchemy as sa

from tocsin_sql import migrations
from tocsin_sql.schema import OPEN, alerts, contents, deliveries
from tocsin_sql.sealing import Seal, checksum

__all__ = ["findings"]

_UNDELIVERABLE = (
    sa.select(sa.func.count(sa.distinct(deliveries.c.alert_id)))
    .select_from(deliveries.outerjoin(contents, contents.c.alert_id == deliveries.c.alert_id))
    .where(OPEN, contents.c.alert_id.is_(None))
)
_FORGOTTEN = (
    sa.select(sa.func.count())
    .select_from(alerts)
    .where(alerts.c.report.is_(None), ~sa.exists().where(deliveries.c.alert_id == alerts.c.id, OPEN))
)


def findings(connection: sa.Connection, seal: Seal) -> list[str]:
    """Problems of tables and rows, in words."""
    version = migrations.version_of(connection)
    if version != migrations.NEWEST:
        return [
            f"the tables are of version {version}, this program knows {migrations.NEWEST}; see tocsin store upgrade"
        ]
    problems = []
    damaged, closed = _contents(connection, seal)
    if damaged:
        problems.append(f"the content of {damaged} alerts is damaged and cannot be sent; send these alerts again")
    if closed:
        problems.append(f"the content of {closed} alerts cannot be opened with this key; set TOCSIN_STORE_KEY")
    if count := connection.execute(_UNDELIVERABLE).scalar():
        problems.append(f"{count} alerts wait without their content; cancel them with tocsin deliveries cancel")
    if count := connection.execute(_FORGOTTEN).scalar():
        problems.append(f"{count} alerts have neither an open delivery nor a report; send them again")
    return problems


def _contents(connection: sa.Connection, seal: Seal) -> tuple[int, int]:
    """How many contents are damaged, and how many are whole and sealed with another key."""
    damaged = closed = 0
    for row in connection.execution_options(yield_per=200).execute(sa.select(contents)):
        if checksum(bytes(row.content)) != row.checksum:
            damaged += 1
        elif not seal.opens(bytes(row.content), row.alert_id):
            closed += 1
    return damaged, closed
