"""Databases of their own on a PostgreSQL server, which TOCSIN_TEST_POSTGRESQL names.

Its value is a URL without a database, like ``postgresql://postgres@127.0.0.1:5432``; where it is not set, nothing here
is collected.
"""

import contextlib
import os
import uuid

import pytest

SERVER = os.environ.get("TOCSIN_TEST_POSTGRESQL")
if not SERVER:
    collect_ignore_glob = ["test_*.py"]


def admin(statement, *names):
    import psycopg
    from psycopg import sql

    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def made(statement, *names):
    name = f"tocsin_test_{uuid.uuid4().hex[:12]}"
    admin(statement, name, *names)
    return name


@pytest.fixture
def empty_url():
    """A database with nothing in it."""
    name = made("CREATE DATABASE {}")
    yield f"{SERVER}/{name}"
    admin("DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture(scope="session")
def template():
    """A database with the tables in it, of which each test gets a copy."""
    from tocsin_sql import SqlStore

    name = made("CREATE DATABASE {}")
    store = SqlStore(url=f"{SERVER}/{name}")
    store.upgrade()
    store.close()
    yield name
    admin("DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture
def url(template):
    name = made("CREATE DATABASE {} TEMPLATE {}", template)
    yield f"{SERVER}/{name}"
    admin("DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture
def make_store(url):
    """Another store on the test's own database."""
    from tocsin_sql import SqlStore

    def make(**settings):
        return SqlStore(**{"url": url} | settings)

    return make


@pytest.fixture
def open_store(make_store):
    """Another open store on the test's own database; closed at the end."""
    from tocsin.clock import SystemClock

    with contextlib.ExitStack() as stack:

        def make(clock=None, news=lambda: None, **settings):
            store = make_store(**settings)
            store.open(clock or SystemClock(), news)
            stack.callback(store.close)
            return store

        yield make
