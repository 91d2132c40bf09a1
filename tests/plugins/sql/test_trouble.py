"""A service whose store is in trouble after it accepted: nobody is told otherwise, and the others go on."""

import logging
import sqlite3
import threading

import pytest

from tocsin import Alert, InvalidRecipient, NotificationConfig, NotificationService, StoreError
from tocsin.plan import Plan
from tocsin_sql import SqlStore


@pytest.fixture
def make_service(make_store):
    """A service on the test's own file, with handlers by channel; closed at the end."""
    made = []

    def make(**handlers):
        service = NotificationService(NotificationConfig(), store=make_store())
        made.append(service)
        for name, handler in handlers.items():
            service.add_channel(name, handler)
        return service

    yield make
    for service in made:
        service.close(1.0)


@pytest.fixture
def unreadable(monkeypatch):
    """Names of channels of which the store cannot be asked, each as often as it stands here."""
    names, load = [], SqlStore.load_channel

    def load_channel(self, name):
        if name in names:
            names.remove(name)
            raise StoreError("too many open files")
        return load(self, name)

    monkeypatch.setattr(SqlStore, "load_channel", load_channel)
    return names


@pytest.fixture
def keep(make_store, path):
    """Have this text in the file as a channel's state."""

    def run(name, text):
        from tocsin.clock import SystemClock

        store = make_store()
        store.open(SystemClock(), lambda: None)
        store.close()
        connection = sqlite3.connect(path)
        connection.execute("INSERT OR REPLACE INTO tocsin_channels VALUES (?, ?)", (name, text))
        connection.commit()
        connection.close()

    return run


def alert():
    return Alert(title="t", message="m")


def events(caplog):
    return [record.msg for record in caplog.records if record.name == "tocsin"]


def gone(alert):
    raise InvalidRecipient("opted out")


def test_what_was_accepted_is_delivered_though_its_channel_could_not_be_opened_then(make_service, unreadable):
    seen = []
    service = make_service(x=seen.append)
    unreadable.append("x")
    handle = service.enqueue(alert())

    assert handle.result(20).is_complete
    assert (len(seen), unreadable) == (1, [])


def test_a_channel_that_cannot_be_opened_keeps_no_other_from_its_turn(make_service, unreadable):
    """Neither when an alert to both is accepted, nor when the sweep finds what others have put there."""
    told = threading.Event()
    bad = make_service(a=print, b=lambda alert: told.set())
    unreadable += ["a"] * 1_000
    bad.enqueue(alert())

    assert told.wait(20)
    told.clear()
    other = NotificationService(NotificationConfig(), store=SqlStore(url=bad.store.url))
    other.add_channel("a", print)
    other.add_channel("b", print)
    other.store.add(*_added(other))
    other.close(1.0)

    assert told.wait(20)


def _added(service):
    from tocsin.dispatch.unit import units_of

    one = alert()
    plan = service.plan(one)
    return one, plan, units_of(one, plan, service.registry.channel, service.store.now())


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"paused": [1]}', '{"paused": {"r": 1}}', '{"paused": null}'])
def test_a_channel_whose_kept_state_is_not_understood_begins_without_it(make_service, keep, caplog, text):
    keep("x", text)
    service = make_service(x=lambda alert: None)

    assert service.enqueue(alert()).result(20).is_complete
    assert events(caplog) == ["channel_state_ignored"]


def test_a_paused_recipient_stays_so_beside_one_whose_kept_state_is_not_understood(make_service, keep):
    calls = []
    service = make_service(x=calls.append)
    recipient = service.registry.channel("x").recipients[0]
    keep("x", f'{{"paused": {{"other": 1, "{recipient.id}": {{"cause": "invalid_recipient", "reason": "left"}}}}}}')
    report = service.enqueue(alert()).result(20)

    assert (report.is_complete, calls) == (False, [])


def test_a_pause_that_cannot_be_kept_changes_nothing_in_what_is_reported(make_service, monkeypatch, caplog):
    def save_channel(self, name, state):
        raise StoreError("the disk is full")

    monkeypatch.setattr(SqlStore, "save_channel", save_channel)
    (result,) = make_service(x=gone).enqueue(alert()).result(20).results["x"].recipients

    assert (str(result.error_kind), result.error) == ("invalid_recipient", "opted out")
    assert "store_trouble" in events(caplog)


def test_a_call_that_ends_after_the_end_is_only_logged(make_service, path, caplog, monkeypatch):
    raised, workers, running, go_on = [], [], threading.Event(), threading.Event()
    monkeypatch.setattr(threading, "excepthook", raised.append)

    def slow(alert):
        workers.append(threading.current_thread())
        running.set()
        go_on.wait(20)

    caplog.set_level(logging.ERROR, "tocsin")
    service = make_service(x=slow)
    service.enqueue(alert())
    assert running.wait(20)
    (worker,) = workers
    finished = service.close(0.1)
    go_on.set()
    worker.join(20)
    connection = sqlite3.connect(path)
    states = connection.execute("SELECT state FROM tocsin_deliveries").fetchall()
    connection.close()

    assert (finished, raised, events(caplog)) == (False, [], ["result_not_kept"])
    assert states == [("in_flight",)]  # for the next worker, once the lease is over


@pytest.fixture
def no_room_for(monkeypatch):
    """The system refuses a thread of this name once; whether it has."""
    start = threading.Thread.start

    def run(name):
        refused = []

        def starting(thread):
            if thread.name == name and not refused:
                refused.append(name)
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", starting)
        return refused

    return run


def test_without_room_for_a_thread_nothing_is_accepted_and_the_next_alert_is(make_service, no_room_for):
    service, one = make_service(x=lambda alert: None), alert()
    no_room_for("tocsin-sweep")
    with pytest.raises(RuntimeError):
        service.enqueue(one)

    assert service.store.record(one.alert_id) is None
    assert service.enqueue(alert()).result(20).is_complete


def test_without_room_for_its_writer_a_store_accepts_nothing_and_then_everything(open_store, no_room_for):
    store, plan = open_store(), Plan(())
    no_room_for("tocsin-store")
    first = alert()
    with pytest.raises(RuntimeError):
        store.add(first, plan, [])
    store.add(alert(), plan, [])

    assert store.record(first.alert_id) is None


def test_without_room_for_a_worker_what_was_accepted_is_delivered_later(make_service, no_room_for):
    refused = no_room_for("tocsin-x")

    assert make_service(x=lambda alert: None).enqueue(alert()).result(20).is_complete
    assert refused == ["tocsin-x"]
