"""What is remembered: alerts, deliveries, reports. The port, and the memory behind it by default."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Protocol

import attrs

from tocsin.alert import Alert
from tocsin.errors import ErrorKind, Outcome, QueueFull
from tocsin.receipt import Receipt
from tocsin.report import Attempt, DeliveryReport, DeliveryState, RecipientResult

__all__ = ["Delivery", "MemoryStore", "Store"]


@attrs.frozen(kw_only=True)
class Delivery:
    """One alert for one recipient of one channel: the unit of work.

    Attributes:
        key: idempotency key, the same in every attempt.
        rank: 0 for CRITICAL to 4 for INFO.
        due: when it may be tried next, in seconds of the dispatcher's clock.
        expires: after which it is not tried, on the same clock.
        tries: attempts that count towards ``max_retries``.
        plain: the next attempt sends the simpler form.
        attempts: what was tried, oldest first.
    """

    alert_id: str
    channel: str
    recipient_id: str
    recipient: str
    key: str
    rank: int
    due: float
    expires: float
    state: DeliveryState = DeliveryState.PENDING
    tries: int = 0
    plain: bool = False
    attempts: tuple[Attempt, ...] = ()
    receipt: Receipt | None = None
    error_kind: ErrorKind | None = None
    error: str | None = None
    hint: str | None = None

    @property
    def unit(self) -> tuple[str, str]:
        """Channel and recipient: what tells an alert's deliveries apart."""
        return self.channel, self.recipient_id

    @property
    def repeated(self) -> bool:
        """An earlier attempt may have arrived."""
        return any(attempt.outcome is Outcome.UNKNOWN for attempt in self.attempts)

    def result(self) -> RecipientResult:
        """What the report says about it."""
        return RecipientResult(
            recipient=self.recipient,
            recipient_id=self.recipient_id,
            state=self.state,
            attempts=self.attempts,
            receipt=self.receipt,
            error_kind=self.error_kind,
            error=self.error,
            hint=self.hint,
        )


class Store(Protocol):
    """The port of what is remembered. Called from many threads; times are seconds of the dispatcher's clock."""

    def add(self, alert: Alert, deliveries: Sequence[Delivery]) -> None:
        """Remember an alert and its pending deliveries: all or none.

        Raises:
            QueueFull: too many deliveries are waiting.
        """

    def claim(self, channel: str, now: float) -> Delivery | None:
        """Take one due delivery, most urgent first, and mark it in flight; None where none is due."""

    def next_due(self, channel: str) -> float | None:
        """When the channel's next waiting delivery is due; None where none waits."""

    def update(self, delivery: Delivery) -> None:
        """Replace what is known about a delivery; one that is not final waits until it is due."""

    def cancel(self, alert_id: str, reason: str, started: bool = False) -> list[Delivery]:
        """Cancel the alert's waiting deliveries: those never tried, with ``started`` the others too. Returns them."""

    def alert(self, alert_id: str) -> Alert | None:
        """The alert, as long as it is remembered."""

    def deliveries(self, alert_id: str) -> list[Delivery]:
        """The alert's deliveries in the order in which they were added."""

    def previous(self, alert: Alert, channel: str, recipient_id: str) -> Receipt | None:
        """The last receipt at this recipient of another alert with this ``dedup_key``, or with it as its id."""

    def remember(self, report: DeliveryReport) -> None:
        """Keep a finished report."""

    def report(self, alert_id: str) -> DeliveryReport | None:
        """The last report about an alert."""

    def recent(self, limit: int) -> list[DeliveryReport]:
        """The last finished reports, newest first."""

    def waiting(self) -> int:
        """How many deliveries wait or are in flight."""


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
        self._receipts: OrderedDict[tuple[str, str, str], tuple[str, Receipt]] = OrderedDict()

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
            if delivery.receipt is not None:
                key = (record.alert.dedup_key or delivery.alert_id, *delivery.unit)
                self._receipts[key] = (delivery.alert_id, delivery.receipt)
                self._receipts.move_to_end(key)
                if len(self._receipts) > 10 * self._max_alerts:
                    self._receipts.popitem(last=False)

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

    def previous(self, alert: Alert, channel: str, recipient_id: str) -> Receipt | None:
        """See :meth:`Store.previous`."""
        key = alert.dedup_key or alert.alert_id
        with self._lock:
            other, receipt = self._receipts.get((key, channel, recipient_id), ("", None))
            return receipt if other != alert.alert_id else None

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

    def _put(self, delivery: Delivery) -> None:
        queue = self._queues.setdefault(delivery.channel, _Queue())
        heapq.heappush(queue.later, (delivery.due, next(self._numbers), delivery))

    def _is_current(self, delivery: Delivery) -> bool:
        """False for an entry that was cancelled or replaced after it was queued."""
        record = self._records.get(delivery.alert_id)
        return record is not None and record.deliveries.get(delivery.unit) is delivery


def _reports(records: Iterable[_Record]) -> Iterable[DeliveryReport]:
    return (record.report for record in records if record.report is not None)
