"""One thread writes for all: together where it can, and none fails for another."""

import sqlite3
import threading
import time

import pytest

from tocsin import QueueFull, Receipt, StoreError
from tocsin.clock import SystemClock
from tocsin.plan import Plan
from tocsin.report import DeliveryState
from tocsin.testing.store.rig import LEASE, alert, attempt, delivery, outcome, settle
from tocsin_sql import completions
from tocsin_sql.tasks import Late


def put(store, channel="x", **fields):
    one = alert(**fields)
    store.add(one, Plan(((channel,),)), [delivery(one, store, channel)])
    return one


@pytest.fixture
def commits(monkeypatch):
    """The number of jobs in each transaction."""
    from tocsin_sql.writer import Writer

    sizes, transact = [], Writer._transact

    def counted(self, batch, grouped):
        sizes.append(len(batch))
        return transact(self, batch, grouped)

    monkeypatch.setattr(Writer, "_transact", counted)
    return sizes


def together(count, work):
    """Run work(n) in so many threads; what each raised."""
    raised = []

    def run(n):
        try:
            work(n)
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return raised


def test_those_who_write_at_once_share_a_commit(open_store, commits):
    store = open_store()
    raised = together(8, lambda n: [put(store) for _ in range(10)])

    print(f"{sum(commits)} enqueues in {len(commits)} commits")
    assert raised == []
    assert sum(commits) == store.waiting() == 80
    assert len(commits) < 60


def test_who_finds_no_room_fails_alone(open_store, commits):
    store = open_store(max_waiting=10)
    raised = together(20, lambda n: put(store))

    assert {type(error) for error in raised} == {QueueFull}
    assert (len(raised), store.waiting()) == (11, 9)


def test_a_job_that_fails_does_not_fail_the_others(open_store, path):
    store = open_store()
    broken = alert()
    bad = delivery(broken, store, recipient=None)  # NOT NULL says no
    gate = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    gate.execute("BEGIN IMMEDIATE")  # so that all of them meet in one transaction
    waiting = threading.Timer(0.3, gate.execute, ["ROLLBACK"])
    waiting.start()
    raised = together(5, lambda n: store.add(broken, Plan((("x",),)), [bad]) if n == 2 else put(store))
    waiting.join()
    gate.close()

    assert [type(error) for error in raised] == [StoreError]
    assert store.waiting() == 4
    assert store.record(broken.alert_id) is None


def test_a_lock_is_waited_for_once_for_all_who_wait(open_store, path, monkeypatch):
    monkeypatch.setattr("tocsin_sql.connections.BUSY", 0.3)
    store = open_store()
    put(store)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    raised = together(20, lambda n: put(store))
    took = time.monotonic() - began
    other.execute("ROLLBACK")
    other.close()

    assert len(raised) == 20
    assert took < 3.0


def test_who_is_told_of_an_end_may_ask_the_store(open_store):
    store = open_store()
    one, told, seen = put(store), threading.Event(), []
    (claimed,) = store.claim("x", 1, LEASE).deliveries

    def then(settled):
        seen.append((store.report(one.alert_id), put(store, "y")))
        told.set()

    store.complete(outcome(claimed), then)

    assert told.wait(10)
    assert seen[0][0].is_complete


def test_a_listener_that_raises_does_not_stop_the_next(open_store):
    store = open_store()
    put(store)
    put(store)
    first, second = store.claim("x", 2, LEASE).deliveries
    store.complete(outcome(first), lambda settled: 1 / 0)

    assert settle(store, outcome(second)).taken


def test_what_cannot_be_written_is_tried_again_at_growing_intervals(open_store, path, monkeypatch, commits):
    monkeypatch.setattr("tocsin_sql.connections.BUSY", 0.01)
    store = open_store()
    put(store)
    (claimed,) = store.claim("x", 1, LEASE).deliveries
    told = threading.Event()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    commits.clear()
    store.complete(outcome(claimed), lambda settled: told.set())
    early = told.wait(1.0)
    tries = len(commits)
    other.execute("ROLLBACK")
    other.close()

    print(f"{tries} tries in a second")
    assert not early
    assert 2 <= tries <= 8
    assert told.wait(10)


def test_close_writes_what_waits(make_store, open_store):

    store = make_store()
    store.open(SystemClock(), lambda: None)
    put(store)
    (claimed,) = store.claim("x", 1, LEASE).deliveries
    seen = []
    store.complete(outcome(claimed), seen.append)
    store.close()

    assert seen[0].taken
    assert open_store().waiting() == 0
    with pytest.raises(StoreError, match="the store is closed"):
        put(store)


def test_close_does_not_wait_for_what_cannot_be_written(make_store, path, monkeypatch):

    monkeypatch.setattr("tocsin_sql.connections.BUSY", 0.01)
    monkeypatch.setattr("tocsin_sql.store._GRACE", 1.0)
    store = make_store()
    store.open(SystemClock(), lambda: None)
    put(store)
    (claimed,) = store.claim("x", 1, LEASE).deliveries
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store.complete(outcome(claimed), lambda settled: None)
    began = time.monotonic()
    store.close()
    took = time.monotonic() - began
    other.execute("ROLLBACK")
    other.close()

    assert took < 3.0


def spoilt(claimed):
    """A completion whose receipt holds what no database takes, as a store of the future or a mistake might make it."""
    receipt = Receipt(provider_id="id", details={"n": 1})
    object.__setattr__(receipt, "provider_id", "\ud83d")
    return outcome(claimed, receipt=receipt)


def test_a_result_whose_receipt_cannot_be_stored_is_stored_without_it(open_store, caplog):
    store = open_store()
    one = put(store)
    (claimed,) = store.claim("x", 1, LEASE).deliveries
    settled = settle(store, spoilt(claimed))

    assert settled.taken
    assert settled.report.is_complete
    (known,) = store.select()
    assert (known.state, known.receipt, len(known.attempts)) == ("accepted", Receipt(), 1)
    assert store.report(one.alert_id) == settled.report
    assert [record.msg for record in caplog.records if record.name == "tocsin"] == ["store_refused"]


def test_a_failure_whose_words_cannot_be_stored_is_stored_without_them(open_store):
    store = open_store()
    put(store)
    (claimed,) = store.claim("x", 1, LEASE).deliveries
    tried = attempt("refused", error="\ud83d", status_code=400)
    settle(store, outcome(claimed, DeliveryState.FAILED, error="\ud83d", error_kind="client", attempts=(tried,)))

    (known,) = store.select()
    assert (known.state, known.error) == ("failed", "the words of this failure could not be stored")
    assert [str(one.outcome) for one in known.attempts] == ["refused"]


def test_results_that_cannot_be_stored_share_the_commit_of_the_others(open_store, path, commits):
    store = open_store()
    for _ in range(40):
        put(store)
    claimed = store.claim("x", 40, LEASE).deliveries
    told, told_all = [], threading.Event()
    gate = sqlite3.connect(path, isolation_level=None)
    gate.execute("BEGIN IMMEDIATE")  # so that all of them meet in one transaction, but for the first

    def then(settled):
        told.append(settled.taken)
        if len(told) == 40:
            told_all.set()

    commits.clear()
    for number, one in enumerate(claimed):
        store.complete(spoilt(one) if number % 10 == 5 else outcome(one), then)
    gate.execute("ROLLBACK")
    gate.close()

    assert told_all.wait(20)
    assert told == [True] * 40
    print(f"transactions: {commits}")
    assert len(commits) <= 2 + 4


def test_a_result_that_fails_for_ever_makes_no_others_wait(open_store, monkeypatch):
    """Each is tried again at intervals of its own, however often others succeed meanwhile."""
    store = open_store()
    put(store)
    (claimed,) = store.claim("x", 1, LEASE).deliveries
    complete, put_off, tries = completions.complete, Late.put, []

    def refusing(ledger, changed):
        if any(after.alert_id == claimed.alert_id for after in changed):
            raise ValueError("no form of it fits")
        return complete(ledger, changed)

    def counting(late, task):
        tries.append(task)
        put_off(late, task)

    monkeypatch.setattr(completions, "complete", refusing)
    monkeypatch.setattr(Late, "put", counting)
    told = threading.Event()
    store.complete(outcome(claimed), lambda settled: told.set())
    end = time.monotonic() + 1.0
    done = 0
    while time.monotonic() < end:
        put(store)
        done += 1

    print(f"{len(tries)} tries beside {done} others in a second")
    assert 2 <= len(tries) <= 8
    assert not told.is_set()
    monkeypatch.undo()
    assert told.wait(10)


@pytest.fixture
def impatient(make_store, monkeypatch):
    """An open store that waits for nobody's lock, and what is claimed of it; the test closes it."""
    monkeypatch.setattr("tocsin_sql.connections.BUSY", 0.01)
    store = make_store()
    store.open(SystemClock(), lambda: None)
    put(store)
    (claimed,) = store.claim("x", 1, LEASE).deliveries
    return store, claimed


def test_what_is_left_at_the_end_is_said(impatient, path, caplog):
    store, claimed = impatient
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store.complete(outcome(claimed), lambda settled: None)
    store.close()
    other.execute("ROLLBACK")
    other.close()

    assert [(record.msg, record.count) for record in caplog.records if record.name == "tocsin"] == [("store_left", 1)]


def test_what_could_not_be_written_is_tried_once_more_at_the_end(impatient, open_store, path, monkeypatch):
    store, claimed = impatient
    failed = threading.Event()
    put_off = Late.put

    def put_aside(late, task):
        task.pause = 600.0
        put_off(late, task)
        failed.set()

    monkeypatch.setattr(Late, "put", put_aside)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store.complete(outcome(claimed), lambda settled: None)
    assert failed.wait(10)
    other.execute("ROLLBACK")
    other.close()
    store.close()

    assert open_store().waiting() == 0


def test_an_attempt_that_has_begun_is_visible_as_one_of_which_nothing_is_known(open_store, path):
    store = open_store()
    put(store)
    (claimed,) = store.claim("x", 1, LEASE).deliveries

    def rows():
        connection = sqlite3.connect(path)
        found = connection.execute("SELECT number, outcome, body IS NULL FROM tocsin_attempts").fetchall()
        connection.close()
        return found

    begun = rows()
    settle(store, outcome(claimed, attempts=(attempt("unknown"),)))

    assert begun == [(1, None, 1)]
    assert rows() == [(1, "unknown", 0)]


def test_an_attempt_that_was_not_made_leaves_nothing(open_store, path):
    store = open_store()
    put(store)
    store.release(store.claim("x", 1, LEASE).deliveries)
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT * FROM tocsin_attempts").fetchall()
    connection.close()

    assert rows == []
    assert len(store.claim("x", 1, LEASE).deliveries) == 1


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 1)])
def test_what_must_last_is_on_the_disk_before_its_commit_ends(open_store, durable, synchronous):
    """FULL (2) syncs the log with each commit, NORMAL (1) only at checkpoints."""
    store = open_store()
    store.due()
    store.claim("x", 1, LEASE)

    assert (
        store._writer.call(lambda c: c.exec_driver_sql("PRAGMA synchronous").scalar(), durable=durable) == synchronous
    )


def test_a_reader_that_holds_a_transaction_stops_no_writer(open_store, path):
    store = open_store()
    put(store)
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM tocsin_alerts").fetchone()
    began = time.monotonic()
    for _ in range(20):
        put(store)
    took = time.monotonic() - began
    reader.execute("ROLLBACK")
    reader.close()

    assert took < 5.0
    assert store.waiting() == 21
