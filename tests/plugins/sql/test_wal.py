"""While a reader keeps the write-ahead log from being begun anew, it stays within its bound."""

import contextlib
import logging
import sqlite3

import pytest

from tocsin import QueueFull
from tocsin.plan import Plan
from tocsin.testing.store.rig import LEASE, alert, delivery, outcome, settle
from tocsin_sql import wal
from tocsin_sql.pruning import Portion
from tocsin_sql.wal import MIB, Wal, WalBound

PLAN = Plan((("x",),), lifetime=100.0)


class Length:
    """A log that is as long as the test says."""

    def __init__(self):
        self.mib = 0.0

    def size(self):
        return int(self.mib * MIB)


@pytest.fixture
def length():
    return Length()


@pytest.fixture
def store(open_store, length):
    store = open_store()
    store._log._size = length.size
    return store


def put(store, **fields):
    one = alert(**fields)
    store.add(one, PLAN, [delivery(one, store)])
    return one


def taken(store, limit=5):
    return len(store.claim("x", limit, LEASE).deliveries)


def test_an_alert_that_the_log_has_no_room_for_is_refused_whole_and_a_critical_one_later(store, length):
    length.mib = 33
    refused = alert()
    words = r"has 33\.0 MiB, and new alerts may fill 32 of it; see which program"
    with pytest.raises(QueueFull, match=words) as caught:
        store.add(refused, PLAN, [delivery(refused, store)])
    put(store, priority="CRITICAL")
    length.mib = 41
    with pytest.raises(QueueFull, match=r"has 41\.0 MiB, and new alerts may fill 40 of it"):
        put(store, priority="CRITICAL")

    assert caught.value.retry_after == 1.0
    assert (store.record(refused.alert_id), store.waiting()) == (None, 1)


def test_a_suppressed_alert_needs_room_too(store, length):
    from tocsin import DeliveryReport

    one = alert()
    length.mib = 33
    with pytest.raises(QueueFull):
        store.suppress(one, DeliveryReport.of(one.alert_id, {}, "quiet hours"))
    assert store.record(one.alert_id) is None


def test_what_was_claimed_is_written_however_long_the_log_is(store, length):
    one = put(store)
    (claimed,) = store.claim("x", 1, LEASE).deliveries
    length.mib = 100
    store.extend([claimed], LEASE)

    assert settle(store, outcome(claimed)).report is not None
    assert store.report(one.alert_id).is_complete


def test_no_more_is_claimed_than_can_be_written_and_one_a_second_beyond_that(store, length):
    seconds = 0.0
    store._log._seconds = lambda: seconds
    for _ in range(10):
        put(store)
    length.mib = 55.7  # room for the ends of two
    few = taken(store), taken(store), taken(store)
    seconds = 0.5
    early = store.claim("x", 5, LEASE)
    seconds = 1.1

    assert few == (2, 0, 0)
    assert early.deliveries == ()
    assert early.next_due == pytest.approx(store.now() + 0.5, abs=0.4)
    assert taken(store) == 1
    length.mib = 10
    assert taken(store) == 5


def test_who_has_nothing_due_uses_up_no_turn(store, length):
    put(store)
    length.mib = 60

    assert (store.lost(5, LEASE), store.overdue(5, LEASE), store.claim("y", 5, LEASE).deliveries) == ([], [], ())
    assert taken(store) == 1


def test_a_minute_of_it_is_one_line(store, length, caplog):
    length.mib = 33
    for _ in range(3):
        with pytest.raises(QueueFull):
            put(store)

    assert [(one.levelno, one.getMessage()) for one in caplog.records] == [(logging.ERROR, "store_log_full")]


def test_pruning_waits_for_a_shorter_log(store, length, monkeypatch):
    pruned = []
    monkeypatch.setattr(store._pruner, "portion", lambda: pruned.append(1) or Portion(0, 0, more=False))
    monkeypatch.setattr(store._pruner, "_next_at", 0.0)
    length.mib = 33
    store.due()
    early = list(pruned)
    length.mib = 10
    store.due()

    assert (early, pruned) == ([], [1])


@pytest.mark.parametrize("value", [31, 1_000_001])
def test_a_bound_of_no_use_is_refused(make_store, value):
    with pytest.raises(ValueError, match="between 32 and"):
        make_store(max_log=value)


def test_a_server_keeps_its_own_log():
    WalBound(wal.NoLog(), MIB).check(4)


@pytest.fixture
def driver(path):
    """A connection to a file whose log is longer than it has to be."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=7.5)) as driver:
        driver.execute("PRAGMA journal_mode=WAL")
        driver.execute("CREATE TABLE t (x)")
        driver.execute("INSERT INTO t VALUES (zeroblob(100000))")
        yield driver


def test_a_long_log_is_begun_anew_once_nobody_reads_it(driver, path, monkeypatch):
    monkeypatch.setattr(wal, "IDLE", 50_000)
    seconds = 0.0
    log = Wal(path, lambda: seconds)
    sizes = []
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM t").fetchone()
        log.relieve(driver)
        sizes.append(log.size())
        reader.execute("COMMIT")
    log.relieve(driver)  # too early
    sizes.append(log.size())
    seconds = 1.5
    log.relieve(driver)

    assert min(sizes) > 100_000
    assert log.size() == 0
    assert driver.execute("PRAGMA busy_timeout").fetchone() == (7_500,)


def test_a_short_log_stays(driver, path):
    log = Wal(path)
    before = log.size()
    log.relieve(driver)

    assert log.size() == before > 0


def test_there_may_be_no_log(tmp_path):
    assert Wal(tmp_path / "none").size() == 0
