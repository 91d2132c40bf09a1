"""One total deadline for an attempt, whatever the receiver does.

Socket timeouts count for each read, so a receiver that sends one byte at a time is never late. A :class:`Deadline`
therefore knows the sockets of its attempt, and one timer thread for the whole process shuts them when it passes.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import socket
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar, Token

from tocsin.forking import forget_in_child

__all__ = ["Deadline", "Timer", "current", "timer"]

_current: ContextVar[Deadline | None] = ContextVar("tocsin_deadline", default=None)


class Timer:
    """One daemon thread that calls back at given times; started with the first one.

    Callbacks run in the timer's thread, must be short and must not raise.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew: a forked child has the entries of its parent, but not the thread."""
        self._lock = threading.RLock()  # a condition is entered through Python code, its lock is not
        self._changed = threading.Condition(self._lock)
        self._entries: list[tuple[float, int]] = []
        self._alive: dict[int, Callable[[], None]] = {}
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    def call_at(self, when: float, callback: Callable[[], None]) -> int:
        """Call back at ``when`` (``time.monotonic`` seconds); the number returned cancels it."""
        with self._lock:
            number = next(self._numbers)
            self._alive[number] = callback
            heapq.heappush(self._entries, (when, number))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tocsin-timer", daemon=True)
                self._thread.start()
            elif self._entries[0][1] == number:
                self._changed.notify()
        return number

    def cancel(self, number: int) -> None:
        """Forget a callback that has not been called."""
        with self._lock:
            if self._alive.pop(number, None) is not None and len(self._entries) > 64 + 2 * len(self._alive):
                self._entries = [entry for entry in self._entries if entry[1] in self._alive]
                heapq.heapify(self._entries)

    def _run(self) -> None:
        while True:
            with self._lock:
                callback = self._next()
            with contextlib.suppress(BaseException):  # one callback's fault must not end every other deadline
                callback()

    def _next(self) -> Callable[[], None]:
        while True:
            if not self._entries:
                self._changed.wait()
            elif (late := self._entries[0][0] - time.monotonic()) > 0:
                self._changed.wait(min(late, 3600.0))
            elif (callback := self._alive.pop(heapq.heappop(self._entries)[1], None)) is not None:
                return callback


timer = Timer()
"""The process's one timer."""
forget_in_child(timer)


class Deadline:
    """The end of one attempt; in force inside ``with deadline:``, in the thread that entered it.

    Args:
        seconds: from now, on the monotonic clock.
        on_hang: called from the timer's thread where the attempt has not ended ``GRACE`` seconds after its deadline,
            so that a call that nothing can interrupt is written off.
    """

    GRACE = 0.25

    def __init__(self, seconds: float, on_hang: Callable[[], None] | None = None) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds
        self._on_hang = on_hang
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._number: int | None = None
        self._token: Token[Deadline | None] | None = None
        self.expired = False
        """True once the time is up; decides over any exception, since a cut answer can look like a short one."""

    def remaining(self) -> float:
        """Seconds left, at least 0.0."""
        return max(0.0, self._end - time.monotonic())

    def watch(self, sock: socket.socket) -> None:
        """Shut this socket when the deadline passes. Pass a duplicate of one that TLS may wrap."""
        with self._lock:
            self._sockets.append(sock)
            late = self.expired
        if late:
            _shut(sock)

    def expire(self) -> None:
        """Mark the deadline as passed and shut its sockets; called by the timer."""
        with self._lock:
            self.expired = True
            sockets = list(self._sockets)
            if self._on_hang is not None and self._number is not None:
                self._number = timer.call_at(time.monotonic() + self.GRACE, self._on_hang)
        for sock in sockets:
            _shut(sock)

    def __enter__(self) -> Deadline:
        self._number = timer.call_at(self._end, self.expire)
        self._token = _current.set(self)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._token is not None:
            _current.reset(self._token)
        with self._lock:
            number, self._number = self._number, None
            self._sockets.clear()
        if number is not None:
            timer.cancel(number)


current: Callable[[], Deadline | None] = _current.get
"""The deadline in force in this thread, or None."""


def _shut(sock: socket.socket) -> None:
    # The plain socket's own method: an SSLSocket's shutdown would unwrap it and hand ciphertext out as body.
    with contextlib.suppress(OSError, ValueError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
