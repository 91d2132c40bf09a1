"""When to try again: arithmetic only."""

import random
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import Outcome
from tocsin.retry import Backoff, RetryBudget, RetryPolicy, parse_retry_after

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("3", 3.0),
        (" 3 ", 3.0),
        ("0", 0.0),
        ("1.5", 1.5),
        (3, 3.0),
        (0.73, 0.73),
        ("99999999999", 3600.0),
        (10**400, 3600.0),
        (float("inf"), 3600.0),
        (-5, 0.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("Mon, 23 Nov 2026 09:00:30 -0000", 30.0),
        ("Mon, 23 Nov 9999 09:00:30 GMT", 3600.0),
        ("-5", None),
        ("", None),
        ("soon", None),
        ("3s", None),
        ("1e3", None),
        ("٣", None),
        ("0x10", None),
        ("1,5", None),
        ("Mon, 99 Nov 2026 09:00:30 GMT", None),
        (float("nan"), None),
        (True, None),
        (None, None),
        ([3], None),
        (b"3", None),
        ("9" * 500, None),
    ],
)
def test_every_form_of_retry_after(value, seconds):
    assert parse_retry_after(value, NOW) == seconds


@given(st.text() | st.floats() | st.integers() | st.none() | st.binary())
def test_no_value_raises_or_leaves_the_bounds(value):
    seconds = parse_retry_after(value, NOW)

    assert seconds is None or 0.0 <= seconds <= 3600.0


@given(base=st.floats(0, 3600), retry=st.integers(1, 10_000), seed=st.integers())
def test_full_jitter_stays_within_its_bound(base, retry, seed):
    delay = Backoff(base).delay(retry, random.Random(seed))

    assert 0 <= delay <= min(300.0, base * 2.0 ** min(retry - 1, 60))


def test_constant_is_constant():
    assert [Backoff(5, constant=True).delay(n, random) for n in (1, 2, 9)] == [5, 5, 5]


@given(
    tries=st.integers(1, 20),
    limit=st.integers(0, 10),
    asked=st.none() | st.floats(0, 3600),
    outcome=st.sampled_from(Outcome),
)
def test_only_what_may_heal_is_tried_again_and_never_early(tries, limit, asked, outcome):
    wait = RetryPolicy(limit).wait(outcome, tries, asked, random.Random(1))

    if wait is None:
        assert tries > limit or outcome not in (Outcome.RETRY, Outcome.UNKNOWN)
    else:
        assert wait >= (asked or 0)
        assert tries <= limit
        assert outcome in (Outcome.RETRY, Outcome.UNKNOWN)


def test_unknown_is_not_repeated_where_told_so():
    assert RetryPolicy(3, retry_unknown=False).wait(Outcome.UNKNOWN, 1, None, random) is None
    assert RetryPolicy(3, retry_unknown=False).wait(Outcome.RETRY, 1, None, random) is not None


def test_the_budget_lends_50_retries_and_then_defers():
    budget = RetryBudget(0.0)

    assert [budget.take(0.0) for _ in range(52)] == [0.0] * 50 + [1.0, 2.0]


def test_the_budget_refills_with_time_and_first_tries():
    budget = RetryBudget(0.0)
    for _ in range(50):
        budget.take(0.0)
    for _ in range(10):
        budget.first_try()

    assert budget.take(1.0) == 0.0
    assert budget.take(1.0) == pytest.approx(0.0, abs=1e-9)
    assert budget.take(1.0) == pytest.approx(1.0)


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 30)), max_size=200))
def test_no_more_retries_go_at_once_than_the_budget_has(steps):
    budget, now, firsts, at_once = RetryBudget(0.0), 0.0, 0, 0
    for later, first_tries in steps:
        now, firsts = now + later, firsts + first_tries
        for _ in range(first_tries):
            budget.first_try()
        wait = budget.take(now)
        at_once += wait == 0.0
        assert 0.0 <= wait <= 30.0
        assert at_once <= 50 + now + firsts / 10 + 1e-6


@given(st.lists(st.floats(-5, 5), min_size=60, max_size=120))
def test_a_clock_that_jumps_back_gives_no_token(times):
    steady, jumping, latest = RetryBudget(0.0), RetryBudget(0.0), 0.0
    for moment in times:
        latest = max(latest, moment)
        assert jumping.take(moment) >= steady.take(latest) - 1e-6


@given(st.integers(0, 10**17))
def test_whole_seconds_are_kept_to_the_hour(seconds):
    assert parse_retry_after(str(seconds), NOW) == parse_retry_after(seconds, NOW) == min(seconds, 3600.0)


@given(seconds=st.integers(-(10**6), 10**6), offset=st.integers(-23, 23))
def test_a_date_means_its_instant_whatever_its_offset(seconds, offset):
    moment = (NOW + timedelta(seconds=seconds)).astimezone(timezone(timedelta(hours=offset)))

    assert parse_retry_after(format_datetime(moment), NOW) == min(max(seconds, 0.0), 3600.0)


@given(outcome=st.sampled_from([Outcome.RETRY, Outcome.UNKNOWN]), tries=st.integers(0, 10**6), seed=st.integers())
def test_without_a_limit_what_may_heal_is_tried_for_ever_and_at_least_every_five_minutes(outcome, tries, seed):
    wait = RetryPolicy(None).wait(outcome, tries, None, random.Random(seed))

    assert wait is not None
    assert 0.0 <= wait <= 300.0


@given(base=st.floats(0.001, 3600), retry=st.integers(1, 1_000))
def test_the_longest_wait_never_shrinks(base, retry):
    class Longest:
        def uniform(self, a, b):
            return b

    backoff = Backoff(base)

    assert backoff.delay(retry, Longest()) <= backoff.delay(retry + 1, Longest()) <= 300.0
