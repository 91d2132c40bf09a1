"""Removing what is old: in portions so short that nobody who writes or delivers waits for one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import attrs
import sqlalchemy as sa

from tocsin_sql.schema import alerts, attempts, contents, deliveries

__all__ = ["Portion", "Pruner"]

T = TypeVar("T")

_LOOK = 500
"""Alerts that a portion looks at for their content."""
_STEP = 25
"""Alerts that are removed at once; the time is looked at in between."""
_SPELL = 0.02
"""Seconds for which a portion keeps the one writer."""
_FIRST, _PAUSE = 60.0, 3_600.0
"""Seconds until the first portion, and from the last one to the next."""
_OLD_CONTENTS = (
    sa.select(alerts.c.id, alerts.c.finished, alerts.c.seq, contents.c.alert_id.is_not(None).label("has_content"))
    .outerjoin_from(alerts, contents, contents.c.alert_id == alerts.c.id)
    .where(alerts.c.finished < sa.bindparam("before"))
    .where(sa.tuple_(alerts.c.finished, alerts.c.seq) > sa.tuple_(sa.bindparam("finished"), sa.bindparam("seq")))
    .order_by(alerts.c.finished, alerts.c.seq)
    .limit(_LOOK)
)
_OLD = (
    sa.select(alerts.c.id)
    .where(alerts.c.finished < sa.bindparam("before"))
    .order_by(alerts.c.finished)
    .limit(sa.bindparam("most"))
)


@attrs.frozen
class Portion:
    """What one portion removed: alerts' contents and records; ``more`` where it did not come to the end."""

    contents: int
    records: int
    more: bool


class _Call(Protocol):
    def __call__(self, job: Callable[[sa.Connection], T], /) -> T: ...


class Pruner:
    """Removes what is old, a portion with each call.

    Args:
        read: asks a question.
        write: makes a change, in one short transaction.
        before: contents and records of alerts that ended before these times are old.
    """

    def __init__(self, read: _Call, write: _Call, before: Callable[[], tuple[float, float]]) -> None:
        self._read = read
        self._write = write
        self._before = before
        self._next_at = time.monotonic() + _FIRST
        self._after = (-math.inf, 0)
        """The alert up to which contents were removed: what has none is not looked at again and again."""

    def tend(self) -> None:
        """Remove a portion where it is time to: once an hour, and with each call while there is more."""
        now = time.monotonic()
        if now >= self._next_at:
            self._next_at = now + _PAUSE  # where this fails, too
            if self.portion().more:
                self._next_at = now

    def portion(self) -> Portion:
        """Remove some of what is old."""
        content_before, record_before = self._before()
        removed, more = self._contents(content_before)
        records, still_more = self._write(lambda connection: _remove_records(connection, record_before))
        return Portion(removed, records, more or still_more)

    def _contents(self, before: float) -> tuple[int, bool]:
        finished, seq = self._after
        values = {"before": before, "finished": finished, "seq": seq}
        rows = self._read(lambda connection: connection.execute(_OLD_CONTENTS, values).all())
        old = [row for row in rows if row.has_content]
        seen = self._write(lambda connection: _remove_contents(connection, before, old)) if old else 0
        last = rows[-1:] if seen == len(old) else old[:seen][-1:]
        for row in last:
            self._after = row.finished, row.seq
        return seen, len(rows) == _LOOK or seen < len(old)


def _remove_contents(connection: sa.Connection, before: float, old: Sequence[Any]) -> int:
    """Remove contents, in their order; how many were dealt with. One whose alert starts anew meanwhile stays."""
    end, seen = time.monotonic() + _SPELL, 0
    while seen < len(old) and (not seen or time.monotonic() < end):
        ids = [row.id for row in old[seen : seen + _STEP]]
        still = sa.select(alerts.c.id).where(alerts.c.id.in_(ids), alerts.c.finished < before)
        connection.execute(sa.delete(contents).where(contents.c.alert_id.in_(still)))
        seen += len(ids)
    return seen


def _remove_records(connection: sa.Connection, before: float) -> tuple[int, bool]:
    """Remove alerts with all that is theirs; how many, and whether there are more."""
    end, count = time.monotonic() + _SPELL, 0
    while ids := list(connection.execute(_OLD, {"before": before, "most": _STEP}).scalars()):
        theirs = sa.select(deliveries.c.id).where(deliveries.c.alert_id.in_(ids))
        connection.execute(sa.delete(attempts).where(attempts.c.delivery_id.in_(theirs)))
        for column in (deliveries.c.alert_id, contents.c.alert_id, alerts.c.id):
            connection.execute(sa.delete(column.table).where(column.in_(ids)))
        count += len(ids)
        if len(ids) < _STEP:
            return count, False
        if time.monotonic() >= end:
            return count, True
    return count, False
