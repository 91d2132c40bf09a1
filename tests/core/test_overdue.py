"""What expires while it waits is found without a search, and what that takes does not grow with what has passed."""

import attrs
from hypothesis import given
from hypothesis import strategies as st

from tocsin import Alert, DeliveryState, MemoryStore
from tocsin.plan import Plan
from tocsin.store import Delivery

LEASE = 30.0


@attrs.define
class Time:
    seconds: float = 0.0

    def monotonic(self):
        return self.seconds

    def now(self):
        return Alert(title="t", message="m").created_at


def made(units):
    store, time = MemoryStore(), Time()
    store.open(time, lambda: None)

    def add(number, lifetime):
        alert = Alert(title="t", message="m", alert_id=f"a{number}")
        deliveries = [
            Delivery(
                alert_id=alert.alert_id,
                channel="x",
                recipient_id=str(unit),
                recipient="r",
                key=f"{number}-{unit}",
                rank=2,
                due=time.seconds,
                expires=time.seconds + lifetime,
            )
            for unit in range(units)
        ]
        store.add(alert, Plan([["x"]]), deliveries)

    return store, time, add


def waiting_too_long(store, now):
    waiting = store.select(states=[DeliveryState.PENDING, DeliveryState.RETRYING], limit=10**6)
    return {one.key for one in waiting if one.expires <= now}


def settle(store, one, state, due):
    store.complete(one.changed(state=DeliveryState(state), due=due), lambda settled: None)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from([1.0, 5.0, 50.0])),
        st.tuples(st.just("claim"), st.integers(1, 4)),
        st.tuples(st.just("end"), st.booleans()),
        st.tuples(st.just("later"), st.floats(0, 4)),
        st.tuples(st.just("overdue"), st.integers(1, 5)),
    ),
    max_size=60,
)


@given(st.integers(1, 3), STEPS)
def test_the_overdue_are_those_that_a_search_would_find(units, steps):
    store, time, add = made(units)
    held, added = [], 0
    for step, value in steps:
        if step == "add":
            added += 1
            add(added, value)
        elif step == "claim":
            held += store.claim("x", value, LEASE).deliveries
        elif step == "end" and held:
            # What a worker puts off is never due after its end: it is expired then.
            one = held.pop(0)
            put_off = value and time.seconds < one.expires
            settle(store, one, "retrying" if put_off else "accepted", time.seconds)
        elif step == "later":
            time.seconds += value
        elif step == "overdue":
            expected = waiting_too_long(store, time.seconds)
            found = store.overdue(value, LEASE)
            assert {one.key for one in found} <= expected
            assert len(found) == min(value, len(expected))
            for one in found:
                settle(store, one, "expired", time.seconds)


def test_what_was_in_a_worker_s_hands_while_others_came_is_still_found():
    """The list is tidied when it is long; what nobody waits for at that moment may wait again."""
    store, time, add = made(1)
    add(0, 100.0)
    (one,) = store.claim("x", 1, LEASE).deliveries
    for number in range(1, 2_000):
        add(number, 50.0)
        for other in store.claim("x", 1, LEASE).deliveries:
            settle(store, other, "accepted", 0.0)
    settle(store, one, "retrying", 0.0)
    time.seconds = 100.0

    assert [late.key for late in store.overdue(10, LEASE)] == ["0-0"]


def test_a_second_alert_costs_what_the_first_did_however_many_wait():
    """Counted in tidyings, not in seconds: of each alert's six deliveries one goes on waiting."""
    store, _time, add = made(6)
    tidied = set()
    for number in range(1_000):
        add(number, 300.0)
        for one in store.claim("x", 5, LEASE).deliveries:
            settle(store, one, "accepted", 0.0)
        tidied.add(store._shelf._many)

    assert 2 <= len(tidied) <= 5, "the list is tidied each time it has doubled"


def test_an_alert_with_more_than_is_asked_for_is_found_bit_by_bit():
    store, time, add = made(3)
    add(0, 1.0)
    time.seconds = 1.0

    assert [len(store.overdue(2, LEASE)) for _ in range(3)] == [2, 1, 0]
