"""What can still be read of a damaged file: row by row around the broken pages, and only what makes sense."""

from __future__ import annotations

import contextlib
import json
import pathlib
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import attrs
import sqlalchemy as sa

from tocsin import Attempt, DeliveryReport, StoreError
from tocsin.plan import Plan
from tocsin_sql.graft import first_page
from tocsin_sql.rows import delivery_of
from tocsin_sql.schema import alerts, attempts, audit, channels, contents, deliveries, meta
from tocsin_sql.sealing import checksum

__all__ = ["Source", "write"]

_STEP = 4_096
_LAST = 1 << 40
_PROBES = 20_000
"""Rows that are tried one by one in a table, where a page is broken."""
_BATCH = 500
_DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError, OverflowError)


class Source:
    """A copy of a damaged file, open for reading; the file itself is not touched.

    Raises:
        StoreError: nothing in it can be read.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.unreadable: Counter[str] = Counter()
        self._folder = tempfile.TemporaryDirectory(prefix="tocsin-salvage-", ignore_cleanup_errors=True)
        copy = pathlib.Path(self._folder.name) / "copy.db"
        try:
            shutil.copyfile(path, copy)
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{path}-wal", f"{copy}-wal")
            self._connection, self._tables = _opened(copy)
        except (OSError, *_DAMAGE):
            self._folder.cleanup()
            raise StoreError(f"{path}: nothing in it can be read; restore it from a backup") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()
        self._folder.cleanup()

    def rows(self, table: sa.Table) -> Iterator[dict[str, Any]]:
        """The readable rows of a table, in the order of their numbers."""
        columns = [column.name for column in table.c if column.name in self._tables.get(table.name, ())]
        if not columns:
            return
        self._left = _PROBES
        first, step = 1, _STEP
        while first < _LAST and self._left > 0:
            rows = self._between(table.name, columns, first, first + step - 1)
            yield from rows
            first += step
            step = _STEP if rows else 4 * step

    def _between(self, table: str, columns: list[str], first: int, last: int) -> list[dict[str, Any]]:
        """The rows in a range; where one cannot be read, those on both sides of it."""
        # One row is sought alone: a range looks beyond its end, where the next page may be the broken one.
        which = "rowid = ?1" if first == last else "rowid BETWEEN ?1 AND ?2 ORDER BY rowid"
        query = f"SELECT {', '.join(columns)} FROM {table} WHERE {which}"  # noqa: S608 -- names of the schema
        try:
            found = self._connection.execute(query, (first, last)[: query.count("?")]).fetchall()
        except _DAMAGE:
            if self._left <= 0:
                return []
            if first == last:
                self._left -= 1
                self.unreadable[table] += 1
                return []
            middle = (first + last) // 2
            left = self._between(table, columns, first, middle)
            return left + self._between(table, columns, middle + 1, last)
        return [dict(zip(columns, row, strict=True)) for row in found]


def _opened(copy: pathlib.Path) -> tuple[sqlite3.Connection, dict[str, set[str]]]:
    """The database and its tables; where its first page says nothing, under that of a new one."""
    connection = sqlite3.connect(copy, isolation_level=None, check_same_thread=False)
    try:
        return connection, _tables(connection)
    except sqlite3.DatabaseError:
        connection.close()
    first_page(copy)
    connection = sqlite3.connect(copy, isolation_level=None, check_same_thread=False)
    return connection, _tables(connection)


def _tables(connection: sqlite3.Connection) -> dict[str, set[str]]:
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")} for name in names}


@attrs.define(eq=False)
class _Rescue:
    """Writes what makes sense into a store, and counts it."""

    connection: sa.Connection
    source: Source
    counts: Counter[str] = attrs.field(factory=Counter)

    def usable(self, table: sa.Table, makes_sense: Callable[[Mapping[str, Any]], object]) -> Iterator[dict[str, Any]]:
        """The rows of a table that can be understood."""
        for row in self.source.rows(table):
            try:
                if makes_sense(row):
                    yield row
                    continue
            except Exception:  # whatever stands in a row of a damaged file
                self.counts["damaged_rows"] += 1
                continue
            self.counts["damaged_rows"] += 1

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


def write(connection: sa.Connection, source: Source) -> dict[str, int]:
    """Bring over what the store does not have; how much of what came, and what was lost.

    Args:
        connection: in whose transaction.
        source: the damaged file.
    """
    rescue = _Rescue(connection, source)
    there = rescue.known(alerts.c.id)
    keys = rescue.known(alerts.c.client_key)
    brought: set[str] = set()
    rescue.put(alerts, _alerts(rescue, there, keys, brought), "alerts")
    rescue.put(contents, _of(brought, rescue.usable(contents, _content)), "contents")
    numbers = _deliveries(rescue, brought)
    rescue.put(attempts, _attempts(rescue, numbers), "attempts")
    names = rescue.known(channels.c.name)
    rescue.put(channels, (r for r in rescue.usable(channels, _channel) if r["name"] not in names), "channels")
    rescue.put(audit, ({k: v for k, v in r.items() if k != "id"} for r in rescue.usable(audit, bool)), "audit")
    rescue.counts["unreadable_rows"] = sum(source.unreadable.values())
    return dict(rescue.counts)


def _alerts(rescue: _Rescue, there: set[str], keys: set[str], brought: set[str]) -> Iterator[dict[str, Any]]:
    for row in rescue.usable(alerts, _alert):
        if row["id"] not in there and row["id"] not in brought and row["client_key"] not in keys:
            brought.add(row["id"])
            yield {name: value for name, value in row.items() if name != "seq"}


def _of(brought: set[str], rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (row for row in rows if row["alert_id"] in brought)


def _deliveries(rescue: _Rescue, brought: set[str]) -> dict[int, int]:
    """Bring the deliveries, each under the number after the last; what was in flight is nobody's now."""
    numbers: dict[int, int] = {}
    for row in rescue.usable(deliveries, _delivery):
        if row["alert_id"] not in brought:
            rescue.counts["orphans"] += row["alert_id"] not in brought
            continue
        old = row.pop("id")
        fresh = rescue.connection.execute(sa.insert(deliveries).returning(deliveries.c.id), {**row, "lease": 0.0})
        numbers[old] = int(fresh.scalar_one())
        rescue.counts["deliveries"] += 1
    return numbers


def _attempts(rescue: _Rescue, numbers: dict[int, int]) -> Iterator[dict[str, Any]]:
    for row in rescue.usable(attempts, _attempt):
        if row["delivery_id"] in numbers:
            yield {**row, "delivery_id": numbers[row["delivery_id"]]}


def last_seen(source: Source) -> dict[str, str]:
    """What the damaged file says of itself: its identity, its key, and how far its clock had come."""
    return {row["name"]: str(row["value"]) for row in source.rows(meta) if row["name"] != "anchor"}


def _alert(row: Mapping[str, Any]) -> bool:
    Plan.from_dict(json.loads(row["plan"]))
    report = row["report"] is None or DeliveryReport.from_json(row["report"])
    return isinstance(row["id"], str) and isinstance(row["rank"], int) and bool(report)


def _content(row: Mapping[str, Any]) -> bool:
    return checksum(bytes(row["content"])) == str(row["checksum"])


def _delivery(row: Mapping[str, Any]) -> bool:
    one = delivery_of(_Row(row), {})
    return all(isinstance(value, float | int) for value in (one.due, one.expires, one.token, one.rank))


def _attempt(row: Mapping[str, Any]) -> bool:
    return row["body"] is None or bool(Attempt.from_dict(json.loads(row["body"])))


def _channel(row: Mapping[str, Any]) -> bool:
    return isinstance(json.loads(row["state"]), dict)


class _Row:
    """A mapping read like a row of SQLAlchemy."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__.update(values)
