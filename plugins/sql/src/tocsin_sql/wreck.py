"""A damaged file as rows of our tables: from the pages that its trees lead to, and from those they no longer do.

A broken inner page hides all pages below it, though each is whole. So every page is looked at, and one that no tree
leads to is taken for a page of the table in whose rows it makes sense: of those whose tree has a hole, for the others
miss nothing. Pages that are free are left out: what stands on them was deleted. SQLite overwrites deleted rows in our
files (``PRAGMA secure_delete``), so where the list of free pages is lost too, nothing comes back that had been removed.
"""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa

from tocsin import StoreError
from tocsin_sql.cells import BROKEN, Row, children_of, is_inner, is_leaf, rows_of
from tocsin_sql.image import Image
from tocsin_sql.schema import METADATA
from tocsin_sql.sense import makes_sense

__all__ = ["Wreck"]

_TABLES = {table.name: table for table in METADATA.sorted_tables}
_CATALOG = 1
"""The page on which the table of all tables begins."""


class Wreck:
    """A damaged file, open for reading.

    Args:
        path: of the file; with its write-ahead log beside it.

    Attributes:
        lost: rows that stood on a readable page and make no sense, by table; and ``pages`` that are not readable.

    Raises:
        StoreError: nothing in it can be read.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self.lost: Counter[str] = Counter()
        try:
            self._image = Image(path)
        except OSError:
            raise StoreError(f"{path}: it cannot be read; see that it is there, and whose it is") from None
        self._columns = {name: [column.name for column in table.c] for name, table in _TABLES.items()}
        self._pages: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._look()
        if not self._pages:
            self._image.close()
            raise StoreError(f"{path}: nothing in it can be read; restore it from a backup")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._image.close()

    def rows(self, table: sa.Table) -> Iterator[dict[str, Any]]:
        """The rows of a table that make sense, each page's in the order of their numbers, and the pages in theirs.

        A row may come twice where the file holds it twice; see how far each had come.
        """
        for _, page in self._pages.get(table.name, ()):
            for found in rows_of(self._image, page):
                row = self._named(table, found)
                if makes_sense(table, row):
                    yield row
                else:
                    self.lost[table.name] += 1

    def _look(self) -> None:
        """Find the pages of each table."""
        image = self._image
        seen = set(image.free())
        torn = set(_TABLES)
        for name, root in self._catalog(seen):
            before = self.lost["pages"]
            for page in self._leaves(root, seen, counted=name in _TABLES):
                self._note(name, page)
            if self.lost["pages"] == before:
                torn.discard(name)
        for page in range(1, image.count + 1) if torn else ():
            if page not in seen and is_leaf(image, page):
                self._note(self._kind_of(page, torn), page)
        for pages in self._pages.values():
            pages.sort()

    def _note(self, table: str | None, page: int) -> None:
        if table not in _TABLES:
            return
        first = next((number for number, values in rows_of(self._image, page) if values), 0)
        self._pages[table].append((first, page))

    def _catalog(self, seen: set[int]) -> list[tuple[str, int]]:
        """The tables that the file names, with the page where each begins."""
        found = []
        for page in list(self._leaves(_CATALOG, seen, counted=True)):
            for _, values in rows_of(self._image, page):
                if len(values) == 5 and values[0] == "table" and isinstance(values[3], int):
                    found.append((str(values[1]), values[3]))
                    if values[1] in _TABLES:
                        self._columns[values[1]] = _columns(values[4]) or self._columns[values[1]]
        return found

    def _leaves(self, root: int, seen: set[int], *, counted: bool) -> Iterator[int]:
        """The leaf pages of a table, in their order; every page on the way is one that was seen."""
        open_ = [root]
        while open_:
            page = open_.pop()
            if page in seen:
                continue
            if is_inner(self._image, page):
                open_ += reversed(children_of(self._image, page))
            elif is_leaf(self._image, page):
                yield page
            else:
                self.lost["pages"] += counted
            seen.add(page)

    def _kind_of(self, page: int, names: Iterable[str]) -> str | None:
        """The table, of these, in whose rows a page makes sense."""
        for found in rows_of(self._image, page):
            for name in names:
                if makes_sense(_TABLES[name], self._named(_TABLES[name], found)):
                    return name
        return None

    def _named(self, table: sa.Table, found: Row) -> dict[str, Any]:
        """A row by the names of its columns: an older row has fewer, and its number may be one of them."""
        number, values = found
        columns = self._columns[table.name]
        if found is BROKEN or len(values) > len(columns):
            return {}
        row = dict(zip(columns, values, strict=False))
        own = table.autoincrement_column
        if own is not None and row.get(own.name, number) is None:
            row[own.name] = number
        return row


def _columns(statement: object) -> list[str]:
    """The columns of a table, from the statement that makes it; none where it is none."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection, contextlib.suppress(sqlite3.Error):
        if isinstance(statement, str) and statement.startswith("CREATE TABLE"):
            connection.execute(statement)
            (name,) = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchone()
            return [row[1] for row in connection.execute(f'PRAGMA table_info("{name}")')]
    return []
