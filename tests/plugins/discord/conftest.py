"""Discord on loopback, and calls of a channel as the core makes them."""

import json
import pathlib
from datetime import UTC, datetime

import pytest

from tocsin import Alert, AlertPriority, DeliveryError, SendContext
from tocsin.deadline import Deadline
from tocsin.http import HttpClient
from tocsin_discord import DiscordChannel
from tocsin_discord.simulator import DiscordSimulator

HERE = pathlib.Path(__file__).parent


@pytest.fixture
def simulator():
    """A started simulator."""
    with DiscordSimulator() as running:
        yield running


@pytest.fixture
def channel_to(simulator):
    """Make channels to the simulator, with settings of their own."""
    return lambda **settings: DiscordChannel(**(simulator.settings() | settings))


@pytest.fixture
def channel(channel_to):
    """A channel to the simulator's two webhooks."""
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
    """Send one alert to a webhook, under a deadline."""

    def call(what=None, *, to=0, by=None, **values):
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
    """The decoded JSON bodies of the requests that arrived with this method."""

    def arrived(method="POST"):
        return [json.loads(request.body) for request in simulator.requests if request.method == method]

    return arrived


@pytest.fixture(scope="session")
def schema():
    """What Discord's description says about a request: ``execute`` or ``edit``."""
    described = json.loads((HERE / "webhook_requests.json").read_text(encoding="utf-8"))
    return lambda method: described["methods"][method] | {"components": described["components"]}
