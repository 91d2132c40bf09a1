"""What the demo plays with: every installed simulator on loopback, and the faults it is told to have."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Container, Iterator, Mapping
from typing import Any

import attrs

from tocsin.discovery import SIMULATORS, Plugin, installed

__all__ = ["Fault", "Stage", "direct", "plan_faults"]

_EXTRA = "simulator"
_PAUSE = 1
"""Seconds that the simulated 429 asks for."""


@attrs.frozen
class Fault:
    """What goes wrong at one recipient, and what must become of it all the same.

    Attributes:
        channel, position: the recipient, by its place in the channel.
        kind: as simulators name it.
        words: for people.
        fields: the fault's other fields.
        fails: whether the recipient must end without the alert.
    """

    channel: str
    position: int
    kind: str
    words: str
    fields: Mapping[str, Any]
    fails: bool


@attrs.frozen
class _Kind:
    kind: str
    words: str
    fields: Mapping[str, Any] = attrs.field(factory=dict)
    fails: bool = False
    http: bool = False
    """Whether it says something only over HTTP."""


_KINDS = (
    _Kind("rate_limited", f"asks to wait {_PAUSE} s (429 with Retry-After)", {"retry_after": _PAUSE}, http=True),
    _Kind("refused_recipient", "refuses the recipient", fails=True),
    _Kind("status", "fails once (503)", {"status": 503}, http=True),
    _Kind("lost_answer", "takes the message, and its answer is lost"),
)


@attrs.define
class Stage:
    """The simulators that run; a context manager that stops them.

    Attributes:
        simulators: by channel type.
        missing: why a simulator is not there, and how to get it, by channel type.
    """

    simulators: dict[str, Any] = attrs.field(factory=dict)
    missing: dict[str, str] = attrs.field(factory=dict)
    _stack: contextlib.ExitStack = attrs.field(factory=contextlib.ExitStack)

    def __enter__(self) -> Stage:
        for plugin in installed(SIMULATORS).values():
            try:
                self.simulators[plugin.type] = self._stack.enter_context(plugin.entry_point.load()())
            except Exception as error:
                self.missing[plugin.type] = _why(plugin, error)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stack.close()

    def config(self) -> dict[str, Any]:
        """A configuration whose channels deliver to the simulators; waits are short, limits off."""
        channels = {name: {**simulator.settings(), "rate_limit": 0} for name, simulator in self.simulators.items()}
        delivery = {"retry_delay": 0.2, "backoff": "constant", "max_retries": 3, "timeout": 5.0, "deadline": 30.0}
        return {"delivery": delivery, "channels": channels}

    def misbehave(self, faults: list[Fault]) -> None:
        """Tell the simulators what to get wrong next."""
        for fault in faults:
            simulator = self.simulators[fault.channel]
            address = simulator.addresses()[fault.position]
            simulator.fail(fault.kind, address=address, **fault.fields)


def _why(plugin: Plugin, error: Exception) -> str:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing is None:
        return f"its simulator does not start: {type(error).__name__}"
    metadata = plugin.entry_point.dist.metadata if plugin.entry_point.dist else None
    extras = metadata.get_all("Provides-Extra") or [] if metadata else []
    wanted = f"'{plugin.distribution}[{_EXTRA}]'" if _EXTRA in extras else missing
    return f"the module {missing!r} is missing; pip install {wanted}"


def plan_faults(recipients: Mapping[str, int], over_http: Container[str]) -> list[Fault]:
    """Spread the faults over channels first, then over recipients, the last recipient first.

    Args:
        recipients: how many each channel has.
        over_http: the channels that speak HTTP; a fault that is one of HTTP goes to them where there are any left.
    """
    places = [
        (channel, count - 1 - turn)
        for turn in range(max(recipients.values(), default=0))
        for channel, count in recipients.items()
        if count > turn
    ]
    faults = []
    for kind in _KINDS[: len(places)]:
        channel, position = next((p for p in places if p[0] in over_http or not kind.http), places[0])
        places.remove((channel, position))
        faults.append(Fault(channel, position, kind.kind, kind.words, kind.fields, kind.fails))
    return faults


@contextlib.contextmanager
def direct() -> Iterator[None]:
    """Keep a proxy of the environment out of what stays on this machine."""
    before = {name: os.environ.get(name) for name in ("NO_PROXY", "no_proxy")}
    os.environ |= dict.fromkeys(before, "*")
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
