"""SQLite: a file beside the application, in WAL mode, written by one connection of a process."""

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.pool import NullPool, QueuePool

from tocsin import StoreError
from tocsin.clock import Clock
from tocsin.log import event
from tocsin_sql.connections import Connections
from tocsin_sql.failures import is_damage, is_everybodys
from tocsin_sql.files import alone_in, check_place
from tocsin_sql.glances import Glances
from tocsin_sql.inspection import mark_damaged
from tocsin_sql.reader import reading_mode
from tocsin_sql.repair import looked_at, looked_over, restore
from tocsin_sql.replaced import Marks
from tocsin_sql.schema import meta
from tocsin_sql.statements import run
from tocsin_sql.target import Misplaced
from tocsin_sql.timeline import Timeline, anchored
from tocsin_sql.wal import IDLE, Wal

__all__ = ["Sqlite"]

T = TypeVar("T")

_WRITE_NOTHING = sa.delete(meta).where(sa.false())
_WAL_RESET_FIXED = (3, 51, 3)
_WAL_RESET_FIXED_TOO = {(3, 44): 6, (3, 50): 7}
"""Since which patch of an older line (https://www.sqlite.org/wal.html, "The WAL-Reset Bug")."""
_WRITING = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA wal_autocheckpoint=1000",
    f"PRAGMA journal_size_limit={IDLE}",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    "PRAGMA secure_delete=ON",  # what the retention time removes is gone, for a salvage too
)
_READING = ("PRAGMA query_only=ON", "PRAGMA trusted_schema=OFF", "PRAGMA cell_size_check=ON")


_ABANDONED: list[Any] = []


class Sqlite:
    """The database in one file.

    Args:
        path: of the file; it is made where it is not there.
    """

    upgrades_itself = True
    outlived = False
    """All who use the file run on its machine: none is left that could go on under a claim that a crash undid."""
    survives_fork = False

    def __init__(self, path: pathlib.Path) -> None:
        self.path = pathlib.Path(os.path.realpath(path))
        self.place = str(self.path)
        self.log = Wal(self.path)
        self._mode = "ro"
        self._damaged = False
        self._durable: bool | None = None
        self._identity: tuple[int, int] | None = None
        self._before: Marks | None = None
        self._connections = Connections(self.path)
        self._writing = self._engine(NullPool, self._write_connection, "BEGIN IMMEDIATE")
        self._reading = self._engine(QueuePool, self._read_connection, "BEGIN")
        sa.event.listen(self._reading, "checkin", self._given_back)
        self._glances = Glances(self._glancing().connect)

    def _engine(self, pool: type[sa.Pool], creator: Any, begin: str) -> sa.Engine:
        engine = sa.create_engine("sqlite://", poolclass=pool, creator=creator, hide_parameters=True)
        sa.event.listen(engine, "begin", lambda connection: run(connection, begin))
        return engine

    def _glancing(self) -> sa.Engine:
        return sa.create_engine("sqlite://", poolclass=NullPool, creator=self._read_connection, hide_parameters=True)

    def _write_connection(self) -> sqlite3.Connection:
        self._check_place()
        if not self.path.exists():  # made by hand, because only the owner may read what stands in it
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        return self._connections.open("rw", _WRITING)

    def _read_connection(self) -> sqlite3.Connection:
        self._check_place()
        return self._connections.open(self._mode, _READING)

    def connect(self) -> sa.Connection:
        """See :meth:`Target.connect`."""
        connection = self._writing.connect()
        self._durable, self._identity = True, self._found()
        self._before = None
        return connection

    def prepare(self, connection: sa.Connection, *, durable: bool) -> None:
        """See :meth:`Target.prepare`; a pragma has no effect within a transaction."""
        driver: Any = connection.connection.driver_connection
        self.log.relieve(driver)
        self._mark(driver)
        if durable is not self._durable:
            driver.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._durable = durable

    def began(self, connection: sa.Connection, *, durable: bool) -> None:
        """See :meth:`Target.began`: what is written into a deleted file is gone with the process."""
        if self._found() != self._identity:
            raise Misplaced

    def lost(self, connection: sa.Connection) -> None:
        """See :meth:`Target.lost`: what stands in a deleted file is there until its last user lets go of it."""
        driver: Any = connection.connection.driver_connection
        try:
            with alone_in(self.path.parent):
                if not self.path.exists():
                    restore(driver, self.path)
                    event(logging.ERROR, "store_file_restored", file=self.path.name)
                elif (before := Marks.of(driver)) is not None:
                    self._before = before
                    self._keep(driver)
        finally:
            connection.close()
            self._reading.dispose()
            self._glances.dispose()

    def suffered(self, error: BaseException) -> None:
        """See :meth:`Place.suffered`: who opens the file next is to know of damage, and to look at all of it."""
        self._damaged = self._damaged or is_damage(error)

    def _mark(self, driver: sqlite3.Connection) -> None:
        if self._damaged:
            with contextlib.suppress(sqlite3.Error):
                mark_damaged(driver)
                self._damaged = False

    def inspect(self) -> list[str]:
        """Look at the file before it is used: refuse a bad place, repair a damaged file; what was lost, in words."""
        check_place(self.path)
        with alone_in(self.path.parent):
            return looked_over(self.path)

    def damage(self, connection: sa.Connection) -> list[str]:
        """What is broken in the file, in words; reads all of it."""
        words = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check(20)")]
        self._damaged = self._damaged or words != ["ok"]
        return [] if words == ["ok"] else [f"{self.place} is damaged: {word}; start it anew" for word in words]

    def hazards(self, connection: sa.Connection) -> list[str]:
        """What may go wrong here, in words."""
        found = []
        if _has_wal_reset_bug(sqlite3.sqlite_version_info):
            found.append(
                f"SQLite {sqlite3.sqlite_version} may, very rarely, damage a file that several processes write at "
                "once (the WAL-reset bug, fixed in 3.51.3); use a Python with a newer one, or one process"
            )
        return found

    def size(self) -> dict[str, int]:
        """Bytes of the file, and of the log beside it."""
        return {"bytes": self.path.stat().st_size if self.path.exists() else 0, "wal_bytes": self.log.size()}

    def look(self) -> list[str]:
        """See :meth:`inspect`, for those who only read: nothing is made or repaired."""
        losses = looked_at(self.path)
        self._mode = reading_mode(self.path, self._connections.open)
        return losses

    def lock(self, connection: sa.Connection) -> None:
        """Let nobody else make or change tables; a transaction that writes is alone already."""

    def start(self, connection: sa.Connection, clock: Clock, timeline: Timeline, *, anew: bool = True) -> None:
        """Set the store's clock by the file's anchor; without ``anew`` nothing is written."""
        timeline.start(anchored(connection, clock, anew=anew), clock)

    def check_same(self, connection: sa.Connection, store_id: str) -> None:
        """Refuse an application's connection that leads elsewhere."""
        try:
            # Whoever reads first may not write any more once another has committed meanwhile: the lock is taken first.
            connection.execute(_WRITE_NOTHING)
            found = connection.execute(sa.select(meta.c.value).where(meta.c.name == "store_id")).scalar()
        except sa.exc.SQLAlchemyError as error:
            if is_everybodys(error):
                raise
            found = None
        if found != store_id:
            raise StoreError(f"the connection is not one to {self.place}; an outbox needs the store's own database")

    def announce(self, connection: sa.Connection) -> None:
        """Tell other processes, once the transaction commits; they find it when they look next."""

    def listen(self, news: Callable[[], None]) -> None:
        """Nobody tells; who shares the file looks now and then."""

    def pause(self, end: float) -> None:
        """See :meth:`Target.pause`."""
        self._connections.shut()
        self._reading.dispose()
        self._glances.dispose()
        self._connections.drained(end)

    def resume(self) -> None:
        """See :meth:`Target.resume`."""
        self._connections.reopen()

    def inherit(self) -> None:
        """See :meth:`Target.inherit`."""
        self._connections.inherit()

    def _given_back(self, _: object, record: Any) -> None:
        if self._connections.is_shut:
            record.invalidate()

    def abandon(self, connection: sa.Connection | None) -> None:
        """In a forked child: touch nothing that the parent uses, not even to close it."""
        _ABANDONED.append((self, connection))

    def close(self) -> None:
        """Let go of all connections; a last one takes the log away, which tells that the file was closed."""
        self.dispose()
        if (self._identity or self._damaged) and self.path.exists():
            with contextlib.suppress(sqlite3.Error, StoreError), contextlib.closing(self._write_connection()) as driver:
                self._mark(driver)

    def read(self) -> sa.Connection:
        """A connection that sees one moment, and cannot write."""
        return self._reading.connect()

    def glance(self, question: Callable[[sa.Connection], T]) -> T:
        """The answer to a question of one statement."""
        return self._glances.ask(question)

    def _check_place(self) -> None:
        """Refuse a file that took the store's place and does not go on from where it was."""
        if self._before is not None and self.path.exists():
            self._before.check(self.path)

    def _keep(self, driver: Any) -> None:
        """Write a file that another one replaced beside that, once for all who had it."""
        aside = self.path.with_name(f"{self.path.name}.replaced-{self._identity[1] if self._identity else 0}")
        try:
            self._check_place()
        except StoreError:
            if not aside.exists():
                restore(driver, aside)
                event(logging.ERROR, "store_file_replaced", file=self.path.name, kept_as=aside.name)

    def _found(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def dispose(self, *, close: bool = True) -> None:
        """Let go of all connections; without ``close`` they stay as they are."""
        self._reading.dispose(close=close)
        self._glances.dispose()
        self._writing.dispose(close=close)


def _has_wal_reset_bug(version: tuple[int, ...]) -> bool:
    patched = _WAL_RESET_FIXED_TOO.get((version[0], version[1]))
    return version < _WAL_RESET_FIXED and (patched is None or version[2] < patched)
