"""What makes sense in a row of each table: in a damaged file only such rows are taken for rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from tocsin import Attempt, DeliveryReport
from tocsin.plan import Plan
from tocsin_sql.rows import delivery_of
from tocsin_sql.schema import alerts, attempts, audit, channels, contents, deliveries, meta
from tocsin_sql.sealing import checksum

__all__ = ["makes_sense"]

_KNOWN = {"store_id", "key_check", "last_seen", "anchor", "damage_seen"}
"""Names of rows in the table ``tocsin_meta``."""


def makes_sense(table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Whether a row can be one of this table."""
    try:
        fits = (_fits(row.get(name), kinds, bits) for name, kinds, bits in _KINDS[table.name])
        return all(fits) and _SENSE[table.name](row)
    except Exception:  # whatever stands in a row of a damaged file
        return False


def _alert(row: Mapping[str, Any]) -> bool:
    Plan.from_dict(json.loads(row["plan"]))
    return row["report"] is None or bool(DeliveryReport.from_json(row["report"]))


def _content(row: Mapping[str, Any]) -> bool:
    return checksum(row["content"]) == str(row["checksum"])


def _delivery(row: Mapping[str, Any]) -> bool:
    return bool(delivery_of(_Row(row), {}))


def _attempt(row: Mapping[str, Any]) -> bool:
    datetime.fromisoformat(row["started_at"])
    return row["body"] is None or bool(Attempt.from_dict(json.loads(row["body"])))


def _channel(row: Mapping[str, Any]) -> bool:
    return isinstance(json.loads(row["state"]), dict)


def _audited(row: Mapping[str, Any]) -> bool:
    return bool(datetime.fromisoformat(row["at"]))


def _about(row: Mapping[str, Any]) -> bool:
    return row["name"] in _KNOWN


_SENSE: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    alerts.name: _alert,
    attempts.name: _attempt,
    audit.name: _audited,
    channels.name: _channel,
    contents.name: _content,
    deliveries.name: _delivery,
    meta.name: _about,
}
_STORED: dict[type, tuple[type, ...]] = {bool: (int,), float: (float, int)}
"""What SQLite makes of a type, where it is not the very same."""


def _fits(value: Any, kinds: tuple[type, ...], bits: int) -> bool:
    """Whether every database takes a value: one that does not would fail all that are written with it."""
    if isinstance(value, int):
        return int in kinds and -(1 << bits) <= value < 1 << bits
    return isinstance(value, kinds) and not (isinstance(value, str) and "\0" in value)


def _kinds(column: sa.Column[Any]) -> tuple[type, ...]:
    python = column.type.python_type
    return (*_STORED.get(python, (python,)), *((type(None),) if column.nullable else ()))


def _bits(column: sa.Column[Any]) -> int:
    return {sa.SmallInteger: 15, sa.Integer: 31, sa.Boolean: 1}.get(type(column.type), 63)


_KINDS = {
    table.name: [(column.name, _kinds(column), _bits(column)) for column in table.c]
    for table in (alerts, attempts, audit, channels, contents, deliveries, meta)
}


class _Row:
    """A mapping read like a row of SQLAlchemy."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__.update(values)
