"""Being told to stop: the first signal asks, the second one insists."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from tocsin.cli.exits import Exit

__all__ = ["Stopping"]

_CODES = {signal.SIGTERM: Exit.TERMINATED, signal.SIGINT: Exit.INTERRUPTED}


class Stopping:
    """Takes SIGTERM and SIGINT for the time of a block; the second one ends the process there and then.

    Attributes:
        signal: the one that came, if any.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        # Filled from a signal handler: of the standard library's ways to wake a thread only this one may be.
        self._told: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in _CODES}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until a signal comes; whether one has come."""
        if self.signal is None:
            with contextlib.suppress(queue.Empty):
                self._told.get(timeout=max(0.0, seconds))
        return self.signal is not None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            leave(_CODES[signal.Signals(number)], "left at once; what was on its way goes on with another worker")
        self.signal = number
        self._told.put(None)


def leave(code: int, words: str = "") -> None:
    """End the process without waiting for any thread: one of them may hang for ever."""
    if words:
        with contextlib.suppress(OSError):
            os.write(2, f"\n{words} · exit {int(code)}\n".encode())
    os._exit(code)
