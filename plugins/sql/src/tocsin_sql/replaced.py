"""A file that took the store's place while it was in use: told from one that another process had put back there."""

from __future__ import annotations

import contextlib
import pathlib
import sqlite3
from typing import Any, Self

import attrs

from tocsin import StoreError

__all__ = ["Marks"]

_MARKS = "SELECT name, value FROM tocsin_meta WHERE name IN ('store_id', 'last_seen')"


@attrs.frozen
class Marks:
    """What tells a store from another, and from itself as it was before.

    Attributes:
        store_id: its name, which a copy has too.
        last_seen: how far its clock had come, in seconds; noted once a second.
    """

    store_id: str
    last_seen: float

    @classmethod
    def of(cls, driver: Any) -> Self | None:
        """The marks in a database that is open; None where it has none."""
        with contextlib.suppress(sqlite3.Error, KeyError, ValueError):
            found = dict(driver.execute(_MARKS).fetchall())
            return cls(found["store_id"], float(found["last_seen"]))
        return None

    def check(self, path: pathlib.Path) -> None:
        """See that a file goes on from here.

        Its log is left alone: what lies beside it is that of the file which was there before, and of no other.

        Raises:
            StoreError: it is another store, or an older copy of this one.
        """
        with contextlib.suppress(sqlite3.Error):
            uri = f"{path.as_uri()}?mode=ro&immutable=1"
            with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
                found = Marks.of(connection)
                if found and found.store_id == self.store_id and found.last_seen >= self.last_seen:
                    return
        words = f"{path} was replaced by another file while it was in use; stop all that use it, remove {path.name}-wal"
        raise StoreError(f"{words} and {path.name}-shm, and start again with the file that is to go on")
