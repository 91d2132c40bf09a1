"""How an SQLite file is opened by who only reads: so that nothing is written into it, and nothing left beside it."""

from __future__ import annotations

import pathlib
import sqlite3
from collections.abc import Callable

from tocsin import StoreError

__all__ = ["reading_mode"]

Connect = Callable[[str, tuple[str, ...]], sqlite3.Connection]
"""Opens a connection in a mode, with these pragmas."""

_FIRST_PAGE = "PRAGMA schema_version"
"""Reads it, and with it the log."""


def reading_mode(path: pathlib.Path, connect: Connect) -> str:
    """The mode for SQLite's URL (https://www.sqlite.org/uri.html) in which a file that is there can be read.

    Without a log nobody has the file open. A connection that may write makes the log and takes it away at its end; one
    that may not leaves it behind. On a medium that cannot be written the file is read as it lies
    (https://www.sqlite.org/wal.html, "Read-Only Databases").

    Args:
        path: of the file.
        connect: opens it.

    Raises:
        StoreError: there is a log, which cannot be read without writing beside it.
        sqlite3.Error: it cannot be read for another reason.
    """
    has_log = any(pathlib.Path(f"{path}{end}").exists() for end in ("-wal", "-shm"))
    mode = "ro" if has_log else "rw"
    try:
        connect(mode, (_FIRST_PAGE,)).close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
    else:
        return mode
    if has_log:
        words = f"{path} cannot be read by this user without writing beside it, because it has a write-ahead log"
        raise StoreError(f"{words}; copy it with its -wal into a folder that you may write, and name the copy")
    return "ro&immutable=1"
