"""Slack on loopback, and calls of a channel as the core makes them."""

import json
import pathlib
from datetime import UTC, datetime

import pytest

from tocsin import Alert, AlertPriority, DeliveryError, SendContext
from tocsin.deadline import Deadline
from tocsin.http import HttpClient
from tocsin_slack import SlackChannel
from tocsin_slack.simulator import SlackSimulator

HERE = pathlib.Path(__file__).parent


@pytest.fixture
def simulator():
    """A started simulator."""
    with SlackSimulator() as running:
        yield running


@pytest.fixture
def channel_to(simulator):
    """Make channels to the simulator, with settings of their own."""
    return lambda **settings: SlackChannel(**(simulator.settings() | settings))


@pytest.fixture
def channel(channel_to):
    """A channel to the simulator's webhook and to its bot's channel."""
    return channel_to()


@pytest.fixture(scope="session")
def http():
    """One client, as a channel with several workers has it."""
    client = HttpClient(workers=4, user_agent="test", environ={})
    yield client
    client.close()


@pytest.fixture
def context(http):
    """Make a context as the core does."""

    def make(deadline=None, **values):
        deadline = deadline or Deadline(5.0)
        return SendContext(key="0" * 32, deadline=deadline, now=datetime.now(UTC), client=http, **values)

    return make


@pytest.fixture
def alert():
    """Make an alert."""
    usual = {"title": "Disk full", "message": "/var is at 98 %", "priority": AlertPriority.HIGH}
    return lambda **values: Alert(**(usual | values))


@pytest.fixture
def send(channel, context, alert):
    """Send one alert to the webhook (``to=0``) or as the bot (``to=1``), under a deadline."""

    def call(what=None, *, to=1, by=None, **values):
        sender = by or channel
        with Deadline(5.0) as deadline:
            return sender.send(what or alert(), sender.recipients[to], context(deadline, **values))

    return call


@pytest.fixture
def refused(send):
    """Send one alert that must fail, and give the failure."""

    def call(*args, **values):
        with pytest.raises(DeliveryError) as caught:
            send(*args, **values)
        return caught.value

    return call


@pytest.fixture
def health(channel, context):
    """Ask for the health, under a deadline."""

    def call(by=None):
        with Deadline(5.0) as deadline:
            return (by or channel).health(context(deadline))

    return call


@pytest.fixture
def bodies(simulator):
    """The decoded JSON bodies of the requests that arrived, of one method of the API where it is named."""

    def arrived(method="services"):
        return [json.loads(request.body) for request in simulator.requests if method in request.path]

    return arrived


@pytest.fixture(scope="session")
def described():
    """What Slack's description says: methods, error words, and the schemas of both."""
    return json.loads((HERE / "slack_requests.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def schema(described):
    """The schema of a method's request, whole."""
    return lambda method: described["methods"][method] | {"components": described["components"]}
