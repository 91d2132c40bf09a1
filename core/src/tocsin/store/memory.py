"""The memory store: bounded, in this process."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tocsin.alert import Alert
from tocsin.clock import Clock
from tocsin.errors import StoreError
from tocsin.plan import Plan
from tocsin.report import DeliveryReport, DeliveryState
from tocsin.store.delivery import Delivery, Earlier, Record
from tocsin.store.entry import Entry
from tocsin.store.port import Added, Claim, Settled
from tocsin.store.progress import cancelled
from tocsin.store.shelf import Shelf

__all__ = ["MemoryStore"]

Unit = tuple[str, str]
_NOTHING: frozenset[Unit] = frozenset()
"""One for all: an empty set takes 216 bytes, and 100,000 alerts may wait."""


class MemoryStore:
    """Remembers in this process, within bounds.

    Args:
        max_waiting: deliveries that may wait or be in flight; more are refused with :class:`QueueFull`. The last tenth,
            at least one place of two or more, is for CRITICAL alone.
        max_alerts: finished alerts remembered with their reports, oldest forgotten first.
    """

    shared = False

    def __init__(self, max_waiting: int = 100_000, max_alerts: int = 1_000) -> None:
        self._shelf = Shelf(max_waiting, max_alerts)
        self._lock = threading.Lock()
        self._channels: dict[str, Mapping[str, Any]] = {}

    def open(self, clock: Clock, news: Callable[[], None]) -> None:
        """See :meth:`Store.open`."""
        self._shelf.clock = clock

    def now(self) -> float:
        """See :meth:`Store.now`."""
        return self._shelf.clock.monotonic()

    def add(
        self,
        alert: Alert,
        plan: Plan,
        deliveries: Sequence[Delivery],
        *,
        key: str | None = None,
        connection: Any = None,
        undone: Callable[[], None] = lambda: None,
    ) -> Added:
        """See :meth:`Store.add`."""
        if connection is not None:
            raise StoreError("the memory store has no transactions to join; use a database for an outbox")
        with self._lock:
            if key is not None and (known := self._shelf.keys.get(key)) is not None:
                return Added(alert_id=known, known=True, report=self._shelf.entries[known].report)
            entry = self._shelf.entries.get(alert.alert_id)
            fresh = self._shelf.fresh(entry, deliveries)
            self._shelf.check_room(len(fresh), alert)
            if entry is None:
                entry = self._shelf.entries[alert.alert_id] = Entry(alert, plan, key)
            if key is not None:
                self._shelf.keys[key] = alert.alert_id
            before = frozenset(unit for unit, one in entry.deliveries.items() if one.state.is_success) or _NOTHING
            again, entry.reported = entry.reported, False
            entry.alert, entry.plan, entry.stage, entry.report, entry.closed = alert, plan, 0, None, None
            self._shelf.finished.pop(alert.alert_id, None)
            for one in fresh:
                self._shelf.put(entry, one)
            begun_channels = [one.channel for one in fresh if one.due != math.inf and one.is_waiting]
            more, report = self._shelf.advance(entry)
            return Added(
                alert_id=alert.alert_id,
                fresh=(*begun_channels, *more),
                taken=tuple(one for one in fresh if not one.is_waiting),
                before=before,
                again=again,
                report=report,
            )

    def claim(self, channel: str, limit: int, seconds: float) -> Claim:
        """See :meth:`Store.claim`."""
        with self._lock:
            now = self.now()
            due = self._shelf.queues.take(channel, limit, now)
            taken = tuple(self._shelf.replace(one.claimed(now + seconds)) for one in due)
            return Claim(taken, self._shelf.queues.next_due(channel))

    def due(self) -> list[str]:
        """See :meth:`Store.due`."""
        with self._lock:
            return self._shelf.queues.due(self.now())

    def release(self, deliveries: Sequence[Delivery]) -> None:
        """See :meth:`Store.release`."""
        with self._lock:
            for one in deliveries:
                if self._shelf.is_held(one):
                    self._shelf.settle(self._shelf.entries[one.alert_id], one.released())

    def extend(self, deliveries: Sequence[Delivery], seconds: float) -> None:
        """See :meth:`Store.extend`."""
        with self._lock:
            lease = self.now() + seconds
            for one in deliveries:
                if self._shelf.is_held(one):
                    known = self._shelf.entries[one.alert_id].deliveries[one.unit]
                    self._shelf.replace(known.changed(lease=lease))

    def complete(self, delivery: Delivery, then: Callable[[Settled], None]) -> None:
        """See :meth:`Store.complete`."""
        with self._lock:
            if not self._shelf.is_held(delivery):
                settled = Settled(taken=False, delivery=delivery)
            else:
                settled = self._shelf.settle(self._shelf.entries[delivery.alert_id], delivery)
        then(settled)

    def lost(self, limit: int, seconds: float) -> list[Delivery]:
        """See :meth:`Store.lost`."""
        now = self.now()
        return self._take(
            lambda one: one.state is DeliveryState.IN_FLIGHT and one.lease <= now,
            lambda one: one.claimed(now + seconds).changed(lost=one.lost + 1),
            limit,
        )

    def overdue(self, limit: int, seconds: float) -> list[Delivery]:
        """See :meth:`Store.overdue`."""
        with self._lock:
            now = self.now()
            late = self._shelf.overdue(now, limit)
            return [self._shelf.replace(one.claimed(now + seconds)) for one in late]

    def _take(
        self, wanted: Callable[[Delivery], bool], change: Callable[[Delivery], Delivery], limit: int
    ) -> list[Delivery]:
        with self._lock:
            everything = (one for entry in self._shelf.entries.values() for one in entry.deliveries.values())
            found = list(itertools.islice(filter(wanted, everything), limit))
            return [self._shelf.replace(change(one)) for one in found]

    def cancel(
        self, alert_id: str, reason: str, unit: tuple[str, str] | None = None, *, close: bool = False
    ) -> list[Delivery]:
        """See :meth:`Store.cancel`."""
        with self._lock:
            entry = self._shelf.entries.get(alert_id)
            if entry is None or entry.report is not None:
                return []
            entry.closed = reason if close else entry.closed
            waiting = [one for one in entry.deliveries.values() if one.is_waiting and unit in (None, one.unit)]
            ended = [self._shelf.end(entry, cancelled(one, reason)) for one in waiting if one.due != math.inf or unit]
            self._shelf.advance(entry)
            return ended

    def replay(self, alert_id: str, unit: tuple[str, str] | None = None) -> list[Delivery]:
        """See :meth:`Store.replay`."""
        with self._lock:
            entry = self._shelf.entries.get(alert_id)
            if entry is None:
                return []
            fresh = entry.replayed(unit, self.now())
            if fresh:
                entry.report = entry.closed = None
                self._shelf.finished.pop(alert_id, None)
            for one in fresh:
                self._shelf.put(entry, one)
            return fresh

    def record(self, alert_id: str) -> Record | None:
        """See :meth:`Store.record`."""
        with self._lock:
            entry = self._shelf.entries.get(alert_id)
            return entry.record() if entry else None

    def alert(self, alert_id: str) -> Alert | None:
        """See :meth:`Store.alert`."""
        entry = self._shelf.entries.get(alert_id)
        return entry.alert if entry else None

    def find(self, channel: str, provider_id: str) -> Delivery | None:
        """See :meth:`Store.find`."""
        with self._lock:
            return self._shelf.receipts.find(channel, provider_id)

    def amend(self, delivery: Delivery) -> DeliveryReport | None:
        """See :meth:`Store.amend`."""
        with self._lock:
            entry = self._shelf.entries.get(delivery.alert_id)
            if entry is None:
                return None
            self._shelf.replace(delivery)
            self._shelf.receipts.amend(delivery)
            if entry.report is not None:
                entry.report = entry.report.amended(delivery.channel, delivery.result())
            return entry.report

    def previous(self, alert: Alert, channel: str, recipient_id: str) -> Earlier | None:
        """See :meth:`Store.previous`."""
        with self._lock:
            return self._shelf.receipts.previous(alert, channel, recipient_id)

    def suppress(self, alert: Alert, report: DeliveryReport) -> None:
        """See :meth:`Store.suppress`."""
        with self._lock:
            entry = self._shelf.entries.setdefault(alert.alert_id, Entry(alert, Plan(())))
            if not entry.open:
                self._shelf.finish(entry, report)

    def report(self, alert_id: str) -> DeliveryReport | None:
        """See :meth:`Store.report`."""
        entry = self._shelf.entries.get(alert_id)
        return entry.report if entry else None

    def reports(self, alert_ids: Sequence[str]) -> list[DeliveryReport]:
        """See :meth:`Store.reports`."""
        return [report for alert_id in alert_ids if (report := self.report(alert_id)) is not None]

    def recent(self, limit: int) -> list[DeliveryReport]:
        """See :meth:`Store.recent`."""
        with self._lock:
            newest = itertools.islice(reversed(self._shelf.finished), max(0, limit))
            reports = [self._shelf.entries[alert_id].report for alert_id in newest]
        return [report for report in reports if report is not None]

    def select(
        self, *, states: Sequence[DeliveryState] = (), channel: str | None = None, limit: int = 100
    ) -> list[Delivery]:
        """See :meth:`Store.select`."""
        with self._lock:
            everything = (one for entry in reversed(self._shelf.entries.values()) for one in entry.deliveries.values())
            matching = (
                one for one in everything if (not states or one.state in states) and channel in (None, one.channel)
            )
            return list(itertools.islice(matching, max(0, limit)))

    def waiting(self) -> int:
        """See :meth:`Store.waiting`."""
        return self._shelf.waiting

    def save_channel(self, name: str, state: Mapping[str, Any]) -> None:
        """See :meth:`Store.save_channel`."""
        self._channels[name] = dict(state)

    def load_channel(self, name: str) -> Mapping[str, Any] | None:
        """See :meth:`Store.load_channel`."""
        return self._channels.get(name)

    def forget(self) -> None:
        """Start empty, with a fresh lock: in a forked child, whose parent delivers what is remembered."""
        self._shelf = self._shelf.anew()
        self._lock = threading.Lock()

    def close(self) -> None:
        """See :meth:`Store.close`."""
