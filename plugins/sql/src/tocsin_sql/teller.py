"""Tells what became certain, in a thread of its own: who is told may call the store, which the writer must not."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any

from tocsin.log import event

__all__ = ["Teller"]


class Teller:
    """Calls in the order in which it was asked to; starts its thread with the first."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Sequence[tuple[Callable[[Any], None], Any]]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def tell(self, news: Sequence[tuple[Callable[[Any], None], Any]]) -> None:
        """Have each listener called with what is for it; only one thread asks at a time."""
        if not news:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tocsin-store-news", daemon=True)
            self._thread.start()
        self._calls.put(news)

    def close(self, seconds: float) -> None:
        """End after what was asked for."""
        if self._thread is not None and self._thread is not threading.current_thread():
            self._calls.put(())
            self._thread.join(seconds)

    def _run(self) -> None:
        while news := self._calls.get():
            for listener, what in news:
                try:
                    listener(what)
                except Exception as error:  # the listener's own trouble
                    event(logging.ERROR, "store_listener_failed", error=type(error).__name__)
