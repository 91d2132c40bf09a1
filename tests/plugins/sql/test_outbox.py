"""An alert that is written in the application's own transaction is there exactly when that transaction is."""

import threading

import pytest
import sqlalchemy as sa

from tocsin import Alert, StoreError
from tocsin.plan import Plan
from tocsin.testing.store.rig import LEASE, alert, delivery, outcome, settle

PLAN = Plan((("x",),), lifetime=100.0)


@pytest.fixture
def engine(path):
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    yield engine
    engine.dispose()


def put(store, connection, one, **how):
    return store.add(one, PLAN, [delivery(one, store)], connection=connection, **how)


def test_what_the_application_commits_is_delivered(open_store, engine):
    store, one = open_store(), alert()
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE orders (id)")
        connection.exec_driver_sql("INSERT INTO orders VALUES (7)")
        added = put(store, connection, one)
        during = store.record(one.alert_id)
    (claimed,) = store.claim("x", 5, LEASE).deliveries

    assert (added.alert_id, added.fresh, added.known) == (one.alert_id, (), False)
    assert during is None
    assert settle(store, outcome(claimed)).report is not None
    assert store.alert(one.alert_id) == one


def test_what_the_application_rolls_back_never_was(open_store, engine):
    store, one = open_store(), alert()
    with engine.connect() as connection:
        put(store, connection, one, key="k")
        connection.rollback()

    assert store.record(one.alert_id) is None
    assert store.claim("x", 5, LEASE).deliveries == ()
    assert not store.add(alert(), PLAN, [], key="k").known


def test_the_dispatcher_hears_of_it_once_it_is_there(open_store, engine):
    heard, seen = threading.Event(), []
    store = open_store(news=lambda: (seen.append(store.due()), heard.set()))
    with engine.begin() as connection:
        put(store, connection, alert())

    assert heard.wait(10)
    assert seen == [["x"]]


def test_a_client_key_counts_within_the_applications_transaction(open_store, engine):
    store, one = open_store(), alert()
    with engine.begin() as connection:
        put(store, connection, one, key="k")
        again = put(store, connection, alert(), key="k")

    assert (again.known, again.alert_id) == (True, one.alert_id)


def test_a_connection_to_another_database_is_refused(open_store, tmp_path):
    store, one = open_store(), alert()
    other = sa.create_engine(f"sqlite:///{tmp_path / 'other.db'}", poolclass=sa.NullPool)
    with other.begin() as connection, pytest.raises(StoreError, match=r"is not one to .*tocsin.db"):
        put(store, connection, one)

    assert store.record(one.alert_id) is None


def test_something_else_than_a_connection_is_refused(open_store):
    with pytest.raises(StoreError, match=r"must be an sqlalchemy\.Connection, got str"):
        put(open_store(), "sqlite://", Alert(title="t", message="m"))
