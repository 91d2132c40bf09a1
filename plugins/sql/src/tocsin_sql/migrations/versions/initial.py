"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
WAITING = sa.text("state IN ('pending', 'retrying')")
IN_FLIGHT = sa.text("state = 'in_flight'")
RECEIVED = sa.text("receipt IS NOT NULL")
KNOWN = sa.text("provider_id IS NOT NULL")


def upgrade() -> None:
    """Make all tables."""
    _alerts()
    _deliveries()
    _index_deliveries()
    _attempts()
    _rest()


def _alerts() -> None:
    op.create_table(
        "tocsin_alerts",
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
    )
    op.create_index("tocsin_alerts_finished", "tocsin_alerts", ["finished"])
    op.create_table(
        "tocsin_contents",
        sa.Column("alert_id", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("checksum", sa.Text, nullable=False),
    )


def _deliveries() -> None:
    op.create_table(
        "tocsin_deliveries",
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
    )


def _index_deliveries() -> None:
    name = "tocsin_deliveries"
    columns = ["channel", "rank", "due", "id", "state"]
    op.create_index(f"{name}_waiting", name, columns, sqlite_where=WAITING, postgresql_where=WAITING)
    op.create_index(f"{name}_expires", name, ["expires"], sqlite_where=WAITING, postgresql_where=WAITING)
    op.create_index(f"{name}_lease", name, ["lease"], sqlite_where=IN_FLIGHT, postgresql_where=IN_FLIGHT)
    columns = ["topic", "channel", "recipient_id", "ended"]
    op.create_index(f"{name}_topic", name, columns, sqlite_where=RECEIVED, postgresql_where=RECEIVED)
    columns = ["channel", "provider_id"]
    op.create_index(f"{name}_provider_id", name, columns, sqlite_where=KNOWN, postgresql_where=KNOWN)


def _attempts() -> None:
    op.create_table(
        "tocsin_attempts",
        sa.Column("delivery_id", BIG, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("started_at", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("body", sa.Text),
    )


def _rest() -> None:
    op.create_table(
        "tocsin_channels",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_table(
        "tocsin_audit",
        sa.Column("id", BIG, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
    )
    op.create_table(
        "tocsin_meta",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
