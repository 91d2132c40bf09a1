"""PostgreSQL: a server that several machines share; what is new is told by LISTEN and NOTIFY."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.pool import NullPool, QueuePool

from tocsin import StoreError
from tocsin.clock import Clock
from tocsin_sql.schema import meta
from tocsin_sql.timeline import Timeline
from tocsin_sql.wal import NoLog

__all__ = ["Postgresql"]

T = TypeVar("T")

_CHANNEL = "tocsin"
_LOCK = 0x746F6373696E
"""The advisory lock under which the tables are made and changed."""
_CONNECT = {"connect_timeout": 5, "application_name": "tocsin", "keepalives_idle": 30, "tcp_user_timeout": 30_000}
_LISTEN = 1.0
"""Seconds between two looks at whether to go on listening, and between two tries to reach the server."""
_NOW = sa.select(sa.extract("epoch", sa.func.clock_timestamp()))
_ABANDONED: list[Any] = []


class Postgresql:
    """The database on a server.

    Args:
        url: with the driver psycopg.
    """

    upgrades_itself = False
    outlived = True
    """Workers on other machines go on where the server's crashes: what they claimed must be on its disk by then."""
    survives_fork = True
    log = NoLog()

    def __init__(self, url: sa.URL) -> None:
        self.place = f"PostgreSQL at {url.host or 'its socket'}{f':{url.port}' if url.port else ''}/{url.database}"
        options: dict[str, Any] = {"hide_parameters": True, "connect_args": _CONNECT}
        self._writing = sa.create_engine(url, poolclass=NullPool, **options)
        self._reading = sa.create_engine(
            url, poolclass=QueuePool, pool_pre_ping=True, isolation_level="REPEATABLE READ", **options
        )
        sa.event.listen(self._writing, "connect", _limit)
        sa.event.listen(self._reading, "connect", _only_read)
        self._timeline: tuple[Timeline, Clock] | None = None
        self._own: int | None = None
        self._listener: threading.Thread | None = None
        self._stop = threading.Event()

    def connect(self) -> sa.Connection:
        """See :meth:`Target.connect`; the server's clock is read anew."""
        connection = self._writing.connect()
        driver: Any = connection.connection.driver_connection
        self._own = driver.info.backend_pid
        if self._timeline is not None:
            timeline, clock = self._timeline
            with connection.begin():
                self.start(connection, clock, timeline)
        return connection

    def prepare(self, connection: sa.Connection, *, durable: bool) -> None:
        """See :meth:`Target.prepare`."""

    def began(self, connection: sa.Connection, *, durable: bool) -> None:
        """See :meth:`Target.began`."""
        if not durable:
            connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")

    def lost(self, connection: sa.Connection) -> None:
        """See :meth:`Target.lost`; does not happen to a server."""

    def suffered(self, error: BaseException) -> None:
        """See :meth:`Place.suffered`; a server sees to itself."""

    def inspect(self) -> list[str]:
        """Nothing to look at before the server is asked."""
        return []

    def look(self) -> list[str]:
        """See :meth:`inspect`, for those who only read."""
        return []

    def lock(self, connection: sa.Connection) -> None:
        """Let nobody else make or change tables until the transaction ends."""
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))

    def start(self, connection: sa.Connection, clock: Clock, timeline: Timeline, *, anew: bool = True) -> None:
        """Set the store's clock: the server's, read now, and from here on by this process's monotonic one."""
        self._timeline = timeline, clock
        timeline.start(float(connection.execute(_NOW).scalar_one()), clock)

    def check_same(self, connection: sa.Connection, store_id: str) -> None:
        """Refuse an application's connection that leads elsewhere."""
        try:
            with connection.begin_nested():
                found = connection.execute(sa.select(meta.c.value).where(meta.c.name == "store_id")).scalar()
        except sa.exc.ProgrammingError:
            found = None
        if found != store_id:
            raise StoreError(f"the connection is not one to {self.place}; an outbox needs the store's own database")

    def announce(self, connection: sa.Connection) -> None:
        """Tell other processes, once the transaction commits."""
        connection.execute(sa.select(sa.func.pg_notify(_CHANNEL, "")))

    def damage(self, connection: sa.Connection) -> list[str]:
        """Nothing: the server looks after its files itself."""
        return []

    def hazards(self, connection: sa.Connection) -> list[str]:
        """What the server does not promise, in words."""
        found = []
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            if connection.exec_driver_sql(f"SHOW {name}").scalar() == "off":
                found.append(f"the server runs with {name} = off: a crash of its machine may lose what was accepted")
        return found

    def size(self) -> dict[str, int]:
        """Bytes of the whole database."""
        with self.read() as connection:
            query = sa.select(sa.func.pg_database_size(sa.func.current_database()))
            return {"bytes": int(connection.execute(query).scalar_one())}

    def listen(self, news: Callable[[], None]) -> None:
        """Have others' news told from now on."""
        if self._listener is None and not self._stop.is_set():
            self._listener = threading.Thread(target=self._hear, args=(news,), name="tocsin-store-ear", daemon=True)
            self._listener.start()

    def _hear(self, news: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                with self._writing.connect() as connection:
                    self._hear_on(connection.connection.driver_connection, news)
            except Exception:  # the server is away; those who write say so
                self._stop.wait(_LISTEN)

    def _hear_on(self, driver: Any, news: Callable[[], None]) -> None:
        driver.rollback()
        driver.autocommit = True
        driver.execute(f"LISTEN {_CHANNEL}")
        news()  # what was told while nobody listened
        while not self._stop.is_set():
            heard = [notice.pid for notice in driver.notifies(timeout=_LISTEN, stop_after=1)]
            if any(pid != self._own for pid in heard):
                news()

    def read(self) -> sa.Connection:
        """A connection that sees one moment, and cannot write."""
        return self._reading.connect()

    def glance(self, question: Callable[[sa.Connection], T]) -> T:
        """The answer to a question of one statement."""
        with self.read() as connection:
            return question(connection)

    def pause(self, end: float) -> None:
        """See :meth:`Target.pause`; a child leaves its parent's connections alone, and they do not disturb it."""

    def resume(self) -> None:
        """See :meth:`Target.resume`."""

    def inherit(self) -> None:
        """See :meth:`Target.inherit`."""

    def abandon(self, connection: sa.Connection | None) -> None:
        """In a forked child: touch nothing that the parent uses, not even to close it."""
        _ABANDONED.append((self, connection))

    def close(self) -> None:
        """Let go of all connections."""
        self._stop.set()
        if self._listener is not None:
            self._listener.join(3 * _LISTEN)
        self._reading.dispose()
        self._writing.dispose()


def _limit(driver: Any, _: object) -> None:
    """No statement waits longer for a lock than for SQLite's."""
    driver.execute("SET lock_timeout = '5s'")
    driver.commit()


def _only_read(driver: Any, _: object) -> None:
    driver.read_only = True
