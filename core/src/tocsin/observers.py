"""Observers: told each finished report, guarded one by one. The statistics are one of them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from tocsin.log import event
from tocsin.report import DeliveryReport

__all__ = ["Observer", "Statistics", "notify"]

Observer = Callable[[DeliveryReport], object]


def notify(observers: Iterable[Observer], report: DeliveryReport) -> None:
    """Tell each observer; one that fails is logged and stops neither the others nor the delivery."""
    for observer in observers:
        try:
            observer(report)
        except Exception as error:
            name = getattr(observer, "__qualname__", type(observer).__name__)
            event(logging.ERROR, "observer_failed", alert_id=report.alert_id, observer=name, error=type(error).__name__)


@attrs.define
class _Count:
    sent: int = 0
    errors: int = 0


class Statistics:
    """Counts final outcomes per recipient, by channel. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._alerts = 0
        self._counts: dict[str, _Count] = {}

    def __call__(self, report: DeliveryReport) -> None:
        """Count one report."""
        with self._lock:
            self._alerts += 1
            for name, result in report.results.items():
                count = self._counts.setdefault(name, _Count())
                good = sum(recipient.success for recipient in result.recipients)
                count.sent += good
                count.errors += len(result.recipients) - good if result.recipients else not result.success

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
