"""SQLite keeps the promises of every store."""

from tocsin.testing.store import StoreContract


class TestSqlite(StoreContract):
    """With the fixture ``make_store`` of this folder."""
