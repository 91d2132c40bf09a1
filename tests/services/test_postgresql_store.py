"""PostgreSQL keeps the promises of every store, and what a server adds to them."""

from tocsin.testing.store import StoreContract


class TestPostgresql(StoreContract):
    """With the fixture ``make_store`` of this folder."""
