"""What a damaged file still has is brought over, whatever no longer leads to it; what is lost is named."""

import contextlib
import json
import pathlib
import random
import shutil
import sqlite3

import pytest

from tocsin.clock import SystemClock
from tocsin.plan import Plan
from tocsin.report import DeliveryState
from tocsin.testing import FakeClock
from tocsin.testing.store.rig import LEASE, alert, delivery, outcome, settle
from tocsin_sql import SqlStore
from tocsin_sql.schema import METADATA, alerts, contents, deliveries, meta
from tocsin_sql.sense import makes_sense
from tocsin_sql.wreck import Wreck

ALERTS = 150
PAGE = 512
"""Bytes: small pages make deep trees of few rows, and long rows run over to other pages."""
CHANNELS = ("x", "y")


def put(store, number, **fields):
    one = alert(alert_id=f"a{number:04}", message="m" * 20 * number, **fields)
    units = [delivery(one, store, channel, expires=store.now() + 1e6) for channel in CHANNELS]
    store.add(one, Plan((CHANNELS,), lifetime=1e6), units, key=f"key {number}")


def make(path, *pragmas, count=ALERTS):
    """A store in an application's own file, of which a third of one channel has arrived; it is left open."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for pragma in pragmas:
            connection.execute(pragma)
        connection.execute("CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT)")
        connection.executemany("INSERT INTO settings VALUES (?, ?)", [(f"s{n}", '{"a": 1}') for n in range(100)])
        connection.commit()
    store = SqlStore(url=f"sqlite:///{path}")
    store.upgrade()
    store.open(SystemClock(), lambda: None)
    for number in range(count):
        put(store, number)
    for claimed in store.claim("x", count // 3, LEASE).deliveries:
        settle(store, outcome(claimed))
    store.save_channel("x", {"n": 1})
    store.audit("replay", "alert a0001", "ada")
    return store


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    """A closed file with deep trees; copies of it are damaged."""
    path = tmp_path_factory.mktemp("filled") / "tocsin.db"
    make(path, f"PRAGMA page_size={PAGE}").close()
    return path


@pytest.fixture
def damaged(filled, path):
    """A copy of the file, and a function that overwrites pages of it."""

    def spoil(pages, seed=0):
        shutil.copyfile(filled, path)
        with path.open("r+b") as file:
            for page in pages:
                file.seek((page - 1) * PAGE)
                file.write(random.Random(seed + page).randbytes(PAGE))
        return path

    return spoil


def tables(path):
    """All rows of our tables, as SQLite reads them."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return {
            name: [dict(row) for row in connection.execute(f"SELECT * FROM {name} ORDER BY rowid")]
            for name in METADATA.tables
        }


def as_sets(rows):
    return {name: {frozenset(row.items()) for row in its} for name, its in rows.items()}


def layout(path):
    """Each page with its table, its kind and its count of rows, as SQLite says it."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        try:
            return connection.execute("SELECT pageno, name, pagetype, ncell FROM dbstat").fetchall()
        except sqlite3.OperationalError:
            pytest.skip("needs an SQLite with dbstat")


def wreckage(path):
    with Wreck(path) as wreck:
        return {name: list(wreck.rows(table)) for name, table in METADATA.tables.items()}


def pages_of(path, kind, *names):
    return [page for page, name, its, _ in layout(path) if its == kind and name in (names or METADATA.tables)]


def salvaged(path, tmp_path):
    """A new store with what the file had, and what the salvage says."""
    store = SqlStore(url=f"sqlite:///{tmp_path / 'new.db'}")
    store.open(SystemClock(), lambda: None)
    return store, store.salvage(str(path))


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_a_whole_file_is_read_as_sqlite_reads_it(tmp_path, encoding):
    path = tmp_path / "a.db"
    make(path, f"PRAGMA encoding = '{encoding}'", f"PRAGMA page_size={PAGE}", count=12).close()

    assert wreckage(path) == tables(path)


def test_what_is_only_in_the_log_is_read_too(tmp_path):
    path, copy = tmp_path / "a.db", tmp_path / "copy.db"
    store = make(path, count=12)
    for end in ("", "-wal"):
        shutil.copyfile(f"{path}{end}", f"{copy}{end}")
    store.close()
    copy.write_bytes(random.Random(0).randbytes(copy.stat().st_size))

    assert wreckage(copy) == tables(path)


def test_of_a_log_only_what_was_committed_is_read(tmp_path):
    path, copy = tmp_path / "a.db", tmp_path / "copy.db"
    store = make(path, count=12)
    shutil.copyfile(path, copy)
    whole = pathlib.Path(f"{path}-wal").read_bytes()
    store.close()
    log = pathlib.Path(f"{copy}-wal")
    log.write_bytes(whole[: len(whole) * 2 // 3])
    read = wreckage(copy)

    assert read == tables(copy)
    assert 0 < len(read["tocsin_alerts"]) < 12


def test_a_broken_inner_page_costs_nothing(filled, damaged):
    whole = tables(filled)
    inner = pages_of(filled, "internal")
    assert len(inner) > 5
    for page in inner:
        assert as_sets(wreckage(damaged([page]))) == as_sets(whole)


@pytest.mark.parametrize("seed", range(40))
def test_no_more_is_lost_than_what_stood_on_the_damaged_pages(filled, damaged, seed):
    whole, rng = tables(filled), random.Random(seed)
    pages = rng.sample(range(2, filled.stat().st_size // PAGE + 1), rng.choice([1, 3, 10, 40]))
    stood = dict.fromkeys(whole, 0)
    for page, name, kind, cells in layout(filled):
        if page in pages and name in stood:
            stood[name] += {"leaf": cells, "overflow": 1}.get(kind, 0)
    read = wreckage(damaged(pages, seed))
    strange = {name: rows - as_sets(whole)[name] for name, rows in as_sets(read).items()}
    missing = {name: len(rows) - len(read[name]) for name, rows in whole.items()}

    assert not any(strange.values()), strange
    assert {name: count for name, count in missing.items() if count > stood[name]} == {}


def test_without_its_first_page_an_applications_file_gives_what_is_ours(tmp_path):
    path = tmp_path / "a.db"
    make(path, count=40).close()
    whole = tables(path)
    with path.open("r+b") as file:
        file.write(bytes(4_096))

    read = wreckage(path)
    assert read.pop("tocsin_channels")[-1] == {"name": "x", "state": '{"n": 1}'}
    assert read == {name: rows for name, rows in whole.items() if name != "tocsin_channels"}


def test_alerts_whose_rows_are_lost_are_put_together_again(filled, damaged, tmp_path):
    path = damaged(pages_of(filled, "leaf", "tocsin_alerts"))
    store, result = salvaged(path, tmp_path)
    counts = {name: value for name, value in result.items() if name != "losses"}

    assert counts["rebuilt_alerts"] == ALERTS
    assert (counts["deliveries"], counts["contents"]) == (2 * ALERTS, ALERTS)
    assert counts["unreadable_pages"] == len(pages_of(filled, "leaf", "tocsin_alerts"))
    assert result["losses"][0].startswith("alert a0000: only its deliveries were left, 1 accepted, 1 pending; it was")
    states = {(one.alert_id, one.channel): one.state for one in store.select(limit=1_000)}
    assert [states[f"a{n:04}", "x"] for n in (0, ALERTS // 3)] == [DeliveryState.ACCEPTED, DeliveryState.PENDING]
    assert store.claim("x", 1_000, LEASE).deliveries[0].alert_id == f"a{ALERTS // 3:04}"
    for claimed in store.claim("y", 1, LEASE).deliveries:
        assert store.alert(claimed.alert_id).message == "m" * 20 * int(claimed.alert_id[1:])
        assert settle(store, outcome(claimed)).report.is_complete
    store.close()


def test_an_alert_that_had_ended_is_put_together_with_its_report(tmp_path):
    path = tmp_path / "a.db"
    store = make(path, count=9)
    for claimed in store.claim("y", 3, LEASE).deliveries:
        settle(store, outcome(claimed))
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM tocsin_alerts")
        connection.commit()
    store, result = salvaged(path, tmp_path)

    assert result["rebuilt_alerts"] == 9
    assert [store.report(f"a{n:04}") is not None for n in range(9)] == [True] * 3 + [False] * 6
    assert set(store.report("a0000").results) == {"x", "y"}
    assert store.check() == []
    store.close()


def test_a_fallback_that_was_not_needed_stays_one(tmp_path):
    path = tmp_path / "a.db"
    store = SqlStore(url=f"sqlite:///{path}")
    store.open(SystemClock(), lambda: None)
    one = alert()
    later = delivery(one, store, "y", stage=1, due=float("inf"))
    store.add(one, Plan((("x",),), ("y",)), [delivery(one, store, "x"), later])
    settle(store, outcome(store.claim("x", 1, LEASE).deliveries[0]))
    before = store.report(one.alert_id)
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM tocsin_alerts")
        connection.commit()
    store, _ = salvaged(path, tmp_path)

    assert set(store.report(one.alert_id).results) == set(before.results) == {"x"}
    assert store.record(one.alert_id).plan.fallback == ("y",)
    store.close()


def test_what_cannot_be_sent_any_more_is_named(filled, damaged, tmp_path):
    path = damaged(pages_of(filled, "leaf", "tocsin_contents"))
    store, result = salvaged(path, tmp_path)
    lost = [loss for loss in result["losses"] if "its content is lost" in loss]

    assert lost[0] == ("alert a0000: its content is lost, so y r (pending) cannot be sent; send it again")
    assert result["losses"][-1] == f"and {2 * ALERTS - ALERTS // 3 - 100} more like these"
    store.close()


def test_content_of_which_nothing_else_is_left_is_named(filled, damaged, tmp_path):
    path = damaged(pages_of(filled, "leaf", "tocsin_alerts", "tocsin_deliveries"))
    store, result = salvaged(path, tmp_path)

    assert result["losses"][0] == ("alert a0000: only its content was left, nobody knows for whom; send it again")
    assert store.waiting() == 0
    store.close()


@pytest.mark.parametrize("torn", [True, False])
def test_of_two_versions_of_a_delivery_the_one_that_came_further_stands(filled, path, tmp_path, torn):
    """Pages that nothing leads to hold deliveries as they were before they arrived."""
    shutil.copyfile(filled, path)
    early = path.read_bytes()
    leaves = pages_of(path, "leaf", "tocsin_deliveries")
    store = SqlStore(url=f"sqlite:///{path}")
    store.open(SystemClock(), lambda: None)
    for channel in CHANNELS:
        for claimed in store.claim(channel, 1_000, LEASE).deliveries:
            settle(store, outcome(claimed))
    store.close()
    with path.open("r+b") as file:
        if torn:
            file.seek((pages_of(path, "internal", "tocsin_deliveries")[0] - 1) * PAGE)
            file.write(bytes(PAGE))
        file.seek(0, 2)
        for leaf in leaves:
            file.write(early[(leaf - 1) * PAGE : leaf * PAGE])
    store, result = salvaged(path, tmp_path)

    assert result["deliveries"] == 2 * ALERTS
    assert {one.state for one in store.select(limit=1_000)} == {DeliveryState.ACCEPTED}
    store.close()


@pytest.mark.parametrize("first_page", [True, False])
def test_what_was_removed_does_not_come_back(tmp_path, first_page):
    path, clock = tmp_path / "a.db", FakeClock()
    store = SqlStore(url=f"sqlite:///{path}", history=1)
    store.open(clock, lambda: None)
    for number in range(60):
        one = alert(alert_id=f"a{number}", message="m" * 500)
        store.add(one, Plan((("x",),)), [delivery(one, store)])
    for claimed in store.claim("x", 50, LEASE).deliveries:
        settle(store, outcome(claimed))
    clock.advance(2 * 86_400)
    assert store.prune()["records"] == 50
    store.close()
    if not first_page:
        with path.open("r+b") as file:
            file.write(bytes(4_096))

    assert {len(rows) for name, rows in wreckage(path).items() if name in {"tocsin_contents", "tocsin_alerts"}} == {10}


def test_what_stands_on_free_pages_does_not_come_back(filled, path):
    """As a program leaves them that does not overwrite what it removes."""
    shutil.copyfile(filled, path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA secure_delete=OFF")
        connection.execute("DELETE FROM tocsin_deliveries WHERE id > 200")
        connection.commit()
        assert connection.execute("PRAGMA freelist_count").fetchone()[0] > 10
    with path.open("r+b") as file:
        file.seek((pages_of(path, "internal", "tocsin_deliveries")[0] - 1) * PAGE)
        file.write(bytes(PAGE))

    assert [row["id"] for row in wreckage(path)[deliveries.name]] == list(range(1, 201))


def test_a_store_overwrites_what_it_removes(open_store):
    store = open_store()
    found = store._writer.call(lambda connection: connection.exec_driver_sql("PRAGMA secure_delete").scalar())

    assert found == 1


def test_rows_are_read_by_the_columns_that_the_file_names(tmp_path):
    """A table of an older version may have its columns in another order, or fewer of them."""
    path = tmp_path / "a.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE tocsin_contents (checksum TEXT, alert_id TEXT, content BLOB)")
        connection.execute("CREATE TABLE tocsin_meta (name TEXT PRIMARY KEY, value TEXT)")
        connection.execute("INSERT INTO tocsin_contents VALUES ('e4a6a0577479b2b4', 'a', x'')")
        connection.execute("INSERT INTO tocsin_meta VALUES ('store_id', 'abc')")
        connection.commit()
    read = wreckage(path)

    assert read[contents.name] == [{"checksum": "e4a6a0577479b2b4", "alert_id": "a", "content": b""}]
    assert read[meta.name] == [{"name": "store_id", "value": "abc"}]


def test_the_tables_have_their_columns_in_the_order_of_the_migrations(open_store, path):
    """Where a file no longer names its columns, they are taken to be these."""
    open_store()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        orders = {
            name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")] for name in METADATA.tables
        }

    assert orders == {name: [column.name for column in table.c] for name, table in METADATA.tables.items()}


def test_a_row_of_which_a_part_is_damaged_is_left_out_and_the_others_of_its_page_stay(filled, path):
    shutil.copyfile(filled, path)
    data = bytearray(path.read_bytes())
    at = data.index(b'"stages"')
    data[at : at + 8] = b"\0" * 8
    path.write_bytes(data)
    with Wreck(path) as wreck:
        read = list(wreck.rows(alerts))

    assert (len(read), wreck.lost[alerts.name], wreck.lost["pages"]) == (ALERTS - 1, 1, 0)
    assert {json.loads(row["plan"])["lifetime"] for row in read} == {1e6}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channel", "x\0"),
        ("rank", 1 << 15),
        ("tries", -(1 << 31) - 1),
        ("plain", 2),
        ("due", "soon"),
        ("state", "lost"),
    ],
)
def test_a_row_that_a_database_would_refuse_makes_no_sense(filled, field, value):
    with Wreck(filled) as wreck:
        row = next(wreck.rows(deliveries))

    assert makes_sense(deliveries, row)
    assert not makes_sense(deliveries, row | {field: value})


def test_a_chain_of_pages_without_an_end_ends(filled, path):
    """A long row whose last part leads back to its first."""
    shutil.copyfile(filled, path)
    data = bytearray(path.read_bytes())
    for page, _, kind, _ in layout(filled):
        if kind == "overflow":
            data[(page - 1) * PAGE : (page - 1) * PAGE + 4] = page.to_bytes(4, "big")
    path.write_bytes(data)
    with Wreck(path) as wreck:
        assert len(list(wreck.rows(deliveries))) == 2 * ALERTS
        assert len(list(wreck.rows(contents))) < ALERTS
    assert wreck.lost[contents.name] > 0
