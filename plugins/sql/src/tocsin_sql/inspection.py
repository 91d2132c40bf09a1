"""Whether a file is whole: all of it is read only where that is quick, or where something speaks for damage."""

from __future__ import annotations

import contextlib
import os
import pathlib
import sqlite3
import struct
import sys

from tocsin import StoreError
from tocsin_sql.files import in_use_here
from tocsin_sql.migrations import VERSION_TABLE

__all__ = ["DAMAGE_SEEN", "is_damaged", "mark_damaged", "was_left_behind"]

_SMALL = 16 << 20
"""Bytes of a file that is always read whole: it takes some 10 ms."""
_LARGE = 1 << 30
"""Bytes of a file that is read whole after its users ended without closing it: it takes a second, or some."""
DAMAGE_SEEN = "damage_seen"
"""Row of ``tocsin_meta``: somebody met a broken page. The next to open the file reads all of it."""
_OURS = (b"tocsin_", b"last_seen")
"""Names of tables, on the first page; and of a row, on another."""
_LOOK = 1 << 20
_LIVING = 128
"""The byte of the index on which every connection holds a lock (SQLite's UNIX_SHM_DMS, os_unix.c)."""
_FLOCK = "hhqqi4x"
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_damaged(path: pathlib.Path) -> bool:
    """Whether a database's structure is broken, as far as it is read.

    Raises:
        StoreError: the file is something else than a database of ours.
        sqlite3.Error: it cannot be read for another reason.
    """
    size = path.stat().st_size
    whole = size <= _SMALL or (size <= _LARGE and was_left_behind(path))
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=5.0)) as connection:
            is_whole = _is_whole(connection, path, check="quick_check" if whole else "")
    except sqlite3.DatabaseError as error:
        if (getattr(error, "sqlite_errorcode", 0) & 0xFF) not in _BROKEN:
            raise
        is_whole = False
    if not is_whole and not _looks_ours(path):
        raise _foreign(path)
    return not is_whole


def _is_whole(connection: sqlite3.Connection, path: pathlib.Path, check: str) -> bool:
    """Look at it: at its tables' both ends, or with one of SQLite's checks."""
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    if names and VERSION_TABLE not in names:
        raise _foreign(path)
    for name in names:
        if name.startswith("tocsin_"):
            for order in ("ASC", "DESC"):
                connection.execute(f"SELECT * FROM {name} ORDER BY rowid {order} LIMIT 1").fetchall()  # noqa: S608 -- a name that begins like ours
    marked = "tocsin_meta" in names and _is_marked(connection)
    if marked or check:
        (word,) = connection.execute(f"PRAGMA {'integrity_check' if marked else check}(1)").fetchone()
        if word != "ok":
            return False
    if marked:
        connection.execute("DELETE FROM tocsin_meta WHERE name = ?", [DAMAGE_SEEN])
        connection.commit()
    return True


def _foreign(path: pathlib.Path) -> StoreError:
    words = f"{path} is no database of tocsin; name another file. Nothing was changed"
    return StoreError(f"{words}. To have tocsin's tables beside yours, run tocsin store upgrade")


def _looks_ours(path: pathlib.Path) -> bool:
    if in_use_here(path):
        return False
    with path.open("rb") as file:
        beginning = file.read(_LOOK)
    return any(mark in beginning for mark in _OURS)


def _is_marked(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM tocsin_meta WHERE name = ?", [DAMAGE_SEEN]).fetchone() is not None


def mark_damaged(connection: sqlite3.Connection) -> None:
    """Note that a broken page was met, outside a transaction."""
    connection.execute("INSERT OR IGNORE INTO tocsin_meta (name, value) VALUES (?, '1')", [DAMAGE_SEEN])


def was_left_behind(path: pathlib.Path) -> bool:
    """Whether the last who used the file ended without closing it: there is a log, and nobody lives who has it open.

    Asked on Linux only; elsewhere a log alone counts. The own process's locks do not show, and it looked at the file
    when it opened it.
    """
    log = pathlib.Path(f"{path}-wal")
    if not log.exists() or not log.stat().st_size or in_use_here(path):
        return False
    if sys.platform != "linux":
        return True
    import fcntl

    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, _LIVING, 1, 0)
    try:
        with open(f"{path}-shm", "rb") as index:
            kind, *_ = struct.unpack(_FLOCK, fcntl.fcntl(index, fcntl.F_GETLK, asked))
    except OSError:
        return True
    return bool(kind == fcntl.F_UNLCK)
