"""An endpoint on loopback, and calls of a channel as the core makes them."""

import contextlib
import json
from datetime import UTC, datetime

import pytest

from tocsin import Alert, DeliveryError, SendContext
from tocsin.deadline import Deadline
from tocsin.http import HttpClient
from tocsin_webhook import WebhookChannel
from tocsin_webhook.simulator import WebhookSimulator

KEY = "0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 23, 9, 30, 0, 999_999, tzinfo=UTC)


@pytest.fixture
def start():
    """Start simulators, with arguments of their own."""
    with contextlib.ExitStack() as stack:
        yield lambda **arguments: stack.enter_context(WebhookSimulator(**arguments))


@pytest.fixture
def simulator(start):
    """A started simulator with its defaults."""
    return start()


@pytest.fixture
def channel(simulator):
    """A channel to the simulator's two endpoints."""
    return WebhookChannel(**simulator.settings())


@pytest.fixture
def http():
    """One client, as a channel with several workers has it; its connections end with the test."""
    client = HttpClient(workers=4, user_agent="tocsin/test", environ={})
    yield client
    client.close()


@pytest.fixture
def alert():
    """The first alert of the demo."""
    return Alert(
        title="Position Risk Exceeded",
        message="6.5 % is above the limit of 5.0 %",
        alert_type="RISK",
        priority="HIGH",
        symbol="BTCUSDT",
        strategy_id="momentum_001",
        data={"position_size": 2.5, "risk_pct": 6.5, "limit_pct": 5.0},
        alert_id="risk-1",
        created_at="2026-11-23T09:29:58+00:00",
    )


@pytest.fixture
def send(http, alert):
    """Send one alert to an endpoint, under a deadline."""

    def call(channel, *, to=0, what=None, within=5.0, **values):
        with Deadline(within) as deadline:
            context = SendContext(**({"key": KEY, "now": NOW, "deadline": deadline, "client": http} | values))
            return channel.send(what or alert, channel.recipients[to], context)

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
def arrived():
    """Headers, in lower case, and decoded body of the messages that a simulator took."""

    def look(simulator):
        return [(message.raw["headers"], json.loads(message.raw["body"])) for message in simulator.received()]

    return look
