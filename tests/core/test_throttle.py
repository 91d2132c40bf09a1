"""The limiter on virtual time: never faster than it may, never for ever, the most urgent first."""

from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import Alert, AlertPriority, RateLimited, Receipt, Recipient, Scope, SendContext
from tocsin.channel import relay_for
from tocsin.deadline import Deadline
from tocsin.hookspecs import hookimpl
from tocsin.policies import Throttle

RECIPIENTS = tuple(Recipient.of(name, label=name) for name in "ab")
ALERTS = {priority: Alert(title="t", message="m", priority=priority) for priority in AlertPriority}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@attrs.define(slots=False)
class Time:
    seconds: float = 0.0

    def monotonic(self):
        return self.seconds

    def now(self):
        return NOW


class Provider:
    """Takes everything, and may ask for a pause."""

    def __init__(self):
        self.answer = Receipt()

    @hookimpl
    def send(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@attrs.define(slots=False)
class Limited:
    rate: float
    scope: Scope = Scope.RECIPIENT
    time: Time = attrs.field(factory=Time)
    provider: Provider = attrs.field(factory=Provider)

    def __attrs_post_init__(self):
        throttle = Throttle(self.time, self.rate, self.scope, Scope.CHANNEL)
        self.relay = relay_for(self.provider, (throttle,))

    def ask(self, priority=AlertPriority.MEDIUM, to=0, patience=1e9):
        """0.0 where it went, else the seconds that it is to wait."""
        context = SendContext(key="0" * 32, deadline=Deadline(5), now=NOW, patience=patience)
        try:
            self.relay.hook.send(alert=ALERTS[priority], recipient=RECIPIENTS[to], context=context)
        except RateLimited as error:
            return error.retry_after
        return 0.0


RATES = st.floats(0.1, 50.0)
ARRIVALS = st.lists(st.tuples(st.floats(0, 2), st.sampled_from(AlertPriority), st.integers(0, 1)), max_size=80)


@given(RATES, ARRIVALS)
def test_two_messages_are_never_closer_than_the_rate_allows(rate, arrivals):
    limited, last = Limited(rate, Scope.CHANNEL), None
    for later, priority, to in arrivals:
        limited.time.seconds += later
        if limited.ask(priority, to) == 0.0:
            assert last is None or limited.time.seconds - last >= 1 / rate - 1e-6
            last = limited.time.seconds


@given(RATES, ARRIVALS)
def test_recipients_with_limits_of_their_own_do_not_hold_each_other_back(rate, arrivals):
    both = Limited(rate)
    alone = [Limited(rate), Limited(rate)]
    for later, priority, to in arrivals:
        for limited in (both, *alone):
            limited.time.seconds += later
        assert both.ask(priority, to) == pytest.approx(alone[to].ask(priority, 0))


@given(RATES, st.lists(st.sampled_from(AlertPriority), min_size=1, max_size=40))
def test_a_crowd_that_comes_again_when_told_gets_through_in_twice_its_time(rate, crowd):
    limited = Limited(rate, Scope.CHANNEL)
    waiting, asked = [(0.0, number, priority) for number, priority in enumerate(crowd)], 0
    while waiting:
        due = min(at for at, _, _ in waiting)
        limited.time.seconds = max(limited.time.seconds, due)
        at, number, priority = min(
            (one for one in waiting if one[0] <= due), key=lambda one: ([*AlertPriority].index(one[2]), one[1])
        )
        waiting.remove((at, number, priority))
        asked += 1
        if (wait := limited.ask(priority)) > 0:
            waiting.append((limited.time.seconds + max(wait, 1e-6), number, priority))
        assert asked < 200 * len(crowd), "no busy loop"
    assert limited.time.seconds <= 2 * len(crowd) / rate + 1e-3


@given(RATES, st.floats(0.01, 3600), ARRIVALS)
def test_nothing_goes_while_the_provider_asked_for_a_pause(rate, seconds, arrivals):
    limited = Limited(rate)
    limited.provider.answer = Receipt(hold=seconds)
    assert limited.ask() == 0.0
    limited.provider.answer = Receipt()
    for later, priority, _ in arrivals:
        limited.time.seconds += later
        if limited.time.seconds < seconds:
            assert 0.0 < limited.ask(priority) <= max(seconds, 1 / rate * len(arrivals)) + 30.0


@given(st.floats(0.01, 3600), st.floats(0, 4000))
def test_a_pause_for_the_channel_holds_all_its_recipients_back_and_ends(seconds, later):
    limited = Limited(0.0)
    limited.provider.answer = RateLimited("slow down", retry_after=seconds, scope=Scope.CHANNEL)
    assert limited.ask(to=0) == seconds
    limited.provider.answer = Receipt()
    limited.time.seconds = later

    assert limited.ask(to=1) == pytest.approx(max(0.0, seconds - later))


@given(RATES, st.lists(st.sampled_from([one for one in AlertPriority if one != "CRITICAL"]), max_size=60))
def test_the_most_urgent_waits_for_one_turn_whoever_waits_already(rate, crowd):
    limited = Limited(rate, Scope.CHANNEL)
    limited.ask(AlertPriority.LOW)
    for priority in crowd:
        limited.ask(priority)

    assert limited.ask(AlertPriority.CRITICAL) <= 2 / rate + 1e-6


@given(ARRIVALS)
def test_without_a_limit_nobody_waits(arrivals):
    limited = Limited(0.0)
    for later, priority, to in arrivals:
        limited.time.seconds += later
        assert limited.ask(priority, to) == 0.0


@given(RATES, st.integers(1, 300))
def test_no_turn_is_promised_further_ahead_than_half_a_minute_after_the_next_free_one(rate, crowd):
    limited = Limited(rate, Scope.CHANNEL)

    assert all(limited.ask() <= 30.0 + 1 / rate + 1e-6 for _ in range(crowd))
