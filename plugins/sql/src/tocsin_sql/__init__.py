"""Alerts and deliveries in SQLite or PostgreSQL, so that nothing accepted is lost."""

from tocsin_sql.store import SqlStore

__all__ = ["SqlStore"]
