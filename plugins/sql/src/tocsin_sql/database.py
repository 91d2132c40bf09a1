"""Which database a URL names."""

from __future__ import annotations

import pathlib

import sqlalchemy as sa

from tocsin.settings import UnusableValue
from tocsin_sql.postgresql import Postgresql
from tocsin_sql.sqlite import Sqlite

__all__ = ["Database", "database_of"]

Database = Sqlite | Postgresql
_FILE, _SERVER = "sqlite:///tocsin.db", "postgresql://user@host/alerts"


def database_of(url: str) -> Database:
    """The database behind a URL; nothing is opened yet.

    Raises:
        ValueError: it names none that can be used; the message does not quote it.
    """
    try:
        parts = sa.make_url(url.replace("postgres://", "postgresql://", 1))
    except (sa.exc.ArgumentError, ValueError):
        raise UnusableValue("must be a database's URL", _FILE) from None
    kind = parts.get_backend_name()
    if kind == "sqlite":
        if not parts.database or parts.database == ":memory:":
            raise UnusableValue("must name a file, for in memory nothing would last", _FILE)
        return Sqlite(pathlib.Path(parts.database))
    if kind == "postgresql":
        return _postgresql(parts)
    raise UnusableValue("must begin with sqlite:// or postgresql://", _FILE)


def _postgresql(parts: sa.URL) -> Postgresql:
    if not parts.database:
        raise UnusableValue("must name a database", _SERVER)
    try:
        return Postgresql(parts.set(drivername="postgresql+psycopg"))
    except ImportError:
        raise ValueError("needs the package psycopg: pip install 'tocsin-sql[postgresql]'") from None
