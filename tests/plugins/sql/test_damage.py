"""What happens to the file under the store: a typed error or a rescue, and a loss is named."""

import contextlib
import logging
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading

import attrs
import pytest

from tocsin import StoreError
from tocsin.clock import SystemClock
from tocsin.plan import Plan
from tocsin.report import DeliveryState
from tocsin.testing import FakeClock
from tocsin.testing.store.rig import LEASE, alert, delivery, outcome, settle
from tocsin_sql import SqlStore, files
from tocsin_sql.files import check_place, file_system

PAGE = 4_096


def put(store, **fields):
    one = alert(**{"message": "m" * 500} | fields)
    store.add(one, Plan((("x",),), lifetime=1e6), [delivery(one, store, expires=store.now() + 1e6)])
    return one


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    """A closed store with 300 alerts, of which 100 have arrived; copies of it are damaged."""
    from tocsin_sql import SqlStore

    path = tmp_path_factory.mktemp("filled") / "tocsin.db"
    store = SqlStore(url=f"sqlite:///{path}")
    store.open(SystemClock(), lambda: None)
    ids = [put(store, alert_id=f"a{n:04}").alert_id for n in range(300)]
    for claimed in store.claim("x", 100, LEASE).deliveries:
        settle(store, outcome(claimed))
    store.close()
    return path, ids


def overwrite(path, page, seed=0):
    with path.open("r+b") as file:
        file.seek(page * PAGE)
        file.write(random.Random(seed).randbytes(PAGE))


def pages_of(path, table):
    """The leaf pages that hold a table, by the numbers of the rows' own pages: found through their content."""
    data = path.read_bytes()
    return [
        n for n in range(1, len(data) // PAGE) if data[n * PAGE] == 0x0D and table in data[n * PAGE : (n + 1) * PAGE]
    ]


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_page_costs_no_more_than_what_stood_on_it(filled, open_store, path, seed):
    source, ids = filled
    shutil.copyfile(source, path)
    count = path.stat().st_size // PAGE
    page = random.Random(seed).randrange(count)
    overwrite(path, page, seed)
    before = path.read_bytes()
    store = open_store()
    found = [name for name in ids if store.record(name) is not None]
    states = {one.alert_id: one.state for one in store.select(limit=1_000)}
    arrived = [name for name in ids[:100] if states.get(name) is DeliveryState.ACCEPTED]

    if store.losses:
        (aside,) = path.parent.glob("tocsin.db.damaged-*Z")
        assert aside.read_bytes() == before
        assert aside.name in store.losses[0]
    if page > 30:  # the first pages are those of the schema and the roots
        assert len(found) > 200
    assert not [state for name, state in states.items() if name in ids[:100] and state is DeliveryState.PENDING]
    assert len(arrived) <= 100
    put(store)
    assert store.claim("x", 5, LEASE).deliveries


def test_a_damaged_table_page_is_named_and_the_rest_is_delivered(filled, open_store, path, caplog):
    source, ids = filled
    shutil.copyfile(source, path)
    overwrite(path, pages_of(path, b'"message"')[3])
    with caplog.at_level(logging.ERROR, "tocsin"):
        store = open_store()
    whole = [name for name in ids if store.alert(name) is not None]

    assert len(store.losses) == 1
    assert "was damaged and is now tocsin.db.damaged-" in store.losses[0]
    assert "store_damaged" in caplog.text
    assert 280 < len(whole) < 300
    assert any("wait without their content" in problem for problem in store.check()) or len(whole) > 280


def test_what_lost_its_first_page_is_read_under_a_new_one(filled, open_store, path):
    source, ids = filled
    shutil.copyfile(source, path)
    overwrite(path, 0)
    store = open_store()

    assert "was damaged" in store.losses[0]
    assert [name for name in ids if store.alert(name) is None] == []
    assert store.stats()["deliveries"] == {"x": {"accepted": 100, "pending": 200}}


@pytest.mark.parametrize("content", [b"dear diary, " * 1_000, b"SQLite format 3\0" + b"x" * 5_000])
def test_what_is_no_database_of_ours_is_left_alone(make_store, path, content):
    path.write_bytes(content)

    with pytest.raises(StoreError, match="is no database of tocsin; name another file"):
        make_store().open(SystemClock(), lambda: None)
    assert path.read_bytes() == content
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def crashed(path, count=40):
    """A file as a killed process leaves it: the log and its index are still there."""
    code = f"""
        import os, signal
        from tocsin import Alert
        from tocsin.clock import SystemClock
        from tocsin.plan import Plan
        from tocsin.testing.store.rig import delivery
        from tocsin_sql import SqlStore

        store = SqlStore(url="sqlite:///{path}")
        store.open(SystemClock(), lambda: None)
        for number in range({count}):
            one = Alert(title="t", message="m", alert_id=f"a{{number:04}}")
            store.add(one, Plan((("x",),)), [delivery(one, store)])
        os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=ENV, check=False)


ENV = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_after_a_crash_nothing_is_missing_and_no_loss_is_named(open_store, path):
    crashed(path)
    store = open_store()

    assert store.losses == []
    assert store.waiting() == 40


@pytest.mark.skipif(sys.platform != "linux", reason="the index is looked at on Linux only")
def test_a_log_that_another_process_begins_anew_meanwhile_is_not_taken_for_one_that_was_cut(path, monkeypatch):
    crashed(path)
    log, began = files._log, []
    code = """
        import sqlite3, sys
        connection = sqlite3.connect(sys.argv[1])
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        print(flush=True)
        input()  # at its end the log and its index would go
    """

    def looking(one):
        if not began:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            began.append(subprocess.Popen([sys.executable, "-c", textwrap.dedent(code), path], **pipes))
            began[0].stdout.readline()
            assert not one.stat().st_size
        return log(one)

    monkeypatch.setattr(files, "_log", looking)
    missing = files.missing_frames(path)
    began[0].communicate(b"\n")

    assert missing == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the index is looked at on Linux only")
@pytest.mark.parametrize("keep", [0.5, 0.0, None])
def test_a_log_that_was_cut_is_named(open_store, path, keep):
    crashed(path)
    log = path.with_name("tocsin.db-wal")
    if keep is None:
        log.unlink()
    else:
        os.truncate(log, int(log.stat().st_size * keep))
    store = open_store()

    assert ["write-ahead log" in loss and "are gone" in loss for loss in store.losses] == [True]
    assert store.waiting() < 40
    put(store)


def test_a_file_deleted_while_running_is_put_back(open_store, path, caplog):
    store = open_store()
    one = put(store)
    path.unlink()
    with caplog.at_level(logging.ERROR, "tocsin"):
        two = put(store)
    store.close()
    again = open_store()

    assert "store_file_restored" in caplog.text
    assert {item.alert_id for item in again.select()} == {one.alert_id, two.alert_id}
    assert again.check() == store.check()


def test_two_stores_on_a_deleted_file_meet_again_in_the_restored_one(open_store, path):
    store, other = open_store(), open_store()
    one, two = put(store), put(other)
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink()
    three, four = put(store), put(other)

    names = {item.alert_id for item in (one, two, three, four)}
    assert {item.alert_id for item in store.select()} == names
    assert {item.alert_id for item in other.select()} == names


def test_a_folder_that_is_gone_is_an_error(open_store, path, tmp_path):
    shutil.rmtree(tmp_path / "gone", ignore_errors=True)
    with pytest.raises(StoreError, match="there is no folder"):
        open_store(url=f"sqlite:///{tmp_path}/gone/tocsin.db")


def test_a_lock_of_another_process_is_waited_for_and_then_an_error(open_store, path, monkeypatch):
    monkeypatch.setattr("tocsin_sql.connections.BUSY", 0.2)
    store = open_store()
    one = put(store)
    (claimed,) = store.claim("x", 1, LEASE).deliveries
    told, settled = threading.Event(), []
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="is locked by another process") as caught:
        put(store)
    store.complete(outcome(claimed), lambda what: (settled.append(what), told.set()))
    early = told.wait(0.5)
    read = store.record(one.alert_id).deliveries[0].state
    other.execute("ROLLBACK")

    assert caught.value.__cause__ is None
    assert (early, read) == (False, DeliveryState.IN_FLIGHT)
    assert told.wait(10)
    assert settled[0].taken
    other.close()


def elsewhere(body):
    """Run code with an open store in another process."""
    code = """
        import os, resource, signal, sys
        from tocsin import Alert, StoreError
        from tocsin.clock import SystemClock
        from tocsin.plan import Plan
        from tocsin.testing.store.rig import LEASE, alert, delivery, outcome
        from tocsin_sql import SqlStore

        def put(store, n=0):
            one = alert(message="m" * 2_000)
            store.add(one, Plan((("x",),)), [delivery(one, store)])
            return one.alert_id

        def limit(size):
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    """
    code = textwrap.dedent(code) + textwrap.dedent(body)
    return subprocess.run(
        [sys.executable, "-c", code], env=ENV, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_full_disk_refuses_the_alert_and_takes_it_once_there_is_room(path):
    done = elsewhere(
        f"""
        import threading
        store = SqlStore(url="sqlite:///{path}")
        store.open(SystemClock(), lambda: None)
        first = put(store)
        (claimed,) = store.claim("x", 1, LEASE).deliveries
        limit(os.stat("{path}-wal").st_size + 3 * 4096)
        accepted, refused = [first], ""
        while not refused:
            try:
                accepted.append(put(store))
            except StoreError as error:
                refused = str(error)
        told = threading.Event()
        store.complete(outcome(claimed), lambda settled: told.set() if settled.taken else None)
        early = told.wait(0.5)
        limit(1 << 30)
        assert told.wait(15), "not written once there was room"
        accepted.append(put(store))
        print(refused)
        print(early, store.waiting() == len(accepted) - 1, all(store.record(name) for name in accepted))
        store.close()
        """
    )

    assert done.returncode == 0, done.stderr
    refused, rest = done.stdout.splitlines()
    assert "is full; free some space" in refused or "I/O error" in refused
    assert rest == "False True True"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs two users")
def test_a_file_that_may_not_be_written_is_an_error(open_store, path, tmp_path):
    store = open_store()
    put(store)
    store.close()
    for folder in (tmp_path, *list(tmp_path.parents)[:3]):
        if "pytest" in folder.name:
            folder.chmod(0o755)
    path.chmod(0o644)
    before = path.read_bytes()
    done = elsewhere(
        f"""
        other = SqlStore(url="sqlite:///{path}.other")  # for what is imported on the way
        other.open(SystemClock(), lambda: None)
        put(other)
        os.setuid(65534)
        try:
            SqlStore(url="sqlite:///{path}").open(SystemClock(), lambda: None)
        except StoreError as error:
            print(error)
        """
    )

    assert "cannot be" in done.stdout, done.stderr
    assert path.read_bytes() == before


MOUNTS = """22 1 0:21 / / rw - ext4 /dev/vda rw
23 22 0:22 / /srv/share rw,relatime shared:1 - nfs4 server:/x rw
24 22 0:23 / /srv/with\\040space rw - cifs //server/x rw
25 23 0:24 / /srv/share/local rw - xfs /dev/vdb rw
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/srv", "ext4"), ("/srv/share/a", "nfs4"), ("/srv/with space", "cifs"), ("/srv/share/local", "xfs")],
)
def test_the_file_system_is_that_of_the_innermost_mount(tmp_path, folder, kind):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)

    assert file_system(type(tmp_path)(folder), mounts) == kind


def test_a_network_file_system_is_refused(tmp_path):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"22 1 0:21 / / rw - ext4 a rw\n23 22 0:22 / {tmp_path.resolve()} rw - nfs4 server:/x rw\n")

    with pytest.raises(StoreError, match=r"network file system \(nfs4\).*use a local disk, or PostgreSQL"):
        check_place(tmp_path / "tocsin.db", mounts)


def test_an_error_shows_neither_statement_nor_content(open_store, path):
    store = open_store()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE tocsin_contents")
    connection.close()

    with pytest.raises(StoreError, match=r"answered with OperationalError \(SQLite code 1\)") as caught:
        put(store, title="the vault door")
    assert "vault" not in str(caught.value)
    assert "INSERT" not in str(caught.value)
    assert attrs.asdict(alert())  # and the next one is made as ever


@pytest.mark.parametrize("what", ["an older copy", "another store", "no database"])
def test_a_file_replaced_while_running_is_refused_and_what_was_in_it_is_kept(open_store, path, tmp_path, caplog, what):
    clock = FakeClock()
    store = open_store(clock)
    early = put(store)
    other = SqlStore(url=f"sqlite:///{tmp_path / 'other.db'}")
    if what == "an older copy":
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("VACUUM INTO ?", (str(tmp_path / "other.db"),))
    elif what == "another store":
        other.open(SystemClock(), lambda: None)
    else:
        (tmp_path / "other.db").write_bytes(b"dear diary, " * 1_000)
    other.close()
    clock.advance(5)
    (claimed,) = store.claim("x", 1, LEASE).deliveries
    settle(store, outcome(claimed))
    late = put(store)
    os.replace(tmp_path / "other.db", path)

    for _ in range(2):
        with pytest.raises(StoreError, match=r"was replaced by another file while it was in use; stop all that use it"):
            put(store)
        with pytest.raises(StoreError, match="was replaced by another file"):
            store.claim("x", 1, LEASE)
        with pytest.raises(StoreError, match="was replaced by another file"):
            store.record(early.alert_id)
    store.close()
    (kept,) = path.parent.glob("tocsin.db.replaced-*")
    again = SqlStore(url=f"sqlite:///{kept}")
    again.open(SystemClock(), lambda: None)
    states = {one.alert_id: str(one.state) for one in again.select()}
    again.close()

    assert states == {early.alert_id: "accepted", late.alert_id: "pending"}
    assert [record.getMessage() for record in caplog.records].count("store_file_replaced") == 1


def test_a_file_that_was_moved_away_is_put_back(open_store, path):
    store = open_store()
    one = put(store)
    path.rename(path.with_name("moved.db"))
    two = put(store)

    assert {item.alert_id for item in store.select()} == {one.alert_id, two.alert_id}
    assert not list(path.parent.glob("*.replaced-*"))
