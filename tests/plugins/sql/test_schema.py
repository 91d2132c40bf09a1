"""The tables: made by migrations, never touched by an older program, and found through their indices."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import sqlite

from tocsin import StoreError
from tocsin.clock import SystemClock
from tocsin.plan import Plan
from tocsin.testing.store.rig import LEASE, alert, delivery, outcome, settle
from tocsin_sql import claims, files, migrations, upkeep
from tocsin_sql.migrations import NEWEST, VERSION_TABLE
from tocsin_sql.schema import METADATA

PENDING = 20_000
ENV = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_the_migrations_make_the_tables_that_the_code_knows(open_store, path):
    open_store()
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        differences = compare_metadata(context, METADATA)
        version = context.get_current_revision()

    assert (differences, version) == ([], NEWEST)


def test_a_newer_database_is_refused_untouched(make_store, path):
    store = make_store()
    store.open(SystemClock(), lambda: None)
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0099'")
    connection.close()
    before = path.read_bytes()

    with pytest.raises(StoreError, match=r"is of version 0099, this program knows .*update tocsin-sql"):
        make_store().open(SystemClock(), lambda: None)
    with pytest.raises(StoreError, match="0099"):
        make_store().upgrade()
    assert path.read_bytes() == before
    assert any("0099" in problem for problem in make_store().check())


STEP = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"

def upgrade():
    op.add_column("tocsin_alerts", sa.Column("note", sa.Text))
    op.execute("UPDATE tocsin_alerts SET note = 'of alert ' || id")
"""
BROKEN_STEP = f"""{STEP}
    op.execute("DELETE FROM tocsin_deliveries")
    op.execute("INSERT INTO a_table_that_is_missing VALUES (1)")
"""
KILLED_STEP = f"""{STEP}
    op.execute("DELETE FROM tocsin_deliveries")
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
"""
NEWER = """
import pathlib, sys
from tocsin.clock import SystemClock
from tocsin_sql import SqlStore, migrations

migrations.NEWEST, migrations._STEPS = "0002", pathlib.Path(sys.argv[1])
SqlStore(url=sys.argv[2]).open(SystemClock(), lambda: None)
"""


@pytest.fixture
def older(make_store):
    """The alerts of a closed store as this version makes it: one has arrived, 200 wait."""
    store = make_store()
    store.open(SystemClock(), lambda: None)
    ids = []
    for _ in range(201):
        one = alert(message="m" * 300)
        store.add(one, Plan((("x",),), lifetime=1e6), [delivery(one, store, expires=store.now() + 1e6)])
        ids.append(one.alert_id)
    settle(store, outcome(store.claim("x", 1, LEASE).deliveries[0]))
    store.close()
    return ids


@pytest.fixture
def steps_of_a_newer(tmp_path):
    """The steps of a newer program: ours and this one."""

    def make(step):
        folder = shutil.copytree(migrations._STEPS, tmp_path / "steps", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "versions" / "second.py").write_text(step)
        return folder

    return make


@pytest.fixture
def newer_program(monkeypatch, steps_of_a_newer):
    """Makes this program a newer one, which takes this step."""

    def make(step):
        monkeypatch.setattr(migrations, "_STEPS", steps_of_a_newer(step))
        for module in (migrations, files, upkeep):
            monkeypatch.setattr(module, "NEWEST", "0002")

    return make


def stands(path):
    """Everything in a file, as the statements that would make it anew."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def test_an_older_file_is_upgraded_when_it_is_opened(older, newer_program, open_store, make_store, path, monkeypatch):
    newer_program(STEP)
    store = open_store()
    states = [one.state for one in store.select(limit=1_000)]
    first = store.claim("x", 1, LEASE).deliveries[0].alert_id
    done, checked = store.upgrade(), store.check()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        notes = {note for (note,) in connection.execute("SELECT note FROM tocsin_alerts")}

    assert (states.count("accepted"), states.count("pending"), first) == (1, 200, older[1])
    assert notes == {f"of alert {name}" for name in older}
    assert (done, checked) == (f"{path} is of version 0002 already", [])
    monkeypatch.undo()
    with pytest.raises(StoreError, match=f"is of version 0002, this program knows {NEWEST}; update tocsin-sql"):
        make_store().open(SystemClock(), lambda: None)


def test_an_upgrade_by_hand_says_from_which_version(older, newer_program, make_store, path):
    newer_program(STEP)
    store = make_store()

    assert ["of version 0001, this program knows 0002" in problem for problem in store.check()] == [True]
    assert store.upgrade() == f"{path} is now of version 0002; it had 0001"


def test_an_upgrade_that_fails_leaves_the_older_file_whole(older, newer_program, make_store, path, monkeypatch):
    before = stands(path)
    newer_program(BROKEN_STEP)
    with pytest.raises(StoreError):
        make_store().open(SystemClock(), lambda: None)
    with pytest.raises(StoreError):
        make_store().upgrade()

    assert stands(path) == before


def test_an_upgrade_that_is_killed_leaves_the_older_file_whole(older, steps_of_a_newer, open_store, path):
    before = stands(path)
    command = [sys.executable, "-c", NEWER, str(steps_of_a_newer(KILLED_STEP)), f"sqlite:///{path}"]
    killed = subprocess.run(command, env=ENV, capture_output=True, text=True, timeout=60, check=False)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert stands(path) == before
    store = open_store()
    assert (store.losses, store.waiting()) == ([], 200)


def test_an_applications_own_file_gets_the_tables_beside_its_own_by_an_upgrade(make_store, open_store, path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (id)")
        connection.execute("INSERT INTO orders VALUES (7)")
    connection.close()
    make_store().upgrade()
    store = open_store()
    one = alert()
    store.add(one, Plan((("x",),)), [delivery(one, store)])
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT id FROM orders").fetchall()
    connection.close()

    assert rows == [(7,)]


def test_only_the_owner_may_read_the_file(open_store, path):
    open_store()

    assert path.stat().st_mode & 0o777 == 0o600


def fill(path, count):
    """So many deliveries that wait for a later time, written without the store."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(
            "INSERT INTO tocsin_deliveries (alert_id, channel, recipient_id, recipient, key, topic, rank, stage, state,"
            " due, expires, tries, plain, token, lease, lost, attempted) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
            " SELECT i + 1 FROM n WHERE i < ?) SELECT 'a' || i, 'x', 'r', 'r', 'k', 't', i % 5, 0, 'pending',"
            " ? + i, 1e12, 0, 0, 0, 0.0, 0, 0 FROM n",
            (count, time.time() + 1e6),
        )
    connection.close()


def plans(path, statement):
    """The query plan of a statement, as SQLite says it."""
    text = str(statement.compile(dialect=sqlite.dialect()))
    connection = sqlite3.connect(path)
    rows = connection.execute(f"EXPLAIN QUERY PLAN {text}", (0,) * text.count("?")).fetchall()
    connection.close()
    return [row[3] for row in rows]


def test_a_claim_looks_at_nothing_but_its_index(open_store, path):
    open_store()
    fill(path, 1_000)
    probe = plans(path, claims.PROBE)
    heads = plans(path, claims.HEADS)
    names = plans(path, claims.NEXT_NAME)

    searches = [line for line in probe + heads + names if "tocsin_" in line]
    assert len(searches) == 7
    assert [line for line in searches if "COVERING INDEX tocsin_deliveries_waiting (channel" not in line] == []
    assert [line for line in probe + heads + names if "TEMP B-TREE" in line] == []


@pytest.mark.parametrize(
    ("statement", "index"), [(claims.LOST, "tocsin_deliveries_lease"), (claims.OVERDUE, "tocsin_deliveries_expires")]
)
def test_what_was_left_behind_is_found_through_an_index(open_store, path, statement, index):
    open_store()
    (line,) = plans(path, statement)

    assert f"INDEX {index} (" in line


def test_a_claim_takes_as_long_with_many_waiting(open_store, path):
    store = open_store(max_waiting=10 * PENDING)

    def took():
        times = []
        for _ in range(30):
            one = alert()
            store.add(one, Plan((("x",),)), [delivery(one, store)])
            began = time.perf_counter()
            assert len(store.claim("x", 1, LEASE).deliveries) == 1
            times.append(time.perf_counter() - began)
        return sorted(times)[5]

    few = took()
    fill(path, PENDING)
    many = took()

    print(f"claim: {few * 1e3:.2f} ms with none waiting, {many * 1e3:.2f} ms with {PENDING:,}")
    assert many < 5 * few + 0.005
