"""Statements that run for each delivery: compiled once for a kind of database, then handed to its driver as text.

SQLAlchemy's own way from a statement to a cursor takes several times as long as SQLite takes to answer it.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

__all__ = ["Insertion", "Listing", "Statement", "run"]

Values = Mapping[str, Any]

NOTHING: Values = {}
_MOST = 256
_TOGETHER = 32
"""Rows of up to 30 columns: SQLite before 3.32 takes 999 values."""
_SQLITE = "pysqlite"
_DIRECT = {_SQLITE, "psycopg"}
"""Drivers that take values by name; an application's connection may have another, which SQLAlchemy serves."""


@attrs.frozen
class _Text:
    """Attributes: ``fixed``: values that the statement brings along."""

    text: str
    fixed: Values


_SERVED = _Text("", NOTHING)
"""Stands for what SQLAlchemy runs."""


class Statement:
    """A statement of SQLAlchemy's, run within a transaction that has begun, or as the only one of a moment.

    Args:
        clause: it must have no parameter that expands.
        names: columns that an INSERT is given; by default all.
        by_name: False where SQLite is given the values in the order in which they stand in the statement.

    Raises:
        sqlalchemy.exc.DBAPIError: from each of its methods, as SQLAlchemy raises it itself.
    """

    def __init__(self, clause: Any, names: Iterable[str] | None = None, *, by_name: bool = True) -> None:
        self._clause = clause
        self._by_name = by_name
        self._names = None if names is None else list(names)
        self._texts: dict[str, _Text] = {}
        columns = clause.exported_columns.keys() if clause.is_select or clause._returning else ()
        row: Any = namedtuple("Row", columns)  # type: ignore[misc]  # the names come with the statement
        self._make: Any = row._make

    def all(self, connection: sa.Connection, values: Values) -> list[Any]:
        """The rows; their columns are attributes."""
        return list(map(self._make, self._run(connection, values).fetchall()))

    def first(self, connection: sa.Connection, values: Values) -> Any:
        """The first row, or None."""
        rows = self._run(connection, values).fetchall()  # all, for a cursor left open holds SQLite's transaction
        return self._make(rows[0]) if rows else None

    def change(self, connection: sa.Connection, values: Values | Sequence[Any]) -> int:
        """How many rows it changed."""
        return int(self._run(connection, values).rowcount)

    def change_each(self, connection: sa.Connection, many: Sequence[Values]) -> None:
        """Run it once for each of these, none or more."""
        if not many:
            return
        known = self._texts.get(connection.dialect.driver) or self._compiled(connection)
        if known is _SERVED:
            connection.execute(self._clause, many)
            return
        if known.fixed:
            many = [{**known.fixed, **values} for values in many]
        driver: Any = connection.connection.dbapi_connection
        try:
            driver.cursor().executemany(known.text, many)
        except Exception as error:
            raise _translated(connection, error, known.text) from error

    def _run(self, connection: sa.Connection, values: Any) -> Any:
        known = self._texts.get(connection.dialect.driver) or self._compiled(connection)
        if known is _SERVED:
            return connection.execute(self._clause, values)
        driver: Any = connection.connection.dbapi_connection
        try:
            return driver.execute(known.text, {**known.fixed, **values} if known.fixed else values)
        except Exception as error:
            raise _translated(connection, error, known.text) from error

    def _compiled(self, connection: sa.Connection) -> _Text:
        dialect = connection.dialect
        if dialect.driver not in _DIRECT:
            return _SERVED
        if dialect.driver == _SQLITE:
            dialect = sqlite.dialect(paramstyle="named" if self._by_name else "qmark")
        made = self._clause.compile(dialect=dialect, column_keys=self._names)
        fixed = {name: bind.effective_value for bind, name in made.bind_names.items() if not bind.required}
        known = self._texts[connection.dialect.driver] = _Text(str(made), fixed)
        return known


def run(connection: sa.Connection, text: str) -> None:
    """Have the driver run a text, for what SQLAlchemy's own way costs more than what it does.

    Raises:
        sqlalchemy.exc.DBAPIError: as SQLAlchemy raises it itself.
    """
    driver: Any = connection.connection.dbapi_connection
    try:
        driver.execute(text)
    except Exception as error:
        raise _translated(connection, error, text) from error


class Listing:
    """A statement about rows of some ids, with one text for each power of two of them.

    Args:
        make: the clause for these parameters, which stand for the ids.
    """

    def __init__(self, make: Callable[[list[Any]], Any]) -> None:
        self._make = make
        self._sizes: dict[int, tuple[list[str], Statement]] = {}

    def all(self, connection: sa.Connection, ids: Sequence[Any], values: Values = NOTHING) -> list[Any]:
        """The rows for all ids, in no order; none of them for none."""
        found: list[Any] = []
        for start in range(0, len(ids), _MOST):
            some = ids[start : start + _MOST]
            names, statement = self._of(1 << (len(some) - 1).bit_length())
            filled = [*some, *[some[-1]] * (len(names) - len(some))]
            found += statement.all(connection, {**values, **dict(zip(names, filled, strict=True))})
        return found

    def _of(self, size: int) -> tuple[list[str], Statement]:
        known = self._sizes.get(size)
        if known is None:
            names = [f"id_{number}" for number in range(size)]
            known = self._sizes[size] = names, Statement(self._make([sa.bindparam(name) for name in names]))
        return known


class Insertion:
    """Puts rows into a table, as many as one statement takes at once: each statement is a turn that others may take.

    Args:
        table: where.
        without: columns that the database fills.
        insert: makes the clause; a dialect's own where ``finish`` needs it.
        finish: adds to the clause what becomes of rows that are there already.
    """

    def __init__(
        self,
        table: sa.Table,
        *without: str,
        insert: Callable[[sa.Table], Any] = sa.insert,
        finish: Callable[[Any], Any] = lambda clause: clause,
    ) -> None:
        self._clause = insert(table).inline()
        self._finish = finish
        self._names = [column.name for column in table.c if column.name not in without]
        self._single = Statement(finish(self._clause), self._names)
        self._sizes: dict[int, tuple[list[str], Statement]] = {}

    def put(self, connection: sa.Connection, rows: Sequence[Values]) -> None:
        """Insert the rows, none or more."""
        if not 1 < len(rows) <= _TOGETHER or connection.dialect.driver not in _DIRECT:
            self._single.change_each(connection, rows)
            return
        names, statement = self._of(len(rows))
        values = [row[name] for row in rows for name in self._names]
        if connection.dialect.driver == _SQLITE:  # which looks each name up among all of them
            statement.change(connection, values)
        else:
            statement.change(connection, dict(zip(names, values, strict=True)))

    def _of(self, size: int) -> tuple[list[str], Statement]:
        known = self._sizes.get(size)
        if known is None:
            rows = [{name: f"{name}_{number}" for name in self._names} for number in range(size)]
            clause = self._clause.values([{name: sa.bindparam(key) for name, key in row.items()} for row in rows])
            keys = [key for row in rows for key in row.values()]
            known = self._sizes[size] = keys, Statement(self._finish(clause), by_name=False)
        return known


def _translated(connection: sa.Connection, error: Exception, text: str) -> BaseException:
    """The error as SQLAlchemy raises it; a connection that was cut is given up, as SQLAlchemy does."""
    dialect = connection.dialect
    kind = dialect.loaded_dbapi.Error
    if not isinstance(error, kind):
        return error
    gone = dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
    if gone:
        connection.invalidate(error)
    return sa.exc.DBAPIError.instance(
        text, None, error, kind, hide_parameters=True, connection_invalidated=gone, dialect=dialect
    )
