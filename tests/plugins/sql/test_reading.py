"""Who only looks makes nothing, changes nothing, and waits for nobody."""

import base64
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap

import pytest

from tocsin import StoreError
from tocsin.clock import SystemClock
from tocsin.plan import Plan
from tocsin.store import Readable
from tocsin.testing.store.rig import LEASE, alert, delivery
from tocsin_sql import SqlStore

KEY, OTHER = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
ENV = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def put(store):
    one = alert()
    store.add(one, Plan((("x",),)), [delivery(one, store)])
    return one


@pytest.fixture
def read(path):
    """A store on a file that is only read; closed at the end."""
    with contextlib.ExitStack() as stack:

        def make(url=f"sqlite:///{path}", **settings):
            store = SqlStore(url=url, **settings)
            with contextlib.ExitStack() as refused:
                refused.callback(store.close)
                store.open_to_read(SystemClock())
                stack.enter_context(refused.pop_all())
            return store

        yield make


@pytest.fixture
def closed(make_store):
    """An alert in the file of a store that was closed."""
    store = make_store()
    store.open(SystemClock(), lambda: None)
    one = put(store)
    store.close()
    return one


def lying_there(path):
    return {one.name: one.read_bytes() for one in path.parent.iterdir()}


def test_it_is_what_the_command_line_asks_for(make_store):
    assert isinstance(make_store(), Readable)


def test_a_store_that_was_closed_is_read_and_stays_as_it_was(closed, read, path):
    before = lying_there(path)
    store = read()
    found = (
        store.alert(closed.alert_id),
        store.stats()["alerts"],
        store.record(closed.alert_id).stage,
        store.waiting(),
    )
    store.close()

    assert found == (closed, 1, 0, 1)
    assert lying_there(path) == before


@pytest.mark.parametrize("empty", [True, False])
def test_where_there_is_none_none_is_made(read, path, empty):
    if empty:
        path.touch()
    before = lying_there(path)

    with pytest.raises(StoreError, match=r"there is no store at .*tocsin\.db; .* Name another with TOCSIN_STORE_URL"):
        read()
    assert lying_there(path) == before


def test_another_programs_database_stays_as_it_is(read, path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER)")
        connection.commit()
    before = lying_there(path)

    with pytest.raises(StoreError, match="has no tables of tocsin; name the store's own database"):
        read()
    assert lying_there(path) == before


def test_a_lock_of_another_process_is_not_waited_for(closed, read, path):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("DELETE FROM tocsin_alerts")
    store = read()
    found = store.alert(closed.alert_id)
    other.execute("ROLLBACK")
    other.close()

    assert found == closed


def test_what_others_write_meanwhile_is_seen(closed, read, open_store):
    store, writing = read(), open_store()
    first = store.waiting()
    put(writing)

    assert (first, store.waiting()) == (1, 2)


def test_what_a_killed_process_left_is_read_and_left(read, path):
    code = f"""
        import os, signal
        from tocsin.clock import SystemClock
        from tocsin.plan import Plan
        from tocsin.testing.store.rig import alert, delivery
        from tocsin_sql import SqlStore
        store = SqlStore(url="sqlite:///{path}")
        store.open(SystemClock(), lambda: None)
        one = alert(alert_id="a")
        store.add(one, Plan((("x",),)), [delivery(one, store)])
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=ENV, check=False)
    before = lying_there(path)
    store = read()
    found = store.waiting()
    store.close()
    after = lying_there(path)

    assert (done.returncode, found) == (-signal.SIGKILL, 1)
    assert {name: after[name] for name in ("tocsin.db", "tocsin.db-wal")} == {
        name: before[name] for name in ("tocsin.db", "tocsin.db-wal")
    }


def test_a_key_that_has_sealed_nothing_leaves_no_trace(closed, read, path):
    before = lying_there(path)
    store = read(key=KEY)
    found = store.alert(closed.alert_id)
    store.close()

    assert found == closed
    assert lying_there(path) == before


def test_another_key_is_an_error(open_store, read):
    put(open_store(key=KEY))

    with pytest.raises(StoreError, match="encrypted with another key"):
        read(key=OTHER)


def test_after_a_restart_of_the_machine_the_clock_goes_on_and_no_lease_is_voided(make_store, read, monkeypatch):
    store = make_store()
    store.open(SystemClock(), lambda: None)
    put(store)
    store.claim("x", 1, LEASE)
    then = store.now()
    store.close()
    monkeypatch.setattr("tocsin_sql.timeline.boot_id", lambda: "another")
    now, (one,) = (store := read()).now(), store.select()

    assert now >= then
    assert one.lease > 0


@pytest.mark.parametrize("version", ["0000", "9999"])
def test_tables_of_another_version_are_not_read(closed, read, path, version):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE tocsin_version SET version_num = ?", [version])
        connection.commit()
    before = lying_there(path)

    with pytest.raises(StoreError, match=f"is of version {version}, this program knows .*; (run|update) tocsin"):
        read()
    assert lying_there(path) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs two users")
@pytest.mark.parametrize("log", ["none", "its-own"])
def test_what_may_not_be_written_is_read_as_far_as_sqlite_can(closed, path, tmp_path, log):
    folder = tmp_path / "medium"
    folder.mkdir()
    file = folder / "tocsin.db"
    shutil.copyfile(path, file)
    if log != "none":
        (folder / "tocsin.db-wal").write_bytes(b"x" * 5_000)
    for one in folder.iterdir():
        one.chmod(0o444)
    for one in (folder, tmp_path, *(up for up in tmp_path.parents if up.name.startswith(("pytest", "popen")))):
        one.chmod(0o755)
    code = f"""
        import os
        from tocsin import StoreError
        from tocsin.clock import SystemClock
        from tocsin_sql import SqlStore
        store = SqlStore(url="sqlite:///{file}")
        other = SqlStore(url="sqlite:///{path}")  # for what is imported on the way
        other.open_to_read(SystemClock())
        other.waiting()
        os.setuid(65534)
        try:
            store.open_to_read(SystemClock())
            print(store.waiting())
        except StoreError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=ENV, capture_output=True, text=True, check=False
    )

    expected = "1\n" if log == "none" else "copy it with its -wal into a folder that you may write, and name the copy\n"
    assert done.stdout.endswith(expected), done.stderr


@pytest.fixture
def tocsin(path):
    """Run the program on the test's own file."""

    def run(*args):
        return subprocess.run(
            [sys.executable, "-m", "tocsin", *args],
            env=ENV | {"TOCSIN_STORE_URL": f"sqlite:///{path}"},
            cwd=path.parent,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_commands_that_look_say_that_there_is_no_store_and_make_none(tocsin, path):
    looks = [tocsin(*words) for words in (["deliveries", "list"], ["deliveries", "show", "a"], ["store", "stats"])]

    assert [look.returncode for look in looks] == [74, 74, 74]
    assert [f"there is no store at {path}" in look.stderr for look in looks] == [True, True, True]
    assert list(path.parent.iterdir()) == []


def test_commands_that_look_do_so_beside_a_writer(closed, tocsin, path):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    looks = [tocsin("deliveries", "list"), tocsin("deliveries", "show", closed.alert_id), tocsin("store", "stats")]
    other.close()

    assert [look.returncode for look in looks] == [0, 0, 0], looks
    assert closed.alert_id in looks[0].stdout
