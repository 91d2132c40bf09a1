"""The connections of this process to an SQLite file: all of them can be closed before it forks.

A child inherits SQLite's table of the locks that its parent holds, and not the locks. What it opens beside a connection
from before believes that it holds what it does not: its commits vanish, or it waits for ever
(https://www.sqlite.org/howtocorrupt.html, "Carrying an open database across a fork").
"""

from __future__ import annotations

import pathlib
import sqlite3
import threading
import time
import weakref
from typing import Any
from urllib.parse import quote

from tocsin import StoreError
from tocsin_sql.files import in_use_here

__all__ = ["BUSY", "Connections"]

BUSY = 5.0
"""Seconds for which another process's transaction is waited for."""
_CARRIED: set[pathlib.Path] = set()
"""Files that this process has open from before it was forked: SQLite's locks of them hold no more in it."""


class _Known(sqlite3.Connection):
    """One that tells when closing it has come to its end; before, it has locks within SQLite."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.closed = threading.Event()

    def close(self) -> None:
        super().close()
        self.closed.set()


class Connections:
    """Opens connections to a file, unless it is shut. Thread-safe.

    Args:
        path: of the file.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._known: weakref.WeakSet[_Known] = weakref.WeakSet()
        self._gate = threading.Lock()
        self.is_shut = False

    def open(self, mode: str, pragmas: tuple[str, ...]) -> sqlite3.Connection:
        """A connection; while they are shut, that is waited for.

        Raises:
            StoreError: this process has the file open from before it was forked.
            sqlite3.Error: it cannot be opened.
        """
        with self._gate:
            if self._path in _CARRIED:
                words = (
                    f"this process has {self._path} open from before it was forked, so that no lock on it would hold"
                )
                raise StoreError(f"{words}; make the service, and the application's own connections, after the fork")
            connection = self._connect(mode)
        try:
            for pragma in pragmas:
                connection.execute(pragma).fetchall()
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _connect(self, mode: str) -> _Known:
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode={mode}",
            uri=True,
            timeout=BUSY,
            isolation_level=None,
            check_same_thread=False,
            factory=_Known,
        )
        self._known.add(connection)
        return connection

    def shut(self) -> None:
        """Open none from now on; who gives one back closes it."""
        self._gate.acquire()
        self.is_shut = True

    def drained(self, end: float) -> None:
        """Wait until all are closed, or the time has come (``time.monotonic`` seconds)."""
        for connection in list(self._known):
            connection.closed.wait(max(0.0, end - time.monotonic()))

    def reopen(self) -> None:
        """Open them again."""
        if self.is_shut:
            self.is_shut = False
            self._gate.release()

    def inherit(self) -> None:
        """In a forked child: let nobody use the file where it is open still, by us or by the application."""
        if in_use_here(self._path):
            _CARRIED.add(self._path)
