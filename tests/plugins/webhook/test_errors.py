"""Each status has its kind, its outcome, its scope, and a word on what to do."""

import pytest

from tocsin.testing import Fault, FaultKind
from tocsin_webhook import WebhookChannel

ROWS = [
    (300, "client", "refused", "message"),
    (304, "client", "refused", "message"),
    (400, "payload", "refused", "message"),
    (401, "auth", "credentials", "recipient"),
    (402, "client", "refused", "message"),
    (403, "auth", "credentials", "recipient"),
    (404, "invalid_recipient", "gone", "recipient"),
    (405, "client", "refused", "message"),
    (408, "server", "retry", "channel"),
    (409, "client", "refused", "message"),
    (410, "invalid_recipient", "gone", "recipient"),
    (413, "payload", "refused", "message"),
    (415, "payload", "refused", "message"),
    (418, "client", "refused", "message"),
    (422, "payload", "refused", "message"),
    (425, "server", "retry", "channel"),
    (429, "rate_limited", "retry", "recipient"),
    (500, "server", "retry", "channel"),
    (501, "server", "refused", "channel"),
    (502, "server", "retry", "channel"),
    (503, "server", "retry", "channel"),
    (504, "server", "retry", "channel"),
    (505, "server", "refused", "channel"),
    (507, "server", "retry", "channel"),
    (599, "server", "retry", "channel"),
    (600, "client", "refused", "message"),
    (999, "client", "refused", "message"),
]
"""Where the scope is the channel, ``Capabilities.circuit_scope`` narrows it to the endpoint."""


@pytest.mark.parametrize(("status", "kind", "outcome", "scope"), ROWS)
def test_a_status_has_its_kind_outcome_and_scope(channel, refused, simulator, status, kind, outcome, scope):
    simulator.fail(Fault(FaultKind.STATUS, status=status))
    error = refused(channel)

    assert (error.kind, error.outcome, error.scope) == (kind, outcome, scope)
    assert (error.status_code, f"(HTTP {status})" in error.message) == (status, True)
    assert simulator.calls == 1


@pytest.mark.parametrize(("status", "lasting"), [(401, False), (403, False), (404, False), (410, True)])
def test_only_410_asks_for_silence_until_a_person_decides(channel, refused, simulator, status, lasting):
    """Standard Webhooks names 410 alone; the others are often mended at the endpoint, where nobody knows of us."""
    simulator.fail(Fault(FaultKind.STATUS, status=status))

    assert refused(channel).lasting is lasting


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_what_a_person_must_mend_has_a_hint(channel, refused, simulator, status):
    simulator.fail(Fault(FaultKind.STATUS, status=status))

    assert refused(channel).hint


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_wait_is_passed_on(channel, refused, simulator, status):
    simulator.fail(Fault(FaultKind.STATUS, status=status, retry_after=42))

    assert refused(channel).retry_after == 42


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("1", 1),
        ("2.5", 2.5),
        ("Mon, 01 Jan 2001 00:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ("999999999", 3600),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_wait_is_read_in_every_form(channel, refused, simulator, header, seconds):
    simulator.fail(Fault(FaultKind.RATE_LIMITED, retry_after=header))

    assert refused(channel).retry_after == seconds


def test_a_wrong_secret_is_refused_credentials(refused, simulator):
    other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

    assert refused(WebhookChannel(**(simulator.settings() | {"secret": other}))).kind == "auth"


def test_a_missing_header_is_refused_credentials(refused, simulator):
    assert refused(WebhookChannel(**(simulator.settings() | {"headers": {}}))).kind == "auth"


def test_another_path_is_a_recipient_that_is_not_there(refused, simulator):
    channel = WebhookChannel(**(simulator.settings() | {"urls": [f"{simulator.url}/elsewhere"]}))

    assert refused(channel).kind == "invalid_recipient"


def test_a_certificate_that_nobody_vouches_for_sends_nothing(refused, simulator):
    """The endpoint speaks no TLS at all: not told in clear text instead."""
    channel = WebhookChannel(**(simulator.settings() | {"urls": [simulator.addresses()[0].replace("http", "https")]}))

    assert refused(channel).kind == "tls"
    assert simulator.received() == []
