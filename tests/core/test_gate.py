"""While a channel is down its queue is left in peace; when it is back, the queue does not fall upon it at once."""

from datetime import timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import (
    Alert,
    AlertPriority,
    Capabilities,
    RateLimited,
    Receipt,
    Recipient,
    Scope,
    SendContext,
    ServerError,
    hookimpl,
)
from tocsin.circuit import Circuit, held
from tocsin.deadline import Deadline
from tocsin.dispatch.gate import Gate
from tocsin.errors import ErrorKind
from tocsin.policies import Throttle


class Time:
    def __init__(self, rate=0.0, recipients=1):
        self.now = self.hold = 0.0
        self.throttle = Throttle(self, rate, Scope.RECIPIENT, Scope.CHANNEL)
        self.gate = self.made(recipients)

    def made(self, recipients=1):
        return Gate(lambda: self.hold, self.throttle, recipients, self.monotonic)

    def monotonic(self):
        return self.now

    def pass_all(self, wanted):
        """What passes of so many that wait."""
        room, wait = self.gate.ask(wanted)
        self.gate.passed([Waiting(str(number)) for number in range(room)])
        return room, wait

    def wait_for(self, one):
        """0.0 where it goes, else the seconds for which it is put off."""
        context = SendContext(key=one.key, deadline=Deadline(5), now=None, patience=1e9)
        recipient = Recipient.of(str(one.line), label=str(one.line))
        try:
            next(self.throttle.send(Alert(title="t", message="m", priority=one.priority), recipient, context))
        except RateLimited as error:
            return error.retry_after
        return 0.0


@attrs.define
class Waiting:
    key: str
    priority: AlertPriority = AlertPriority.LOW
    line: int = 0
    due: float = 0.0


def test_all_pass_where_nothing_was_wrong():
    assert [Time().pass_all(n) for n in (1, 4, 100)] == [(1, 0.0), (4, 0.0), (100, 0.0)]


def test_nothing_passes_while_it_is_closed_and_one_goes_first_afterwards():
    time = Time()
    time.hold = 5.0

    assert time.pass_all(4) == (0, 5.0)
    time.hold, time.now = 0.0, 5.0
    assert time.pass_all(4) == (1, 0.0)
    assert time.pass_all(4) == (0, pytest.approx(1 / 500**0.5))
    assert time.gate.is_holding_back


def test_a_failed_probe_begins_anew():
    time = Time()
    for _ in range(3):
        time.hold = 1.0
        assert time.pass_all(9)[0] == 0
        time.hold, time.now = 0.0, time.now + 1
        assert time.pass_all(9)[0] == 1


def test_ten_seconds_later_nothing_is_held_back():
    time = Time()
    time.hold = 1.0
    time.pass_all(1)
    time.hold = 0.0
    time.pass_all(1)
    time.now = 10.0

    assert time.pass_all(10**6) == (10**6, 0.0)
    assert not time.gate.is_holding_back


@given(st.lists(st.tuples(st.floats(0.001, 0.3), st.integers(1, 50)), min_size=1, max_size=100))
def test_what_has_passed_never_exceeds_the_ramp_and_asking_again_in_time_is_answered(steps):
    time = Time()
    time.hold = 1.0
    time.pass_all(1)
    time.hold, passed = 0.0, 0
    time.pass_all(1)
    for later, wanted in steps:
        time.now += later
        if time.now >= 10:
            break
        room, wait = time.pass_all(wanted)
        passed += room
        assert passed <= 500 * time.now**2 + 1
        if not room:
            time.now += wait + 1e-6
            assert time.pass_all(1)[0] == 1 or time.now >= 10
            passed += 1


def test_what_fails_at_once_is_not_held():
    down, refused = Circuit(), Circuit()
    down.open(0.0, ErrorKind.SERVER, "down")
    refused.open(0.0, ErrorKind.AUTH, "no")

    assert held([None, Circuit(), down], 1.0) == 4.0
    assert held([down, refused], 1.0) == 0.0
    assert held([None], 1.0) == 0.0


@given(st.data(), st.floats(0.1, 50), st.integers(1, 3), st.integers(1, 6))
def test_under_a_rate_limit_the_most_urgent_go_first_and_nobody_asks_for_nothing(data, rate, recipients, workers):
    """Whatever the order in which claimed deliveries reach the limit: what is less urgent has no turn before.

    With several recipients the store is asked for as many as have a turn, without knowing whose: what waits for the
    same one may be claimed together, and then goes in the order of the claim.
    """
    crowd = data.draw(st.lists(st.tuples(st.sampled_from(AlertPriority), st.integers(0, recipients - 1)), max_size=60))
    time, hand, gone, asked = Time(rate, recipients), [], [], 0
    waiting = [Waiting(str(number), *one) for number, one in enumerate(crowd)]
    while waiting or hand:
        due = sorted((one for one in waiting if one.due <= time.now), key=lambda one: (one.priority.rank, one.due))
        room, wait = time.gate.ask(workers - len(hand)) if due and len(hand) < workers else (0, 1e9)
        asked += 1
        time.gate.passed(due[:room])
        hand += due[:room]
        waiting = [one for one in waiting if one not in due[:room]]
        if hand and (not room or data.draw(st.booleans())):
            one = hand.pop(data.draw(st.integers(0, len(hand) - 1)) if recipients == 1 else 0)
            if later := time.wait_for(one):
                waiting.append(attrs.evolve(one, due=time.now + later))
            else:
                gone.append(one)
            time.gate.ended(one)
        elif not room:
            time.now += min([wait, *(one.due - time.now for one in waiting if one.due > time.now)])

    assert asked < 20 * len(crowd) + 10, "no busy loop"
    for line in range(recipients):
        places = [index for index, one in enumerate(one for one in gone if one.line == line) if one.priority.rank == 0]
        assert not places or places[-1] + 1 <= len(places) + workers
    if recipients == 1:
        assert [one.priority.rank for one in gone] == sorted(one.priority.rank for one in gone)
        assert time.now <= max(0, len(crowd) - 1) / rate + 1e-3 * len(crowd)


class Down:
    """Fails until it is up."""

    capabilities = Capabilities()
    recipients = (Recipient.of("a", label="a"),)

    def __init__(self, clock, until):
        self.clock, self.until, self.calls = clock, until, []

    @hookimpl
    def send(self, alert):
        self.calls.append((self.clock.monotonic(), alert.priority))
        if self.clock.monotonic() < self.until:
            raise ServerError("down")
        return Receipt()


def test_a_turn_is_kept_for_what_has_passed_until_it_has_ended():
    time = Time(rate=1.0)
    one = Waiting("a")
    time.gate.passed([one])

    assert time.gate.ask(1) == (0, 1.0)
    time.gate.ended(one)
    assert time.gate.ask(1) == (1, 0.0)


def test_a_gate_that_is_made_anew_keeps_no_turn_for_what_passed_the_old_one():
    time = Time(rate=1.0)
    time.gate.passed([Waiting("of the process that forked")])

    assert time.made().ask(1) == (1, 0.0)


class Limited:
    """Takes one a second."""

    capabilities = Capabilities(rate_limit=1.0)
    recipients = (Recipient.of("a", label="a"),)

    @hookimpl
    def send(self):
        return Receipt()


def test_what_waits_is_not_touched_while_the_channel_is_down(make_service, clock, alert):
    channel = Down(clock, 100.0)
    service = make_service({"x": channel}, deadline=1000, workers=1)
    handles = [service.enqueue(type(alert)(title="t", message="m")) for _ in range(200)]
    results = [handle.result(60) for handle in handles]

    assert all(result.is_complete for result in results)
    assert sum(at < 100.0 for at, _ in channel.calls) <= 12
    attempts = [len(result.results["x"].recipients[0].attempts) for result in results]
    assert sum(attempts) == len(channel.calls)


def test_what_expires_while_the_channel_is_down_ends_in_its_time(make_service, clock, alert):
    service = make_service({"x": Down(clock, 1e9)}, deadline=150, workers=1)
    handles, latest = [], clock.now()
    for _ in range(50):
        handles.append(service.enqueue(type(alert)(title="t", message="m")))
        latest = clock.now()  # the fake clock goes on meanwhile
    results = [handle.result(60).results["x"] for handle in handles]

    assert {str(one.state) for result in results for one in result.recipients} == {"expired"}
    assert sum("circuit is open" in result.error for result in results) >= 40
    assert max(result.timestamp for result in results) <= latest + timedelta(seconds=150 + 2.5)


def test_what_expires_for_want_of_a_turn_is_told_why(make_service, clock, alert):
    service = make_service({"x": Limited()}, deadline=10)
    handles = [service.enqueue(type(alert)(title="t", message="m")) for _ in range(20)]
    later = clock.monotonic()  # the fake clock goes on meanwhile, and a turn comes each second
    errors = [result.error for result in (handle.result(60).results["x"] for handle in handles) if not result.success]

    assert max(1, 9 - later) <= len(errors) <= 10
    assert all("waiting for the provider's rate limit" in error for error in errors)
