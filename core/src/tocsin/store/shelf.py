"""What the memory store keeps, and how it changes; not thread-safe, the store holds the lock."""

from __future__ import annotations

import heapq
import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from tocsin.alert import Alert
from tocsin.clock import Clock, SystemClock
from tocsin.report import DeliveryReport, DeliveryState
from tocsin.store.delivery import Delivery
from tocsin.store.entry import Entry
from tocsin.store.port import Settled
from tocsin.store.progress import NOT_NEEDED, NOTHING, begun, cancelled, is_cancellable, next_step
from tocsin.store.queues import Queues
from tocsin.store.receipts import ReceiptIndex
from tocsin.store.room import check_room

__all__ = ["Shelf"]

_FEW = 256


class Shelf:
    """Alerts with their deliveries, the queues they wait in, and where their receipts are found."""

    def __init__(self, max_waiting: int, max_alerts: int, clock: Clock | None = None) -> None:
        self.max_waiting = max_waiting
        self.max_alerts = max_alerts
        self.clock: Clock = clock or SystemClock()
        self.entries: dict[str, Entry] = {}
        self.keys: dict[str, str] = {}
        self.queues = Queues(self.is_current)
        self.waiting = 0
        self._expiries: list[tuple[float, str]] = []
        self._noted: tuple[float, str] | None = None
        self._many = _FEW  # how many expiries call for a look at which of them are over
        self.finished: OrderedDict[str, None] = OrderedDict()
        self.receipts = ReceiptIndex(10 * max_alerts)

    def anew(self) -> Shelf:
        """An empty one of the same size."""
        return Shelf(self.max_waiting, self.max_alerts, self.clock)

    def settle(self, entry: Entry, delivery: Delivery) -> Settled:
        """Replace a claimed delivery by what its attempt made of it, and take the steps that follow."""
        delivery = delivery.changed(lease=0.0)
        if entry.closed is not None and not delivery.state.is_final:
            delivery = cancelled(delivery, entry.closed)
        if not delivery.state.is_final:
            self.put(entry, delivery, anew=False)
            return Settled(taken=True, delivery=delivery)
        self.replace(delivery)
        self.waiting -= 1
        entry.open -= 1
        self.receipts.note(entry.alert, delivery)
        begun_channels, report = self.advance(entry)
        return Settled(taken=True, delivery=delivery, begun=begun_channels, report=report)

    def fresh(self, entry: Entry | None, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """What starts (anew) of an alert that is added."""
        known = entry.deliveries if entry else {}
        renewed = ((known[one.unit].renewed(one) if one.unit in known else one) for one in deliveries)
        return [one for one in renewed if one is not None]

    def check_room(self, more: int, alert: Alert) -> None:
        """Raise :class:`QueueFull` where so many more have no room."""
        check_room(self.waiting, more, self.max_waiting, alert.priority.rank)

    def put(self, entry: Entry, delivery: Delivery, *, anew: bool = True) -> None:
        """Have a delivery wait until it is due; ``anew``: it did not count as open before."""
        self.replace(delivery)
        self.waiting += anew
        if delivery.due == math.inf:
            return
        entry.open += anew
        if delivery.is_waiting:
            self.queues.put(delivery)
        if anew:
            self._note_expiry(delivery)

    def _note_expiry(self, delivery: Delivery) -> None:
        noted = (delivery.expires, delivery.alert_id)
        if noted == self._noted:  # an alert's deliveries come one after the other and mostly expire together
            return
        self._noted = noted
        heapq.heappush(self._expiries, noted)
        if len(self._expiries) > self._many:
            self._expiries = [one for one in set(self._expiries) if (e := self.entries.get(one[1])) and e.open]
            heapq.heapify(self._expiries)
            self._many, self._noted = _FEW + 2 * len(self._expiries), None

    def overdue(self, now: float, limit: int) -> list[Delivery]:
        """What waits for its turn though its time to live is over."""
        found: dict[tuple[str, tuple[str, str]], Delivery] = {}
        while self._expiries and self._expiries[0][0] <= now and len(found) < limit:
            alert_id = self._expiries[0][1]
            found |= {(alert_id, one.unit): one for one in self._waiting_of(alert_id) if one.expires <= now}
            if len(found) <= limit:  # else the rest of this alert comes with the next call
                heapq.heappop(self._expiries)
                self._noted = None
        return list(found.values())[:limit]

    def _waiting_of(self, alert_id: str) -> Iterator[Delivery]:
        entry = self.entries.get(alert_id)
        return (one for one in (entry.deliveries.values() if entry else ()) if one.is_waiting and one.due != math.inf)

    def end(self, entry: Entry, delivery: Delivery) -> Delivery:
        """A waiting delivery ends."""
        self.waiting -= 1
        entry.open -= delivery.due != math.inf
        return self.replace(delivery)

    def replace(self, delivery: Delivery) -> Delivery:
        """What is known of a delivery from now on."""
        self.entries[delivery.alert_id].deliveries[delivery.unit] = delivery
        return delivery

    def advance(self, entry: Entry) -> tuple[tuple[str, ...], DeliveryReport | None]:
        """Take the alert's next steps; the channels whose deliveries became due with them, and the report."""
        if entry.open and not entry.plan.fail_fast:
            return (), None
        due: list[str] = []
        while (step := next_step(entry.record(), self.clock.now())) is not NOTHING:
            if step.cancel is not None:
                for one in [one for one in entry.deliveries.values() if is_cancellable(one, entry.plan)]:
                    self.end(entry, cancelled(one, step.cancel))
            if step.begin is not None:
                due += self.begin(entry, step.begin)
            if step.report is not None:
                self.finish(entry, step.report)
                return tuple(due), step.report
        return tuple(due), None

    def begin(self, entry: Entry, stage: int) -> list[str]:
        """A stage begins; its channels, one entry for each delivery."""
        entry.stage, now = stage, self.clock.monotonic()
        starting = [one for one in entry.deliveries.values() if one.stage == stage and one.is_waiting]
        for one in starting:
            self.waiting -= 1
            self.put(entry, begun(one, entry.plan, now))
        return [one.channel for one in starting]

    def finish(self, entry: Entry, report: DeliveryReport) -> None:
        """The alert has ended; the oldest ended ones are forgotten."""
        for one in [one for one in entry.deliveries.values() if one.is_waiting]:
            needed = one.stage < len(entry.plan.stages)
            state = DeliveryState.CANCELLED if needed else DeliveryState.SUPPRESSED
            self.end(entry, one.changed(state=state, error=entry.closed if needed else NOT_NEEDED))
        entry.report, entry.reported = report, True
        self.finished[report.alert_id] = None
        self.finished.move_to_end(report.alert_id)
        while len(self.finished) > self.max_alerts:
            forgotten = self.entries.pop(self.finished.popitem(last=False)[0])
            if forgotten.key is not None:
                self.keys.pop(forgotten.key, None)

    def is_current(self, delivery: Delivery) -> bool:
        """False for an entry that was cancelled, begun otherwise or replaced after it was queued."""
        entry = self.entries.get(delivery.alert_id)
        return entry is not None and entry.deliveries.get(delivery.unit) is delivery

    def is_held(self, delivery: Delivery) -> bool:
        """Whether the claim this delivery came from is still the last one."""
        entry = self.entries.get(delivery.alert_id)
        known = entry.deliveries.get(delivery.unit) if entry else None
        return known is not None and known.state is DeliveryState.IN_FLIGHT and known.token == delivery.token
