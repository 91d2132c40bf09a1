"""Row "what befalls the file": a typed error or a wait, nothing accepted lost, no hot loop."""

import contextlib
import hashlib
import os
import random
import resource
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from tocsin import Alert, StoreError
from tocsin.clock import SystemClock
from tocsin_sql import SqlStore
from tocsin_sql.writer import Writer

from .files import half_stored, integrity, query
from .program import make_service

CHANNELS = 6
LOOK = 3.0
"""Seconds for which a program in trouble is watched."""
IDLE = 0.35
"""Of a processor: more than this is a hot loop."""


@contextlib.contextmanager
def disk(folder, size="4m"):
    """A small file system of its own."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
    if done.returncode:
        pytest.skip("needs the right to mount a file system: run as root, or in a container with CAP_SYS_ADMIN")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(folder):
    """Leave no room; the file that takes it."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for size in (65_536, 512, 1):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)
    return ballast


@contextlib.contextmanager
def serving(receiver, path, **settings):
    service = make_service({"url": receiver.url, "store": f"sqlite:///{path}"} | settings)
    try:
        yield service
    finally:
        service.close(0.5, drain=False)


def until_drained(service, seconds=60.0):
    """Wait until nothing waits any more; whether that came."""
    end, pause = time.monotonic() + seconds, threading.Event()
    while time.monotonic() < end:
        with contextlib.suppress(StoreError):
            if service.store.waiting() == 0:
                return True
        pause.wait(0.05)
    return False


def an_alert(number):
    return Alert(title=f"n{number}", message="what happened")


def units(ids):
    return {(one, f"c{number}") for one in ids for number in range(CHANNELS)}


@pytest.fixture
def transactions(monkeypatch):
    """How many transactions writers have tried: ``len(transactions)``."""
    tried = []
    inner = Writer._transact

    def counted(self, batch, grouped):
        tried.append(len(batch))
        return inner(self, batch, grouped)

    monkeypatch.setattr(Writer, "_transact", counted)
    return tried


def test_disk_full(figure, make_receiver, transactions, tmp_path):
    receiver = make_receiver()
    with (
        disk(tmp_path / "disk") as folder,
        serving(receiver, folder / "tocsin.db", delivery={"timeout": 60.0}) as service,
    ):
        receiver.hold()
        accepted = [service.enqueue(an_alert(number)).alert_id for number in range(10)]
        assert receiver.wait_for(CHANNELS * 2)
        ballast = fill(folder)
        with pytest.raises(StoreError, match="is full") as full:
            accepted.extend(service.enqueue(an_alert(number)).alert_id for number in range(10, 5_000))
        assert "what happened" not in str(full.value)
        stored = len(query(folder / "tocsin.db", "SELECT 1 FROM tocsin_alerts"))
        receiver.let_go()  # what has been taken cannot be written down
        before, tried = time.process_time(), len(transactions)
        threading.Event().wait(LOOK)
        busy, tried = (time.process_time() - before) / LOOK, len(transactions) - tried
        requests = receiver.total
        ballast.unlink()
        drained = until_drained(service)
        figure("accepted", len(accepted), "", f"== {stored}")
        figure("transactions tried per second while full", tried / LOOK, "", "<= 60")
        figure("processor while full", busy, "", f"<= {IDLE}")
        figure("requests until there was room", requests, "", f"<= {CHANNELS * 2}")
        figure("lost", len(units(accepted) - receiver.taken), "", "== 0")
        figure("repeated successes", receiver.repeated, "", "== 0")
        assert drained
        assert integrity(folder / "tocsin.db") == "ok"


def test_read_only(figure, make_receiver, tmp_path):
    receiver = make_receiver()
    with disk(tmp_path / "disk") as folder:
        path = folder / "tocsin.db"
        with serving(receiver, path) as service:
            service.enqueue(an_alert(0))
            assert until_drained(service)
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        with (
            pytest.raises(StoreError, match=r"cannot be (written|opened|used)") as refused,
            serving(receiver, path) as service,
        ):
            service.enqueue(an_alert(1))
        figure("said, of at most 120 characters besides the path", len(str(refused.value)) - len(str(path)), "", 120)
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
        with serving(receiver, path) as service:
            assert service.store.stats()["alerts"] == 1


def test_errors_of_fsync(figure, strace, make_receiver, program, path):
    receiver = make_receiver()
    assert program("put", receiver, alerts=0).wait() == 0
    process = program("send", receiver, before=strace("fdatasync", "error=EIO:when=3+3"), alerts=30)
    process.wait_line("drained")
    assert process.wait() == 0, process.errors
    assert process.count("fault") == 0
    figure("enqueues refused with StoreError, and asked for again", process.count("error StoreError"), "", ">= 1")
    figure("accepted", len(process.accepted), "", "== 30")
    figure("lost", len(units(process.accepted.values()) - receiver.taken), "", "== 0")
    figure("alerts stored", len(query(path, "SELECT 1 FROM tocsin_alerts")), "", "== 30")
    figure("repeated successes", receiver.repeated, "", "== 0")
    assert integrity(path) == "ok"


def processor(pid):
    """Seconds of processor that a process has used."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_no_descriptor_left(figure, make_receiver, program):
    receiver = make_receiver()
    process = program("send", receiver, alerts=200, threads=2)
    pid = process.popen.pid
    assert receiver.wait_for(100)
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    before = processor(pid)
    threading.Event().wait(LOOK)
    busy = (processor(pid) - before) / LOOK
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    process.wait_line("drained")
    assert process.wait() == 0, process.errors
    assert process.count("fault") == 0
    figure("processor meanwhile, what still goes on included", busy, "", "<= 2")
    figure("lost", len(units(process.accepted.values()) - receiver.taken), "", "== 0")
    figure("accepted", len(process.accepted), "", "== 200")
    figure("repeated successes", receiver.repeated, "", "== 0")


def test_file_deleted_while_running(figure, make_receiver, program, path):
    receiver = make_receiver()
    process = program("send", receiver, alerts=200, threads=2)
    assert receiver.wait_for(300)
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    process.wait_line("drained")
    assert process.wait() == 0, process.errors
    assert process.count("fault") == 0
    figure("accepted", len(process.accepted), "", "== 200")
    figure("lost", len(units(process.accepted.values()) - receiver.taken), "", "== 0")
    figure("alerts in the file at its place", len(query(path, "SELECT 1 FROM tocsin_alerts")), "", "== 200")
    figure("repeated successes", receiver.repeated, "", "== 0")
    assert integrity(path) == "ok"


def test_file_replaced_by_an_older_copy(figure, make_receiver, transactions, tmp_path, path):
    receiver = make_receiver()
    with serving(receiver, path) as service:
        receiver.hold()
        ids = [service.enqueue(an_alert(number)).alert_id for number in range(20)]
        query(path, "VACUUM INTO ?", str(tmp_path / "older.db"))
        receiver.let_go()
        assert until_drained(service)
        threading.Event().wait(1.5)  # the store notes the time once a second
        ids.append(service.enqueue(an_alert(20)).alert_id)
        assert until_drained(service)
        requests = receiver.total
        os.replace(tmp_path / "older.db", path)
        with pytest.raises(StoreError, match="was replaced by another file"):
            service.enqueue(an_alert(21))
        before, tried = time.process_time(), len(transactions)
        threading.Event().wait(LOOK)
        busy, tried = (time.process_time() - before) / LOOK, len(transactions) - tried
    (kept,) = tmp_path.glob(f"{path.name}.replaced-*")
    delivered = query(kept, "SELECT count(*) FROM tocsin_deliveries WHERE state = 'delivered' OR state = 'accepted'")
    figure("delivered before", len(units(ids) & receiver.taken), "", f"== {len(ids) * CHANNELS}")
    figure("sent again from the older copy", receiver.total - requests, "", "== 0")
    figure("delivered, as the kept file has it", delivered[0][0], "", f"== {len(ids) * CHANNELS}")
    figure("transactions tried per second meanwhile", tried / LOOK, "", "<= 60")
    figure("processor meanwhile", busy, "", f"<= {IDLE}")


def test_locked_by_another_process(scale, figure, make_receiver, program, path):
    seconds = 30.0 if scale > 1 else 12.0
    receiver = make_receiver()
    process = program("send", receiver, alerts=200, threads=2)
    assert receiver.wait_for(300)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=30.0)) as other:
        other.execute("BEGIN IMMEDIATE")
        before = processor(process.popen.pid)
        threading.Event().wait(seconds)
        busy = (processor(process.popen.pid) - before) / seconds
        other.execute("ROLLBACK")
    unlocked = time.monotonic()
    process.wait_line("drained")
    took = time.monotonic() - unlocked
    assert process.wait() == 0, process.errors
    assert process.count("fault") == 0
    figure("locked for", seconds, "s")
    figure("processor meanwhile", busy, "", f"<= {IDLE}")
    figure("enqueues refused with StoreError, and asked for again", process.count("error StoreError"))
    figure("everything delivered after", took, "s", "<= 60")
    figure("lost", len(units(process.accepted.values()) - receiver.taken), "", "== 0")
    figure("accepted", len(process.accepted), "", "== 200")
    figure("repeated successes", receiver.repeated, "", "== 0")


@pytest.fixture
def killed_store(make_receiver, program, path):
    """A store whose program was killed while all its deliveries were waiting: the receiver, the ids as accepted."""
    receiver = make_receiver()
    receiver.hold()
    process = program("send", receiver, alerts=60, delivery={"timeout": 60.0})
    process.wait_line("accepted 59")
    process.kill()
    receiver.let_go()
    return receiver, list(process.accepted.values())


def copied(path, folder):
    """A copy of the store's files."""
    folder.mkdir()
    for end in ("", "-wal", "-shm"):
        source = path.with_name(path.name + end)
        if source.exists():
            (folder / source.name).write_bytes(source.read_bytes())
    return folder / path.name


def opened(path):
    """Open a store and close it; what it says was lost, and the alerts that it has."""
    store = SqlStore(url=f"sqlite:///{path}")
    store.open(SystemClock(), lambda: None)
    store.close()
    return store.losses, {one for (one,) in query(path, "SELECT id FROM tocsin_alerts")}


def test_a_page_overwritten(scale, figure, killed_store, tmp_path, path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    content, tables = path.read_bytes(), rows_of(path)
    unnamed = harmless = broken = beyond = files = 0
    for seed in range(50 if scale > 1 else 10):
        rng = random.Random(seed)
        number = rng.randrange(len(content) // size)
        stood = rows_on(path, number + 1)
        file = copied(path, tmp_path / f"seed{seed}")
        with file.open("r+b") as raw:
            raw.seek(number * size)
            raw.write(rng.randbytes(size))
        losses, _ = opened(file)
        lost = {name: len(rows - rows_of(file).get(name, set())) for name, rows in tables.items()}
        missing = sum(lost.values())
        broken += integrity(file) != "ok"
        unnamed += bool(missing) and not losses
        harmless += not missing
        if losses:
            assert list(file.parent.glob("tocsin.db.damaged-*"))
        beyond += sum(max(0, count - stood.get(name, 0)) for name, count in lost.items())
        files += 1
    figure("files", files)
    figure("of which lost nothing", harmless)
    figure("losses that were not named", unnamed, "", "== 0")
    figure("files that were still damaged after", broken, "", "== 0")
    figure("rows lost beyond those that stood on the page", beyond, "", "== 0")
    figure("rows in all", sum(map(len, tables.values())))


def rows_of(path):
    """What must survive: the rows of the tables that matter, by what names them."""
    names = {"tocsin_alerts": "id", "tocsin_deliveries": "key", "tocsin_contents": "alert_id"}
    return {table: {one for (one,) in query(path, f"SELECT {column} FROM {table}")} for table, column in names.items()}


def rows_on(path, page):
    """How many rows stand on a page, by table. An alert that stood on it is put together again from its deliveries."""
    rows = query(path, "SELECT name, ncell FROM dbstat WHERE pageno = ? AND pagetype = 'leaf'", page)
    return {name: cells for name, cells in rows if name != "tocsin_alerts"}


def test_a_log_that_was_cut(scale, figure, killed_store, tmp_path, path):
    _, accepted = killed_store
    log = path.with_name(path.name + "-wal")
    whole = log.stat().st_size
    unnamed = half = broken = gaps = 0
    cut = []
    for seed in range(50 if scale > 1 else 10):
        file = copied(path, tmp_path / f"seed{seed}")
        os.truncate(file.with_name(file.name + "-wal"), random.Random(seed).randrange(whole))
        losses, kept = opened(file)
        missing = [one not in kept for one in accepted]
        unnamed += any(missing) and not losses
        gaps += missing != sorted(missing)  # what was accepted earlier must not go before what came later
        half += half_stored(file, CHANNELS)
        broken += integrity(file) != "ok"
        cut.append(sum(missing))
    figure("files", len(cut))
    figure("alerts lost with the log, at most", max(cut))
    figure("losses that were not named", unnamed, "", "== 0")
    figure("alerts lost before an earlier one", gaps, "", "== 0")
    figure("half-stored alerts", half, "", "== 0")
    figure("damaged files", broken, "", "== 0")


def test_a_newer_schema_is_left_alone(figure, killed_store, path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE tocsin_version SET version_num = '9999'")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(StoreError, match="update tocsin-sql"):
        opened(path)
    figure("bytes changed", int(hashlib.sha256(path.read_bytes()).hexdigest() != before), "", "== 0")


def test_a_file_without_tables_gets_them(figure, make_receiver, path):
    path.touch()
    receiver = make_receiver()
    with serving(receiver, path) as service:
        service.enqueue(an_alert(0))
        assert until_drained(service)
    figure("lost", CHANNELS - len(receiver.taken), "", "== 0")


def test_told_to_end_while_the_disk_is_full(figure, make_receiver, program, tmp_path):
    receiver = make_receiver()
    with disk(tmp_path / "disk") as folder:
        process = program(
            "send", receiver, store=f"sqlite:///{folder}/tocsin.db", alerts=5_000, delivery={"timeout": 1.0}
        )
        assert receiver.wait_for(30)
        fill(folder)
        process.wait_line("error StoreError")
        began = time.monotonic()
        process.signal(signal.SIGTERM)
        process.wait(60)
        figure("ended after", time.monotonic() - began, "s", "<= 20")
