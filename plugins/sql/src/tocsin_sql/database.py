"""Which database a URL names."""

from __future__ import annotations

import pathlib

import sqlalchemy as sa

from tocsin_sql.sqlite import Sqlite

__all__ = ["Database", "database_of"]

Database = Sqlite


def database_of(url: str) -> Database:
    """The database behind a URL; nothing is opened yet.

    Raises:
        ValueError: it names none that can be used.
    """
    try:
        parts = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise ValueError("must be a database's URL, like sqlite:///tocsin.db") from None
    kind = parts.get_backend_name()
    if kind == "sqlite":
        if not parts.database or parts.database == ":memory:":
            raise ValueError("must name a file, like sqlite:///tocsin.db; in memory nothing would last")
        return Sqlite(pathlib.Path(parts.database))
    raise ValueError("must begin with sqlite:// or postgresql://")
