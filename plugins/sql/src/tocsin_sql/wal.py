"""SQLite's write-ahead log: how long it is, and how it stays within a bound while a reader keeps it from being reset.

A log can be begun anew only when nobody reads from it any more (https://www.sqlite.org/wal.html, "Avoiding Excessively
Large WAL Files"). Whoever holds a transaction open makes it grow with everything that is written meanwhile.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Callable

import sqlalchemy as sa

from tocsin import QueueFull
from tocsin.log import event
from tocsin_sql.schema import IN_FLIGHT, deliveries

__all__ = ["IDLE", "NoLog", "Wal", "WalBound"]

MIB = 1 << 20
IDLE = 16 * MIB
"""Bytes that the file keeps once the log was begun anew, so that it needs not grow again."""
_PAUSE = 1.0
"""Seconds until a try to begin the log anew that failed is made again, and until who found no room may try again."""
_PATIENCE_MS = 20
"""How long such a try waits for readers, since nobody can write meanwhile."""
_ATTEMPT = 128 << 10
"""Bytes that the claim of a delivery and the end of its attempt write at most, each in a commit of its own."""
_TOLD = 60.0
"""Seconds between two lines about it in the log of the program."""
_FLYING = sa.select(sa.func.count()).select_from(deliveries).where(IN_FLIGHT)


class Wal:
    """The log beside a database's file; used by the writer's thread alone, except for its size.

    Args:
        path: of the database.
        seconds: a clock that does not run back.
    """

    def __init__(self, path: os.PathLike[str], seconds: Callable[[], float] = time.monotonic) -> None:
        self._path = f"{os.fspath(path)}-wal"
        self._seconds = seconds
        self._again_at = 0.0

    def size(self) -> int:
        """Bytes; 0 where there is none."""
        try:
            return os.stat(self._path).st_size
        except OSError:
            return 0

    def relieve(self, driver: sqlite3.Connection) -> None:
        """Begin a long log anew, where no reader is in the way; to be called outside a transaction.

        SQLite does so by itself only where a writer finds no reader at all, which under load may never happen.
        """
        if self.size() <= IDLE or self._seconds() < self._again_at:
            return
        busy = True
        with contextlib.suppress(sqlite3.Error):  # what is really wrong shows in the transaction that follows
            (usual,) = driver.execute("PRAGMA busy_timeout").fetchone()
            driver.execute(f"PRAGMA busy_timeout={_PATIENCE_MS}")
            try:
                busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                driver.execute(f"PRAGMA busy_timeout={usual}")
        if busy:
            self._again_at = self._seconds() + _PAUSE


class NoLog:
    """Where a server keeps its own log in bounds."""

    def size(self) -> int:
        """Nothing that would have to be kept short here."""
        return 0


class WalBound:
    """Keeps the log within its bound: first new alerts are refused, then claims slow down.

    Half of the bound is there for alerts, and an eighth more for CRITICAL ones. What follows, up to seven eighths, is
    for what was accepted: the end of an attempt must be written, so deliveries are claimed only as far as their ends
    still fit. Where none does, one a second goes on, for which the last eighth lasts some two minutes; a log that is
    too long is better than an alert that never goes out.

    Args:
        log: whose size it is.
        bound: most bytes.
        seconds: a clock that does not run back.
    """

    def __init__(self, log: Wal | NoLog, bound: int, seconds: Callable[[], float] = time.monotonic) -> None:
        self._size = log.size
        self._bound = bound
        self._seconds = seconds
        self._next_at = -_PAUSE
        self._told_at = -_TOLD

    @property
    def is_tight(self) -> bool:
        """Whether what can wait should."""
        return self._size() > self._bound // 2

    def hazards(self) -> list[str]:
        """That alerts are refused, in words, where they are."""
        if not self.is_tight:
            return []
        words = f"the write-ahead log has {self._size() / MIB:.1f} MiB of the {self._bound / MIB:.0f} that it may have"
        return [f"{words}, and new alerts are refused; see which program holds a transaction open on the database"]

    def check(self, rank: int) -> None:
        """Refuse an alert of this rank where the rest of the log is for what was accepted before.

        Raises:
            QueueFull: the log is too long.
        """
        size, most = self._size(), self._bound // 2 + (self._bound // 8 if rank == 0 else 0)
        if size > most:
            self._tell(size)
            words = f"the write-ahead log has {size / MIB:.1f} MiB, and new alerts may fill {most / MIB:.0f} of it"
            raise QueueFull(f"{words}; see which program holds a transaction open on the database", _PAUSE)

    def claimable(self, connection: sa.Connection, limit: int) -> int:
        """How many deliveries may be claimed, at most ``limit``."""
        size = self._size()
        if size <= self._bound // 2:
            return limit
        self._tell(size)
        flying = int(connection.execute(_FLYING).scalar_one())
        fits = (self._bound * 7 // 8 - size) // _ATTEMPT - flying
        if fits > 0:
            return min(limit, fits)
        return 0 if self._seconds() < self._next_at else min(limit, 1)

    def claimed(self, count: int) -> None:
        """So many deliveries were claimed."""
        if count:
            self._next_at = self._seconds() + _PAUSE

    def _tell(self, size: int) -> None:
        if self._seconds() >= self._told_at + _TOLD:
            self._told_at = self._seconds()
            event(logging.ERROR, "store_log_full", bytes=size, bound=self._bound)
