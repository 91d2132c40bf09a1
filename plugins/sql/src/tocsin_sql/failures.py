"""Errors of a database in words: what, where, and what to do; never a statement, a parameter or content."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Protocol

import sqlalchemy as sa

from tocsin import StoreError

__all__ = ["Place", "is_conflict", "is_damage", "is_disconnect", "is_everybodys", "is_refusal", "store_error", "told"]

_BUSY, _LOCKED, _READONLY, _IOERR, _CORRUPT, _FULL, _CANTOPEN, _NOTADB = 5, 6, 8, 10, 11, 13, 14, 26
_SQLITE = {
    _BUSY: "is locked by another process; see which program holds a transaction open on it",
    _LOCKED: "is locked by another connection; see which part of the program holds a transaction open on it",
    _READONLY: "cannot be written; give this user the right to write the file and its folder",
    _IOERR: "cannot be read or written, the system reported an I/O error; look at the disk and the system's log",
    _CORRUPT: "is damaged; start it anew to have it moved aside and salvaged, or run tocsin store check",
    _FULL: "cannot grow, the disk or quota is full; free some space",
    _CANTOPEN: "cannot be opened; see that its folder exists and this user may write there",
    _NOTADB: "is no SQLite database, or its first page is damaged; name another file or run tocsin store salvage",
}
_BUSY_SNAPSHOT = 517
"""SQLITE_BUSY_SNAPSHOT, an extended code: https://www.sqlite.org/rescode.html#busy_snapshot."""
_OLD = "was written since this transaction read from it; enqueue before reading, or begin it with BEGIN IMMEDIATE"
_CONFLICTS = {"40001", "40P01", "23505"}
"""Serialization failure, deadlock, and a row that somebody else has put there meanwhile."""
_REFUSED = ("08", "57P")
_CONTENT = ("22", "23", "54")
"""Data exception, integrity constraint, program limit: https://www.postgresql.org/docs/current/errcodes-appendix.html."""


def _origin(error: BaseException) -> BaseException:
    return error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig is not None else error


def _sqlite_code(error: BaseException) -> int | None:
    code = getattr(_origin(error), "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _sqlstate(error: BaseException) -> str:
    return getattr(_origin(error), "sqlstate", None) or ""


class Place(Protocol):
    """A database that is asked or changed."""

    place: str

    def suffered(self, error: BaseException) -> None:
        """Told each error that it answered with."""


@contextlib.contextmanager
def told(database: Place) -> Iterator[None]:
    """A block whose errors of the database become the store's."""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        database.suffered(error)
        raise store_error(error, database.place) from None


def is_damage(error: BaseException) -> bool:
    """Whether the file itself is broken."""
    return _sqlite_code(error) in (_CORRUPT, _NOTADB)


def is_conflict(error: BaseException) -> bool:
    """Whether another transaction was in the way: the same again may succeed at once."""
    return _sqlstate(error) in _CONFLICTS


def is_disconnect(error: BaseException) -> bool:
    """Whether the server went away, or is not there yet."""
    if _sqlite_code(error) is not None or isinstance(_origin(error), sqlite3.Error):
        return False
    if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
        return True
    state = _sqlstate(error)
    return isinstance(error, sa.exc.OperationalError) and (not state or state.startswith(_REFUSED))


def is_everybodys(error: BaseException) -> bool:
    """Whether it has nothing to do with what was to be written: whoever tries next fails too."""
    return is_disconnect(error) or _sqlite_code(error) in _SQLITE


def is_refusal(error: BaseException) -> bool:
    """Whether the database, or its driver, does not take what was to be written: the same again fails for ever."""
    if is_everybodys(error) or is_conflict(error):
        return False
    if not isinstance(error, sa.exc.SQLAlchemyError):  # the driver could not even make it a parameter
        return isinstance(error, ArithmeticError | LookupError | TypeError | ValueError)
    if state := _sqlstate(error):
        return state.startswith(_CONTENT)
    return isinstance(error, sa.exc.DataError | sa.exc.IntegrityError | sa.exc.ProgrammingError)


def store_error(error: BaseException, place: str) -> StoreError:
    """The error as its readers need it.

    Args:
        error: of SQLAlchemy or of the driver below it.
        place: the database, without a password.
    """
    if isinstance(error, StoreError):
        return error
    code = _sqlite_code(error)
    if getattr(_origin(error), "sqlite_errorcode", None) == _BUSY_SNAPSHOT:
        return StoreError(f"{place} {_OLD}")
    if code in _SQLITE:
        return StoreError(f"{place} {_SQLITE[code]}")
    if is_disconnect(error):
        return StoreError(f"{place} cannot be reached; see that the server runs and takes this user's connections")
    if isinstance(error, OSError):
        return StoreError(f"{place} cannot be used: {error.strerror}; see the folder's owner, rights and free space")
    state = _sqlstate(error) or (f"SQLite code {code}" if code is not None else "")
    kind = type(_origin(error)).__name__
    return StoreError(f"{place} answered with {kind}{f' ({state})' if state else ''}; look at its log")
