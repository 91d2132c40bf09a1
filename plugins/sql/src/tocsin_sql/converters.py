"""What becomes of a setting's value; a ``ValueError`` says what is wrong with it without quoting it."""

from __future__ import annotations

from tocsin import Secret
from tocsin.settings import to_secret
from tocsin_sql.database import database_of
from tocsin_sql.sealing import to_key

__all__ = ["to_database_url", "to_secret_key"]


def to_database_url(value: str | Secret) -> Secret:
    """The URL of a database that can be used; it may hold a password."""
    secret = to_secret(value)
    database_of(secret.reveal())
    return secret


def to_secret_key(value: str | Secret | None) -> Secret | None:
    """32 bytes in base64, or None."""
    if value is None:
        return None
    secret = to_secret(value)
    to_key(secret.reveal())
    return secret
