"""A first page for a database that has lost its own: that of a new database, whose tables begin on the same pages."""

from __future__ import annotations

import pathlib
import struct

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from tocsin_sql import migrations

__all__ = ["first_page"]

_WAL_MODE = 18
_CHANGES, _PAGES, _FREE, _FREE_COUNT, _VALID_FOR = 24, 28, 32, 36, 92
"""Places in the header (https://www.sqlite.org/fileformat2.html, "The Database Header")."""


def first_page(path: pathlib.Path) -> None:
    """Overwrite the first page, which holds the names of all tables and where each begins.

    The migrations make the tables in the same order in every new file, so they begin where they did here. In a file
    that an application had made first they do not; then the rows read there make no sense, and are left out.
    """
    model = path.with_name("model.db")
    engine = sa.create_engine(f"sqlite:///{model}", poolclass=NullPool)
    with engine.begin() as connection:
        migrations.upgrade(connection)
    whole = model.read_bytes()
    (size,) = struct.unpack_from(">H", whole, 16)
    page = bytearray(whole[:size])
    for place, value in ((_CHANGES, 1), (_VALID_FOR, 1), (_PAGES, path.stat().st_size // size), (_FREE, 0)):
        struct.pack_into(">I", page, place, value)
    struct.pack_into(">I", page, _FREE_COUNT, 0)
    if path.with_name(f"{path.name}-wal").exists():
        page[_WAL_MODE : _WAL_MODE + 2] = b"\x02\x02"
    with path.open("r+b") as file:
        file.write(page)
