"""The tables, as the newest migration leaves them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

__all__ = [
    "IN_FLIGHT",
    "METADATA",
    "OPEN",
    "RECEIVED",
    "WAITING",
    "alerts",
    "attempts",
    "audit",
    "channels",
    "contents",
    "deliveries",
    "meta",
]

METADATA = sa.MetaData()
BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")

# Literals, because a partial index is used only by a query that says the very same.
WAITING: Any = sa.text("state IN ('pending', 'retrying')")
IN_FLIGHT: Any = sa.text("state = 'in_flight'")
RECEIVED: Any = sa.text("receipt IS NOT NULL")
KNOWN: Any = sa.text("provider_id IS NOT NULL")
OPEN: Any = sa.text("state IN ('pending', 'retrying', 'in_flight')")

alerts = sa.Table(
    "tocsin_alerts",
    METADATA,
    sa.Column("seq", BIG, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("client_key", sa.Text, unique=True),
    sa.Column("rank", sa.SmallInteger, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("fail_fast", sa.Boolean, nullable=False),
    sa.Column("stage", sa.Integer, nullable=False),
    sa.Column("closed", sa.Text),
    sa.Column("report", sa.Text),
    sa.Column("reported", sa.Boolean, nullable=False),
    sa.Column("finished", sa.Double),
    sa.Index("tocsin_alerts_finished", "finished"),
)

# Apart from the alerts: rows that change stay small, and what is removed after the retention time is a row of its own.
contents = sa.Table(
    "tocsin_contents",
    METADATA,
    sa.Column("alert_id", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("checksum", sa.Text, nullable=False),
)

deliveries = sa.Table(
    "tocsin_deliveries",
    METADATA,
    sa.Column("id", BIG, primary_key=True),
    sa.Column("alert_id", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("recipient_id", sa.Text, nullable=False),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("topic", sa.Text, nullable=False),
    sa.Column("rank", sa.SmallInteger, nullable=False),
    sa.Column("stage", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("due", sa.Double, nullable=False),
    sa.Column("expires", sa.Double, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("plain", sa.Boolean, nullable=False),
    sa.Column("token", BIG, nullable=False),
    sa.Column("lease", sa.Double, nullable=False),
    sa.Column("lost", sa.Integer, nullable=False),
    sa.Column("attempted", sa.Integer, nullable=False),
    sa.Column("receipt", sa.Text),
    sa.Column("provider_id", sa.Text),
    sa.Column("error_kind", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("hint", sa.Text),
    sa.Column("ended", sa.Double),
    sa.UniqueConstraint("alert_id", "channel", "recipient_id"),
    sa.Index(
        "tocsin_deliveries_waiting",
        "channel",
        "rank",
        "due",
        "id",
        "state",  # so that the index alone answers: SQLite looks at the state again
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    ),
    sa.Index("tocsin_deliveries_expires", "expires", sqlite_where=WAITING, postgresql_where=WAITING),
    sa.Index("tocsin_deliveries_lease", "lease", sqlite_where=IN_FLIGHT, postgresql_where=IN_FLIGHT),
    sa.Index(
        "tocsin_deliveries_topic",
        "topic",
        "channel",
        "recipient_id",
        "ended",
        sqlite_where=RECEIVED,
        postgresql_where=RECEIVED,
    ),
    sa.Index("tocsin_deliveries_provider_id", "channel", "provider_id", sqlite_where=KNOWN, postgresql_where=KNOWN),
)

attempts = sa.Table(
    "tocsin_attempts",
    METADATA,
    sa.Column("delivery_id", BIG, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("body", sa.Text),
)

channels = sa.Table(
    "tocsin_channels",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
)

audit = sa.Table(
    "tocsin_audit",
    METADATA,
    sa.Column("id", BIG, primary_key=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
)

meta = sa.Table(
    "tocsin_meta",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
