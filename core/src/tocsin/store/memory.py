"""The memory store: bounded, in this process."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import attrs

from tocsin.alert import Alert
from tocsin.errors import QueueFull
from tocsin.report import DeliveryReport, DeliveryState
from tocsin.store.delivery import Delivery, Earlier

__all__ = ["MemoryStore"]


@attrs.define(eq=False)
class _Record:
    alert: Alert
    deliveries: dict[tuple[str, str], Delivery] = attrs.field(factory=dict)
    report: DeliveryReport | None = None


@attrs.define(eq=False)
class _Queue:
    """Deliveries of one channel: those that wait for their time, and those whose time has come, most urgent first."""

    later: list[tuple[float, int, Delivery]] = attrs.field(factory=list)
    ready: list[tuple[int, int, Delivery]] = attrs.field(factory=list)


class MemoryStore:
    """Remembers in this process, within bounds.

    Args:
        max_waiting: deliveries that may wait or be in flight; more are refused with :class:`QueueFull`.
        max_alerts: finished alerts remembered with their reports, oldest forgotten first.
    """

    def __init__(self, max_waiting: int = 100_000, max_alerts: int = 1_000) -> None:
        self._max_waiting = max_waiting
        self._max_alerts = max_alerts
        self._lock = threading.Lock()
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._queues: dict[str, _Queue] = {}
        self._numbers = itertools.count()
        self._waiting = 0
        self._finished: OrderedDict[str, None] = OrderedDict()
        self._earlier: OrderedDict[tuple[str, str, str], tuple[str, Earlier]] = OrderedDict()
        self._by_provider_id: OrderedDict[tuple[str, str], Delivery] = OrderedDict()

    def add(self, alert: Alert, deliveries: Sequence[Delivery]) -> None:
        """See :meth:`Store.add`."""
        with self._lock:
            if self._waiting + len(deliveries) > self._max_waiting:
                raise QueueFull(f"{self._waiting:,} deliveries are waiting, the bound is {self._max_waiting:,}", 1.0)
            record = self._records.setdefault(alert.alert_id, _Record(alert))
            record.alert = alert
            self._finished.pop(alert.alert_id, None)
            for delivery in deliveries:
                record.deliveries[delivery.unit] = delivery
                self._put(delivery)
            self._waiting += len(deliveries)

    def claim(self, channel: str, now: float) -> Delivery | None:
        """See :meth:`Store.claim`."""
        with self._lock:
            queue = self._queues.get(channel)
            if queue is None:
                return None
            while queue.later and queue.later[0][0] <= now:
                _, number, delivery = heapq.heappop(queue.later)
                heapq.heappush(queue.ready, (delivery.rank, number, delivery))
            while queue.ready:
                delivery = heapq.heappop(queue.ready)[2]
                if self._is_current(delivery):
                    claimed = attrs.evolve(delivery, state=DeliveryState.IN_FLIGHT)
                    self._records[delivery.alert_id].deliveries[delivery.unit] = claimed
                    return claimed
            return None

    def next_due(self, channel: str) -> float | None:
        """See :meth:`Store.next_due`."""
        with self._lock:
            queue = self._queues.get(channel)
            if queue is None:
                return None
            while queue.ready and not self._is_current(queue.ready[0][2]):
                heapq.heappop(queue.ready)
            while queue.later and not self._is_current(queue.later[0][2]):
                heapq.heappop(queue.later)
            if queue.ready:
                return queue.ready[0][2].due
            return queue.later[0][0] if queue.later else None

    def update(self, delivery: Delivery) -> None:
        """See :meth:`Store.update`."""
        with self._lock:
            record = self._records.get(delivery.alert_id)
            if record is None:
                return
            record.deliveries[delivery.unit] = delivery
            if not delivery.state.is_final:
                self._put(delivery)
                return
            self._waiting -= 1
            self._index(record.alert, delivery)

    def cancel(self, alert_id: str, reason: str, started: bool = False) -> list[Delivery]:
        """See :meth:`Store.cancel`."""
        cancelled = []
        with self._lock:
            record = self._records.get(alert_id)
            for delivery in list(record.deliveries.values()) if record else ():
                waits = delivery.state in (DeliveryState.PENDING, DeliveryState.RETRYING)
                if record and waits and (started or not delivery.attempts):
                    delivery = attrs.evolve(delivery, state=DeliveryState.CANCELLED, error=reason)
                    record.deliveries[delivery.unit] = delivery
                    cancelled.append(delivery)
            self._waiting -= len(cancelled)
        return cancelled

    def alert(self, alert_id: str) -> Alert | None:
        """See :meth:`Store.alert`."""
        with self._lock:
            record = self._records.get(alert_id)
            return record.alert if record else None

    def deliveries(self, alert_id: str) -> list[Delivery]:
        """See :meth:`Store.deliveries`."""
        with self._lock:
            record = self._records.get(alert_id)
            return list(record.deliveries.values()) if record else []

    def find(self, channel: str, provider_id: str) -> Delivery | None:
        """See :meth:`Store.find`."""
        with self._lock:
            return self._by_provider_id.get((channel, provider_id))

    def amend(self, delivery: Delivery) -> None:
        """See :meth:`Store.amend`."""
        with self._lock:
            record = self._records.get(delivery.alert_id)
            if record is None:
                return
            record.deliveries[delivery.unit] = delivery
            if delivery.receipt is not None and delivery.receipt.provider_id is not None:
                self._by_provider_id[delivery.channel, delivery.receipt.provider_id] = delivery
            if record.report is not None:
                record.report = record.report.amended(delivery.channel, delivery.result())

    def previous(self, alert: Alert, channel: str, recipient_id: str) -> Earlier | None:
        """See :meth:`Store.previous`."""
        key = alert.dedup_key or alert.alert_id
        with self._lock:
            other, earlier = self._earlier.get((key, channel, recipient_id), ("", None))
            return earlier if other != alert.alert_id else None

    def remember(self, report: DeliveryReport) -> None:
        """See :meth:`Store.remember`."""
        with self._lock:
            record = self._records.get(report.alert_id)
            if record is None:
                return
            record.report = report
            self._finished[report.alert_id] = None
            self._finished.move_to_end(report.alert_id)
            while len(self._finished) > self._max_alerts:
                self._records.pop(self._finished.popitem(last=False)[0], None)

    def report(self, alert_id: str) -> DeliveryReport | None:
        """See :meth:`Store.report`."""
        with self._lock:
            record = self._records.get(alert_id)
            return record.report if record else None

    def recent(self, limit: int) -> list[DeliveryReport]:
        """See :meth:`Store.recent`."""
        with self._lock:
            newest = itertools.islice(reversed(self._finished), max(0, limit))
            return list(_reports(self._records[alert_id] for alert_id in newest))

    def waiting(self) -> int:
        """See :meth:`Store.waiting`."""
        return self._waiting

    def forget(self) -> None:
        """Start empty, with a fresh lock: in a forked child, whose parent delivers what is remembered."""
        self.__init__(self._max_waiting, self._max_alerts)  # type: ignore[misc] # the very state of a new one

    def _index(self, alert: Alert, delivery: Delivery) -> None:
        """Note where a finished delivery's receipt is looked for; as many as ten for each alert that is remembered."""
        if delivery.receipt is None:
            return
        key = (alert.dedup_key or delivery.alert_id, *delivery.unit)
        self._earlier[key] = (delivery.alert_id, Earlier.of(alert, delivery.receipt))
        self._earlier.move_to_end(key)
        if len(self._earlier) > 10 * self._max_alerts:
            self._earlier.popitem(last=False)
        if delivery.receipt.provider_id is not None:
            self._by_provider_id[delivery.channel, delivery.receipt.provider_id] = delivery
            if len(self._by_provider_id) > 10 * self._max_alerts:
                self._by_provider_id.popitem(last=False)

    def _put(self, delivery: Delivery) -> None:
        queue = self._queues.setdefault(delivery.channel, _Queue())
        heapq.heappush(queue.later, (delivery.due, next(self._numbers), delivery))

    def _is_current(self, delivery: Delivery) -> bool:
        """False for an entry that was cancelled or replaced after it was queued."""
        record = self._records.get(delivery.alert_id)
        return record is not None and record.deliveries.get(delivery.unit) is delivery


def _reports(records: Iterable[_Record]) -> Iterable[DeliveryReport]:
    return (record.report for record in records if record.report is not None)
