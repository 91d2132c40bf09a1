"""Opening a database: its version, its identity, its key and its clock, in one transaction."""

from __future__ import annotations

import sqlite3
import uuid

import attrs
import sqlalchemy as sa

from tocsin import StoreError
from tocsin.clock import Clock
from tocsin_sql import migrations
from tocsin_sql.database import Database
from tocsin_sql.failures import store_error
from tocsin_sql.key_check import check_key
from tocsin_sql.schema import meta
from tocsin_sql.sealing import Seal
from tocsin_sql.timeline import Timeline

__all__ = ["Opened", "open_database", "open_to_read"]


@attrs.frozen(kw_only=True)
class Opened:
    """Attributes: ``store_id``; ``losses``: what is missing, in words."""

    store_id: str
    losses: tuple[str, ...] = ()


def open_database(database: Database, clock: Clock, timeline: Timeline, seal: Seal) -> Opened:
    """Have the tables as this version knows them, and the store's clock.

    Raises:
        StoreError: the database is newer, encrypted with another key, or cannot be used; nothing was changed.
    """
    try:
        losses = database.inspect()
        connection = database.connect()
        try:
            with connection.begin():
                database.lock(connection)
                check_version(connection, database)
                store_id = _identify(connection)
                check_key(connection, seal, database.place)
                database.start(connection, clock, timeline)
        finally:
            connection.close()
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise store_error(error, database.place) from None
    return Opened(store_id=store_id, losses=tuple(losses))


def open_to_read(database: Database, clock: Clock, timeline: Timeline, seal: Seal) -> list[str]:
    """Have the store's clock, and see that its tables can be read; what is missing, in words. Nothing is changed.

    Raises:
        StoreError: there is no store, it is of another version, or encrypted with another key.
    """
    try:
        losses = database.look()
        with database.read() as connection:
            version = migrations.version_of(connection)
            if version != migrations.NEWEST:
                raise StoreError(_other_version(database, version))
            check_key(connection, seal, database.place)
            database.start(connection, clock, timeline, anew=False)
    except (sa.exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise store_error(error, database.place) from None
    return losses


def _other_version(database: Database, version: str | None) -> str:
    if version is None:
        return f"{database.place} has no tables of tocsin; name the store's own database, or run tocsin store upgrade"
    what = "update tocsin-sql" if version > migrations.NEWEST else "run tocsin store upgrade"
    return f"{database.place} is of version {version}, this program knows {migrations.NEWEST}; {what}"


def check_version(connection: sa.Connection, database: Database, *, upgrade: bool = False) -> str | None:
    """Have the newest tables; the version that was found.

    Raises:
        StoreError: they are newer, or a person must ask for the upgrade.
    """
    version = migrations.version_of(connection)
    if version == migrations.NEWEST:
        return version
    if version is not None and version > migrations.NEWEST:
        words = f"{database.place} is of version {version}, this program knows {migrations.NEWEST}"
        raise StoreError(f"{words}; update tocsin-sql. Nothing was changed")
    if not (upgrade or database.upgrades_itself):
        had = "has no tables of tocsin" if version is None else f"is of version {version}"
        raise StoreError(f"{database.place} {had}; run tocsin store upgrade")
    migrations.upgrade(connection)
    return version


def _identify(connection: sa.Connection) -> str:
    known = connection.execute(sa.select(meta.c.value).where(meta.c.name == "store_id")).scalar()
    if known is not None:
        return str(known)
    fresh = uuid.uuid4().hex
    connection.execute(sa.insert(meta), {"name": "store_id", "value": fresh})
    return fresh
