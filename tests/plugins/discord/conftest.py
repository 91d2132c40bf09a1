"""Discord on loopback, and what its description says."""

import json
import pathlib

import pytest

from tocsin_discord import DiscordChannel
from tocsin_discord.simulator import DiscordSimulator

HERE = pathlib.Path(__file__).parent


@pytest.fixture
def channel_class():
    """What is tested."""
    return DiscordChannel


@pytest.fixture
def simulator_class():
    """Stands in for its provider."""
    return DiscordSimulator


@pytest.fixture
def bodies(simulator):
    """The decoded JSON bodies of the requests that arrived with this method."""

    def arrived(method="POST"):
        return [json.loads(request.body) for request in simulator.requests if request.method == method]

    return arrived


@pytest.fixture(scope="session")
def described():
    """What Discord's description says of requests: their queries and bodies."""
    return json.loads((HERE / "webhook_requests.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def schema(described):
    """What Discord's description says about the body of a request: ``execute`` or ``edit``."""
    return lambda method: described["methods"][method] | {"components": described["components"]}
