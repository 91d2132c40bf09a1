"""The Bot API on loopback, and what its description says."""

import json
import pathlib

import pytest

from tocsin_telegram import TelegramChannel
from tocsin_telegram.simulator import TelegramSimulator


@pytest.fixture
def channel_class():
    """What is tested."""
    return TelegramChannel


@pytest.fixture
def simulator_class():
    """Stands in for its provider."""
    return TelegramSimulator


@pytest.fixture
def requests(simulator):
    """The requests that arrived: method of the API and decoded fields."""

    def arrived(method=None):
        calls = [(request.path.rpartition("/")[2], json.loads(request.body or b"{}")) for request in simulator.requests]
        return [fields for name, fields in calls if method in (None, name)]

    return arrived


@pytest.fixture(scope="session")
def schemas():
    """What the API's description says about the requests."""
    return json.loads((pathlib.Path(__file__).parent / "bot_api_requests.json").read_text(encoding="utf-8"))["methods"]
