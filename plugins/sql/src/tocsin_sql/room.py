"""How many deliveries wait or are in flight: counted anew now and then, kept up to date in between."""

from __future__ import annotations

import time
from collections.abc import Callable

import sqlalchemy as sa

from tocsin.store.room import check_room, most_waiting
from tocsin_sql.schema import IN_FLIGHT, WAITING, deliveries
from tocsin_sql.wal import WalBound

__all__ = ["Room"]

_FRESH = 2.0
"""Seconds for which a count is believed: what other processes add meanwhile is not in it."""
_COUNT = sa.select(
    sa.select(sa.func.count()).select_from(deliveries).where(WAITING).scalar_subquery()
    + sa.select(sa.func.count()).select_from(deliveries).where(IN_FLIGHT).scalar_subquery()
)


class Room:
    """Keeps the queue within its bound; used by the writer's thread alone.

    Args:
        bound: most deliveries; see ``tocsin.store.room`` for what is kept for CRITICAL.
        log: the bound of the write-ahead log.
        seconds: a clock that does not run back.
    """

    def __init__(self, bound: int, log: WalBound, seconds: Callable[[], float] = time.monotonic) -> None:
        self.log = log
        self._bound = bound
        self._seconds = seconds
        self._count = 0
        self._counted = -_FRESH

    def add(self, more: int) -> None:
        """So many more wait, or fewer."""
        self._count += more

    def forget(self) -> None:
        """A transaction was rolled back: count anew before the next answer."""
        self._counted = -_FRESH

    def check(self, connection: sa.Connection, more: int, rank: int) -> None:
        """Refuse what does not fit.

        Raises:
            QueueFull: there is no room for so many more of this rank, or none in the log.
        """
        self.log.check(rank)
        fresh = self._seconds() - self._counted < _FRESH
        if not fresh or self._count + more > most_waiting(self._bound, rank):
            self._count, self._counted = count(connection), self._seconds()
        check_room(self._count, more, self._bound, rank)


def count(connection: sa.Connection) -> int:
    """How many deliveries wait or are in flight."""
    return int(connection.execute(_COUNT).scalar_one())
