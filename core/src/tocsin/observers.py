"""Observers: told each finished report in a thread of their own, guarded one by one; and the statistics."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Collection, Iterable
from typing import Any

import attrs

from tocsin.forking import forget_in_child, new_lock
from tocsin.log import event
from tocsin.report import DeliveryReport

__all__ = ["Observer", "Reporter", "Statistics", "notify"]

Observer = Callable[[DeliveryReport], object]


def notify(observers: Iterable[Observer], report: DeliveryReport) -> None:
    """Tell each observer; one that fails is logged and stops neither the others nor the delivery."""
    for observer in observers:
        try:
            observer(report)
        except BaseException as error:  # even SystemExit of one observer must not reach the others
            name = getattr(observer, "__qualname__", type(observer).__name__)
            event(logging.ERROR, "observer_failed", alert_id=report.alert_id, observer=name, error=type(error).__name__)


class Reporter:
    """Tells observers of reports, in their order, in one daemon thread that starts with the first report.

    Neither a slow observer nor one that sends alerts itself holds up a delivery.
    """

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)
        self.forget()
        forget_in_child(self)

    def forget(self) -> None:
        """Start anew in a forked child: what is untold is its parent's to tell."""
        self._reports: queue.SimpleQueue[DeliveryReport] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._untold = 0
        self._thread: threading.Thread | None = None

    def tell(self, report: DeliveryReport) -> None:
        """Have the observers told."""
        if not self._observers:
            return
        with self._changed:
            self._untold += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tocsin-observers", daemon=True)
                self._thread.start()
        self._reports.put(report)

    def flush(self, timeout: float) -> bool:
        """Wait until all are told; False where the time was up first."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._untold, timeout)

    def _run(self) -> None:
        while True:
            notify(self._observers, self._reports.get())
            with self._changed:
                self._untold -= 1
                self._changed.notify_all()


@attrs.define
class _Count:
    sent: int = 0
    errors: int = 0


class Statistics:
    """Counts final outcomes per recipient, by channel. Thread-safe."""

    def __init__(self) -> None:
        self._lock = new_lock()
        self._alerts = 0
        self._counts: dict[str, _Count] = {}

    def count(self, report: DeliveryReport, earlier: Collection[tuple[str, str]], again: bool) -> None:
        """Count one report.

        Args:
            report: the report.
            earlier: channel and recipient id of what had succeeded when the alert was sent before.
            again: the alert was sent before.
        """
        with self._lock:
            self._alerts += not again
            for name, result in report.results.items():
                count = self._counts.get(name) or self._counts.setdefault(name, _Count())
                fresh = [one.success for one in result.recipients if (name, one.recipient_id) not in earlier]
                good = fresh.count(True)
                count.sent += good
                count.errors += len(fresh) - good if result.recipients else not result.success

    def amend(self, channel: str, was_good: bool, is_good: bool) -> None:
        """A delivery that was counted turned out otherwise."""
        if was_good == is_good:
            return
        with self._lock:
            count = self._counts.setdefault(channel, _Count())
            change = 1 if is_good else -1
            count.sent += change
            count.errors -= change

    def channel(self, name: str) -> dict[str, Any]:
        """``sent_count``, ``error_count`` and ``success_rate`` (0.0 to 100.0) of one channel."""
        with self._lock:
            count = self._counts.get(name, _Count())
            return {
                "sent_count": count.sent,
                "error_count": count.errors,
                "success_rate": _rate(count.sent, count.sent + count.errors),
            }

    def totals(self) -> dict[str, Any]:
        """Alerts and deliveries since the start; rates are 0.0 to 100.0."""
        with self._lock:
            good = sum(count.sent for count in self._counts.values())
            bad = sum(count.errors for count in self._counts.values())
            return {
                "total_alerts": self._alerts,
                "total_deliveries": good + bad,
                "successful_deliveries": good,
                "failed_deliveries": bad,
                "overall_success_rate": _rate(good, good + bad),
            }


def _rate(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 0.0
