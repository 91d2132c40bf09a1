"""A thousand channels: what each costs must not depend on how many there are."""

import sys

import pytest

from tocsin import NotificationConfig, assembly, registry
from tocsin.clock import SystemClock
from tocsin.config import DeliverySettings
from tocsin.discovery import load
from tocsin.registry import Registry
from tocsin.settings import settings_of


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
        ready = Registry(NotificationConfig.from_file(path, {}), SystemClock()).ready()
        assert len(ready) == channels

    return built


def test_a_channel_costs_no_more_to_build_where_there_are_many(build):
    build(1)  # what is loaded and made once

    few, many = calls(build, 20) / 20, calls(build, 100) / 100

    assert many < 1.1 * few


def test_what_a_type_or_this_distribution_says_of_itself_is_read_once(build, monkeypatch):
    loaded, read = [], []
    monkeypatch.setattr(registry, "load", lambda plugin: loaded.append(plugin.type) or load(plugin))
    monkeypatch.setattr(assembly, "version", lambda name: read.append(name) or "1.0")
    assembly._user_agent.cache_clear()

    build(20)

    assert (loaded, read) == (["webhook"], ["tocsin"])
    assembly._user_agent.cache_clear()


def test_the_settings_of_a_class_are_derived_once():
    assert settings_of(DeliverySettings, "tocsin") is settings_of(DeliverySettings, "tocsin")
