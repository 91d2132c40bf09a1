"""Row "429 and 503 with 30 forms of Retry-After": never early, nobody sleeps, and what is no wait falls back."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from .hostile.http import OK, answer

DELAY = 7.0
"""Seconds of the service's own backoff, here without jitter."""
HOUR = 3600.0
SLACK = 2.0
"""Seconds: dates are of the wall clock and have no fraction."""


def date(seconds, **arguments):
    return lambda: format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), **arguments)


def written(pattern, seconds):
    return lambda: (datetime.now(UTC) + timedelta(seconds=seconds)).strftime(pattern)


FORMS = {
    "seconds": ("30", 30.0),
    "one": ("1", DELAY),
    "zero": ("0", DELAY),
    "blanks around": ("  30  ", 30.0),
    "leading zeros": ("0030", 30.0),
    "a fraction": ("30.5", 30.5),
    "an hour": ("3600", HOUR),
    "more than an hour": ("86400", HOUR),
    "eighteen digits": ("9" * 18, HOUR),
    "an HTTP date": (date(90, usegmt=True), 90.0 - SLACK),
    "an HTTP date long ago": ("Sun, 06 Nov 1994 08:49:37 GMT", DELAY),
    "an HTTP date in a far year": ("Fri, 31 Dec 9999 23:59:59 GMT", HOUR),
    "a date with an offset": (date(90), 90.0 - SLACK),
    "a date of RFC 850": (written("%A, %d-%b-%y %H:%M:%S GMT", 90), 90.0 - SLACK),
    "a date of asctime": (written("%a %b %d %H:%M:%S %Y", 90), 90.0 - SLACK),
    "a date without its day": (written("%d %b %Y %H:%M:%S GMT", 90), 90.0 - SLACK),
    "nothing": ("", DELAY),
    "a negative number": ("-30", DELAY),
    "a sign": ("+30", DELAY),
    "a unit": ("30s", DELAY),
    "an exponent": ("3e9", DELAY),
    "hexadecimal": ("0x30", DELAY),
    "a comma": ("1,5", DELAY),
    "two values": ("30, 60", DELAY),
    "not a number": ("nan", DELAY),
    "infinite": ("inf", DELAY),
    "words": ("soon", DELAY),
    "digits of another script": ("٣٠", DELAY),
    "five hundred digits": ("9" * 500, DELAY),
    "an impossible date": ("Mon, 99 Nov 2026 09:00:30 GMT", DELAY),
    "a year of 10 digits": ("Mon, 23 Nov 9999999999 09:00:30 GMT", DELAY),
    "ISO 8601": ("2126-11-23T09:00:30Z", DELAY),
}


class LongestDraw:
    """Randomness that always gives the most: full jitter without jitter."""

    def uniform(self, a, b):
        return b


@pytest.fixture
def no_sleep(monkeypatch):
    """Seconds that any thread slept."""
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", FORMS)
def test_a_wait_that_is_asked_for(form, status, receiver, make_service, clock, an_alert, no_sleep, figure):
    value, seconds = FORMS[form]
    value = value() if callable(value) else value
    refusal = answer(status, b"", Retry_After=value.encode().decode("latin-1"))
    arrivals = []

    def once(exchange):
        if exchange.request() is None:
            return False
        exchange.connection.send(refusal if len(arrivals) == 1 else OK)
        return True

    server = receiver(once, on_request=lambda head, body: arrivals.append(clock.monotonic()))
    service = make_service(
        {"webhook": {"urls": [server.url], "workers": 1}},
        clock=clock,
        rng=LongestDraw(),
        retry_delay=DELAY,
        deadline=2 * HOUR,
    )
    report = service.send_notification(an_alert())
    (one,) = report.results["webhook"].recipients

    assert str(one.state) == "accepted"
    assert len(arrivals) == 2
    waited = arrivals[1] - arrivals[0]
    figure("waited", waited, "s", f">= {seconds}")
    figure("longer than asked for", waited - seconds, "s", SLACK + 1.0)
    figure("thread-seconds slept", sum(no_sleep), "s", "== 0")


def test_a_wait_holds_no_worker(receiver, make_service, clock, an_alert, figure):
    """With one worker, another recipient is served while the first one waits an hour."""
    refusing, good, arrivals = receiver(), receiver(), []

    def refuse(exchange):
        if exchange.request() is None:
            return False
        exchange.connection.send(answer(429, b"", Retry_After="3600"))
        return True

    refusing.behave(refuse)
    good._on_request = lambda head, body: arrivals.append(clock.monotonic())
    service = make_service(
        {"webhook": {"urls": [refusing.url, good.url], "workers": 1}}, clock=clock, deadline=HOUR / 2
    )
    handles = [service.enqueue(an_alert()) for _ in range(20)]
    [handle.result(30) for handle in handles]

    figure("alerts that the other got", len(arrivals), "", "== 20")
    figure("requests to the one that asked for a wait", len(refusing.requests), "", 4)
