"""The tables: made by migrations, never touched by an older program, and found through their indices."""

import sqlite3
import time

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import sqlite

from tocsin import StoreError
from tocsin.clock import SystemClock
from tocsin.plan import Plan
from tocsin.testing.store.rig import LEASE, alert, delivery
from tocsin_sql import claims
from tocsin_sql.migrations import NEWEST, VERSION_TABLE
from tocsin_sql.schema import METADATA

PENDING = 20_000


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


def test_an_applications_own_file_gets_the_tables_beside_its_own(open_store, path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (id)")
        connection.execute("INSERT INTO orders VALUES (7)")
    connection.close()
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
