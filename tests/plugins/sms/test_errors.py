"""Each documented code has its kind, scope and outcome; nothing of the provider's own text is passed on."""

import json

import pytest

from tocsin import NotificationConfig, NotificationService
from tocsin.http import HttpResponse
from tocsin.testing import Fault
from tocsin_sms.errors import CODES, failure

GONE = ("invalid_recipient", "recipient", "gone")
AUTH = ("auth", "channel", "credentials")
SENDER = ("config", "channel", "refused")
PAYLOAD = ("payload", "message", "refused")
LIMIT = ("rate_limited", "channel", "retry")

# https://www.twilio.com/docs/api/errors: HTTP status, code, and what it is.
ROWS = [
    (403, 10001, AUTH),
    (429, 14107, ("rate_limited", "recipient", "retry")),
    (401, 20003, AUTH),
    (405, 20004, AUTH),
    (403, 20005, AUTH),
    (403, 20006, AUTH),
    (403, 20008, AUTH),
    (403, 20403, AUTH),
    (404, 20404, AUTH),
    (429, 20429, LIMIT),
    (500, 20500, ("server", "channel", "unknown")),
    (503, 20503, ("server", "channel", "unknown")),
    (400, 21211, GONE),
    (400, 21212, SENDER),
    (400, 21214, GONE),
    (400, 21217, GONE),
    (400, 21265, GONE),
    (400, 21266, GONE),
    (400, 21408, GONE),
    (400, 21601, SENDER),
    (400, 21602, PAYLOAD),
    (400, 21603, SENDER),
    (400, 21604, GONE),
    (400, 21606, SENDER),
    (400, 21607, SENDER),
    (400, 21608, GONE),
    (400, 21609, SENDER),
    (400, 21610, GONE),
    (400, 21611, LIMIT),
    (400, 21612, GONE),
    (400, 21614, GONE),
    (400, 21616, SENDER),
    (400, 21617, PAYLOAD),
    (400, 21619, PAYLOAD),
    (400, 21624, SENDER),
    (400, 21635, GONE),
    (400, 21659, SENDER),
    (400, 21660, SENDER),
    (400, 21661, SENDER),
    (404, 21701, SENDER),
    (400, 21703, SENDER),
    (400, 21704, SENDER),
    (400, 21705, SENDER),
    (503, 21730, ("server", "channel", "retry")),
    (400, 30001, LIMIT),
    (400, 30002, AUTH),
    (400, 30003, ("server", "recipient", "retry")),
    (400, 30004, GONE),
    (400, 30005, GONE),
    (400, 30006, GONE),
    (400, 30007, PAYLOAD),
    (400, 30008, ("server", "recipient", "retry")),
    (400, 30017, ("server", "recipient", "retry")),
    (400, 30018, SENDER),
    (400, 30019, PAYLOAD),
    (400, 30022, LIMIT),
    (400, 30023, LIMIT),
    (400, 30024, SENDER),
    (400, 30027, LIMIT),
    (400, 30032, SENDER),
    (400, 30033, SENDER),
    (400, 30034, SENDER),
    (400, 30035, SENDER),
    (400, 30036, ("expired", "message", "refused")),
    (400, 30037, AUTH),
    (400, 30042, SENDER),
    (400, 30043, SENDER),
    (400, 30045, SENDER),
    (400, 30410, ("server", "recipient", "retry")),
    (400, 30450, ("rate_limited", "recipient", "retry")),
    (400, 30500, ("server", "channel", "retry")),
    (429, 63017, LIMIT),
    (429, 63038, LIMIT),
    (400, 90007, SENDER),
    (400, 572002, SENDER),
    (400, 572005, GONE),
]
# Answers without a code, or with one that is not in the table.
STATUSES = [
    (400, PAYLOAD),
    (401, AUTH),
    (403, AUTH),
    (404, AUTH),
    (405, ("client", "message", "refused")),
    (408, ("server", "channel", "retry")),
    (415, PAYLOAD),
    (429, LIMIT),
    (500, ("server", "channel", "unknown")),
    (501, ("server", "channel", "refused")),
    (502, ("server", "channel", "unknown")),
    (503, ("server", "channel", "unknown")),
    (504, ("server", "channel", "unknown")),
    (302, ("client", "message", "refused")),
]


@pytest.mark.parametrize(("status", "code", "expected"), ROWS, ids=[str(row[1]) for row in ROWS])
def test_every_documented_code_has_its_kind(simulator, refused, status, code, expected):
    number = simulator.addresses()[0]
    simulator.script(status, code, f"The number {number} is canary-4711")
    error = refused()

    assert (error.kind, error.scope, error.outcome) == expected
    assert (error.status_code, error.provider_code) == (status, code)
    assert error.hint
    assert simulator.calls == 1
    assert not any(word in f"{error!r} {error.hint}" for word in (number, "canary-4711", "http"))
    assert error.__cause__ is None


def test_the_table_is_complete():
    assert sorted(code for _, code, _ in ROWS) == sorted(CODES)


@pytest.mark.parametrize(("status", "expected"), STATUSES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"code": null}',
        b'{"code": "21211"}',
        b'{"code": true}',
        b'{"code": 7}',
        b'{"code": 98765}',
    ],
)
def test_any_other_answer_is_judged_by_its_status(status, expected, body):
    error = failure(HttpResponse(status, {}, body))

    assert (error.kind, error.scope, error.outcome) == expected
    assert error.provider_code == (98765 if b"98765" in body else None)


def test_a_cut_off_refusal_is_judged_by_its_status():
    assert failure(HttpResponse(400, {}, b'{"code": 21610}', complete=False)).kind == "payload"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3", 3.0), ("Wed, 01 Jan 2020 00:00:00 GMT", 0.0), ("soon", None), ("-1", None), (None, None)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_survives_the_client(simulator, refused, value, seconds, status):
    """Twilio's own exception drops the headers."""
    simulator.fail(Fault("rate_limited" if status == 429 else "server_error", retry_after=value))
    error = refused()

    assert (error.status_code, error.retry_after) == (status, seconds)


def test_a_code_needs_no_known_status():
    answer = HttpResponse(400, {"Retry-After": "9"}, json.dumps({"code": 20429}).encode())

    assert failure(answer).retry_after == 9.0


def test_a_recipient_that_opted_out_is_not_called_again(simulator, alert):
    """Only START of the recipient undoes STOP, and then a person enables the number again."""
    simulator.fail(Fault("refused_recipient", address="+15005550010", times=0))
    settings = simulator.settings() | {"rate_limit": 0}
    with NotificationService(NotificationConfig.from_mapping({"channels": {"sms": settings}})) as service:
        reports = [service.send_notification(alert()) for _ in range(3)]
        health = service.get_channel_health()["sms"]

    (first, *later) = [report.results["sms"].recipients[0] for report in reports]
    assert (first.error_kind, len(first.attempts)) == ("invalid_recipient", 1)
    assert [(one.error_kind, len(one.attempts)) for one in later] == [("invalid_recipient", 0)] * 2
    assert [report.results["sms"].recipients[1].success for report in reports] == [True] * 3
    assert simulator.calls == 4
    assert "+1…10" in str(health)
