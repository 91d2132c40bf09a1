"""SQLite keeps the promises of every store."""

import contextlib
import sqlite3

import pytest

from tocsin.testing.store import StoreContract


class TestSqlite(StoreContract):
    """With the fixture ``make_store`` of this folder."""

    @pytest.fixture
    def spoil(self, path):
        def run(alert_id):
            with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
                connection.execute("UPDATE tocsin_contents SET content = X'7B7D' WHERE alert_id = ?", (alert_id,))

        return run
