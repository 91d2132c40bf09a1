"""A bot and webhooks in one channel: what stops one leaves the other alone."""

import pytest

from tocsin import Alert, NotificationConfig, NotificationService
from tocsin.testing import FakeClock, Fault
from tocsin_slack import SlackChannel

CHANNELS = ["C0000000001", "C0000000002"]


@pytest.fixture
def clock():
    """Time that does not pass by itself."""
    return FakeClock()


@pytest.fixture
def service(simulator, clock):
    """Without a channel yet."""
    simulator.channels = {channel: {} for channel in CHANNELS}
    config = NotificationConfig.from_mapping(
        {"delivery": {"max_retries": 0, "deadline": 20, "workers": 1}, "channels": {}}
    )
    with NotificationService(config, clock=clock) as service:
        yield service


@pytest.fixture
def send(simulator, service):
    """Send an alert through a bot in two channels and a webhook; tells which of the three got it, the webhook first."""

    def call(token=None, **changed):
        if "slack" not in service.channels:
            settings = simulator.settings() | {"channel_ids": CHANNELS} | changed
            service.add_channel("slack", SlackChannel(**(settings | ({"bot_token": token} if token else {}))))
        report = service.send_notification(Alert(title="T", message="m"))
        return [recipient.success for recipient in report.results["slack"].recipients]

    return call


def asked(simulator):
    return sum("/api/" in request.path for request in simulator.requests)


def test_a_bot_and_a_webhook_stand_in_one_channel(send):
    assert send() == [True, True, True]


def test_a_refused_token_stops_every_channel_of_the_bot_and_no_webhook(simulator, send):
    assert send("xoxb-wrong") == [True, False, False]
    before = asked(simulator)
    assert send() == send() == [True, False, False]

    assert asked(simulator) == before <= 2
    assert len(simulator.received(simulator.addresses()[0])) == 3


def test_a_refused_token_is_tried_again_with_one_message(simulator, clock, send):
    send("xoxb-wrong")
    before = asked(simulator)
    clock.advance(6.0)

    assert send() == [True, False, False]
    assert asked(simulator) == before + 1


def test_a_refused_webhook_stops_alone_and_is_not_called_again(simulator, clock, send):
    simulator.fail(Fault("unauthorized", address=simulator.addresses()[0]))
    assert send() == [False, True, True]
    clock.advance(3600.0)
    before = simulator.calls

    assert send() == [False, True, True]
    assert simulator.calls == before + 2


def test_a_channel_that_is_gone_stops_alone_and_is_not_called_again(simulator, clock, send):
    simulator.channels[CHANNELS[0]] = {"is_archived": True}
    assert send() == [True, False, True]
    clock.advance(3600.0)
    before = simulator.calls

    assert send() == [True, False, True]
    assert simulator.calls == before + 2


def test_a_wait_that_slack_asks_a_bot_for_holds_back_its_channels_and_no_webhook(simulator, clock, send):
    simulator.fail(Fault("rate_limited", address=CHANNELS[0], retry_after=30))
    assert send() == send() == [True, False, False]  # alerts end after 20 s
    assert asked(simulator) == 1
    clock.advance(30.0)

    assert send() == [True, True, True]


def test_each_channel_gets_one_message_per_second(clock, send):
    send()
    began = clock.monotonic()
    send()
    send()

    assert 1.0 < clock.monotonic() - began <= 2.0


def test_health_says_that_a_bot_is_refused(service, send):
    assert send("xoxb-wrong", webhook_urls=[]) == [False, False]
    health = service.get_channel_health()["slack"]

    assert (health["circuit"]["state"], health["circuit"]["cause"]) == ("open", "auth")
    assert health["reason"].startswith("nothing goes out, auth: ")
    assert health["reason"].endswith("(next try in 5 s)")


def test_health_says_which_destinations_are_refused_beside_a_webhook_that_works(service, send):
    send("xoxb-wrong")
    health = service.get_channel_health()["slack"]

    assert health["circuit"]["state"] == "closed"
    assert [one["label"] for one in health["circuit"]["recipients"].values()] == health["recipients"][1:]
    assert health["reason"].startswith("nothing goes out to 2 of 3 recipients, auth: ")


def test_health_has_nothing_to_say_of_a_bot_that_works(service, send):
    send()
    health = service.get_channel_health()["slack"]

    assert (health["reason"], health["circuit"]["recipients"]) == (None, {})
