"""Health asks each webhook for itself; it never sends."""

import pytest

from tocsin import DeliveryError
from tocsin.testing import Answer


def test_all_is_well(simulator, health):
    found = health()

    assert (found.state, found.details) == ("ok", {"webhooks": 2})
    assert [(request.method, request.body) for request in simulator.requests] == [("GET", b"")] * 2
    assert simulator.received() == []


@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("300000000000000003/gone", "invalid_recipient", "Discord says unknown webhook (HTTP 404, code 10015)"),
        ("100000000000000001/wrong", "auth", "Discord says invalid webhook token (HTTP 401, code 50027)"),
    ],
)
def test_a_webhook_that_does_not_work_is_named(simulator, channel_to, health, path, kind, words):
    urls = [simulator.addresses()[1], f"{simulator.url}/api/webhooks/{path}"]
    sender = channel_to(webhook_urls=urls)
    found = health(sender)

    assert found.state == "failing"
    assert found.reason == f"1 of 2 webhooks do not work: {sender.recipients[1].label}: {words}"
    assert found.details["error_kind"] == kind
    assert path.partition("/")[2] not in f"{found.reason} {found.details}"


@pytest.mark.parametrize(
    ("status", "kind"), [(503, "server"), (429, "rate_limited"), (302, "client"), (200, "timeout")]
)
def test_an_answer_that_says_nothing_of_the_webhook_is_a_failure(simulator, health, monkeypatch, status, kind):
    monkeypatch.setattr(simulator, "other", lambda request: Answer(status))
    with pytest.raises(DeliveryError) as caught:
        health()

    assert caught.value.kind == kind
