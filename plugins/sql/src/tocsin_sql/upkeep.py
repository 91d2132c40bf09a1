"""What a person asks of a store: figures, pruning, a check, a rescue, an upgrade, and who did what."""

from __future__ import annotations

import pathlib
from collections import Counter
from functools import partial
from typing import Any

import sqlalchemy as sa

from tocsin import StoreError
from tocsin.clock import Clock
from tocsin_sql.checking import findings
from tocsin_sql.database import Database
from tocsin_sql.failures import store_error
from tocsin_sql.migrations import NEWEST
from tocsin_sql.opening import check_version, open_to_read
from tocsin_sql.pruning import Pruner
from tocsin_sql.salvage import write
from tocsin_sql.schema import alerts, audit, contents, deliveries
from tocsin_sql.sealing import Seal
from tocsin_sql.sqlite import Sqlite
from tocsin_sql.timeline import Timeline
from tocsin_sql.wal import WalBound
from tocsin_sql.wreck import Wreck
from tocsin_sql.writer import Writer

__all__ = ["Upkeep"]

_DAY = 86_400.0
_SALVAGE = 3_600.0
"""Seconds that a salvage may take: about one for each 6,000 alerts."""
_STATES = sa.select(deliveries.c.channel, deliveries.c.state, sa.func.count()).group_by(
    deliveries.c.channel, deliveries.c.state
)
_ALERTS = sa.select(sa.func.count()).select_from(alerts)
_CONTENTS = sa.select(sa.func.count()).select_from(contents)


class Upkeep:
    """The part of a store that its command line needs; mixed into the store itself."""

    retention: float
    history: float
    _database: Database
    _log: WalBound
    _writer: Writer
    _seal: Seal
    _clock: Clock
    _timeline: Timeline
    losses: list[str]

    def now(self) -> float:
        """See ``Store.now``."""
        raise NotImplementedError

    def _read(self, question: Any) -> Any:
        raise NotImplementedError

    def open_to_read(self, clock: Clock) -> None:
        """See ``Readable.open_to_read``."""
        self._clock = clock
        self.losses += open_to_read(self._database, clock, self._timeline, self._seal)

    def stats(self) -> dict[str, Any]:
        """Figures of the store: alerts, contents, and deliveries by channel and state; bytes, for a file."""

        def ask(connection: sa.Connection) -> dict[str, Any]:
            by_channel: dict[str, dict[str, int]] = {}
            for channel, state, count in connection.execute(_STATES):
                by_channel.setdefault(channel, {})[state] = count
            alerts_, contents_ = connection.execute(_ALERTS).scalar(), connection.execute(_CONTENTS).scalar()
            return {"alerts": alerts_, "contents": contents_, "deliveries": by_channel}

        figures: dict[str, Any] = self._read(ask)
        return {"place": self._database.place, **figures, **self._database.size()}

    def prune(self) -> dict[str, int]:
        """Remove contents older than ``retention`` and records older than ``history``, both in days since the end."""
        pruner, removed, more = self._pruning(), Counter[str](), True
        while more:
            portion = pruner.portion()
            removed.update(contents=portion.contents, records=portion.records)
            more = portion.more
        return {name: removed[name] for name in ("contents", "records")}

    def _pruning(self) -> Pruner:
        def before() -> tuple[float, float]:
            return self.now() - self.retention * _DAY, self.now() - self.history * _DAY

        return Pruner(self._read, partial(self._writer.call, durable=False), before)

    def check(self) -> list[str]:
        """What is wrong with the store, in words; reads everything once."""
        try:
            with self._database.read() as connection:
                return [*self._database.damage(connection), *findings(connection, self._seal)]
        except sa.exc.SQLAlchemyError as error:
            self._database.suffered(error)
            return [str(store_error(error, self._database.place))]

    def hazards(self) -> list[str]:
        """What may damage the store or lose something of it, in words; nothing where it cannot be asked."""
        try:
            with self._database.read() as connection:
                return [*self._database.hazards(connection), *self._log.hazards()]
        except sa.exc.SQLAlchemyError:  # what is wrong is told by the check
            return []

    def salvage(self, source: str) -> dict[str, Any]:
        """Take over whatever can be read of a damaged SQLite file; what is known here already stays as it is.

        How many rows of each kind came, and under ``losses`` what did not, in words.

        Raises:
            StoreError: the file is not there, or nothing in it can be read.
        """
        path = pathlib.Path(source)
        if not path.is_file():
            raise StoreError(f"there is no file {source}")
        if isinstance(self._database, Sqlite) and path.resolve() == self._database.path.resolve():
            raise StoreError(f"{source} is the store itself; move it aside and name the moved file")
        with Wreck(path) as wreck:
            salvaged = self._writer.call(lambda connection: write(connection, wreck), seconds=_SALVAGE)
        return {**salvaged.counts, "losses": salvaged.losses}

    def upgrade(self) -> str:
        """Bring the tables up to this version; what was done, in words.

        Raises:
            StoreError: they are of a newer version, or the database cannot be used.
        """
        try:
            with self._database.connect() as connection, connection.begin():
                self._database.lock(connection)
                found = check_version(connection, self._database, upgrade=True)
        except sa.exc.SQLAlchemyError as error:
            raise store_error(error, self._database.place) from None
        if found == NEWEST:
            return f"{self._database.place} is of version {NEWEST} already"
        return f"{self._database.place} is now of version {NEWEST}; it {'was empty' if not found else f'had {found}'}"

    def audit(self, action: str, subject: str, actor: str) -> None:
        """Write down who did what to what; names only, no content."""
        row = {"at": self._clock.now().isoformat(), "actor": actor, "action": action, "subject": subject}
        self._writer.call(lambda connection: connection.execute(sa.insert(audit), row).rowcount)

    def audited(self, limit: int = 100) -> list[dict[str, str]]:
        """The last entries of :meth:`audit`, newest first: at, actor, action, subject."""
        query = sa.select(audit).order_by(audit.c.id.desc()).limit(limit)
        names = ("at", "actor", "action", "subject")
        rows = self._read(lambda connection: connection.execute(query).all())
        return [{name: getattr(row, name) for name in names} for row in rows]
