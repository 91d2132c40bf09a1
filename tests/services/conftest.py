"""Databases of their own on a PostgreSQL server: TOCSIN_TEST_POSTGRESQL names it, by default the local one."""

import contextlib
import os
import uuid

import psycopg
import pytest
from psycopg import sql

from tocsin.clock import SystemClock
from tocsin_sql import SqlStore

SERVER = os.environ.get("TOCSIN_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432")


def admin(statement, *names):
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@pytest.fixture(scope="session")
def template():
    """A database with the tables in it, of which each test gets a copy."""
    name = f"tocsin_test_{uuid.uuid4().hex[:12]}"
    admin("CREATE DATABASE {}", name)
    store = SqlStore(url=f"{SERVER}/{name}")
    store.upgrade()
    store.close()
    yield name
    admin("DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture
def url(template):
    name = f"tocsin_test_{uuid.uuid4().hex[:12]}"
    admin("CREATE DATABASE {} TEMPLATE {}", name, template)
    yield f"{SERVER}/{name}"
    admin("DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture
def make_store(url):
    """Another store on the test's own database."""

    def make(**settings):
        return SqlStore(**{"url": url} | settings)

    return make


@pytest.fixture
def open_store(make_store):
    """Another open store on the test's own database; closed at the end."""
    with contextlib.ExitStack() as stack:

        def make(clock=None, news=lambda: None, **settings):
            store = make_store(**settings)
            store.open(clock or SystemClock(), news)
            stack.callback(store.close)
            return store

        yield make
