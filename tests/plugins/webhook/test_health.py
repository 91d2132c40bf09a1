"""Health sends nothing, unless a ping was asked for."""

import json
from datetime import UTC, datetime

import pytest

from tocsin import NotificationConfig, NotificationService, SendContext
from tocsin.deadline import Deadline
from tocsin.testing import Answer, FaultKind, HttpSimulator
from tocsin_webhook import WebhookChannel
from tocsin_webhook.format import ping_of
from tocsin_webhook.simulator import WebhookSimulator

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.fixture
def health(http):
    def call(channel, within=5.0):
        with Deadline(within) as deadline:
            return channel.health(SendContext(key="0" * 32, now=NOW, deadline=deadline, client=http, test=True))

    return call


def test_health_sends_nothing_and_does_not_know(channel, health, simulator):
    found = health(channel)

    assert (found.state, found.details) == ("unknown", {"urls": 2})
    assert simulator.calls == 0


def test_a_ping_goes_to_each_endpoint_signed_and_is_no_alert(simulator, health):
    found = health(WebhookChannel(**simulator.settings(), ping=True))

    assert (found.state, simulator.calls, simulator.received()) == ("ok", 2, [])
    assert [json.loads(request.body)["type"] for request in simulator.requests] == ["ping", "ping"]
    assert all(
        "Webhook-Signature" in request.headers or "webhook-signature" in request.headers
        for request in simulator.requests
    )


def test_a_ping_has_type_time_and_no_data():
    assert json.loads(ping_of("k1", NOW)) == {"type": "ping", "timestamp": "2026-11-23T09:30:00+00:00", "data": {}}


def test_an_endpoint_that_refuses_the_ping_is_named_by_its_label(simulator, health):
    settings = simulator.settings()
    channel = WebhookChannel(**settings | {"urls": [settings["urls"][0], f"{simulator.url}/elsewhere"]}, ping=True)
    found = health(channel)

    assert found.state == "failing"
    assert found.reason == "1 of 2 endpoints took no ping: there is nothing at this address (HTTP 404)"
    assert found.details["error_kind"] == "invalid_recipient"
    assert list(found.details["endpoints"]) == [channel.recipients[1].label]
    assert "elsewhere" not in json.dumps(found.to_dict())


def test_refused_credentials_say_auth(simulator, health):
    other = {"secret": "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "ping": True}
    found = health(WebhookChannel(**simulator.settings() | other))

    assert (found.state, found.details["error_kind"]) == ("failing", "auth")


class Hanging(HttpSimulator):
    """An endpoint that never answers."""

    def settings(self):
        return {"urls": [f"{self.url}/a", f"{self.url}/b"]}

    def message(self, request):
        return None

    def accept(self, request, message):
        raise NotImplementedError

    refuse = accept

    def respond(self, request):
        super().respond(request)
        return Answer(), FaultKind.HANG


def test_an_endpoint_that_hangs_ends_the_check_at_its_deadline(health):
    with Hanging() as endpoint:
        found = health(WebhookChannel(**endpoint.settings(), ping=True), within=0.3)

    assert found.state == "failing"
    assert found.reason.startswith("2 of 2 endpoints took no ping: no answer within 0.3 s")


class RefusesPings(WebhookSimulator):
    """An endpoint that takes alerts and nothing else."""

    def other(self, request):
        return Answer(503)


def test_a_failed_ping_stops_no_alert(alert):
    """A check counts nowhere: no circuit opens."""
    with RefusesPings() as endpoint:
        config = NotificationConfig.from_mapping({"channels": {"webhook": endpoint.settings() | {"ping": True}}})
        with NotificationService(config, strict=True) as service:
            checks = [service.get_channel_health(probe=True)["webhook"] for _ in range(6)]
            report = service.send_notification(alert)

    assert {check["probe"]["state"] for check in checks} == {"failing"}
    assert checks[-1]["circuit"]["recipients"] == {}
    assert report.is_complete
