"""Rows "100,000 pending rows" and "a reader that holds a transaction": what many rows and a long look cost."""

import collections
import contextlib
import pathlib
import sqlite3
import statistics
import threading
import time

import pytest

from tocsin import Alert, NotificationConfig, NotificationService, QueueFull
from tocsin.clock import SystemClock
from tocsin.plan import Plan
from tocsin.store import Delivery
from tocsin_sql import SqlStore
from tocsin_sql.claims import PROBE

FEW, MANY = 1_000, 100_000


@pytest.fixture
def store(path):
    store = SqlStore(url=f"sqlite:///{path}", max_waiting=1_000_000)
    store.open(SystemClock(), lambda: None)
    yield store
    store.close()


def add(store, number):
    alert = Alert(title=f"n{number}", message="what happened")
    unit = Delivery(
        alert_id=alert.alert_id,
        channel="a",
        recipient_id="r",
        recipient="r",
        key=alert.alert_id,
        rank=2,
        due=store.now(),
        expires=store.now() + 86_400.0,
    )
    store.add(alert, Plan((("a",),)), [unit])
    return unit


def multiply(path, until):
    """Copy the waiting rows until there are so many: a hundred thousand commits would take minutes."""
    with contextlib.closing(sqlite3.connect(path, timeout=30.0)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(tocsin_deliveries)")]
        copied = [name for name in columns if name not in ("id", "alert_id", "due")]
        connection.execute(
            f"INSERT INTO tocsin_deliveries (alert_id, due, {', '.join(copied)})"
            " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            f" SELECT '{until}-' || i, due + i * 1e-6, {', '.join(f'd.{name}' for name in copied)} FROM n,"
            " (SELECT * FROM tocsin_deliveries WHERE state = 'pending' LIMIT 1) d",
            (until - connection.execute("SELECT count(*) FROM tocsin_deliveries").fetchone()[0],),
        )
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def claim_time(store):
    """Milliseconds of a claim of eight, the middle of many."""
    times = []
    for _ in range(60):
        began = time.perf_counter()
        claim = store.claim("a", 8, 30.0)
        times.append((time.perf_counter() - began) * 1e3)
        assert len(claim.deliveries) == 8
        store.release(claim.deliveries)
    return statistics.median(times)


def test_a_claim_among_many(figure, store, path):
    add(store, 0)
    multiply(path, FEW)
    few = claim_time(store)
    multiply(path, MANY)
    many = claim_time(store)
    figure(f"a claim of 8 among {FEW:,}", few, "ms")
    figure(f"a claim of 8 among {store.waiting():,}", many, "ms")
    figure("as often as long", many / few, "", "<= 2.5")
    statement = str(PROBE.compile(compile_kwargs={"literal_binds": False}))
    plan = plan_of(path, statement)
    figure(
        "steps of the plan that are no walk over a covering index", sum("COVERING INDEX" not in s for s in plan), "", 0
    )
    assert not any("SCAN" in step or "B-TREE" in step for step in plan), plan


def plan_of(path, statement):
    values = {"name": "a", "of_rank": 2, "now": 1e12, "most": 8}
    with contextlib.closing(sqlite3.connect(path)) as connection:
        # The pinned literals stand in the statement; what is left has these names.
        names = {name: value for name, value in values.items() if f":{name}" in statement}
        text = statement.partition(" FOR UPDATE")[0]
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", names)]


RATE = 10
"""Alerts a second while a reader holds on: what is written meanwhile must all stay in the log."""


def test_a_reader_that_holds_a_transaction(scale, figure, store, path):
    seconds = 60.0 if scale > 1 else 10.0
    log, pause = pathlib.Path(f"{path}-wal"), threading.Event()
    add(store, 0)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM tocsin_deliveries").fetchone()
        began, slowest, before = time.monotonic(), 0.0, log.stat().st_size
        for number in range(int(seconds * RATE)):
            pause.wait(max(0.0, began + number / RATE - time.monotonic()))
            asked = time.monotonic()
            add(store, number)
            slowest = max(slowest, time.monotonic() - asked)
        grown = log.stat().st_size - before
        reader.execute("COMMIT")
    for number in range(50):
        add(store, number)
    figure("held for", seconds, "s")
    figure("the slowest of its writes", slowest, "s", "<= 5")
    figure("the log, for each alert", grown / (seconds * RATE) / 1024, "KiB")
    figure(f"the log, of a minute at {RATE} alerts a second", grown * 60.0 / seconds / 2**20, "MiB", "<= 64")
    store.close()
    left = log.stat().st_size if log.exists() else 0
    figure("the log after", left / 2**20, "MiB", "<= 16")


class Flood:
    """A service with six instant channels, and producers that send as fast as they are let."""

    def __init__(self, store, log):
        self.arrived, self.handles, self.refused, self.peak = collections.Counter(), [], 0, 0
        self.service = NotificationService(NotificationConfig(), store=store)
        for number in range(6):
            self.service.add_channel(f"c{number}", lambda alert, number=number: self.note(alert, number))
        self._log, self._lock, self._stopped = log, threading.Lock(), threading.Event()
        self._watch = threading.Thread(target=self._sample)

    def note(self, alert, number):
        with self._lock:
            self.arrived[alert.alert_id, number] += 1

    def _sample(self):
        while not self._stopped.wait(0.002):
            self.peak = max(self.peak, self._log.stat().st_size if self._log.exists() else 0)

    def _produce(self, end):
        while time.monotonic() < end:
            try:
                self.handles.append(self.service.enqueue(Alert(title="n", message="what happened")))
            except QueueFull:
                with self._lock:
                    self.refused += 1
                self._stopped.wait(0.1)

    def run(self, seconds, producers=8):
        self._watch.start()
        end = time.monotonic() + seconds
        threads = [threading.Thread(target=self._produce, args=(end,)) for _ in range(producers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def close(self):
        self._stopped.set()
        self._watch.join()
        return self.service.close(60.0)


def test_a_reader_that_holds_a_transaction_at_full_rate(scale, figure, path):
    seconds, log = 60.0 if scale > 1 else 15.0, pathlib.Path(f"{path}-wal")
    flood = Flood(SqlStore(url=f"sqlite:///{path}"), log)
    flood.service.enqueue(Alert(title="first", message="m")).result(30)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM tocsin_deliveries").fetchone()
        flood.run(seconds)
        reader.execute("COMMIT")
    let_go = time.monotonic()
    reports = [handle.result(120.0) for handle in flood.handles]
    drained = time.monotonic() - let_go
    flood.close()
    figure("held for", seconds, "s")
    figure("the log at its longest", flood.peak / 2**20, "MiB", "<= 64")
    figure("accepted", len(reports), "alerts", ">= 100")
    figure("refused with a wait", flood.refused, "", ">= 1")
    figure("accepted and not delivered", sum(not one.is_complete for one in reports), "alerts", 0)
    sent = sum(flood.arrived.values())
    figure("lost", 6 * (len(reports) + 1) - len(flood.arrived), "deliveries", 0)
    figure("repeated", sent - len(flood.arrived), "deliveries", 0)
    figure("everything delivered after the reader ended", drained, "s", "<= 30")
