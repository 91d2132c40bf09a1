"""A thousand channels: what each costs must not depend on how many there are."""

import sys

import pytest

from tocsin import NotificationConfig
from tocsin.clock import SystemClock
from tocsin.registry import Registry


def text(channels):
    tables = (
        f'[channels.hook{number}]\ntype = "webhook"\nurls = ["https://hook.example/{number}"]\nrate_limit = 0\n'
        for number in range(channels)
    )
    return "\n".join(tables)


def calls(function, *arguments):
    """How many functions were called, in Python and in C."""
    count = 0

    def called(_frame, event, _what):
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        function(*arguments)
    finally:
        sys.setprofile(before)
    return count


@pytest.fixture
def build(tmp_path):
    """Build the registry of a file with so many channels."""

    def built(channels):
        path = tmp_path / f"{channels}.toml"
        path.write_text(text(channels))
        registry = Registry(NotificationConfig.from_file(path, {}), SystemClock())
        assert len(registry.ready()) == channels

    return built


def test_a_channel_costs_no_more_to_build_where_there_are_many(build):
    build(1)  # what is loaded and made once

    few, many = calls(build, 20) / 20, calls(build, 100) / 100

    assert many < 1.1 * few
