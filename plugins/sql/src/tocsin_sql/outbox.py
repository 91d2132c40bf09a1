"""Alerts in the application's own transactions: written there, and what becomes of them once those end."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from tocsin import StoreError
from tocsin.store import Added
from tocsin_sql import changes, queries
from tocsin_sql.database import Database
from tocsin_sql.drafts import Draft
from tocsin_sql.failures import told
from tocsin_sql.ledger import Ledger
from tocsin_sql.writer import Writer

__all__ = ["Outbox"]

Undone = Callable[[], None]


@attrs.define(eq=False)
class _Written:
    """What was written on one connection.

    Attributes:
        alerts: of the transaction that is open.
        committing: of the last one, whose commit may fail yet.
        partly: a savepoint was rolled back, perhaps with some of them.
    """

    alerts: list[tuple[str, Undone]] = attrs.field(factory=list)
    committing: list[tuple[str, Undone]] = attrs.field(factory=list)
    partly: bool = False


class Outbox:
    """Writes in transactions of the application, and hears how they end. Thread-safe, as connections are.

    Args:
        database: the store's.
        writer: whose turn comes once a transaction has ended.
        news: called once there may be something due.
    """

    def __init__(self, database: Database, writer: Writer, news: Undone) -> None:
        self._database = database
        self._writer = writer
        self._news = news
        self._open: weakref.WeakKeyDictionary[sa.Connection, _Written] = weakref.WeakKeyDictionary()

    def add(self, ledger: Ledger, store_id: str, draft: Draft, undone: Undone) -> Added:
        """See ``Store.add``.

        Raises:
            StoreError: the connection is none of SQLAlchemy, leads elsewhere, or commits each statement by itself.
        """
        connection: Any = ledger.connection
        if not isinstance(connection, sa.Connection):
            raise StoreError(f"connection must be an sqlalchemy.Connection, got {type(connection).__name__}")
        with told(self._database):
            _refuse_autocommit(connection)
            self._database.check_same(connection, store_id)
            added = changes.add(ledger, draft)
            self._database.announce(connection)
        if not added.known:
            self._written(connection).alerts.append((added.alert_id, undone))
        return attrs.evolve(added, fresh=())

    def _written(self, connection: sa.Connection) -> _Written:
        known = self._open.get(connection)
        if known is None:
            known = self._open[connection] = _Written()
            for name in ("commit", "commit_twophase"):
                sa.event.listen(connection, name, self._commits)
            for name in ("rollback", "rollback_twophase"):
                sa.event.listen(connection, name, self._rolls_back)
            sa.event.listen(connection, "rollback_savepoint", self._rolls_back_to_savepoint)
            sa.event.listen(connection, "begin", self._begins)
            if not sa.event.contains(connection.dialect, "handle_error", self._fails):
                sa.event.listen(connection.dialect, "handle_error", self._fails)
            weakref.finalize(connection, self._ended, known).atexit = False
        return known

    def _commits(self, connection: sa.Connection, *_: object) -> None:
        """It commits: once that lets the writer have a turn, there is news."""
        written = self._open[connection]
        alerts = written.alerts
        if not alerts:
            return
        there = queries.kept(connection, _names(alerts)) if written.partly else set(_names(alerts))
        written.alerts, written.committing, written.partly = [], [one for one in alerts if one[0] in there], False

        def tell(_: None) -> None:
            _tell(alerts, there)
            self._news()

        self._post(lambda _: None, tell)

    def _begins(self, connection: sa.Connection) -> None:
        self._open[connection].committing = []

    def _fails(self, context: sa.ExceptionContext) -> None:
        """A statement failed, or a commit did, after which no rollback is told."""
        written = None if context.connection is None else self._open.get(context.connection)
        if written is not None and written.committing and context.statement is None:
            written.alerts = written.committing
            self._ended(written)

    def _rolls_back(self, connection: sa.Connection, *_: object) -> None:
        self._ended(self._open[connection])

    def _rolls_back_to_savepoint(self, connection: sa.Connection, *_: object) -> None:
        self._open[connection].partly = True

    def _ended(self, written: _Written) -> None:
        """It ended without a commit: what of it is there, was there before, or came in another way."""
        gone = written.alerts
        written.alerts, written.committing, written.partly = [], [], False
        if gone:
            self._post(lambda connection: queries.kept(connection, _names(gone)), lambda there: _tell(gone, there))

    def _post(self, job: Callable[[sa.Connection], Any], done: Callable[[Any], None]) -> None:
        """Have the writer's turn come, and tell of it in a thread where the store may be called."""
        with contextlib.suppress(StoreError):  # closed: who waited has been told
            self._writer.post(job, done, durable=False)


def _refuse_autocommit(connection: sa.Connection) -> None:
    """Refuse a connection without transactions: a rollback would leave the alert there, and a crash half of it.

    Asked is the driver, because it may have been set there as well as in SQLAlchemy.
    """
    if not connection.in_transaction():
        connection.begin()  # as the first statement would: an application's own BEGIN is sent with it
    driver: Any = connection.connection.driver_connection
    own: Any = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite":
        by_itself = driver.isolation_level is None or getattr(driver, "autocommit", None) is True
        refused = by_itself and not driver.in_transaction
    else:
        refused = bool(getattr(own, "autocommit", False))
    if refused:
        words = "the connection commits each statement by itself (AUTOCOMMIT), so that nothing could be rolled back"
        raise StoreError(f"{words}; give enqueue a connection whose transaction you commit")


def _names(written: Sequence[tuple[str, Undone]]) -> list[str]:
    return [name for name, _ in written]


def _tell(written: Sequence[tuple[str, Undone]], there: set[str]) -> None:
    for name, undone in written:
        if name not in there:
            undone()
