"""One signed POST; its status alone decides."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from tocsin import NotificationConfig, NotificationService, Receipt
from tocsin.testing import Answer, FakeClock, Fault, FaultKind, HttpSimulator, Received
from tocsin_webhook import WebhookChannel
from tocsin_webhook.simulator import WebhookSimulator

KEY = "0123456789abcdef0123456789abcdef"
ROTATED = ("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")


class AnyStatus(HttpSimulator):
    """An endpoint that takes everything with one status, also where that is no success."""

    def __init__(self, status):
        super().__init__()
        self.status = status

    def settings(self):
        return {"urls": [f"{self.url}/hook"]}

    def message(self, request):
        return Received(f"{self.url}/hook", "", raw=request)

    def accept(self, request, message):
        self.take(message)
        return Answer(self.status, b"" if self.status == 204 else b"anything", {"Location": f"{self.url}/elsewhere"})

    def refuse(self, fault, request, message):
        raise NotImplementedError


def test_the_bytes_that_are_sent_are_the_bytes_that_are_signed(channel, send, simulator):
    send(channel)
    raw = simulator.received()[0].raw
    signed = f"{raw['headers']['webhook-id']}.{raw['headers']['webhook-timestamp']}.".encode() + raw["body"]
    key = base64.b64decode(channel.secret[0].reveal().removeprefix("whsec_"))

    assert raw["headers"]["webhook-signature"] == f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}"


def test_the_request_says_what_it_is(channel, send, simulator, arrived, alert):
    send(channel)
    headers, content = arrived(simulator)[0]

    assert headers["webhook-id"] == KEY
    assert headers["webhook-timestamp"] == "1795426200"
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["user-agent"] == "tocsin/test"
    assert headers["x-endpoint-token"] == "simulated-endpoint-token"
    assert content == json.loads(alert.to_json())


def test_without_a_secret_nothing_is_signed(start, send, arrived):
    endpoint = start(secret=())
    send(WebhookChannel(**endpoint.settings()))
    headers, _ = arrived(endpoint)[0]

    assert headers["webhook-id"] == KEY
    assert not {"webhook-timestamp", "webhook-signature"} & headers.keys()


@pytest.mark.parametrize("known", ROTATED)
def test_while_keys_are_changed_old_and_new_receivers_are_both_content(start, send, known):
    endpoint = start(secret=known)
    channel = WebhookChannel(**(endpoint.settings() | {"secret": list(ROTATED)}))

    assert isinstance(send(channel), Receipt)


def test_a_user_may_name_another_user_agent(start, send, arrived):
    endpoint = start(headers={"User-Agent": "desk/1"})
    send(WebhookChannel(**endpoint.settings()))

    assert arrived(endpoint)[0][0]["user-agent"] == "desk/1"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 207, 299])
def test_every_2xx_is_a_success(send, status):
    with AnyStatus(status) as endpoint:
        receipt = send(WebhookChannel(**endpoint.settings()))

    assert (receipt.state, receipt.provider_id, receipt.details) == ("accepted", None, {"status": status})


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(refused, status):
    with AnyStatus(status) as endpoint:
        error = refused(WebhookChannel(**endpoint.settings()))

        assert [request.path for request in endpoint.requests] == ["/hook"]
    assert (error.kind, error.outcome, error.status_code) == ("client", "refused", status)
    assert "Redirects are never followed" in error.hint


@pytest.mark.parametrize("fault", [FaultKind.HALF_ANSWER, FaultKind.DRIP], ids=str)
def test_a_2xx_whose_body_never_ends_is_a_success(channel, send, simulator, fault):
    """The endpoint has it; to send it again would be a repeat for nothing."""
    simulator.fail(fault)

    assert send(channel, within=0.4).details == {"status": 202}
    assert len(simulator.received()) == 1


def test_a_failure_whose_body_never_ends_is_that_failure(refused):
    class Endless(AnyStatus):
        def respond(self, request):
            return Answer(self.status, b"x" * 600), FaultKind.DRIP

    with Endless(410) as endpoint:
        error = refused(WebhookChannel(**endpoint.settings()), within=0.4)

    assert (error.kind, error.outcome, error.status_code) == ("invalid_recipient", "gone", 410)


def test_a_repeat_carries_the_same_id_and_the_same_body(channel, send, refused, simulator, arrived):
    simulator.fail(FaultKind.LOST_ANSWER)
    refused(channel)
    send(channel, attempt=2, repeated=True)
    (first, body), (second, repeated) = arrived(simulator)

    assert first["webhook-id"] == second["webhook-id"]
    assert body == repeated


class Sized(AnyStatus):
    """An endpoint with a long answer."""

    def __init__(self, size):
        super().__init__(200)
        self.size = size

    def respond(self, request):
        return Answer(200, b"x" * self.size), None


class Watching:
    """The client, and the answer it gave."""

    def __init__(self, client):
        self.client, self.answer = client, None

    def post(self, *args, **kwargs):
        self.answer = self.client.post(*args, **kwargs)
        return self.answer


@pytest.mark.parametrize(
    ("size", "read", "complete"), [(65_536, 65_536, True), (65_537, 65_536, False), (8 << 20, 65_536, False)]
)
def test_an_answer_is_read_to_64_kib_and_is_a_success_however_long(send, http, size, read, complete):
    client = Watching(http)
    with Sized(size) as endpoint:
        assert send(WebhookChannel(**endpoint.settings()), client=client).details == {"status": 200}

    assert (len(client.answer.body), client.answer.complete) == (read, complete)


def test_user_and_password_in_a_url_are_sent_as_basic_authentication(start, send):
    endpoint = start()
    url = endpoint.addresses()[0].replace("http://", "http://desk:pa%20ss@")
    channel = WebhookChannel(**(endpoint.settings() | {"urls": [url]}))
    send(channel)
    encoded = base64.b64encode(b"desk:pa ss").decode()

    assert endpoint.received()[0].raw["headers"]["authorization"] == f"Basic {encoded}"
    assert "pa" not in channel.recipients[0].label.partition("#")[0].removeprefix("http://127.0.0.1")


def test_an_endpoint_that_fails_does_not_stop_the_other(simulator, alert):
    """Circuits and credentials are each endpoint's own; what was refused for good is tried once."""
    bad, good = simulator.addresses()
    simulator.fail(Fault(FaultKind.UNAUTHORIZED, address=bad, times=0))
    service = NotificationService(NotificationConfig(webhook_enabled=True, **keywords(simulator)), clock=FakeClock())
    reports = [service.send_notification(alert_of(alert, number)) for number in range(3)]
    health = service.get_channel_health(probe=True)["webhook"]
    service.close()

    assert [one.success for report in reports for one in report.results["webhook"].recipients] == [False, True] * 3
    assert simulator.calls == 3 + 1
    assert len(simulator.received(good)) == 3
    assert len(health["circuit"]["recipients"]) == 1
    assert health["probe"]["state"] == "unknown"


def test_an_endpoint_that_is_gone_is_paused(simulator, alert):
    gone, good = simulator.addresses()
    simulator.fail(Fault(FaultKind.REFUSED_RECIPIENT, address=gone, times=0))
    service = NotificationService(NotificationConfig(webhook_enabled=True, **keywords(simulator)), clock=FakeClock())
    reports = [service.send_notification(alert_of(alert, number)) for number in range(3)]
    service.close()

    assert simulator.calls == 3 + 1
    assert len(simulator.received(good)) == 3
    assert "remove its URL" in reports[0].results["webhook"].recipients[0].hint


def keywords(simulator):
    names = {"urls": "webhook_urls", "secret": "webhook_secret", "headers": "webhook_headers"}
    return {names[name]: value for name, value in simulator.settings().items()}


def alert_of(alert, number):
    return type(alert).from_dict(alert.to_dict() | {"alert_id": f"risk-{number}"})


def test_the_simulator_may_refuse_old_timestamps(refused, send):
    """As the reference libraries do; ours are of the attempt, so that a late retry is as fresh as the first."""
    with WebhookSimulator(tolerance=300) as strict:
        channel = WebhookChannel(**strict.settings())
        send(channel, now=datetime.now(UTC))
        error = refused(channel, now=datetime.now(UTC) - timedelta(seconds=301))

    assert error.status_code == 401
