"""The store's clock: wall-clock jumps do not move it, and a new boot goes on where the last one was."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from tocsin.plan import Plan
from tocsin.report import DeliveryState
from tocsin.testing import FakeClock
from tocsin.testing.store.rig import LEASE, alert, delivery, outcome, settle
from tocsin_sql.timeline import Anchor

DAY = 86_400.0
JUMPS = [-DAY, DAY, -3_600.0]


class Clock(FakeClock):
    """A clock whose wall time jumps on demand, while the monotonic one goes on."""

    def __init__(self):
        super().__init__()
        self.jumped = 0.0

    def now(self):
        return super().now() + timedelta(seconds=self.jumped)


class In1970(Clock):
    def now(self):
        return datetime.fromtimestamp(self.monotonic(), UTC)


@pytest.fixture
def clock():
    return Clock()


def put(store):
    one = alert()
    store.add(one, Plan((("x",),), lifetime=100.0), [delivery(one, store)])
    return one


@pytest.mark.parametrize("jump", JUMPS)
def test_nothing_is_repeated_lost_or_expired_by_a_jump(open_store, clock, jump):
    store = open_store(clock)
    put(store)
    (claimed,) = store.claim("x", 1, LEASE).deliveries
    before = store.now()
    clock.jumped = jump
    other = open_store(clock)

    assert other.now() == store.now() == before
    assert (other.lost(5, LEASE), other.overdue(5, LEASE), other.due()) == ([], [], [])
    assert settle(other, outcome(claimed)).taken


def test_with_the_clock_in_1970_nothing_expires_and_leases_still_run_out(open_store):
    clock = In1970()
    store = open_store(clock)
    put(store)
    store.claim("x", 1, LEASE)
    clock.advance(LEASE - 1)
    early = store.lost(5, LEASE)
    clock.advance(2)

    assert (early, len(store.lost(5, LEASE)), store.overdue(5, LEASE)) == ([], 1, [])


def test_processes_of_one_boot_have_the_same_time(open_store, clock):
    store = open_store(clock)
    clock.advance(12.5)
    other = open_store(clock)
    clock.advance(0.5)

    assert other.now() == store.now()


def boot(path, **changes):
    """Have the file's anchor come from another boot."""
    with sqlite3.connect(path) as connection:
        (text,) = connection.execute("SELECT value FROM tocsin_meta WHERE name = 'anchor'").fetchone()
        anchor = json.dumps(json.loads(text) | {"boot": "another"} | changes)
        connection.execute("UPDATE tocsin_meta SET value = ? WHERE name = 'anchor'", (anchor,))
    connection.close()


@pytest.mark.parametrize("jump", [*JUMPS, -1e9])
def test_after_a_boot_time_goes_on_and_leases_of_the_old_boot_are_void(make_store, path, clock, jump):
    store = make_store()
    store.open(clock, lambda: None)
    put(store)
    (claimed,) = store.claim("x", 1, 10_000.0).deliveries
    clock.advance(5)
    put(store)  # with a commit the time is noted
    seen = store.now()
    store.close()
    boot(path)
    clock.jumped = jump
    again = make_store()
    again.open(clock, lambda: None)
    now, lost = again.now(), again.lost(5, LEASE)
    late = settle(again, outcome(claimed)).taken
    again.close()

    assert now == pytest.approx(max(seen, clock.now().timestamp()), abs=2.0)
    assert now >= seen - 2.0
    assert [one.token for one in lost] == [claimed.token + 1]
    assert not late


def test_what_waits_for_its_time_over_a_boot_is_still_there(make_store, path, clock):
    store = make_store()
    store.open(clock, lambda: None)
    put(store)
    (claimed,) = store.claim("x", 1, LEASE).deliveries
    settle(store, outcome(claimed, DeliveryState.RETRYING, due=store.now() + 50))
    store.close()
    boot(path)
    clock.advance(60)
    again = make_store()
    again.open(clock, lambda: None)
    due = again.due()
    again.close()

    assert due == ["x"]


@pytest.mark.parametrize(
    ("boot", "mono", "wall", "same"),
    [
        ("b", 10.0, 1010.0, True),
        ("b", 10.0, 1010.0 + DAY, True),
        ("c", 10.0, 1010.0, False),
        ("b", 1.0, 1001.0, False),
    ],
)
def test_a_named_boot_is_told_by_its_name(boot, mono, wall, same):
    assert Anchor("b", 5.0, 1005.0, 0.0).holds(boot, mono, wall) is same


@pytest.mark.parametrize(("wall", "same"), [(1010.0, True), (1069.0, True), (1071.0, False), (940.0, False)])
def test_an_unnamed_boot_is_told_by_both_clocks(wall, same):
    assert Anchor("", 5.0, 1005.0, 0.0).holds("", 10.0, wall) is same
