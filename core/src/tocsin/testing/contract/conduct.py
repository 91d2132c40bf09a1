"""Checks of how a channel behaves inside a program: marked hooks, no waiting, no environment, a clean end."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from tocsin.channel import relay_for
from tocsin.errors import DeliveryError, ErrorKind
from tocsin.hookspecs import API_VERSION, HOOKS
from tocsin.receipt import Receipt
from tocsin.testing.contract.rig import Rig
from tocsin.testing.contract.subject import Connect, Subject, needs
from tocsin.testing.simulator import Fault, FaultKind

__all__ = ["ConductChecks"]


class ConductChecks(Subject):
    """What the core relies on, and nobody sees from outside."""

    def test_the_hooks_are_marked_and_take_known_arguments(self, channel_settings: dict[str, Any]) -> None:
        """The core accepts the channel, and no hook is misspelt."""
        relay = relay_for(self.channel_class(**channel_settings))
        implemented = {hook for hook in HOOKS if getattr(relay.hook, hook).get_hookimpls()}

        assert "send" in implemented
        assert implemented == {hook for hook in HOOKS if hasattr(self.channel_class, hook)}

    def test_it_is_written_for_this_version_of_the_contract(self) -> None:
        """``api_version = 1``, or none."""
        assert getattr(self.channel_class, "api_version", API_VERSION) == API_VERSION

    def test_two_of_a_kind_share_nothing(self, connect: Connect) -> None:
        """Closing one does not close the other."""
        one, other = connect(), connect()
        one.send()
        one.channel.close()

        assert isinstance(other.send(), Receipt)

    def test_it_never_sleeps(self, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
        """Not even where the provider asks it to wait: the core does, without holding a worker."""
        slept: list[float] = []
        mine, real = threading.get_ident(), time.sleep

        def sleep(seconds: float) -> None:
            slept.append(seconds) if threading.get_ident() == mine else real(seconds)

        monkeypatch.setattr(time, "sleep", sleep)
        for module in self._own_modules():
            for name, value in list(vars(module).items()):
                if value is real:
                    monkeypatch.setattr(module, name, sleep)
        if rig.simulator is not None:
            rig.simulator.fail(Fault(FaultKind.RATE_LIMITED, retry_after=30), FaultKind.SERVER_ERROR)
        started = time.perf_counter()
        for _ in range(3):
            rig.outcome()
        rig.health()

        assert slept == []
        assert time.perf_counter() - started < 10

    @needs("provider")
    @pytest.mark.parametrize("fault", [FaultKind.SERVER_ERROR, FaultKind.RATE_LIMITED], ids=str)
    def test_it_never_retries(self, rig: Rig, fault: FaultKind) -> None:
        """One call is one attempt: the fault meets the first, and there is no second."""
        self.require(fault)
        rig.provider.fail(fault)
        rig.failure()

        assert rig.provider.received() == []

    def test_it_does_not_read_the_environment(
        self, connect: Connect, channel_settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The core does, once, so that a channel is what its settings say."""
        read: list[str] = []
        for item in self.declared():
            monkeypatch.setenv(item.env, "read-from-the-environment")
        expected = self.state_of(self.channel_class(**channel_settings))
        modules = {module.__name__ for module in self._own_modules()}
        monkeypatch.setattr(os, "environ", _Watched(os.environ, modules, read))
        rig = connect()
        rig.send()
        rig.health()

        assert read == []
        assert self.state_of(rig.channel.instance) == expected
        assert "read-from-the-environment" not in map(str, expected.values())

    def test_it_starts_no_thread_of_its_own(self, connect: Connect) -> None:
        """None at least that outlives it; the core has workers."""
        before = set(threading.enumerate())
        rig = connect()
        rig.send()
        rig.health()
        rig.channel.close()
        if rig.simulator is not None:
            rig.simulator.close()
        started = [t for t in threading.enumerate() if t not in before and not t.name.startswith("tocsin-")]
        for thread in started:
            thread.join(1.0)

        assert [thread.name for thread in started if thread.is_alive()] == []

    def test_it_may_be_closed_more_than_once(self, rig: Rig) -> None:
        """``close`` raises nothing, whether it was used or not."""
        close = getattr(rig.channel.instance, "close", lambda: None)
        close()
        rig.send()
        close()
        close()
        rig.channel.close()
        rig.channel.close()

    def test_a_send_after_the_end_is_typed(self, rig: Rig) -> None:
        """It opens anew, or fails as any other send may."""
        rig.send()
        rig.channel.close()
        result = rig.outcome()

        assert isinstance(result, Receipt) or (
            isinstance(result, DeliveryError) and result.kind is not ErrorKind.PLUGIN
        )

    def _own_modules(self) -> Iterator[Any]:
        """The loaded modules of the channel's package; of a channel in a test file, that file."""
        own = self.channel_class.__module__
        package = own.partition(".")[0]
        for name, module in list(sys.modules.items()):
            if name == own or (package != "tocsin" and (name == package or name.startswith(f"{package}."))):
                yield module


class _Watched(dict[str, str]):
    """An environment that notes which of the watched modules reads it."""

    def __init__(self, values: Any, modules: set[str], read: list[str]) -> None:
        super().__init__(values)
        self._modules, self._read = modules, read

    def __getitem__(self, name: str) -> str:
        self._note(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """As of any mapping; ``os.getenv`` comes here too."""
        self._note(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self._note(str(name))
        return super().__contains__(name)

    def _note(self, name: str) -> None:
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and frame.f_globals.get("__name__") == "os":
            frame = frame.f_back
        if frame is not None and frame.f_globals.get("__name__") in self._modules:
            self._read.append(name)
