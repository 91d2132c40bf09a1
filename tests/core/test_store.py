"""The store's promises, as any implementation must keep them."""

import attrs
import pytest

from tocsin import Alert, DeliveryReport, DeliveryState, MemoryStore, QueueFull, Receipt
from tocsin.store import Delivery


@pytest.fixture
def store():
    return MemoryStore(max_waiting=5, max_alerts=3)


def delivery(alert, channel="x", recipient="r", **fields):
    given = {"recipient": recipient, "key": "k", "rank": alert.priority.rank, "due": 0.0, "expires": 100.0}
    return Delivery(alert_id=alert.alert_id, channel=channel, recipient_id=recipient, **given | fields)


def alert(**fields):
    return Alert(**{"title": "t", "message": ""} | fields)


def finish(store, one, state=DeliveryState.ACCEPTED, **fields):
    store.update(attrs.evolve(one, state=state, **fields))


def test_a_claimed_delivery_is_claimed_once(store):
    one = alert()
    store.add(one, [delivery(one)])
    claimed = store.claim("x", 0.0)

    assert claimed.state is DeliveryState.IN_FLIGHT
    assert store.claim("x", 0.0) is None
    assert store.claim("other", 0.0) is None


def test_the_most_urgent_goes_first_then_the_oldest(store):
    alerts = [
        alert(priority=p, alert_id=n) for n, p in [("1", "LOW"), ("2", "CRITICAL"), ("3", "LOW"), ("4", "CRITICAL")]
    ]
    for one in alerts:
        store.add(one, [delivery(one)])

    assert [store.claim("x", 0.0).alert_id for _ in range(4)] == ["2", "4", "1", "3"]


def test_nothing_is_claimed_before_it_is_due(store):
    one = alert()
    store.add(one, [delivery(one, due=10.0)])

    assert store.claim("x", 9.9) is None
    assert store.next_due("x") == 10.0
    assert store.claim("x", 10.0) is not None
    assert store.next_due("x") is None


def test_an_update_that_is_not_final_waits_for_its_time(store):
    one = alert()
    store.add(one, [delivery(one)])
    finish(store, store.claim("x", 0.0), DeliveryState.RETRYING, due=7.0)

    assert store.claim("x", 6.0) is None
    assert store.claim("x", 7.0).state is DeliveryState.IN_FLIGHT


def test_a_cancelled_delivery_is_never_claimed(store):
    one = alert()
    store.add(one, [delivery(one, recipient=r) for r in "ab"])
    claimed = store.claim("x", 0.0)
    cancelled = store.cancel(one.alert_id, "why")

    assert [c.recipient_id for c in cancelled] == ["b"]
    assert (store.claim("x", 0.0), store.next_due("x")) == (None, None)
    assert {d.recipient_id: str(d.state) for d in store.deliveries(one.alert_id)} == {
        "a": "in_flight",
        "b": "cancelled",
    }
    finish(store, claimed)
    assert store.waiting() == 0


def test_the_bound_refuses_whole_alerts(store):
    one, two = alert(), alert()
    store.add(one, [delivery(one, recipient=r) for r in "abcd"])

    with pytest.raises(QueueFull, match="4 deliveries are waiting, the bound is 5"):
        store.add(two, [delivery(two, recipient=r) for r in "ab"])
    assert store.deliveries(two.alert_id) == []
    assert store.waiting() == 4


def test_finished_alerts_are_forgotten_oldest_first_and_waiting_ones_never(store):
    waiting = alert(alert_id="waiting")
    store.add(waiting, [delivery(waiting)])
    for n in range(5):
        one = alert(alert_id=str(n))
        store.add(one, [])
        store.remember(DeliveryReport.of(str(n), {}))

    assert [report.alert_id for report in store.recent(9)] == ["4", "3", "2"]
    assert store.alert("0") is None
    assert store.report("4").alert_id == "4"
    assert store.alert("waiting") is not None


def test_the_previous_receipt_is_of_another_alert_with_the_same_key(store):
    first, second = alert(dedup_key="k"), alert(dedup_key="k")
    store.add(first, [delivery(first)])
    finish(store, store.claim("x", 0.0), receipt=Receipt(provider_id="1"))

    assert store.previous(second, "x", "r").receipt.provider_id == "1"
    assert store.previous(first, "x", "r") is None
    assert store.previous(second, "x", "other") is None
    assert store.previous(alert(), "x", "r") is None
