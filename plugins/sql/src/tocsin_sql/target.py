"""Where a writer writes."""

from __future__ import annotations

from typing import Protocol

import sqlalchemy as sa

from tocsin_sql.forking import Pausing

__all__ = ["Misplaced", "Target"]


class Misplaced(Exception):
    """The file that the connection writes is no longer the one at its place."""


class Target(Pausing, Protocol):
    """Where a writer writes."""

    place: str

    def suffered(self, error: BaseException) -> None:
        """Told each error that a transaction ended with."""

    def connect(self) -> sa.Connection:
        """A connection that is the writer's own."""

    def prepare(self, connection: sa.Connection, *, durable: bool) -> None:
        """Before a transaction: whether its commit must have reached the disk."""

    def began(self, connection: sa.Connection, *, durable: bool) -> None:
        """In each transaction, before anything else."""

    def lost(self, connection: sa.Connection) -> None:
        """Called where the file that the connection writes is no longer the one at its place."""
