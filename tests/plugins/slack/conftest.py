"""Slack on loopback, and what its description says."""

import json
import pathlib
from datetime import UTC, datetime

import pytest

from tocsin import SendContext
from tocsin.deadline import Deadline
from tocsin_slack import SlackChannel
from tocsin_slack.simulator import SlackSimulator

HERE = pathlib.Path(__file__).parent


@pytest.fixture
def channel_class():
    """What is tested."""
    return SlackChannel


@pytest.fixture
def simulator_class():
    """Stands in for its provider."""
    return SlackSimulator


@pytest.fixture
def usual_recipient():
    """The bot's channel (1); the webhook is 0."""
    return 1


@pytest.fixture
def context(http):
    """Make a context as the core does; the key of another delivery may be given."""

    def make(deadline=None, **values):
        usual = {"key": "0" * 32, "deadline": deadline or Deadline(5.0), "now": datetime.now(UTC), "client": http}
        return SendContext(**(usual | values))

    return make


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
