"""While a channel is down its queue is left in peace; when it is back, the queue does not fall upon it at once."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import Capabilities, Receipt, Recipient, ServerError, hookimpl
from tocsin.circuit import Circuit, held
from tocsin.dispatch.gate import Gate
from tocsin.errors import ErrorKind


class Time:
    def __init__(self):
        self.now = self.hold = 0.0

    def gate(self):
        return Gate(lambda: self.hold, lambda: self.now)


def test_all_pass_where_nothing_was_wrong():
    assert [Time().gate().ask(n) for n in (1, 4, 100)] == [(1, 0.0), (4, 0.0), (100, 0.0)]


def test_nothing_passes_while_it_is_closed_and_one_goes_first_afterwards():
    time = Time()
    gate = time.gate()
    time.hold = 5.0

    assert gate.ask(4) == (0, 5.0)
    time.hold, time.now = 0.0, 5.0
    assert gate.ask(4) == (1, 0.0)
    assert gate.ask(4) == (0, pytest.approx(1 / 500**0.5))
    assert gate.is_recovering


def test_a_failed_probe_begins_anew():
    time = Time()
    gate = time.gate()
    for _ in range(3):
        time.hold = 1.0
        assert gate.ask(9)[0] == 0
        time.hold, time.now = 0.0, time.now + 1
        assert gate.ask(9)[0] == 1


def test_ten_seconds_later_nothing_is_held_back():
    time = Time()
    gate = time.gate()
    time.hold = 1.0
    gate.ask(1)
    time.hold = 0.0
    gate.ask(1)
    time.now = 10.0

    assert gate.ask(10**6) == (10**6, 0.0)
    assert not gate.is_recovering


@given(st.lists(st.tuples(st.floats(0.001, 0.3), st.integers(1, 50)), min_size=1, max_size=100))
def test_what_has_passed_never_exceeds_the_ramp_and_asking_again_in_time_is_answered(steps):
    time = Time()
    gate = time.gate()
    time.hold = 1.0
    gate.ask(1)
    time.hold, passed = 0.0, 0
    gate.ask(1)
    for later, wanted in steps:
        time.now += later
        if time.now >= 10:
            break
        room, wait = gate.ask(wanted)
        passed += room
        assert passed <= 500 * time.now**2 + 1
        if not room:
            time.now += wait + 1e-6
            assert gate.ask(1)[0] == 1 or time.now >= 10
            passed += 1


def test_what_fails_at_once_is_not_held():
    down, refused = Circuit(), Circuit()
    down.open(0.0, ErrorKind.SERVER, "down")
    refused.open(0.0, ErrorKind.AUTH, "no")

    assert held([None, Circuit(), down], 1.0) == 4.0
    assert held([down, refused], 1.0) == 0.0
    assert held([None], 1.0) == 0.0


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
    assert max(result.timestamp for result in results) <= latest + timedelta(seconds=150 + 2.5)
