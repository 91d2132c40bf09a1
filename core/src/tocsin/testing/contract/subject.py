"""What is under test, how it is reached, and which checks can apply to it."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, TypeVar

import pytest

from tocsin.config import NotificationConfig
from tocsin.errors import ErrorKind
from tocsin.hookspecs import Capabilities
from tocsin.registry import Registry
from tocsin.settings import Setting, settings_of
from tocsin.testing.clock import FakeClock
from tocsin.testing.contract.rig import Rig
from tocsin.testing.http import HttpSimulator
from tocsin.testing.simulator import FaultKind, Simulator

__all__ = ["Subject", "needs"]

F = TypeVar("F", bound=Callable[..., Any])
Connect = Callable[..., Rig]
_NEEDS = "contract_needs"


def needs(*conditions: str) -> Callable[[F], F]:
    """Leave a check out for channels that do not meet these conditions; see :attr:`Subject.CONDITIONS`."""

    def mark(check: F) -> F:
        setattr(check, _NEEDS, conditions)
        return check

    return mark


def _declares(name: str) -> Callable[[Any], bool]:
    def check(cls: Any) -> bool:
        stated = getattr(cls.channel_class, "capabilities", None)
        return bool(getattr(stated if isinstance(stated, Capabilities) else Capabilities(probe=False), name))

    return check


@functools.cache
def _registry() -> tuple[Registry, FakeClock]:
    """One for all checks; looking for what is installed takes longer than most of them."""
    clock = FakeClock()
    return Registry(NotificationConfig(), clock), clock


class Subject:
    """Class attributes and fixtures of the contract suite; ``ChannelContract`` describes them."""

    channel_class: ClassVar[Any] = None
    simulator_class: ClassVar[type[Simulator] | None] = None
    channel_type: ClassVar[str] = ""
    settings: ClassVar[Mapping[str, Any]] = {}
    without_recipients: ClassVar[bool] = False
    reads_answers: ClassVar[bool] = True
    checks_credentials: ClassVar[bool] = True
    expected: ClassVar[Mapping[FaultKind, Iterable[ErrorKind]]] = {}

    CONDITIONS: ClassVar[Mapping[str, Callable[[Any], bool]]] = {
        "provider": lambda cls: cls.simulator_class is not None,
        "http": lambda cls: issubclass(cls.simulator_class or Simulator, HttpSimulator),
        "recipients": lambda cls: not cls.without_recipients,
        "reading": lambda cls: cls.reads_answers,
        "not reading": lambda cls: not cls.reads_answers,
        "credentials": lambda cls: cls.checks_credentials,
        "idempotent": _declares("idempotent"),
        "not idempotent": lambda cls: not _declares("idempotent")(cls),
        "probe": _declares("probe"),
        "no probe": lambda cls: not _declares("probe")(cls),
        "plain": _declares("plain"),
        "update or thread": lambda cls: _declares("update")(cls) or _declares("thread")(cls),
    }

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Leave out the checks that cannot apply, rather than skip them by the dozen."""
        super().__init_subclass__(**kwargs)
        if cls.channel_class is None:
            return
        for name in dir(cls):
            conditions = getattr(getattr(cls, name), _NEEDS, ())
            if not all(cls.CONDITIONS[condition](cls) for condition in conditions):
                setattr(cls, name, None)

    def supports(self, fault: FaultKind) -> bool:
        """Whether the provider can have this fault. Override it where one cannot."""
        return True

    def texts(self, channel: Any) -> list[str] | None:
        """What arrived at a channel without a simulator, oldest first; None where it cannot be looked into."""
        return None

    def require(self, fault: FaultKind) -> None:
        """Skip the test where the provider cannot have this fault."""
        if not self.supports(fault):
            pytest.skip(f"the provider has no such fault: {fault}")

    def type_name(self) -> str:
        """The channel type."""
        return self.channel_type or self.channel_class.__name__.removesuffix("Channel").lower()

    def declared(self) -> tuple[Setting, ...]:
        """The settings of the class."""
        return settings_of(self.channel_class, self.type_name())

    def state_of(self, channel: Any) -> dict[str, Any]:
        """The values of all its settings."""
        return {item.name: getattr(channel, item.field.name) for item in self.declared()}

    @pytest.fixture(autouse=True)
    def _no_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Reach the simulator directly, whatever this machine's environment says."""
        for name in list(os.environ):
            if name.lower().endswith("_proxy"):
                monkeypatch.delenv(name)

    @pytest.fixture
    def simulator(self) -> Iterator[Simulator | None]:
        """The provider, started; None where there is none."""
        if self.simulator_class is None:
            yield None
            return
        with self.simulator_class() as running:
            yield running

    @pytest.fixture
    def channel_settings(self, simulator: Simulator | None) -> dict[str, Any]:
        """Settings of a channel that works."""
        return {**(simulator.settings() if simulator is not None else {}), **self.settings}

    @pytest.fixture
    def connect(self, simulator: Simulator | None, channel_settings: dict[str, Any]) -> Iterator[Connect]:
        """Make channels with these settings, changed where ``connect(name=value)`` says so."""
        registry, clock = _registry()
        names: list[str] = []

        def make(**changes: Any) -> Rig:
            instance = self.channel_class(**(channel_settings | changes))
            channel = registry.add(f"contract{len(names)}", instance)
            names.append(channel.name)
            channel.throttle.rate = 0.0  # a check has no time for the provider's usual rate
            return Rig(channel, clock, simulator, self.texts)

        yield make
        for name in names:
            channel = registry.entries.pop(name).channel
            if channel is not None:
                channel.close()

    @pytest.fixture
    def rig(self, connect: Connect) -> Rig:
        """A channel that works."""
        return connect()
