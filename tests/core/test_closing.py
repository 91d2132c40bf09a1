"""The end of a service: what it has begun is finished, what it has not begun goes back to the store."""

import threading

import pytest

from tocsin import Alert, NotificationConfig, NotificationService, UnknownAlert
from tocsin.dispatch.sweep import Sweep
from tocsin.dispatch.unit import units_of
from tocsin.plan import Plan
from tocsin.report import DeliveryState
from tocsin.store import Delivery, MemoryStore

WAIT = 20.0


class SharedMemory(MemoryStore):
    """Memory that behaves as if other processes used it too."""

    shared = True

    def __init__(self):
        super().__init__()
        self.claiming, self.may_return = threading.Event(), threading.Event()
        self.may_return.set()
        self.gone = []

    def claim(self, channel, limit, seconds):
        claim = super().claim(channel, limit, seconds)
        self.claiming.set()
        self.may_return.wait(WAIT)
        return claim

    def release(self, deliveries):
        self.gone += [one.alert_id for one in deliveries]
        super().release(deliveries)


@pytest.fixture
def store():
    return SharedMemory()


@pytest.fixture
def service(store):
    with NotificationService(NotificationConfig.from_mapping({}), store=store) as service:
        yield service


@pytest.fixture
def put(service, store):
    """Put an alert into the store as another process would, and work on it; its id."""

    def put():
        alert = Alert(title="t", message="m")
        plan = service.plan(alert)
        store.add(alert, plan, units_of(alert, plan, service.registry.channel, store.now()))
        service.work()
        assert store.claiming.wait(WAIT)
        return alert.alert_id

    return put


def test_what_a_claim_brings_after_the_end_goes_back_unbegun(service, store, put):
    begun = []
    service.add_channel("x", begun.append)
    store.may_return.clear()
    alert_id = put()
    threading.Timer(0.2, store.may_return.set).start()

    assert service.close(WAIT, drain=False) is True
    assert (begun, store.gone) == ([], [alert_id])
    assert [one.state for one in store.select()] == ["pending"]


def test_the_end_says_that_a_call_was_still_under_way(service, store):
    started, may_end = threading.Event(), threading.Event()

    def hang(alert):
        started.set()
        may_end.wait(WAIT)

    service.add_channel("x", hang)
    service.enqueue(Alert(title="t", message="m"))
    assert started.wait(WAIT)

    assert service.is_busy
    assert service.close(0.1, drain=False) is False
    may_end.set()


def test_a_store_that_takes_nothing_back_does_not_stop_the_end(service, store, put, monkeypatch):
    monkeypatch.setattr(store, "release", lambda deliveries: 1 / 0)
    service.add_channel("x", lambda alert: None)
    store.may_return.clear()
    put()
    threading.Timer(0.2, store.may_return.set).start()

    assert service.close(WAIT, drain=False) is True


def test_the_report_of_an_unknown_alert_names_it_once(service):
    with pytest.raises(UnknownAlert) as caught:
        service.report("a-1")

    assert str(caught.value).startswith("no alert with the id 'a-1'")


def test_what_the_sweep_ends_is_logged_like_every_end(store, clock, alert, caplog):
    caplog.set_level("INFO", "tocsin")
    store.open(clock, lambda: None)
    late = Delivery(
        alert_id=alert.alert_id, channel="x", recipient_id="r", recipient="r", key="k", rank=0, due=0.0, expires=1.0
    )
    store.add(alert, Plan([["x"]]), [late])
    clock.advance(2.0)
    sweep = Sweep(
        store,
        held=lambda: [],
        judge=lambda delivery, error: delivery.changed(state=DeliveryState.EXPIRED),
        awoken=lambda names: None,
        awaited=lambda: [],
        finished=lambda report: None,
        heard=lambda report: None,
    )
    sweep.end_overdue()

    assert [(one.message, one.outcome) for one in caplog.records] == [("delivery", "expired")]
