"""What a channel's author needs to test it: simulators of providers, a clock that tests own, and the contract suite.

``ChannelContract`` needs pytest; nothing else here does.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tocsin.testing.clock import FakeClock
    from tocsin.testing.contract import ChannelContract
    from tocsin.testing.http import HttpSimulator
    from tocsin.testing.simulator import Answer, Fault, FaultKind, Received, Request, Simulator

__all__ = [
    "Answer",
    "ChannelContract",
    "FakeClock",
    "Fault",
    "FaultKind",
    "HttpSimulator",
    "Received",
    "Request",
    "Simulator",
]

_HOMES = {
    "ChannelContract": "contract",
    "FakeClock": "clock",
    "HttpSimulator": "http",
}


def __getattr__(name: str) -> Any:
    """Load a name on first use: the contract suite alone needs pytest."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'simulator')}"), name)
