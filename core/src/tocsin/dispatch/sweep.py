"""Looks after a shared store: what others put there, what they left behind, and whose leases to renew."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from tocsin.dispatch.unit import log
from tocsin.errors import DeliveryError, DeliveryTimeout, ErrorKind, Expired, not_attempted
from tocsin.log import event
from tocsin.report import DeliveryReport, DeliveryState
from tocsin.store import Delivery, Settled, Store

__all__ = ["Sweep", "quarantined"]

_POLL = 0.5
"""Seconds between looks at what others put into the store."""
_SWEEP = 2.0
"""Seconds between looks at what others left behind."""
_HEARTBEAT = 4.0
"""Seconds between renewals of leases; much less than the margin of a lease."""
_ASKED = 10_000
"""Awaited alerts that one look asks after: with SQLite some 20 ms."""
_BATCH = 200
_LEASE = 30.0
_MAX_LOST = 3


class Sweep:
    """One daemon thread for a shared store; for a store of this process alone it does nothing.

    Args:
        store: the store.
        held: the claimed deliveries of this process, and their leases' length in seconds.
        judge: what a delivery becomes after this failure.
        awoken: told the channels that have something due.
        awaited: alerts that somebody in this process waits for.
        finished: told each report of an alert that this sweep has ended.
        heard: told the report of an awaited alert that may have been finished elsewhere, perhaps more than once.
    """

    def __init__(
        self,
        store: Store,
        *,
        held: Callable[[], Iterable[tuple[list[Delivery], float]]],
        judge: Callable[[Delivery, DeliveryError], Delivery],
        awoken: Callable[[Iterable[str]], None],
        awaited: Callable[[], Iterable[str]],
        finished: Callable[[DeliveryReport], None],
        heard: Callable[[DeliveryReport], None],
    ) -> None:
        self._store = store
        self._held = held
        self._judge = judge
        self._awoken = awoken
        self._awaited = awaited
        self._finished = finished
        self._heard = heard
        self.forget()

    def forget(self) -> None:
        """Start anew in a forked child."""
        self._news = threading.Event()
        self._to_ask: list[str] = []
        self._lock = threading.Lock()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, unless it has begun or there is nothing to look after."""
        if not self._store.shared or self._thread is not None:
            return
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="tocsin-sweep", daemon=True)
                thread.start()  # where the system has no room for it, the next call tries again
                self._thread = thread

    def wake(self) -> None:
        """Look now: somebody said that there is news."""
        self._news.set()

    def stop(self) -> None:
        """End after what is being done."""
        self._stopped = True
        self._news.set()

    def _run(self) -> None:
        # Plain intervals of real time: nothing is measured here, whatever clock a test owns.
        done = dict.fromkeys((_SWEEP, _HEARTBEAT), time.monotonic())
        self._guarded(self._look_behind)
        while not self._stopped:
            self._guarded(self._look)
            self._guarded(self._hear)
            self._news.wait(_POLL)
            self._news.clear()
            for seconds, task in ((_SWEEP, self._look_behind), (_HEARTBEAT, self._renew)):
                if time.monotonic() >= done[seconds] + seconds:
                    done[seconds] = time.monotonic()
                    self._guarded(task)

    def _guarded(self, task: Callable[[], None]) -> None:
        if self._stopped:
            return
        try:
            task()
        except Exception as error:
            event(logging.ERROR, "store_trouble", error=type(error).__name__)

    def _look(self) -> None:
        """Wake the channels that have something due."""
        self._awoken(self._store.due())

    def _hear(self) -> None:
        """Tell of awaited alerts that another process has finished: all in one question, very many in turn."""
        if not self._to_ask:
            self._to_ask = list(self._awaited())
        asked, self._to_ask = self._to_ask[:_ASKED], self._to_ask[_ASKED:]
        if asked:
            for report in self._store.reports(asked):
                self._heard(report)

    def _renew(self) -> None:
        for deliveries, seconds in self._held():
            if deliveries:
                self._store.extend(deliveries, seconds)

    def _look_behind(self) -> None:
        """Take over what a worker has lost, and end what is too late."""
        while lost := self._store.lost(_BATCH, _LEASE):
            for delivery in lost:
                self._store.complete(self._taken_over(delivery), self._settled)
            event(logging.WARNING, "leases_lost", count=len(lost))
        self.end_overdue()

    def end_overdue(self) -> None:
        """End what nobody has tried in time."""
        while overdue := self._store.overdue(_BATCH, _LEASE):
            late = not_attempted(Expired("the time to live was over before its turn"))
            for delivery in overdue:
                self._store.complete(self._judge(delivery, late), self._settled)

    def _taken_over(self, delivery: Delivery) -> Delivery:
        if delivery.lost >= _MAX_LOST:
            return quarantined(delivery)
        gone = DeliveryTimeout("the worker that had it ended without a word", hint="It may have arrived.")
        return self._judge(delivery, gone).changed(lost=delivery.lost)

    def _settled(self, settled: Settled) -> None:
        if not settled.taken:
            return
        if settled.delivery.state.is_final:
            log(settled.delivery, attempted=False)
        self._awoken(settled.begun if settled.delivery.state.is_final else (settled.delivery.channel,))
        if settled.report is not None:
            self._finished(settled.report)


def quarantined(delivery: Delivery) -> Delivery:
    """The delivery, ended because whoever takes it up seems to die of it."""
    return delivery.changed(
        state=DeliveryState.FAILED,
        error_kind=ErrorKind.PLUGIN,
        error=f"quarantined: {delivery.lost} workers in a row ended while they had it",
        hint="Look at the channel and the alert; tocsin deliveries replay starts it anew.",
    )
