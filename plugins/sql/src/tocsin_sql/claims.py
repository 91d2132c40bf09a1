"""Who gets what: claims, leases, and what was left behind. Each is a walk over an index that holds only what waits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from tocsin import AlertPriority
from tocsin.store import Claim, Delivery
from tocsin_sql.ledger import Ledger
from tocsin_sql.rows import DELIVERY, DROP_BEGUN, begun_row, deliveries_of, unit_values
from tocsin_sql.schema import IN_FLIGHT, WAITING, alerts, attempts, deliveries
from tocsin_sql.statements import Listing, Statement

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


_HEADS, _PROBE, _LOST, _OVERDUE = Statement(HEADS), Statement(PROBE), Statement(LOST), Statement(OVERDUE)


def _taking(ids: list[Any], *, lost: bool) -> Any:
    more = {"lost": _d.lost + 1} if lost else {}
    return (
        sa.update(deliveries)
        .where(_d.id.in_(ids))
        .values(state="in_flight", token=_d.token + 1, lease=sa.bindparam("until"), **more)
        .returning(*DELIVERY)
    )


_TAKE, _TAKE_OVER = Listing(partial(_taking, lost=False)), Listing(partial(_taking, lost=True))
_HELD = (
    _d.alert_id == sa.bindparam("of"),
    _d.channel == sa.bindparam("in_channel"),
    _d.recipient_id == sa.bindparam("to"),
    _d.token == sa.bindparam("held"),
    IN_FLIGHT,
)
_EXTEND = Statement(sa.update(deliveries).where(*_HELD).values(lease=sa.bindparam("until")))
_RELEASE = Statement(
    sa.update(deliveries)
    .where(*_HELD)
    .values(state=sa.case((_d.attempted > 0, "retrying"), else_="pending"), lease=0.0)
    .returning(_d.id)
)
_CLOSED = Listing(
    lambda ids: sa.select(alerts.c.id, alerts.c.closed).where(alerts.c.id.in_(ids), alerts.c.closed.is_not(None))
)
_BEGUN = ("delivery_id", "number", "started_at")
_BEGIN = {
    "sqlite": Statement(sqlite.insert(attempts).on_conflict_do_nothing(), _BEGUN),
    "postgresql": Statement(postgresql.insert(attempts).on_conflict_do_nothing(), _BEGUN),
}


def claim(ledger: Ledger, channel: str, limit: int, seconds: float) -> Claim:
    """See ``Store.claim``."""
    heads = _heads(ledger.connection, channel)
    ids = _due(ledger, channel, heads, limit + 1)
    if more := len(ids) > limit:
        heads, ids = [ledger.now], ids[:limit]
    if ids:
        rows = _take(ledger, _TAKE, ids, seconds)
        begun = [begun_row(row.id, row.attempted + 1, ledger.wall) for row in rows]
        _BEGIN[ledger.connection.dialect.name].change_each(ledger.connection, begun)
        taken = deliveries_of(ledger.connection, rows)
        heads = heads if more else _heads(ledger.connection, channel)
    else:
        taken = []
    waiting = [head for head in heads if head is not None and head != math.inf]
    return Claim(tuple(taken), min(waiting, default=None))


def _due(ledger: Ledger, channel: str, heads: Sequence[float | None], limit: int) -> list[int]:
    """So many deliveries that are due, most urgent first."""
    ids: list[int] = []
    for rank, head in enumerate(heads):
        if head is not None and head <= ledger.now and len(ids) < limit:
            probe = {"name": channel, "of_rank": rank, "now": ledger.now, "most": limit - len(ids)}
            ids += [row.id for row in _PROBE.all(ledger.connection, probe)]
    return ids


def _heads(connection: sa.Connection, channel: str) -> list[float | None]:
    return list(_HEADS.first(connection, {"name": channel}))


def _take(ledger: Ledger, statement: Listing, ids: Sequence[int], seconds: float) -> list[Any]:
    """The rows of these deliveries, claimed, in this order."""
    rows = statement.all(ledger.connection, ids, {"until": ledger.now + seconds})
    place = {number: position for position, number in enumerate(ids)}
    return sorted(rows, key=lambda row: place[row.id])


def lost(ledger: Ledger, limit: int, seconds: float) -> list[Delivery]:
    """See ``Store.lost``."""
    ids = [row.id for row in _LOST.all(ledger.connection, {"now": ledger.now, "most": limit})]
    rows = _take(ledger, _TAKE_OVER, ids, seconds) if ids else []
    return deliveries_of(ledger.connection, rows)


def overdue(ledger: Ledger, limit: int, seconds: float) -> list[Delivery]:
    """See ``Store.overdue``."""
    late = {"now": ledger.now, "never": math.inf, "most": limit}
    ids = [row.id for row in _OVERDUE.all(ledger.connection, late)]
    rows = _take(ledger, _TAKE, ids, seconds) if ids else []
    return deliveries_of(ledger.connection, rows)


def extend(ledger: Ledger, held: Sequence[Delivery], seconds: float) -> None:
    """See ``Store.extend``."""
    until = ledger.now + seconds
    _EXTEND.change_each(ledger.connection, [{**unit_values(one), "held": one.token, "until": until} for one in held])


def release(ledger: Ledger, held: Sequence[Delivery]) -> dict[str, str]:
    """See ``Store.release``; the alerts of these that were closed meanwhile, with the reason."""
    for one in held:
        row = _RELEASE.first(ledger.connection, {**unit_values(one), "held": one.token})
        if row is not None:
            DROP_BEGUN.change(ledger.connection, {"delivery": row.id})
    closed = _CLOSED.all(ledger.connection, list({one.alert_id for one in held}))
    return {row.id: row.closed for row in closed}


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
