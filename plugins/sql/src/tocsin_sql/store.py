"""The store itself: every question and change of the port, on whatever database the URL names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import attrs
import sqlalchemy as sa

from tocsin import Alert, DeliveryReport, DeliveryState, Secret
from tocsin.clock import Clock, SystemClock
from tocsin.plan import Plan
from tocsin.settings import in_range, setting, to_integer, to_number
from tocsin.store import Added, Claim, Delivery, Earlier, Record, Settled
from tocsin_sql import changes, claims, completions, flow, queries
from tocsin_sql.contents import Contents
from tocsin_sql.converters import to_database_url, to_secret_key
from tocsin_sql.database import Database, database_of
from tocsin_sql.drafts import Draft
from tocsin_sql.ended import Ended
from tocsin_sql.failures import told
from tocsin_sql.ledger import Ledger
from tocsin_sql.opening import open_database
from tocsin_sql.outbox import Outbox
from tocsin_sql.pruning import Pruner
from tocsin_sql.room import Room, count
from tocsin_sql.rows import bare
from tocsin_sql.sealing import Seal, to_key
from tocsin_sql.timeline import Timeline
from tocsin_sql.upkeep import Upkeep
from tocsin_sql.wal import WalBound
from tocsin_sql.writer import Writer

__all__ = ["SqlStore"]

T = TypeVar("T")
Unit = tuple[str, str]

_DEFAULT_URL = "sqlite:///tocsin.db"
_GRACE = 10.0
"""Seconds within which what is still to be written must be written at the end."""


@attrs.define(eq=False, kw_only=True)
class SqlStore(Upkeep):
    """Remembers in SQLite or PostgreSQL; what was accepted outlives the process.

    Raises:
        ValueError: a setting cannot be used.
    """

    url: Secret = attrs.field(
        default=Secret(_DEFAULT_URL),
        converter=to_database_url,
        metadata=setting(
            "TOCSIN_STORE_URL", "Where: sqlite:///file.db (by default tocsin.db) or postgresql://user@host/database"
        ),
    )
    key: Secret | None = attrs.field(
        default=None,
        converter=to_secret_key,
        metadata=setting("TOCSIN_STORE_KEY", "32 bytes in base64; content is encrypted with it"),
    )
    retention: float = attrs.field(
        default=30.0,
        converter=to_number,
        metadata=setting("TOCSIN_STORE_RETENTION", "Days for which content is kept once its alert has ended"),
    )
    history: float = attrs.field(
        default=365.0,
        converter=to_number,
        metadata=setting("TOCSIN_STORE_HISTORY", "Days for which the record of a delivery is kept"),
    )
    max_waiting: int = attrs.field(
        default=100_000,
        converter=to_integer,
        validator=in_range(1, 100_000_000),
        metadata=setting(
            "TOCSIN_STORE_MAX_WAITING", "Deliveries that may wait; the last tenth, at least one, is for CRITICAL"
        ),
    )
    max_log: int = attrs.field(
        default=64,
        converter=to_integer,
        validator=in_range(32, 1_000_000),
        metadata=setting("TOCSIN_STORE_MAX_LOG", "MiB that SQLite's write-ahead log may have; alerts may fill half"),
    )
    losses: list[str] = attrs.field(factory=list, init=False, repr=False)
    """What was found to be lost when the database was opened, in words."""

    shared = True

    _clock: Clock = attrs.field(factory=SystemClock, init=False, repr=False)
    _news: Callable[[], None] = attrs.field(default=lambda: None, init=False, repr=False)
    _database: Database = attrs.field(init=False, repr=False)
    _seal: Seal = attrs.field(init=False, repr=False)
    _timeline: Timeline = attrs.field(factory=Timeline, init=False, repr=False)
    _log: WalBound = attrs.field(init=False, repr=False)
    _contents: Contents = attrs.field(init=False, repr=False)
    _ended: Ended = attrs.field(init=False, repr=False)
    _room: Room = attrs.field(init=False, repr=False)
    _writer: Writer = attrs.field(init=False, repr=False)
    _outbox: Outbox = attrs.field(init=False, repr=False)
    _store_id: str = attrs.field(default="", init=False, repr=False)
    _pruner: Pruner = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._seal = Seal(None if self.key is None else to_key(self.key.reveal()))
        self._begin()

    def _begin(self) -> None:
        self._database = database_of(self.url.reveal())
        self._log = WalBound(self._database.log, self.max_log << 20)
        self._room = Room(self.max_waiting, self._log)
        self._contents = Contents(self._seal)
        self._ended = Ended()
        self._writer = Writer(self._database, self._timeline.note, self._room.forget, self._ended.forget)
        self._outbox = Outbox(self._database, self._writer, lambda: self._news())
        self._pruner = self._pruning()

    def open(self, clock: Clock, news: Callable[[], None]) -> None:
        """See ``Store.open``.

        Raises:
            StoreError: the database cannot be used; nothing in it was changed.
        """
        self._clock, self._news = clock, news
        opened = open_database(self._database, clock, self._timeline, self._seal)
        self._store_id = opened.store_id
        self.losses += opened.losses

    def now(self) -> float:
        """See ``Store.now``."""
        return self._timeline.now()

    def add(
        self,
        alert: Alert,
        plan: Plan,
        deliveries: Sequence[Delivery],
        *,
        key: str | None = None,
        connection: Any = None,
        undone: Callable[[], None] = lambda: None,
    ) -> Added:
        """See ``Store.add``; an SQLAlchemy ``connection`` to the same database joins its transaction."""
        draft = Draft.of(self._seal, alert, plan, deliveries, key)
        if connection is not None:
            room = Room(self.max_waiting, self._log)
            ledger = Ledger(connection, self.now(), self._clock.now(), self._seal, room)
            return self._outbox.add(ledger, self._store_id, draft, undone)
        added = self._change(lambda ledger: self._announced(ledger, changes.add(ledger, draft), lambda a: a.fresh))
        if not added.known:
            self._contents.keep(alert, draft.content["content"])
        return added

    def claim(self, channel: str, limit: int, seconds: float) -> Claim:
        """See ``Store.claim``."""
        return self._change(lambda ledger: flow.claim(ledger, channel, limit, seconds), durable=self._database.outlived)

    def due(self) -> list[str]:
        """See ``Store.due``."""
        self._database.listen(self._news)
        if not self._log.is_tight:
            self._pruner.tend()
        return self._read(lambda connection: claims.due(connection, self.now()))

    def release(self, deliveries: Sequence[Delivery]) -> None:
        """See ``Store.release``."""
        self._change(lambda ledger: flow.release(ledger, deliveries), durable=False)

    def extend(self, deliveries: Sequence[Delivery], seconds: float) -> None:
        """See ``Store.extend``."""
        if deliveries:
            self._change(lambda ledger: claims.extend(ledger, deliveries, seconds), durable=False)

    def complete(self, delivery: Delivery, then: Callable[[Settled], None]) -> None:
        """See ``Store.complete``: returns at once; what cannot be written now is tried until it can be."""
        self._writer.join(self._complete, delivery, then, bare)

    def _complete(self, connection: sa.Connection, changed: list[Delivery]) -> list[Settled]:
        ledger = self._ledger(connection)
        settled = completions.complete(ledger, changed)
        return self._announced(ledger, settled, lambda some: any(one.begun for one in some))

    def lost(self, limit: int, seconds: float) -> list[Delivery]:
        """See ``Store.lost``."""
        return self._change(lambda ledger: flow.lost(ledger, limit, seconds), durable=self._database.outlived)

    def overdue(self, limit: int, seconds: float) -> list[Delivery]:
        """See ``Store.overdue``."""
        return self._change(lambda ledger: flow.overdue(ledger, limit, seconds), durable=self._database.outlived)

    def cancel(self, alert_id: str, reason: str, unit: Unit | None = None, *, close: bool = False) -> list[Delivery]:
        """See ``Store.cancel``."""
        return self._change(lambda ledger: changes.cancel(ledger, alert_id, reason, unit, close=close))

    def replay(self, alert_id: str, unit: Unit | None = None) -> list[Delivery]:
        """See ``Store.replay``."""
        return self._change(lambda ledger: self._announced(ledger, changes.replay(ledger, alert_id, unit), bool))

    def amend(self, delivery: Delivery) -> DeliveryReport | None:
        """See ``Store.amend``."""
        return self._change(lambda ledger: changes.amend(ledger, delivery))

    def suppress(self, alert: Alert, report: DeliveryReport) -> None:
        """See ``Store.suppress``."""

        def change(ledger: Ledger) -> None:
            ledger.room.check(ledger.connection, 0, alert.priority.rank)
            changes.suppress(ledger, alert, report)

        self._change(change)

    def save_channel(self, name: str, state: Mapping[str, Any]) -> None:
        """See ``Store.save_channel``."""
        text = json.dumps(dict(state))
        self._change(lambda ledger: changes.save_channel(ledger.connection, name, text), durable=False)

    def record(self, alert_id: str) -> Record | None:
        """See ``Store.record``."""
        return self._read(lambda connection: queries.record(connection, self._seal, alert_id))

    def alert(self, alert_id: str) -> Alert | None:
        """See ``Store.alert``."""
        return self._glance(lambda connection: self._contents.read(connection, alert_id))

    def find(self, channel: str, provider_id: str) -> Delivery | None:
        """See ``Store.find``."""
        return self._read(lambda connection: queries.find(connection, channel, provider_id))

    def previous(self, alert: Alert, channel: str, recipient_id: str) -> Earlier | None:
        """See ``Store.previous``."""
        return self._glance(lambda connection: queries.previous(connection, alert, channel, recipient_id))

    def report(self, alert_id: str) -> DeliveryReport | None:
        """See ``Store.report``."""
        return self._glance(lambda connection: queries.report(connection, alert_id))

    def reports(self, alert_ids: Sequence[str]) -> list[DeliveryReport]:
        """See ``Store.reports``."""
        return self._glance(lambda connection: queries.reports(connection, alert_ids))

    def recent(self, limit: int) -> list[DeliveryReport]:
        """See ``Store.recent``."""
        return self._read(lambda connection: queries.recent(connection, limit))

    def select(
        self, *, states: Sequence[DeliveryState] = (), channel: str | None = None, limit: int = 100
    ) -> list[Delivery]:
        """See ``Store.select``."""
        return self._read(lambda connection: queries.select(connection, states, channel, limit))

    def waiting(self) -> int:
        """See ``Store.waiting``."""
        return self._read(count)

    def load_channel(self, name: str) -> Mapping[str, Any] | None:
        """See ``Store.load_channel``."""
        return self._read(lambda connection: queries.load_channel(connection, name))

    def forget(self) -> None:
        """See ``Store.forget``."""
        self._database.abandon(self._writer.connection)
        self._begin()

    def close(self) -> None:
        """See ``Store.close``."""
        self._writer.close(_GRACE)
        self._database.close()

    def _within(self, change: Callable[[Ledger], T]) -> Callable[[sa.Connection], T]:
        return lambda connection: change(self._ledger(connection))

    def _ledger(self, connection: sa.Connection) -> Ledger:
        return Ledger(connection, self.now(), self._clock.now(), self._seal, self._room, self._ended)

    def _announced(self, ledger: Ledger, result: T, is_news: Callable[[T], object]) -> T:
        """The result, of which other processes hear where it made something due."""
        if is_news(result):
            self._database.announce(ledger.connection)
        return result

    def _change(self, change: Callable[[Ledger], T], *, durable: bool = True) -> T:
        return self._writer.call(self._within(change), durable=durable)

    def _read(self, question: Callable[[sa.Connection], T]) -> T:
        with told(self._database), self._database.read() as connection:
            return question(connection)

    def _glance(self, question: Callable[[sa.Connection], T]) -> T:
        with told(self._database):
            return self._database.glance(question)
