"""Which key a database's contents are sealed with: noted with the first that is sealed, and compared ever after."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from tocsin import StoreError
from tocsin_sql.schema import meta
from tocsin_sql.sealing import Seal
from tocsin_sql.statements import Statement

__all__ = ["check_key", "note_key"]

_NAME = "key_check"
_WORDS = "the store's key"
_KNOWN = Statement(sa.select(meta.c.value).where(meta.c.name == _NAME))
_NOTE = {
    "sqlite": Statement(sqlite.insert(meta).on_conflict_do_nothing()),
    "postgresql": Statement(postgresql.insert(meta).on_conflict_do_nothing()),
}


def check_key(connection: sa.Connection, seal: Seal, place: str) -> None:
    """Refuse a database whose contents are sealed with another key than this; changes nothing.

    Raises:
        StoreError: it is another, or there is none.
    """
    known = _KNOWN.first(connection, {})
    if known is not None:
        _compare(known, seal, place)


def note_key(connection: sa.Connection, seal: Seal) -> None:
    """Before something sealed is written: note the key, or see that it is the one that is noted.

    Two processes may have opened a database in which nothing was sealed yet, each with a key of its own.

    Raises:
        StoreError: it is another; nothing was written.
    """
    if not seal.has_key:
        return
    known = _KNOWN.first(connection, {})
    if known is None:
        value = seal.close(_WORDS, _NAME).hex()
        _NOTE[connection.dialect.name].change(connection, {"name": _NAME, "value": value})
        known = _KNOWN.first(connection, {})  # another's, where that was quicker
    _compare(known, seal, "the store")


def _compare(known: Any, seal: Seal, place: str) -> None:
    sealed = bytes.fromhex(known.value)
    if not seal.opens(sealed, _NAME):
        what = "another key" if seal.has_key else "a key, and none is set"
        raise StoreError(f"{place} was encrypted with {what}; set TOCSIN_STORE_KEY to it")
