"""An alert that is written in the application's own transaction is there exactly when that transaction is."""

import gc
import itertools
import sqlite3
import statistics
import threading
import tracemalloc

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


def by_sqlalchemy(path):
    return sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool, isolation_level="AUTOCOMMIT").connect()


def for_one_connection(path):
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    return engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def by_the_driver(path):
    def creator():
        return sqlite3.connect(path, isolation_level=None)

    return sa.create_engine("sqlite://", poolclass=sa.NullPool, creator=creator).connect()


@pytest.mark.parametrize("connect", [by_sqlalchemy, for_one_connection, by_the_driver])
def test_a_connection_that_commits_each_statement_is_refused(open_store, path, connect):
    store, one = open_store(), alert()
    with connect(path) as connection:
        with pytest.raises(StoreError, match=r"commits each statement by itself \(AUTOCOMMIT\).*whose transaction you"):
            put(store, connection, one)
        connection.rollback()

    assert store.record(one.alert_id) is None
    assert store.waiting() == 0


def test_a_driver_that_is_told_to_begin_by_the_application_is_an_outbox(open_store, path):
    store, one = open_store(), alert()
    engine = sa.create_engine(
        "sqlite://", poolclass=sa.NullPool, creator=lambda: sqlite3.connect(path, isolation_level=None)
    )
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.connect() as connection:
        put(store, connection, one)
        connection.rollback()
        gone = store.record(one.alert_id)
        put(store, connection, one)
        connection.commit()

    assert gone is None
    assert store.record(one.alert_id) is not None


class Undone:
    """Told that an alert's transaction was rolled back."""

    def __init__(self):
        self.names, self._told = [], threading.Event()

    def of(self, name):
        def tell():
            self.names.append(name)
            self._told.set()

        return tell

    def wait(self):
        assert self._told.wait(10)
        return self.names


@pytest.fixture
def undone():
    return Undone()


def settled(store):
    """Wait until the writer and who tells of its work have done everything before."""
    done = threading.Event()
    store._writer.post(lambda _: None, lambda _: done.set(), durable=False)
    assert done.wait(10)


def roll_back(connection):
    connection.rollback()


def close(connection):
    connection.close()


def cut(connection):
    connection.invalidate()
    connection.close()


@pytest.mark.parametrize("end", [roll_back, close, cut])
def test_who_waits_for_what_was_rolled_back_is_told(open_store, engine, undone, end):
    store, one = open_store(), alert(alert_id="one")
    connection = engine.connect()
    put(store, connection, one, undone=undone.of("one"))
    end(connection)

    assert undone.wait() == ["one"]
    assert store.record("one") is None


def test_a_connection_that_is_forgotten_is_rolled_back(open_store, engine, undone):
    store, connection = open_store(), engine.connect()
    put(store, connection, alert(), undone=undone.of("one"))
    del connection
    gc.collect()

    assert undone.wait() == ["one"]


def test_what_is_committed_is_not_undone_by_the_next_transactions_end(open_store, engine, undone):
    store = open_store()
    with engine.connect() as connection:
        put(store, connection, alert(alert_id="kept"), undone=undone.of("kept"))
        connection.commit()
        put(store, connection, alert(alert_id="gone"), undone=undone.of("gone"))
        connection.rollback()
        put(store, connection, alert(alert_id="too"), undone=undone.of("too"))
        connection.commit()
    undone.wait()
    settled(store)

    assert undone.names == ["gone"]
    assert store.waiting() == 2


def test_a_savepoint_takes_along_what_was_written_since(open_store, engine, undone):
    store, heard = open_store(), []
    with engine.begin() as connection:
        put(store, connection, alert(alert_id="before"), undone=undone.of("before"))
        with connection.begin_nested() as savepoint:
            put(store, connection, alert(alert_id="within"), undone=undone.of("within"))
            with connection.begin_nested():
                put(store, connection, alert(alert_id="deeper"), undone=undone.of("deeper"))
            savepoint.rollback()
        put(store, connection, alert(alert_id="after"), undone=undone.of("after"))
        heard = list(undone.names)
    undone.wait()
    settled(store)

    assert (heard, sorted(undone.names)) == ([], ["deeper", "within"])
    assert {one.alert_id for one in store.select()} == {"before", "after"}


def test_a_savepoint_that_is_rolled_back_before_undoes_nothing(open_store, engine, undone):
    store = open_store()
    with engine.begin() as connection:
        with connection.begin_nested() as savepoint:
            put(store, connection, alert(alert_id="one"), undone=undone.of("first"))
            savepoint.rollback()
        put(store, connection, alert(alert_id="one"), undone=undone.of("second"))
    settled(store)

    assert undone.names == []
    assert store.waiting() == 1


def test_a_commit_that_fails_undoes_what_it_was_to_commit(open_store, engine, undone):
    store = open_store()
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
        connection.exec_driver_sql("CREATE TABLE parents (id INTEGER PRIMARY KEY)")
        late = "REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED"
        connection.exec_driver_sql(f"CREATE TABLE children (parent INTEGER {late})")
        connection.commit()
        put(store, connection, alert(alert_id="kept"), undone=undone.of("kept"))
        connection.commit()
        put(store, connection, alert(alert_id="gone"), undone=undone.of("gone"))
        connection.exec_driver_sql("INSERT INTO children VALUES (7)")
        with pytest.raises(sa.exc.IntegrityError):
            connection.commit()
        connection.rollback()

    assert undone.wait() == ["gone"]
    assert [one.alert_id for one in store.select()] == ["kept"]


def test_a_statement_that_fails_undoes_nothing_that_was_committed(open_store, engine, undone):
    store = open_store()
    with engine.connect() as connection:
        put(store, connection, alert(), undone=undone.of("one"))
        connection.commit()
        with pytest.raises(sa.exc.OperationalError):
            connection.exec_driver_sql("no SQL")
    settled(store)

    assert undone.names == []


def test_what_was_there_before_outlives_a_rollback(open_store, engine, undone):
    store, one = open_store(), alert()
    store.add(one, PLAN, [delivery(one, store)])
    with engine.connect() as connection:
        put(store, connection, one, undone=undone.of("one"))
        connection.rollback()
    settled(store)

    assert undone.names == []
    assert store.record(one.alert_id) is not None


def test_an_application_that_rolls_back_after_the_store_was_closed_sees_nothing_of_it(make_store, engine, undone):
    from tocsin.clock import SystemClock

    store = make_store()
    store.open(SystemClock(), lambda: None)
    with engine.connect() as connection:
        put(store, connection, alert(), undone=undone.of("one"))
        store.close()
        connection.rollback()

    assert undone.names == []


def test_connections_and_transactions_leave_nothing_behind(open_store, engine, undone):
    store = open_store()

    def run(times):
        for _ in range(times):
            with engine.connect() as connection:
                for _ in range(2):
                    put(store, connection, alert(), undone=undone.of("one"))
                    connection.rollback()
        settled(store)
        undone.names.clear()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        run(100)
        sizes = list(enumerate(run(50) for _ in range(10)))
    finally:
        tracemalloc.stop()

    # What leaks grows at an even pace; what a table of the interpreter that is laid anew adds, and what a thread holds
    # for a moment, makes single differences large, and not the median of them all.
    pairs = itertools.combinations(sizes, 2)
    grown = statistics.median((late - early) / (then - first) for (first, early), (then, late) in pairs)
    print(f"{grown / 100:.0f} bytes for each transaction")
    assert grown < 100 * 100
    assert len(store._outbox._open) == 0
