"""Who gets what: claims, leases, and what was left behind. Each is a walk over an index that holds only what waits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from tocsin import AlertPriority
from tocsin.store import Claim, Delivery
from tocsin_sql.ledger import Ledger
from tocsin_sql.rows import DELIVERY, begun_row, deliveries_of, unit_values
from tocsin_sql.schema import IN_FLIGHT, WAITING, attempts, deliveries

__all__ = ["HEADS", "LOST", "NEXT_NAME", "OVERDUE", "PROBE", "claim", "due", "extend", "lost", "overdue", "release"]

_RANKS = range(len(AlertPriority))
_d = deliveries.c


def _head(rank: int) -> Any:
    """When the first waiting delivery of a rank is due."""
    where = (_d.channel == sa.bindparam("name"), _d.rank == sa.literal_column(str(rank)), WAITING)
    return sa.select(_d.due).where(*where).order_by(_d.due).limit(1).scalar_subquery().label(f"head_{rank}")


HEADS = sa.select(*map(_head, _RANKS))
PROBE = (
    sa.select(_d.id)
    .where(_d.channel == sa.bindparam("name"), _d.rank == sa.bindparam("of_rank"), _d.due <= sa.bindparam("now"))
    .where(WAITING)
    .order_by(_d.due, _d.id)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)
LOST = (
    sa.select(_d.id)
    .where(IN_FLIGHT, _d.lease <= sa.bindparam("now"))
    .order_by(_d.lease)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)
OVERDUE = (
    sa.select(_d.id)
    .where(WAITING, _d.expires <= sa.bindparam("now"), _d.due < sa.bindparam("never"))
    .order_by(_d.expires)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)


def _taking(*, lost: bool) -> Any:
    more = {"lost": _d.lost + 1} if lost else {}
    return (
        sa.update(deliveries)
        .where(_d.id.in_(sa.bindparam("ids", expanding=True)))
        .values(state="in_flight", token=_d.token + 1, lease=sa.bindparam("until"), **more)
        .returning(*DELIVERY)
    )


_TAKE, _TAKE_OVER = _taking(lost=False), _taking(lost=True)
_HELD = (
    _d.alert_id == sa.bindparam("of"),
    _d.channel == sa.bindparam("in_channel"),
    _d.recipient_id == sa.bindparam("to"),
    _d.token == sa.bindparam("held"),
    IN_FLIGHT,
)
_EXTEND = sa.update(deliveries).where(*_HELD).values(lease=sa.bindparam("until"))
_RELEASE = (
    sa.update(deliveries)
    .where(*_HELD)
    .values(state=sa.case((_d.attempted > 0, "retrying"), else_="pending"), lease=0.0)
    .returning(_d.id)
)
_DROP_BEGUN = sa.delete(attempts).where(
    attempts.c.delivery_id == sa.bindparam("delivery"), attempts.c.outcome.is_(None)
)
_BEGIN = {
    "sqlite": sqlite.insert(attempts).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(attempts).on_conflict_do_nothing(),
}


def claim(ledger: Ledger, channel: str, limit: int, seconds: float) -> Claim:
    """See ``Store.claim``."""
    heads = _heads(ledger.connection, channel)
    ids: list[int] = []
    for rank, head in enumerate(heads):
        if head is not None and head <= ledger.now and len(ids) < limit:
            probe = {"name": channel, "of_rank": rank, "now": ledger.now, "most": limit - len(ids)}
            ids += ledger.connection.execute(PROBE, probe).scalars()
    if ids:
        rows = _take(ledger, _TAKE, ids, seconds)
        begun = [begun_row(row.id, row.attempted + 1, ledger.wall) for row in rows]
        ledger.connection.execute(_BEGIN[ledger.connection.dialect.name], begun)
        taken = deliveries_of(ledger.connection, rows)
        heads = _heads(ledger.connection, channel)
    else:
        taken = []
    waiting = [head for head in heads if head is not None and head != math.inf]
    return Claim(tuple(taken), min(waiting, default=None))


def _heads(connection: sa.Connection, channel: str) -> list[float | None]:
    return list(connection.execute(HEADS, {"name": channel}).one())


def _take(ledger: Ledger, statement: Any, ids: Sequence[int], seconds: float) -> list[Any]:
    """The rows of these deliveries, claimed, in this order."""
    rows = ledger.connection.execute(statement, {"ids": ids, "until": ledger.now + seconds}).all()
    place = {number: position for position, number in enumerate(ids)}
    return sorted(rows, key=lambda row: place[row.id])


def lost(ledger: Ledger, limit: int, seconds: float) -> list[Delivery]:
    """See ``Store.lost``."""
    ids = ledger.connection.execute(LOST, {"now": ledger.now, "most": limit}).scalars().all()
    rows = _take(ledger, _TAKE_OVER, ids, seconds) if ids else []
    return deliveries_of(ledger.connection, rows)


def overdue(ledger: Ledger, limit: int, seconds: float) -> list[Delivery]:
    """See ``Store.overdue``."""
    late = {"now": ledger.now, "never": math.inf, "most": limit}
    ids = ledger.connection.execute(OVERDUE, late).scalars().all()
    rows = _take(ledger, _TAKE, ids, seconds) if ids else []
    return deliveries_of(ledger.connection, rows)


def extend(ledger: Ledger, held: Sequence[Delivery], seconds: float) -> None:
    """See ``Store.extend``."""
    until = ledger.now + seconds
    ledger.connection.execute(_EXTEND, [{**unit_values(one), "held": one.token, "until": until} for one in held])


def release(ledger: Ledger, held: Sequence[Delivery]) -> None:
    """See ``Store.release``."""
    for one in held:
        row = ledger.connection.execute(_RELEASE, {**unit_values(one), "held": one.token}).first()
        if row is not None:
            ledger.connection.execute(_DROP_BEGUN, {"delivery": row.id})


def due(connection: sa.Connection, now: float) -> list[str]:
    """See ``Store.due``: from one channel's first row to the next one's, never over all that wait."""
    names = _names(lambda after: connection.execute(NEXT_NAME, {"after": after}).scalar())
    return [name for name in names if any(h is not None and h <= now for h in _heads(connection, name))]


NEXT_NAME = sa.select(_d.channel).where(_d.channel > sa.bindparam("after"), WAITING).order_by(_d.channel).limit(1)


def _names(following: Callable[[str], str | None]) -> list[str]:
    names: list[str] = []
    while (name := following(names[-1] if names else "")) is not None:
        names.append(name)
    return names
