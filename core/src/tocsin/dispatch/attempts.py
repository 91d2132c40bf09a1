"""The attempts under way in a lane: each ends by its deadline, or is written off."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import attrs

from tocsin.alert import Alert
from tocsin.clock import Clock
from tocsin.deadline import Deadline
from tocsin.dispatch.pace import Pace
from tocsin.errors import DeliveryError, DeliveryTimeout, PluginError
from tocsin.receipt import Receipt
from tocsin.store import Delivery

__all__ = ["Attempts", "Performer", "Result"]

Result = Receipt | DeliveryError
_MAX_HUNG = 4
"""Times the number of workers: how many hung calls are replaced by fresh workers before the channel refuses."""


class Performer(Protocol):
    """What makes an attempt and is told its result."""

    def seconds(self, delivery: Delivery) -> float:
        """How long an attempt of this delivery may take."""

    def perform(self, delivery: Delivery, alert: Alert | None, deadline: Deadline) -> Receipt:
        """Make one attempt, with the alert where it is at hand; the deadline is in force."""

    def settle(self, delivery: Delivery, result: Result, started_at: datetime, seconds: float) -> None:
        """Told each result, in a worker's thread; must not raise."""


@attrs.define(eq=False)
class _Job:
    delivery: Delivery
    started_at: datetime
    started: float
    computed: float
    written_off: bool = False


class Attempts:
    """Makes attempts in the threads of a lane's workers. A call that hangs is written off: its delivery goes on.

    Args:
        workers: most that are under way at once; some times as many may hang.
        clock: tells when each began.
        performer: makes them.
        settle: told each result, in a worker's thread; must not raise.
        pace: told what each took.
        lock: the lane's.
        replaced: called under the lock with what a worker in the place of a hung one is to do first.
    """

    def __init__(
        self,
        workers: int,
        clock: Clock,
        performer: Performer,
        settle: Callable[[Delivery, Result, datetime, float], None],
        pace: Pace,
        lock: threading.RLock,
        replaced: Callable[[Callable[[], None]], None],
    ) -> None:
        self._most_hung = _MAX_HUNG * workers
        self._clock = clock
        self._performer = performer
        self._settle = settle
        self._pace = pace
        self._lock = lock
        self._replaced = replaced
        self._jobs: set[_Job] = set()
        self._hung = 0
        self._ending = 0

    @property
    def is_busy(self) -> bool:
        """Whether one is under way, or has ended and is not settled yet; one that was written off is neither."""
        return bool(self._jobs or self._ending)

    @property
    def deliveries(self) -> list[Delivery]:
        """Those under way, under the lock."""
        return [job.delivery for job in self._jobs]

    def begin(self, delivery: Delivery) -> _Job:
        """What is about to be attempted counts as under way; called under the lock."""
        job = _Job(delivery, self._clock.now(), time.perf_counter(), time.thread_time())
        self._jobs.add(job)
        return job

    def make(self, job: _Job, alert: Alert | None) -> bool:
        """Make the attempt and have it settled; False where it had been written off, and with it this thread."""
        if self._hung >= self._most_hung:
            result: Result = PluginError(
                f"{self._hung} earlier calls of this channel still hang; no further one is started"
            )
        else:
            result = self._call(job, alert)
        took = time.perf_counter() - job.started
        if not self._end(job, result, took):
            return False
        self._finish(job, result, took)
        return True

    def _call(self, job: _Job, alert: Alert | None) -> Result:
        seconds = self._performer.seconds(job.delivery)
        try:
            with Deadline(seconds, on_hang=lambda: self._write_off(job, seconds)) as deadline:
                return self._performer.perform(job.delivery, alert, deadline)
        except DeliveryError as error:
            return error
        except Exception as error:
            return PluginError(f"{type(error).__name__} before or after the channel was called", hint="")

    def _finish(self, job: _Job, result: Result, seconds: float) -> None:
        try:
            self._settle(job.delivery, result, job.started_at, seconds)
        finally:
            with self._lock:
                self._ending -= 1

    def _end(self, job: _Job, result: Result, took: float) -> bool:
        with self._lock:
            if job.written_off:
                self._hung -= 1
                return False
            if isinstance(result, Receipt):
                self._pace.note(took, time.thread_time() - job.computed)
            else:
                self._pace.broke()
            self._jobs.discard(job)
            self._ending += 1
            return True

    def _write_off(self, job: _Job, seconds: float) -> None:
        with self._lock:
            if job not in self._jobs:
                return
            job.written_off = True
            self._jobs.discard(job)
            self._ending += 1
            self._hung += 1
            self._pace.broke()
            error = DeliveryTimeout(
                f"the channel's call had not ended {seconds:.3g} s after it began and was given up",
                hint="The plugin does not end by its deadline; report it to its authors.",
            )
            took = time.perf_counter() - job.started
            # The worker that takes the place also settles it: the timer's thread must not do more than this.
            self._replaced(lambda: self._finish(job, error, took))
