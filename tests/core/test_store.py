"""The memory store keeps the promises of every store, and those of its own."""

import pytest

from tocsin import Alert, MemoryStore, StoreError
from tocsin.plan import Plan
from tocsin.store import Delivery
from tocsin.testing import FakeClock
from tocsin.testing.store import StoreContract


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def make_store(self):
        return MemoryStore


@pytest.fixture
def store():
    store = MemoryStore(max_waiting=5, max_alerts=3)
    store.open(FakeClock(), lambda: None)
    return store


def delivery(alert):
    given = {"recipient_id": "r", "recipient": "r", "key": "k", "rank": 2, "due": 0.0, "expires": 100.0}
    return Delivery(alert_id=alert.alert_id, channel="x", **given)


def test_finished_alerts_are_forgotten_oldest_first_and_waiting_ones_never(store):
    waiting = Alert(title="t", message="", alert_id="waiting")
    store.add(waiting, Plan((("x",),)), [delivery(waiting)])
    for n in range(5):
        store.add(Alert(title="t", message="", alert_id=str(n)), Plan(()), [], key=f"key-{n}")

    assert [report.alert_id for report in store.recent(9)] == ["4", "3", "2"]
    assert store.alert("0") is None
    assert store.report("4").alert_id == "4"
    assert store.alert("waiting") is not None
    assert not store.add(Alert(title="t", message=""), Plan(()), [], key="key-0").known


def test_there_is_no_transaction_to_join(store):
    one = Alert(title="t", message="")

    with pytest.raises(StoreError, match="no transactions to join"):
        store.add(one, Plan(()), [], connection=object())
    assert store.record(one.alert_id) is None


def test_a_forked_child_starts_empty(store):
    one = Alert(title="t", message="")
    store.add(one, Plan((("x",),)), [delivery(one)])
    store.forget()

    assert (store.waiting(), store.record(one.alert_id), store.due()) == (0, None, [])
