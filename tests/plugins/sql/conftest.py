"""Stores on files of their own."""

import contextlib

import pytest

from tocsin.clock import SystemClock
from tocsin_sql import SqlStore


@pytest.fixture
def path(tmp_path):
    return tmp_path / "tocsin.db"


@pytest.fixture
def make_store(path):
    """Another store on the test's own file."""

    def make(**settings):
        return SqlStore(**{"url": f"sqlite:///{path}"} | settings)

    return make


@pytest.fixture
def open_store(make_store):
    """Another open store on the test's own file; closed at the end."""
    with contextlib.ExitStack() as stack:

        def make(clock=None, news=lambda: None, **settings):
            store = make_store(**settings)
            store.open(clock or SystemClock(), news)
            stack.callback(store.close)
            return store

        yield make
