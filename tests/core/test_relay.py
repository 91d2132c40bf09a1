"""A channel's plugin manager finds the hooks where pluggy finds them, and looks at a class once."""

import types

import attrs
import pluggy
import pytest

from tocsin import hookimpl
from tocsin.hookspecs import ChannelSpec
from tocsin.relay import Relay


class Plain:
    @hookimpl
    def send(self, alert):
        return "plain"


class Inherits(Plain):
    def health(self):
        return "not marked"


@attrs.define
class Slotted:
    name: str = "x"

    @hookimpl
    def send(self, alert):
        return self.name


class Static:
    @staticmethod
    @hookimpl
    def send(alert):
        return "static"


class Dear:
    """Its property must not be asked when it joins."""

    @property
    def address(self):
        raise AssertionError("nobody may look at this")

    @hookimpl
    def health(self):
        return "fine"


def own(where):
    @hookimpl
    def send(alert):
        return "own"

    where.send = send
    return where


MADE = [
    Plain,
    Inherits,
    Slotted,
    Static,
    Dear,
    lambda: own(types.SimpleNamespace()),
    lambda: own(types.ModuleType("channel_in_a_module")),
]


def hooks(manager, plugin):
    manager.add_hookspecs(ChannelSpec)
    name = manager.register(plugin)
    callers = manager.get_hookcallers(manager.get_plugin(name)) or []
    return sorted(caller.name for caller in callers)


@pytest.mark.parametrize("make", MADE)
def test_it_finds_what_pluggy_finds(make):
    expected = hooks(pluggy.PluginManager("tocsin"), make())

    assert hooks(Relay(), make()) == expected
    assert len(expected) == 1


def test_a_class_is_looked_at_once(monkeypatch):
    class Counted(Plain):
        pass

    asked = []
    monkeypatch.setattr("tocsin.relay.dir", lambda cls: asked.append(cls) or dir(cls), raising=False)
    for _ in range(3):
        assert hooks(Relay(), Counted()) == ["send"]
    assert asked == [Counted]
