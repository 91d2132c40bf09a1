"""The memory store: bounded, in this process."""

from __future__ import annotations

import itertools
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from tocsin.alert import Alert
from tocsin.clock import Clock, SystemClock
from tocsin.errors import QueueFull, StoreError
from tocsin.plan import Plan
from tocsin.report import DeliveryReport, DeliveryState
from tocsin.store.delivery import Delivery, Earlier, Record
from tocsin.store.entry import Entry
from tocsin.store.port import Added, Claim, Settled
from tocsin.store.progress import NOT_NEEDED, Step, begun, cancelled, is_cancellable, next_step
from tocsin.store.queues import Queues
from tocsin.store.receipts import ReceiptIndex

__all__ = ["MemoryStore"]

Unit = tuple[str, str]


class MemoryStore:
    """Remembers in this process, within bounds.

    Args:
        max_waiting: deliveries that may wait or be in flight; more are refused with :class:`QueueFull`. The last tenth
            is for CRITICAL alone.
        max_alerts: finished alerts remembered with their reports, oldest forgotten first.
    """

    shared = False

    def __init__(self, max_waiting: int = 100_000, max_alerts: int = 1_000) -> None:
        self._max_waiting = max_waiting
        self._max_alerts = max_alerts
        self._clock: Clock = SystemClock()
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._keys: dict[str, str] = {}
        self._queues = Queues(self._is_current)
        self._waiting = 0
        self._finished: OrderedDict[str, None] = OrderedDict()
        self._receipts = ReceiptIndex(10 * max_alerts)
        self._channels: dict[str, Mapping[str, Any]] = {}

    def open(self, clock: Clock, news: Callable[[], None]) -> None:
        """See :meth:`Store.open`."""
        self._clock = clock

    def now(self) -> float:
        """See :meth:`Store.now`."""
        return self._clock.monotonic()

    def add(
        self,
        alert: Alert,
        plan: Plan,
        deliveries: Sequence[Delivery],
        *,
        key: str | None = None,
        connection: Any = None,
    ) -> Added:
        """See :meth:`Store.add`."""
        if connection is not None:
            raise StoreError("the memory store has no transactions to join; use a database for an outbox")
        with self._lock:
            if key is not None and (known := self._keys.get(key)) is not None:
                return Added(alert_id=known, known=True, report=self._entries[known].report)
            entry = self._entries.get(alert.alert_id)
            fresh = self._fresh(entry, deliveries)
            self._check_room(len(fresh), alert)
            if entry is None:
                entry = self._entries[alert.alert_id] = Entry(alert, plan, key)
            if key is not None:
                self._keys[key] = alert.alert_id
            before = frozenset(unit for unit, one in entry.deliveries.items() if one.state.is_success)
            again, entry.reported = entry.reported, False
            entry.alert, entry.plan, entry.stage, entry.report = alert, plan, 0, None
            self._finished.pop(alert.alert_id, None)
            for one in fresh:
                self._put(entry, one)
            begun_channels = [one.channel for one in fresh if one.due != math.inf]
            more, report = self._advance(entry)
            return Added(
                alert_id=alert.alert_id, fresh=(*begun_channels, *more), before=before, again=again, report=report
            )

    def claim(self, channel: str, limit: int, seconds: float) -> Claim:
        """See :meth:`Store.claim`."""
        with self._lock:
            now = self.now()
            due = self._queues.take(channel, limit, now)
            taken = tuple(self._replace(one.claimed(now + seconds)) for one in due)
            return Claim(taken, self._queues.next_due(channel))

    def due(self) -> list[str]:
        """See :meth:`Store.due`."""
        with self._lock:
            return self._queues.due(self.now())

    def release(self, deliveries: Sequence[Delivery]) -> None:
        """See :meth:`Store.release`."""
        with self._lock:
            for one in deliveries:
                if self._is_held(one):
                    self._put(self._entries[one.alert_id], one.released(), anew=False)

    def extend(self, deliveries: Sequence[Delivery], seconds: float) -> None:
        """See :meth:`Store.extend`."""
        with self._lock:
            lease = self.now() + seconds
            for one in deliveries:
                if self._is_held(one):
                    known = self._entries[one.alert_id].deliveries[one.unit]
                    self._replace(attrs.evolve(known, lease=lease))

    def complete(self, delivery: Delivery, then: Callable[[Settled], None]) -> None:
        """See :meth:`Store.complete`."""
        with self._lock:
            if not self._is_held(delivery):
                settled = Settled(taken=False, delivery=delivery)
            else:
                settled = self._settle(self._entries[delivery.alert_id], delivery)
        then(settled)

    def _settle(self, entry: Entry, delivery: Delivery) -> Settled:
        delivery = attrs.evolve(delivery, lost=0, lease=0.0)
        if entry.closed is not None and not delivery.state.is_final:
            delivery = cancelled(delivery, entry.closed)
        if not delivery.state.is_final:
            self._put(entry, delivery, anew=False)
            return Settled(taken=True, delivery=delivery)
        self._replace(delivery)
        self._waiting -= 1
        entry.open -= 1
        self._receipts.note(entry.alert, delivery)
        begun_channels, report = self._advance(entry)
        return Settled(taken=True, delivery=delivery, begun=begun_channels, report=report)

    def lost(self, limit: int, seconds: float) -> list[Delivery]:
        """See :meth:`Store.lost`."""
        now = self.now()
        return self._take(
            lambda one: one.state is DeliveryState.IN_FLIGHT and one.lease <= now,
            lambda one: attrs.evolve(one.claimed(now + seconds), lost=one.lost + 1),
            limit,
        )

    def overdue(self, limit: int, seconds: float) -> list[Delivery]:
        """See :meth:`Store.overdue`."""
        now = self.now()
        return self._take(
            lambda one: one.is_waiting and one.due != math.inf and one.expires <= now,
            lambda one: one.claimed(now + seconds),
            limit,
        )

    def _take(
        self, wanted: Callable[[Delivery], bool], change: Callable[[Delivery], Delivery], limit: int
    ) -> list[Delivery]:
        with self._lock:
            everything = (one for entry in self._entries.values() for one in entry.deliveries.values())
            found = list(itertools.islice(filter(wanted, everything), limit))
            return [self._replace(change(one)) for one in found]

    def cancel(
        self, alert_id: str, reason: str, unit: tuple[str, str] | None = None, *, close: bool = False
    ) -> list[Delivery]:
        """See :meth:`Store.cancel`."""
        with self._lock:
            entry = self._entries.get(alert_id)
            if entry is None or entry.report is not None:
                return []
            entry.closed = reason if close else entry.closed
            waiting = [one for one in entry.deliveries.values() if one.is_waiting and unit in (None, one.unit)]
            ended = [self._end(entry, cancelled(one, reason)) for one in waiting if one.due != math.inf or unit]
            self._advance(entry)
            return ended

    def replay(self, alert_id: str, unit: tuple[str, str] | None = None) -> list[Delivery]:
        """See :meth:`Store.replay`."""
        with self._lock:
            entry = self._entries.get(alert_id)
            if entry is None:
                return []
            fresh = entry.replayed(unit, self.now())
            if fresh:
                entry.report = None
                self._finished.pop(alert_id, None)
            for one in fresh:
                self._put(entry, one)
            return fresh

    def record(self, alert_id: str) -> Record | None:
        """See :meth:`Store.record`."""
        with self._lock:
            entry = self._entries.get(alert_id)
            return entry.record() if entry else None

    def alert(self, alert_id: str) -> Alert | None:
        """See :meth:`Store.alert`."""
        entry = self._entries.get(alert_id)
        return entry.alert if entry else None

    def find(self, channel: str, provider_id: str) -> Delivery | None:
        """See :meth:`Store.find`."""
        with self._lock:
            return self._receipts.find(channel, provider_id)

    def amend(self, delivery: Delivery) -> DeliveryReport | None:
        """See :meth:`Store.amend`."""
        with self._lock:
            entry = self._entries.get(delivery.alert_id)
            if entry is None:
                return None
            self._replace(delivery)
            self._receipts.amend(delivery)
            if entry.report is not None:
                entry.report = entry.report.amended(delivery.channel, delivery.result())
            return entry.report

    def previous(self, alert: Alert, channel: str, recipient_id: str) -> Earlier | None:
        """See :meth:`Store.previous`."""
        with self._lock:
            return self._receipts.previous(alert, channel, recipient_id)

    def suppress(self, alert: Alert, report: DeliveryReport) -> None:
        """See :meth:`Store.suppress`."""
        with self._lock:
            entry = self._entries.setdefault(alert.alert_id, Entry(alert, Plan(())))
            if not entry.open:
                self._finish(entry, report)

    def report(self, alert_id: str) -> DeliveryReport | None:
        """See :meth:`Store.report`."""
        entry = self._entries.get(alert_id)
        return entry.report if entry else None

    def recent(self, limit: int) -> list[DeliveryReport]:
        """See :meth:`Store.recent`."""
        with self._lock:
            newest = itertools.islice(reversed(self._finished), max(0, limit))
            reports = [self._entries[alert_id].report for alert_id in newest]
        return [report for report in reports if report is not None]

    def select(
        self, *, states: Sequence[DeliveryState] = (), channel: str | None = None, limit: int = 100
    ) -> list[Delivery]:
        """See :meth:`Store.select`."""
        with self._lock:
            everything = (one for entry in reversed(self._entries.values()) for one in entry.deliveries.values())
            matching = (
                one for one in everything if (not states or one.state in states) and channel in (None, one.channel)
            )
            return list(itertools.islice(matching, max(0, limit)))

    def waiting(self) -> int:
        """See :meth:`Store.waiting`."""
        return self._waiting

    def save_channel(self, name: str, state: Mapping[str, Any]) -> None:
        """See :meth:`Store.save_channel`."""
        self._channels[name] = dict(state)

    def load_channel(self, name: str) -> Mapping[str, Any] | None:
        """See :meth:`Store.load_channel`."""
        return self._channels.get(name)

    def forget(self) -> None:
        """Start empty, with a fresh lock: in a forked child, whose parent delivers what is remembered."""
        clock = self._clock
        self.__init__(self._max_waiting, self._max_alerts)  # type: ignore[misc] # the very state of a new one
        self._clock = clock

    def close(self) -> None:
        """See :meth:`Store.close`."""

    # What follows is called with the lock held.

    def _fresh(self, entry: Entry | None, deliveries: Sequence[Delivery]) -> list[Delivery]:
        known = entry.deliveries if entry else {}
        renewed = ((known[one.unit].renewed(one) if one.unit in known else one) for one in deliveries)
        return [one for one in renewed if one is not None]

    def _check_room(self, more: int, alert: Alert) -> None:
        bound = self._max_waiting if alert.priority.rank == 0 else self._max_waiting - self._max_waiting // 10
        if more and self._waiting + more > bound:
            raise QueueFull(f"{self._waiting:,} deliveries are waiting, the bound is {bound:,}", 1.0)

    def _put(self, entry: Entry, delivery: Delivery, *, anew: bool = True) -> None:
        """Have a delivery wait until it is due; ``anew``: it did not count as open before."""
        self._replace(delivery)
        self._waiting += anew
        if delivery.due == math.inf:
            return
        entry.open += anew
        self._queues.put(delivery)

    def _end(self, entry: Entry, delivery: Delivery) -> Delivery:
        self._waiting -= 1
        entry.open -= delivery.due != math.inf
        return self._replace(delivery)

    def _replace(self, delivery: Delivery) -> Delivery:
        self._entries[delivery.alert_id].deliveries[delivery.unit] = delivery
        return delivery

    def _advance(self, entry: Entry) -> tuple[tuple[str, ...], DeliveryReport | None]:
        """Take the alert's next steps; the channels whose deliveries became due with them, and the report."""
        if entry.open and not entry.plan.fail_fast:
            return (), None
        due: list[str] = []
        while (step := next_step(entry.record(), self._clock.now())) != Step():
            if step.cancel is not None:
                for one in [one for one in entry.deliveries.values() if is_cancellable(one, entry.plan)]:
                    self._end(entry, cancelled(one, step.cancel))
            if step.begin is not None:
                due += self._begin(entry, step.begin)
            if step.report is not None:
                self._finish(entry, step.report)
                return tuple(due), step.report
        return tuple(due), None

    def _begin(self, entry: Entry, stage: int) -> list[str]:
        entry.stage, now = stage, self.now()
        starting = [one for one in entry.deliveries.values() if one.stage == stage and one.is_waiting]
        for one in starting:
            self._waiting -= 1
            self._put(entry, begun(one, entry.plan, now))
        return [one.channel for one in starting]

    def _finish(self, entry: Entry, report: DeliveryReport) -> None:
        for one in [one for one in entry.deliveries.values() if one.is_waiting]:
            needed = one.stage < len(entry.plan.stages)
            state = DeliveryState.CANCELLED if needed else DeliveryState.SUPPRESSED
            self._end(entry, attrs.evolve(one, state=state, error=entry.closed if needed else NOT_NEEDED))
        entry.report, entry.reported = report, True
        self._finished[report.alert_id] = None
        self._finished.move_to_end(report.alert_id)
        while len(self._finished) > self._max_alerts:
            forgotten = self._entries.pop(self._finished.popitem(last=False)[0])
            if forgotten.key is not None:
                self._keys.pop(forgotten.key, None)

    def _is_current(self, delivery: Delivery) -> bool:
        """False for an entry that was cancelled, begun otherwise or replaced after it was queued."""
        entry = self._entries.get(delivery.alert_id)
        return entry is not None and entry.deliveries.get(delivery.unit) is delivery

    def _is_held(self, delivery: Delivery) -> bool:
        """Whether the claim this delivery came from is still the last one."""
        entry = self._entries.get(delivery.alert_id)
        known = entry.deliveries.get(delivery.unit) if entry else None
        return known is not None and known.state is DeliveryState.IN_FLIGHT and known.token == delivery.token
