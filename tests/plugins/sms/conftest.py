"""Twilio on loopback, and what its description says."""

import json
import pathlib
from urllib.parse import parse_qsl

import pytest

from tocsin_sms import SmsChannel
from tocsin_sms.simulator import SmsSimulator


@pytest.fixture
def channel_class():
    """What is tested."""
    return SmsChannel


@pytest.fixture
def simulator_class():
    """Stands in for its provider."""
    return SmsSimulator


@pytest.fixture
def forms(simulator):
    """The fields of the messages that were asked for, taken or not."""

    def arrived():
        bodies = [request.body.decode() for request in simulator.requests if request.method == "POST"]
        return [dict(parse_qsl(body, keep_blank_values=True)) for body in bodies]

    return arrived


@pytest.fixture(scope="session")
def schemas():
    """What Twilio's description says about requests and answers."""
    return json.loads((pathlib.Path(__file__).parent / "twilio_schemas.json").read_text(encoding="utf-8"))
