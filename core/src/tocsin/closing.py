"""What happens at the interpreter's exit to a service that nobody closed."""

from __future__ import annotations

import atexit
import weakref
from typing import Protocol

__all__ = ["close_at_exit"]

_AT_EXIT = 5.0
"""Seconds that the interpreter's exit waits for enqueued alerts."""


class Closing(Protocol):
    """Something to close."""

    def close(self, timeout: float) -> object:
        """Close within so many seconds."""


def close_at_exit(service: Closing) -> None:
    """Give enqueued alerts a moment at the interpreter's exit, as long as the service is still in use then."""
    reference = weakref.ref(service)

    def close() -> None:
        living = reference()
        if living is not None:
            living.close(_AT_EXIT)

    atexit.register(close)
    weakref.finalize(service, atexit.unregister, close).atexit = False
