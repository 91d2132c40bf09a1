"""How a database becomes the one that this version knows: what stands in it, and the steps up from there."""

from __future__ import annotations

import pathlib

import sqlalchemy as sa

__all__ = ["NEWEST", "upgrade", "version_of"]

NEWEST = "0001"
"""The revision that :mod:`tocsin_sql.schema` describes. Revisions are numbers of four digits."""
VERSION_TABLE = "tocsin_version"
_STEPS = pathlib.Path(__file__).parent
"""The folder of the steps, in Alembic's order of files."""


def version_of(connection: sa.Connection) -> str | None:
    """The revision of a database; None where it has none of these tables."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 -- a constant of this module


def upgrade(connection: sa.Connection) -> None:
    """Take all steps up to the newest revision, in the transaction that is open on the connection."""
    from alembic import command  # slow to import, and needed once in a database's life
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
