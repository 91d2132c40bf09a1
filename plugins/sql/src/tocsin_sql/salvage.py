"""A rescue: what a damaged file still has goes into a store, and what is lost is named."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs
import sqlalchemy as sa

from tocsin import DeliveryState
from tocsin_sql.inspection import DAMAGE_SEEN
from tocsin_sql.rebuilding import Remains, ending
from tocsin_sql.schema import OPEN, alerts, attempts, audit, channels, contents, deliveries, meta
from tocsin_sql.wreck import Wreck

__all__ = ["Salvaged", "last_seen", "write"]

_BATCH = 500
_NAMED = 100
"""Losses that are named one by one."""
_UNSENT = (
    sa.select(deliveries.c.alert_id, deliveries.c.channel, deliveries.c.recipient_id, deliveries.c.state)
    .select_from(deliveries.outerjoin(contents, contents.c.alert_id == deliveries.c.alert_id))
    .where(OPEN, contents.c.alert_id.is_(None))
    .order_by(deliveries.c.id)
)


@attrs.frozen
class Salvaged:
    """Attributes: ``counts``: rows that came, and that did not; ``losses``: in words, the first hundred."""

    counts: Mapping[str, int]
    losses: list[str]


@attrs.define(eq=False)
class _Rescue:
    """One rescue.

    Attributes:
        there: alerts that the store has already; they stay as they are.
        read: alerts of the file that could be read.
        brought: those that are new in the store.
        numbers: of deliveries, as they were and as they are.
        come: how far each delivery had come, by its alert, channel and recipient, with its number.
    """

    connection: sa.Connection
    wreck: Wreck
    there: set[str]
    counts: Counter[str] = attrs.field(factory=Counter)
    losses: list[str] = attrs.field(factory=list)
    read: set[str] = attrs.field(factory=set)
    brought: set[str] = attrs.field(factory=set)
    numbers: dict[int, int] = attrs.field(factory=dict)
    come: dict[tuple[str, str, str], tuple[tuple[int, ...], int]] = attrs.field(factory=dict)

    def put(self, table: sa.Table, rows: Iterable[dict[str, Any]], counted: str) -> None:
        """Write rows, in portions."""
        portion: list[dict[str, Any]] = []
        for row in rows:
            portion.append(row)
            if len(portion) == _BATCH:
                self._write(table, portion, counted)
                portion = []
        self._write(table, portion, counted)

    def _write(self, table: sa.Table, rows: list[dict[str, Any]], counted: str) -> None:
        if rows:
            self.connection.execute(sa.insert(table), rows)
            self.counts[counted] += len(rows)

    def known(self, column: sa.Column[str]) -> set[str]:
        """What the store has already."""
        return set(self.connection.execute(sa.select(column)).scalars())

    def once(
        self, table: sa.Table, name: Callable[[Mapping[str, Any]], Any], seen: set[Any]
    ) -> Iterator[dict[str, Any]]:
        """The rows of a table whose name was not seen yet."""
        for row in self.wreck.rows(table):
            if (its := name(row)) not in seen:
                seen.add(its)
                yield row

    def name(self, loss: str) -> None:
        """Say what is lost."""
        self.losses.append(loss)


def write(connection: sa.Connection, wreck: Wreck) -> Salvaged:
    """Bring over what the store does not have.

    Args:
        connection: in whose transaction.
        wreck: the damaged file.
    """
    one = _Rescue(connection, wreck, set(connection.execute(sa.select(alerts.c.id)).scalars()))
    one.put(alerts, _alerts(one), "alerts")
    remains = _deliveries(one)
    _rebuild(one, remains)
    one.put(contents, _contents(one), "contents")
    one.put(attempts, _attempts(one), "attempts")
    _finish(one, remains)
    one.put(channels, one.once(channels, lambda row: row["name"], one.known(channels.c.name)), "channels")
    entries = one.once(audit, lambda row: row["id"], set())
    one.put(audit, ({k: v for k, v in row.items() if k != "id"} for row in entries), "audit")
    _name_unsent(one)
    return Salvaged(_counts(one), _some(one.losses))


def last_seen(wreck: Wreck) -> dict[str, str]:
    """What the damaged file says of itself: its identity, its key, and how far its clock had come."""
    return {row["name"]: row["value"] for row in wreck.rows(meta) if row["name"] not in ("anchor", DAMAGE_SEEN)}


def _alerts(one: _Rescue) -> Iterator[dict[str, Any]]:
    keys = one.known(alerts.c.client_key)
    for row in one.once(alerts, lambda row: row["id"], one.read):
        if row["id"] not in one.there and (row["client_key"] is None or row["client_key"] not in keys):
            one.brought.add(row["id"])
            keys.add(row["client_key"])
            yield {name: value for name, value in row.items() if name != "seq"}


def _contents(one: _Rescue) -> Iterator[dict[str, Any]]:
    for row in one.once(contents, lambda row: row["alert_id"], set()):
        if row["alert_id"] in one.brought:
            yield row
        elif row["alert_id"] not in one.read and row["alert_id"] not in one.there:
            one.name(f"alert {row['alert_id']}: only its content was left, nobody knows for whom; send it again")


def _deliveries(one: _Rescue) -> dict[str, Remains]:
    """Bring the deliveries of alerts that came; what the others tell of theirs, whose own rows are lost."""
    remains: dict[str, Remains] = defaultdict(Remains)
    for row in one.wreck.rows(deliveries):
        if row["alert_id"] in one.brought:
            _put_delivery(one, row)
        elif row["alert_id"] not in one.read and row["alert_id"] not in one.there:
            remains[row["alert_id"]].add(row)
    return remains


def _put_delivery(one: _Rescue, row: dict[str, Any]) -> None:
    """Write a delivery under the number after the last; what was in flight is nobody's now.

    Where the file has it twice, the one that came further stands.
    """
    old, unit = row.pop("id"), (row["alert_id"], row["channel"], row["recipient_id"])
    come = (row["token"], DeliveryState(row["state"]).is_final, row["attempted"])
    before, number = one.come.get(unit, (None, 0))
    values = {**row, "lease": 0.0}
    if before is None:
        number = int(one.connection.execute(sa.insert(deliveries).returning(deliveries.c.id), values).scalar_one())
        one.counts["deliveries"] += 1
    elif come > before:
        one.connection.execute(sa.update(deliveries).where(deliveries.c.id == number), values)
    one.numbers[old] = number
    one.come[unit] = (max(come, before or come), number)


def _rebuild(one: _Rescue, remains: Mapping[str, Remains]) -> None:
    """Put alerts together again from their deliveries, and bring those."""
    one.put(alerts, (left.row(alert_id) for alert_id, left in remains.items()), "rebuilt_alerts")
    one.brought |= remains.keys()
    for row in one.wreck.rows(deliveries) if remains else ():
        if row["alert_id"] in remains:
            _put_delivery(one, row)
    for alert_id, left in remains.items():
        words = "it was put together again from them, and takes no client key"
        one.name(f"alert {alert_id}: only its deliveries were left, {left.summary()}; {words}")


def _attempts(one: _Rescue) -> Iterator[dict[str, Any]]:
    seen: set[tuple[int, int]] = set()
    for row in one.wreck.rows(attempts):
        number = one.numbers.get(row["delivery_id"])
        if number is not None and (number, row["number"]) not in seen:
            seen.add((number, row["number"]))
            yield {**row, "delivery_id": number}


def _finish(one: _Rescue, remains: Mapping[str, Remains]) -> None:
    """Write the reports of alerts that were put together again, where all of them had ended."""
    for alert_id in remains:
        if (values := ending(one.connection, alert_id)) is not None:
            one.connection.execute(sa.update(alerts).where(alerts.c.id == alert_id), values)


def _name_unsent(one: _Rescue) -> None:
    for row in one.connection.execute(_UNSENT):
        if row.alert_id in one.brought:
            where = f"{row.channel} {row.recipient_id} ({row.state})"
            one.name(f"alert {row.alert_id}: its content is lost, so {where} cannot be sent; send it again")


def _counts(one: _Rescue) -> dict[str, int]:
    pages = one.wreck.lost["pages"]
    return dict(one.counts) | {"damaged_rows": one.wreck.lost.total() - pages, "unreadable_pages": pages}


def _some(losses: list[str]) -> list[str]:
    more = len(losses) - _NAMED
    return losses if more <= 0 else [*losses[:_NAMED], f"and {more:,} more like these"]
