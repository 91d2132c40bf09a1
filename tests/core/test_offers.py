"""A new delivery that a worker can begin at once is stored as claimed: nobody has to look for it in the store."""

import threading
from threading import Condition

import pytest

from tocsin import Alert, MemoryStore, NotificationConfig, NotificationService, QueueFull
from tocsin.testing import FakeClock


class Counting(MemoryStore):
    """Counts what is claimed from it, and may refuse what is added."""

    def __init__(self, **limits):
        super().__init__(**limits)
        self.claimed, self.full = [], False

    def add(self, *args, **how):
        if self.full:
            raise QueueFull("full", 1.0)
        return super().add(*args, **how)

    def claim(self, channel, limit, seconds):
        claim = super().claim(channel, limit, seconds)
        self.claimed += claim.deliveries
        return claim


class Slow:
    """A handler that says when it has begun, and ends when it may."""

    def __init__(self):
        self.begun, self.may_end, self.got = threading.Semaphore(0), threading.Semaphore(0), []

    def quicken(self, service, count):
        """Have so many end at once: more is taken up from then on than can begin."""
        self.may_end.release(count)
        for number in range(count):
            service.send_notification(Alert(title=f"before {number}", message="m"))

    def __call__(self, alert):
        self.got.append(alert.title)
        self.begun.release()
        assert self.may_end.acquire(timeout=10)


@pytest.fixture
def made():
    services = []

    def make(handler, workers=1, store=None, clock=None, **delivery):
        store = store or Counting()
        config = NotificationConfig.from_mapping({"delivery": {"workers": workers} | delivery})
        service = NotificationService(config, store=store, **({"clock": clock} if clock else {}))
        service.add_channel("x", handler)
        services.append(service)
        return service, store

    yield make
    for service in services:
        service.close(5.0)


def test_what_an_idle_worker_takes_is_never_looked_for(made):
    service, store = made(lambda alert: None)

    assert all(service.send_notification(Alert(title=str(n), message="m")).is_complete for n in range(5))
    assert store.claimed == []


def test_what_no_worker_is_free_for_waits_in_the_store(made):
    slow = Slow()
    service, store = made(slow)
    handles = [service.enqueue(Alert(title=str(n), message="m")) for n in range(4)]
    assert slow.begun.acquire(timeout=10)

    assert store.waiting() == 4
    assert {str(one.state) for one in store.select()} == {"in_flight", "pending"}
    slow.may_end.release(4)
    assert all(handle.result(10).is_complete for handle in handles)
    assert len(store.claimed) == 3


def test_nobody_overtakes_what_waits_in_the_store(made):
    slow = Slow()
    service, _ = made(slow)
    handles = [service.enqueue(Alert(title=str(n), message="m")) for n in range(6)]
    slow.may_end.release(6)

    assert all(handle.result(10).is_complete for handle in handles)
    assert slow.got == [str(n) for n in range(6)]


def test_a_place_is_free_again_where_the_alert_is_not_kept(made):
    service, store = made(lambda alert: None)
    store.full = True
    for _ in range(3):
        with pytest.raises(QueueFull):
            service.enqueue(Alert(title="t", message="m"))
    assert not service.is_busy
    store.full = False

    assert service.send_notification(Alert(title="t", message="m")).is_complete
    assert store.claimed == []


def test_a_place_is_free_again_where_the_alert_was_known(made):
    service, store = made(lambda alert: None)
    first = service.enqueue(Alert(title="t", message="m"), key="k")
    assert first.result(10).is_complete

    assert service.enqueue(Alert(title="t", message="m"), key="k").alert_id == first.alert_id
    assert not service.is_busy
    assert service.send_notification(Alert(title="t", message="m")).is_complete
    assert store.claimed == []


def test_with_fail_fast_nothing_is_claimed_before_its_turn(made):
    slow = Slow()
    service, store = made(slow, fail_fast=True)
    handle = service.enqueue(Alert(title="t", message="m"))
    slow.may_end.release()

    assert handle.result(10).is_complete
    assert len(store.claimed) == 1


def test_what_is_urgent_goes_before_what_was_taken_up_and_not_begun(made):
    slow = Slow()
    service, _ = made(slow, workers=1)
    slow.quicken(service, 30)
    handles = [service.enqueue(Alert(title="first", message="m"))]
    assert all(slow.begun.acquire(timeout=10) for _ in range(31))
    handles += [service.enqueue(Alert(title=str(n), message="m", priority="LOW")) for n in range(4)]
    handles.append(service.enqueue(Alert(title="urgent", message="m", priority="CRITICAL")))
    slow.may_end.release(6)

    assert all(handle.result(10).is_complete for handle in handles)
    assert slow.got[30:32] == ["first", "urgent"]


def test_what_was_taken_up_and_not_begun_is_given_back_at_the_end(made):
    slow = Slow()
    service, store = made(slow, workers=1)
    slow.quicken(service, 10)
    service.enqueue(Alert(title="first", message="m"))
    assert all(slow.begun.acquire(timeout=10) for _ in range(11))
    service.enqueue(Alert(title="second", message="m"))
    closing = threading.Thread(target=service.close, args=(5.0,), kwargs={"drain": False})
    closing.start()
    while not store.select(states=["pending", "retrying", "cancelled"]):
        assert closing.is_alive()
    slow.may_end.release(2)
    closing.join()

    assert slow.got[10:] == ["first"]


def test_what_comes_just_as_an_idle_worker_ends_its_wait_is_taken(made):
    handles = []
    service, _ = made(lambda alert: None)
    lane = service._dispatcher._stations.lane("x")

    def wait(timeout):
        """A notification that comes between the end of the wait and the lock is lost."""
        if handles:
            return Condition.wait(lane._changed, timeout)
        handles.append(service.enqueue(Alert(title="second", message="m")))
        return False

    lane._changed.wait = wait
    assert service.send_notification(Alert(title="first", message="m")).is_complete
    while not handles:
        pass

    assert handles[0].result(5).is_complete


def test_what_waits_behind_an_attempt_that_got_slow_is_claimed_anew(made):
    """Else its lease would run out before it begins, and nobody would begin it at all."""
    clock, slow = FakeClock(), Slow()
    service, store = made(slow, workers=1, clock=clock)
    slow.quicken(service, 10)
    handles = [service.enqueue(Alert(title=name, message="m")) for name in ("first", "second", "third")]
    assert all(slow.begun.acquire(timeout=10) for _ in range(11))
    assert store.claimed == []
    clock.advance(40.0)
    slow.may_end.release(3)

    assert all(handle.result(10).is_complete for handle in handles)
    assert slow.got[10:] == ["first", "second", "third"]
    assert [one.alert_id for one in store.claimed] == [handle.alert_id for handle in handles[1:]]


def test_what_was_taken_up_and_not_begun_is_cancelled_with_the_rest_at_the_end(made):
    slow = Slow()
    service, _ = made(slow, workers=1)
    slow.quicken(service, 10)
    handles = [service.enqueue(Alert(title=str(number), message="m")) for number in range(6)]
    assert all(slow.begun.acquire(timeout=10) for _ in range(11))
    service.close(0.05)
    slow.may_end.release(6)

    assert [str(handle.result(5).results["x"].recipients[0].state) for handle in handles[1:]] == ["cancelled"] * 5


def test_a_claim_that_is_long_under_way_is_as_good_as_any(made):
    clock = FakeClock()

    class Slowly(Counting):
        def claim(self, channel, limit, seconds):
            claim = super().claim(channel, limit, seconds)
            clock.advance(1.5)
            return claim

    service, store = made(lambda alert: None, store=Slowly(), clock=clock, fail_fast=True)

    assert service.send_notification(Alert(title="t", message="m")).is_complete
    assert len(store.claimed) == 1


def test_a_channel_that_replaces_another_goes_on_with_what_waits(made):
    slow = Slow()
    service, _ = made(slow, workers=1)
    handles = [service.enqueue(Alert(title=str(number), message="m")) for number in range(3)]
    assert slow.begun.acquire(timeout=10)
    got = []
    service.disable_channel("x")
    service.add_channel("x", got.append)
    handles.append(service.enqueue(Alert(title="new", message="m")))
    slow.may_end.release(1)

    assert all(handle.result(10).is_complete for handle in handles)
    assert {alert.title for alert in got} == {"1", "2", "new"}


def test_where_no_thread_can_start_nothing_is_overtaken(made, monkeypatch):
    got = []
    service, _ = made(lambda alert: got.append(alert.title))
    start = threading.Thread.start

    def refuse(thread):
        if thread.name.startswith("tocsin-x"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    first = service.enqueue(Alert(title="first", message="m"))
    monkeypatch.undo()
    second = service.enqueue(Alert(title="second", message="m"))

    assert first.result(10).is_complete
    assert second.result(10).is_complete
    assert got == ["first", "second"]
