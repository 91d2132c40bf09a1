"""How much of a file is read when it is opened, and that damage deeper down is found at the latest when it is met."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap

import pytest

from tocsin import StoreError
from tocsin.clock import SystemClock
from tocsin.plan import Plan
from tocsin.testing.store.rig import alert, delivery
from tocsin_sql import SqlStore, inspection
from tocsin_sql.inspection import was_left_behind

PAGE = 4_096
ENV = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def put(store, **fields):
    one = alert(**{"message": "m" * 500} | fields)
    store.add(one, Plan((("x",),)), [delivery(one, store)])
    return one


@pytest.fixture
def ids(make_store):
    """Alerts in a file that was closed."""
    store = make_store()
    store.open(SystemClock(), lambda: None)
    ids = [put(store, alert_id=f"a{n:03}").alert_id for n in range(60)]
    store.close()
    return ids


@pytest.fixture
def large(monkeypatch):
    """Have every file be a large one."""
    monkeypatch.setattr(inspection, "_SMALL", 0)


def break_a_leaf(path):
    """Overwrite a page in the middle of the contents."""
    data = path.read_bytes()
    leaves = [n for n in range(len(data) // PAGE) if b'"message"' in data[n * PAGE :][:PAGE] and data[n * PAGE] == 0x0D]
    with path.open("r+b") as file:
        file.seek(leaves[len(leaves) // 2] * PAGE)
        file.write(b"\xa5" * PAGE)


def readable(store, ids):
    found = 0
    for name in ids:
        with contextlib.suppress(StoreError):
            found += store.alert(name) is not None
    return found


def elsewhere(path, end):
    """A process with an alert in the file, that ends so."""
    code = f"""
        import os, signal, sys
        from tocsin.clock import SystemClock
        from tocsin.plan import Plan
        from tocsin.testing.store.rig import alert, delivery
        from tocsin_sql import SqlStore
        store = SqlStore(url="sqlite:///{path}")
        store.open(SystemClock(), lambda: None)
        one = alert(alert_id="other")
        store.add(one, Plan((("x",),)), [delivery(one, store)])
        print("there", flush=True)
        {end}
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        env=ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def killed(path):
    with elsewhere(path, "os.kill(os.getpid(), signal.SIGKILL)") as process:
        assert process.wait() == -signal.SIGKILL


def test_a_store_that_was_closed_leaves_its_file_alone(ids, open_store, path):
    store = open_store()
    put(store)
    store.record(ids[0])
    store.alert(ids[0])
    store.close()

    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert not was_left_behind(path)


def test_of_a_large_file_that_was_closed_only_the_ends_are_read(ids, open_store, path, large):
    break_a_leaf(path)
    store = open_store()

    assert store.losses == []


@pytest.mark.parametrize("meet", [lambda store, ids: readable(store, ids), lambda store, ids: store.check()])
def test_damage_that_is_met_is_named_and_mended_when_the_file_is_opened_next(ids, open_store, path, large, meet):
    break_a_leaf(path)
    store = open_store()
    meet(store, ids)
    store.close()
    again = open_store()
    found = readable(again, ids)
    again.close()
    third = open_store()

    assert "was damaged and is now tocsin.db.damaged-" in again.losses[0]
    assert 40 < found < 60
    assert third.losses == []


def test_whoever_meets_damage_is_told(ids, open_store, path, large):
    break_a_leaf(path)
    store = open_store()

    with pytest.raises(StoreError, match="is damaged; start it anew to have it moved aside and salvaged"):
        [store.alert(name) for name in ids]


def test_a_note_of_damage_goes_where_there_is_none(ids, open_store, path, large):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        inspection.mark_damaged(connection)
        connection.commit()
    store = open_store()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        left = connection.execute("SELECT count(*) FROM tocsin_meta WHERE name = 'damage_seen'").fetchone()

    assert (store.losses, left) == ([], (0,))


@pytest.mark.parametrize(("most", "losses"), [(1 << 30, 1), (0, 0)])
def test_a_large_file_is_read_whole_after_a_kill_up_to_a_bound(ids, open_store, path, large, monkeypatch, most, losses):
    monkeypatch.setattr(inspection, "_LARGE", most)
    killed(path)
    break_a_leaf(path)

    assert was_left_behind(path)
    assert len(open_store().losses) >= losses
    assert bool(list(path.parent.glob("*.damaged-*"))) == bool(losses)


@pytest.mark.skipif(sys.platform != "linux", reason="who has the file open is asked on Linux only")
def test_a_file_that_another_process_has_open_was_not_left_behind(path):
    with elsewhere(path, "sys.stdin.read(); store.close()") as process:
        there = process.stdout.readline()
        meanwhile = was_left_behind(path)
        process.stdin.close()

    assert (there, meanwhile, process.returncode) == ("there\n", False, 0)
    assert not path.with_name("tocsin.db-wal").exists()


def test_another_programs_database_is_not_made_ours_unless_that_is_asked_for(make_store, path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER)")
        connection.commit()
    before = path.read_bytes()
    store = make_store()
    with pytest.raises(StoreError, match=r"is no database of tocsin; name another file.*run tocsin store upgrade"):
        store.open(SystemClock(), lambda: None)

    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert "it was empty" in store.upgrade()
    store.open(SystemClock(), lambda: None)
    put(store)
    store.close()


def test_an_empty_file_becomes_a_store(path):
    path.touch()
    store = SqlStore(url=f"sqlite:///{path}")
    store.open(SystemClock(), lambda: None)
    put(store)
    store.close()
