"""Calls of one channel as the core makes them; each plugin names its ``channel_class`` and ``simulator_class``."""

from datetime import UTC, datetime

import pytest

from tocsin import Alert, AlertPriority, DeliveryError, SendContext
from tocsin.deadline import Deadline


@pytest.fixture
def simulator(simulator_class):
    """A started simulator."""
    with simulator_class() as running:
        yield running


@pytest.fixture
def channel_to(channel_class, simulator):
    """Make channels to the simulator, with settings of their own."""
    return lambda **settings: channel_class(**(simulator.settings() | settings))


@pytest.fixture
def channel(channel_to):
    """A channel to the simulator's two recipients."""
    return channel_to()


@pytest.fixture
def http():
    """One client, as a channel with several workers has it; its connections end with the test."""
    from tocsin.http import HttpClient  # not every channel's environment has it

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
def usual_recipient():
    """The place of the recipient that ``send`` takes where none is named."""
    return 0


@pytest.fixture
def send(channel, context, alert, usual_recipient):
    """Send one alert, under a deadline."""

    def call(what=None, *, to=usual_recipient, by=None, **values):
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
