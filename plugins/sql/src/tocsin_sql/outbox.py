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
    """Attributes: ``alerts``: of this transaction; ``partly``: a savepoint was rolled back, perhaps with some."""

    alerts: list[tuple[str, Undone]] = attrs.field(factory=list)
    partly: bool = False

    def take(self) -> tuple[list[tuple[str, Undone]], bool]:
        """What there is, after which there is nothing."""
        taken = self.alerts, self.partly
        self.alerts, self.partly = [], False
        return taken


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
            StoreError: the connection is none of SQLAlchemy, or leads elsewhere.
        """
        connection: Any = ledger.connection
        if not isinstance(connection, sa.Connection):
            raise StoreError(f"connection must be an sqlalchemy.Connection, got {type(connection).__name__}")
        with told(self._database.place):
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
            weakref.finalize(connection, self._ended, known).atexit = False
        return known

    def _commits(self, connection: sa.Connection, *_: object) -> None:
        """It commits: once that lets the writer have a turn, there is news."""
        written, partly = self._open[connection].take()
        if not written:
            return
        names = [name for name, _ in written]
        there = queries.kept(connection, names) if partly else set(names)

        def tell(_: None) -> None:
            _tell(written, there)
            self._news()

        self._post(lambda _: None, tell)

    def _rolls_back(self, connection: sa.Connection, *_: object) -> None:
        self._ended(self._open[connection])

    def _rolls_back_to_savepoint(self, connection: sa.Connection, *_: object) -> None:
        self._open[connection].partly = True

    def _ended(self, written: _Written) -> None:
        """It ended without a commit: what of it is there, was there before, or came in another way."""
        gone, _ = written.take()
        if gone:
            names = [name for name, _ in gone]
            self._post(lambda connection: queries.kept(connection, names), lambda there: _tell(gone, there))

    def _post(self, job: Callable[[sa.Connection], Any], done: Callable[[Any], None]) -> None:
        """Have the writer's turn come, and tell of it in a thread where the store may be called."""
        with contextlib.suppress(StoreError):  # closed: who waited has been told
            self._writer.post(job, done, durable=False)


def _tell(written: Sequence[tuple[str, Undone]], there: set[str]) -> None:
    for name, undone in written:
        if name not in there:
            undone()
