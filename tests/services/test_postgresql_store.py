"""PostgreSQL keeps the promises of every store, and what a server adds to them."""

import os
import secrets
import subprocess
import sys
import textwrap
import threading

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tocsin import Receipt, StoreError
from tocsin.clock import SystemClock
from tocsin.plan import Plan
from tocsin.report import DeliveryState
from tocsin.testing.store import StoreContract
from tocsin.testing.store.rig import LEASE, alert, delivery, outcome, settle
from tocsin_sql import SqlStore, claims
from tocsin_sql.migrations import VERSION_TABLE
from tocsin_sql.postgresql import Postgresql
from tocsin_sql.schema import METADATA

PLAN = Plan((("x",),), lifetime=1_000.0)
ENV = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


class TestPostgresql(StoreContract):
    """With the fixture ``make_store`` of this folder."""

    @pytest.fixture
    def spoil(self, url):
        def run(alert_id):
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("UPDATE tocsin_contents SET content = %s WHERE alert_id = %s", (b"{}", alert_id))

        return run


@pytest.fixture
def engine(url):
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    yield engine
    engine.dispose()


@pytest.fixture
def end_connections(url):
    """Have the server end every connection to the test's database, as a restart does."""

    def end():
        server, _, name = url.rpartition("/")
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            return len(connection.execute(query, (name,)).fetchall())

    return end


def put(store, channels=("x",), **how):
    one = alert()
    store.add(one, Plan((tuple(channels),), lifetime=1e6), [delivery(one, store, name) for name in channels], **how)
    return one


def test_what_the_application_commits_is_delivered_and_told(open_store, engine):
    heard = threading.Event()
    store = open_store(news=heard.set)
    store.due()
    assert heard.wait(10)  # it listens
    heard.clear()
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE orders (id integer)")
        one = put(store, connection=connection)
        during = store.record(one.alert_id)

    assert during is None
    assert heard.wait(10)
    (claimed,) = store.claim("x", 5, LEASE).deliveries
    assert settle(store, outcome(claimed)).report is not None


def test_what_the_application_rolls_back_never_was(open_store, engine):
    store = open_store()
    with engine.connect() as connection:
        one = put(store, connection=connection, key="k")
        connection.rollback()

    assert store.record(one.alert_id) is None
    assert not store.add(alert(), PLAN, [], key="k").known


def test_who_waits_for_what_was_rolled_back_is_told(open_store, engine):
    store, told, ended = open_store(), [], threading.Event()

    def undone(name):
        return lambda: (told.append(name), ended.set() if len(told) == 2 else None)

    with engine.connect() as connection:
        put(store, connection=connection, undone=undone("transaction"))
        connection.rollback()
        with connection.begin_nested() as savepoint:
            put(store, connection=connection, undone=undone("savepoint"))
            savepoint.rollback()
        put(store, connection=connection, undone=undone("neither"))
        connection.commit()

    assert ended.wait(10)
    assert sorted(told) == ["savepoint", "transaction"]
    assert store.waiting() == 1


def test_a_commit_that_fails_undoes_what_it_was_to_commit(open_store, engine):
    store, undone = open_store(), threading.Event()
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE parents (id integer PRIMARY KEY)")
        late = "REFERENCES parents DEFERRABLE INITIALLY DEFERRED"
        connection.exec_driver_sql(f"CREATE TABLE children (parent integer {late})")
        connection.commit()
        one = put(store, connection=connection, undone=undone.set)
        connection.exec_driver_sql("INSERT INTO children VALUES (7)")
        with pytest.raises(sa.exc.IntegrityError):
            connection.commit()

    assert undone.wait(10)
    assert store.record(one.alert_id) is None


def test_a_connection_to_another_database_is_refused_and_stays_usable(open_store, engine, empty_url):
    store = open_store()
    other = sa.create_engine(sa.make_url(empty_url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    with other.begin() as connection:
        with pytest.raises(StoreError, match="is not one to PostgreSQL at"):
            put(store, connection=connection)
        assert connection.execute(sa.text("SELECT 1")).scalar() == 1


@pytest.mark.parametrize("where", ["engine", "driver"])
def test_a_connection_that_commits_each_statement_is_refused(open_store, url, where):
    store = open_store()
    how = {"isolation_level": "AUTOCOMMIT"} if where == "engine" else {"connect_args": {"autocommit": True}}
    own = sa.make_url(url).set(drivername="postgresql+psycopg")
    with sa.create_engine(own, poolclass=sa.NullPool, **how).connect() as connection:
        with pytest.raises(StoreError, match="commits each statement by itself"):
            put(store, connection=connection)
        connection.rollback()

    assert store.waiting() == 0


def test_others_hear_of_what_is_new(open_store):
    heard = threading.Event()
    store, other = open_store(news=heard.set), open_store()
    store.due()
    assert heard.wait(10)
    heard.clear()
    put(store)
    own = heard.wait(0.5)
    put(other)

    assert not own
    assert heard.wait(10)


def test_an_older_database_asks_for_the_upgrade_and_is_left_as_it_is(open_store, make_store, engine):
    open_store().close()
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '0000'")
    store = make_store()
    with pytest.raises(StoreError, match="is of version 0000; run tocsin store upgrade"):
        store.open(SystemClock(), lambda: None)
    problems = store.check()
    store.close()
    with engine.connect() as connection:
        version = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()

    assert version == "0000"
    assert ["of version 0000, this program knows" in problem for problem in problems] == [True]


def test_who_only_looks_sees_what_is_there_and_makes_no_tables(open_store, make_store, empty_url):
    one = put(open_store())
    store, empty = make_store(), SqlStore(url=empty_url)
    store.open_to_read(SystemClock())
    found = store.waiting(), store.record(one.alert_id).alert
    store.close()

    assert found == (1, one)
    for _ in range(2):
        with pytest.raises(StoreError, match="has no tables of tocsin"):
            empty.open_to_read(SystemClock())
    empty.close()


def test_an_empty_database_asks_for_the_upgrade(empty_url):
    store = SqlStore(url=empty_url)
    with pytest.raises(StoreError, match="has no tables of tocsin; run tocsin store upgrade"):
        store.open(SystemClock(), lambda: None)
    said = store.upgrade()
    store.open(SystemClock(), lambda: None)
    put(store)
    store.close()

    assert "it was empty" in said


def test_a_newer_database_is_refused(make_store, engine):
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '0099'")

    with pytest.raises(StoreError, match="is of version 0099"):
        make_store().open(SystemClock(), lambda: None)


def test_the_migrations_make_the_tables_that_the_code_knows(engine, url):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, METADATA) == []


def test_a_server_that_is_not_there_is_an_error_without_the_password(make_store):
    store = make_store(url="postgresql://user:hunter22@127.0.0.1:1/db")

    with pytest.raises(StoreError, match=r"PostgreSQL at 127\.0\.0\.1:1/db cannot be reached") as caught:
        store.open(SystemClock(), lambda: None)
    assert "hunter22" not in str(caught.value)


def test_after_a_restart_of_the_server_it_goes_on(open_store, end_connections):
    store = open_store()
    first = put(store)
    (claimed,) = store.claim("x", 1, LEASE).deliveries
    store.due()
    ended = end_connections()
    told, settled = threading.Event(), []
    store.complete(outcome(claimed), lambda what: (settled.append(what), told.set()))
    second = put(store)

    assert ended >= 2
    assert told.wait(10)
    assert settled[0].taken
    assert store.report(first.alert_id) is not None
    assert store.record(second.alert_id).deliveries[0].state is DeliveryState.PENDING


def test_the_ends_of_one_alert_in_two_processes_make_one_report(open_store):
    stores = [open_store(), open_store()]
    channels = [f"c{n}" for n in range(6)]
    alerts = [put(stores[0], channels).alert_id for _ in range(30)]
    settled = []

    def work(store, names):
        for _ in alerts:
            for name in names:
                for claimed in store.claim(name, 3, LEASE).deliveries:
                    settled.append(settle(store, outcome(claimed)))

    threads = [threading.Thread(target=work, args=(store, channels)) for store in stores * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert all(one.taken for one in settled)
    assert len(settled) == len(alerts) * len(channels)
    assert sorted(one.report.alert_id for one in settled if one.report) == sorted(alerts)
    assert stores[0].waiting() == 0


def test_of_two_who_use_a_client_key_at_once_one_is_told_of_the_other(open_store):
    stores, added = [open_store(), open_store()], []

    def work(store, n):
        one = alert()
        added.append(store.add(one, PLAN, [delivery(one, store)], key=f"key-{n}"))

    for n in range(15):
        threads = [threading.Thread(target=work, args=(store, n)) for store in stores]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)

    assert [one.known for one in added].count(True) == 15
    assert len({one.alert_id for one in added}) == stores[0].waiting() == 15


def test_two_processes_never_claim_the_same_delivery(open_store, url):
    store = open_store()
    names = sorted(put(store).alert_id for _ in range(200))
    code = """
        import os, sys, threading
        from tocsin.clock import SystemClock
        from tocsin.testing.store.rig import outcome, settle
        from tocsin_sql import SqlStore

        store = SqlStore(url=sys.argv[1])
        store.open(SystemClock(), lambda: None)
        os.write(1, b"ready\\n")
        sys.stdin.readline()
        while taken := store.claim("x", 7, 60.0).deliveries:
            for one in taken:
                os.write(1, f"{one.alert_id}\\n".encode())
                assert settle(store, outcome(one)).taken
        store.close()
    """
    command = [sys.executable, "-c", textwrap.dedent(code), url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen(command, env=ENV, **pipes) for _ in range(2)]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    claimed = [worker.communicate(timeout=60)[0].split() for worker in workers]

    assert sorted(claimed[0] + claimed[1]) == names
    assert all(claimed)
    assert store.waiting() == 0


def test_a_claim_walks_its_index(open_store, engine):
    store = open_store()
    put(store)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO tocsin_deliveries (alert_id, channel, recipient_id, recipient, key, topic, rank, stage, state,"
            " due, expires, tries, plain, token, lease, lost, attempted) SELECT 'a' || i, 'x', 'r', 'r', 'k', 't',"
            " mod(i, 5), 0, 'pending', 1e12 + i, 1e13, 0, false, 0, 0.0, 0, 0 FROM generate_series(1, 20000) AS i"
        )
        connection.exec_driver_sql("ANALYZE tocsin_deliveries")
        probe = {"name": "x", "of_rank": 2, "now": store.now(), "most": 4}
        plan = connection.exec_driver_sql(f"EXPLAIN {claims.PROBE.compile(engine)}", probe).scalars().all()

    assert any("Index Scan using tocsin_deliveries_waiting" in line for line in plan), plan
    assert [one.alert_id for one in store.claim("x", 4, LEASE).deliveries]


def test_a_salvaged_file_goes_on_on_the_server(open_store, tmp_path):
    local = SqlStore(url=f"sqlite:///{tmp_path / 'tocsin.db'}")
    local.open(SystemClock(), lambda: None)
    one, two = put(local), put(local)
    (claimed,) = local.claim("x", 1, LEASE).deliveries
    settle(local, outcome(claimed))
    local.close()
    store = open_store()
    counts = store.salvage(str(tmp_path / "tocsin.db"))

    assert (counts["alerts"], counts["deliveries"], counts["attempts"]) == (2, 2, 1)
    assert store.report(one.alert_id) is not None
    (claimed,) = store.claim("x", 5, LEASE).deliveries
    assert claimed.alert_id == two.alert_id
    put(store)


@pytest.mark.parametrize(
    "word",
    [
        pytest.param("a\x00b", id="NUL"),
        pytest.param("a\ud83db", id="a lone surrogate"),
        pytest.param(secrets.token_hex(20_000), id="longer than an index takes"),
    ],
)
def test_a_result_that_the_server_does_not_take_is_stored_without_what_it_refuses(open_store, word):
    store = open_store()
    one = put(store)
    (claimed,) = store.claim("x", 1, LEASE).deliveries
    receipt = Receipt(provider_id="id")
    object.__setattr__(receipt, "provider_id", word)  # past what the receipt itself cleans

    assert settle(store, outcome(claimed, receipt=receipt)).taken
    assert store.report(one.alert_id).is_complete
    assert [(str(known.state), known.receipt) for known in store.select()] == [("accepted", Receipt())]


def test_a_claim_is_on_the_servers_disk_before_its_attempt_begins(open_store, monkeypatch):
    """Else a crash of the server would undo it under a living worker, and hand its token out again."""
    store, waited = open_store(), []
    began = Postgresql.began

    def beginning(self, connection, *, durable):
        began(self, connection, durable=durable)
        waited.append(connection.exec_driver_sql("SHOW synchronous_commit").scalar())

    monkeypatch.setattr(Postgresql, "began", beginning)
    put(store)
    waited.clear()
    (claimed,) = store.claim("x", 1, LEASE).deliveries
    store.lost(5, LEASE)
    store.overdue(5, LEASE)
    store.extend([claimed], LEASE)
    store.release([claimed])

    assert waited == ["on", "on", "on", "off", "off"]


def test_figures_and_hazards(open_store):
    store = open_store()
    put(store)

    assert store.stats()["bytes"] > 0
    assert store.check() == store.hazards() == []
