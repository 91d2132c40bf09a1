"""Brings alerts, lanes and the store together."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any

from tocsin.alert import Alert
from tocsin.channel import Channel
from tocsin.clock import Clock
from tocsin.dispatch.awaited import CLOSED, Awaited, Waiting
from tocsin.dispatch.handle import DeliveryHandle
from tocsin.dispatch.offers import Offers
from tocsin.dispatch.paused import remember_paused
from tocsin.dispatch.receipts import LateReceipts
from tocsin.dispatch.station import Judge, Station
from tocsin.dispatch.stations import Stations
from tocsin.dispatch.sweep import Sweep
from tocsin.dispatch.unit import log, units_of
from tocsin.errors import DeliveryError, StoreError
from tocsin.forking import forget_in_child
from tocsin.log import event
from tocsin.plan import Plan
from tocsin.receipt import ReceiptUpdate
from tocsin.report import DeliveryReport
from tocsin.retry import Random, RetryPolicy
from tocsin.store import Added, Delivery, Settled, Store

__all__ = ["CLOSED", "Dispatcher"]

Units = Collection[tuple[str, str]]


class Dispatcher:
    """Delivers alerts along their plans. Thread-safe; starts no thread before the first alert.

    Args:
        channels: finds a ready channel by its name.
        policy: when to try again.
        timeout: seconds for one attempt.
        workers: per channel.
        on_report: told each finished report, what had succeeded before, and whether the alert was sent before.
        on_update: told a delivery before and after its provider said more about it, and the report.
    """

    def __init__(
        self,
        *,
        store: Store,
        channels: Callable[[str], Channel | None],
        clock: Clock,
        rng: Random,
        policy: RetryPolicy,
        timeout: float,
        workers: int,
        on_report: Callable[[DeliveryReport, Units, bool], None],
        on_update: Callable[[Delivery, Delivery, DeliveryReport | None], None],
    ) -> None:
        self._store = store
        self._channels = channels
        self._stations = Stations(channels, self._open)
        self._clock = clock
        self._rng = rng
        self._policy = policy
        self._timeout = timeout
        self._workers = workers
        self._on_report = on_report
        self._late = LateReceipts(store, on_update)
        self._waiting = Waiting()
        self._sweep = Sweep(
            store,
            held=self._stations.held,
            judge=self._judged,
            awoken=self._stations.wake,
            awaited=self._waiting.ids,
            finished=self._finish,
            heard=self._hear,
        )
        store.open(clock, self._sweep.wake)
        forget_in_child(self)

    @property
    def closed(self) -> bool:
        """Whether it takes no more alerts."""
        return self._waiting.closed

    def submit(self, alert: Alert, plan: Plan, *, key: str | None = None, connection: Any = None) -> DeliveryHandle:
        """Start delivering an alert; one that is on its way already gives the handle of that delivery.

        Args:
            alert: what happened.
            plan: its way.
            key: the client's own; an alert under a key that is known is not delivered again.
            connection: in whose transaction a store that can writes it.

        Raises:
            ServiceClosed: after :meth:`close`.
            QueueFull, StoreError: nothing of this alert was started.
        """
        awaited, fresh = self._waiting.expect(alert.alert_id, uncertain=connection is not None)
        if not (fresh or awaited.uncertain):
            return awaited.handle
        with Offers(alert, self._stations.lane) as offers:
            try:
                added = self._add(alert, plan, key, connection, awaited, offers)
            except BaseException as error:
                self._waiting.refuse(awaited, error)
                raise
            if fresh:
                awaited.before, awaited.again = added.before, added.again
            awaited.uncertain = awaited.uncertain and connection is not None
            if added.known and (fresh or added.alert_id != alert.alert_id):
                return self._waiting.instead(awaited, added)
            if added.known and connection is not None:
                self._waiting.repeated(awaited)
            self._begin(added, offers.begin(added.taken))
        return awaited.handle

    def _add(
        self, alert: Alert, plan: Plan, key: str | None, connection: Any, awaited: Awaited, offers: Offers
    ) -> Added:
        """Have it stored: in the application's own transaction, or with what begins at once claimed already."""
        deliveries = units_of(alert, plan, self._channels, self._store.now())
        self._sweep.start()
        if connection is not None:
            undone = partial(self._waiting.undo, awaited)
            return self._store.add(alert, plan, deliveries, key=key, connection=connection, undone=undone)
        if not plan.fail_fast:
            deliveries = [one if one.due == math.inf else offers.claimed(one) for one in deliveries]
        return self._store.add(alert, plan, deliveries, key=key)

    def _begin(self, added: Added, given_back: Sequence[str]) -> None:
        """Go on with what was accepted: from here on no trouble is the caller's, and the sweep looks again."""
        try:
            self._stations.wake((*added.fresh, *given_back))
            if added.report is not None:
                self._finish(added.report)
        except Exception as error:
            event(logging.ERROR, "store_trouble", error=type(error).__name__)

    def work(self, names: Iterable[str]) -> None:
        """Deliver what is in the store for these channels, whoever put it there."""
        self._sweep.start()
        self._stations.wake(tuple(names))

    def record(self, channel: Channel, update: ReceiptUpdate) -> Delivery | None:
        """Keep what a provider says of a message later; the delivery as it stands then, None where it is not known."""
        return self._late.record(channel, update)

    @property
    def is_busy(self) -> bool:
        """Whether a call is under way, or a delivery's time has come."""
        return any(lane.is_busy or lane.is_due for lane in self._stations.lanes)

    def close(self, timeout: float, *, drain: bool = True) -> bool:
        """Take no more alerts, finish what runs; what is left then is cancelled, or left to others on a shared store.

        Args:
            timeout: seconds to wait.
            drain: also begin what waits here for its turn; else only what is in a worker's hands is finished.

        Returns:
            True where everything was finished.
        """
        handles = self._waiting.close()
        end = time.monotonic() + timeout
        self._waiting.disown(self._is_kept)
        if drain:
            for handle in handles:
                _wait(handle, end)
        else:
            self._stations.stop()
        while (busy := self._is_delivering()) and time.monotonic() < end:
            time.sleep(0.005)
        self._stations.stop()  # what was taken up and not begun waits again, and is cancelled with the rest
        left = self._waiting.ids()
        if not self._store.shared:
            for alert_id in left:
                self._store.cancel(alert_id, "the service was closed", close=True)
                self._resolve(alert_id)
        self._sweep.stop()
        if self._store.shared:
            self._waiting.leave()
        return not left and not busy

    def _is_kept(self, alert_id: str) -> bool:
        try:
            return self._store.record(alert_id) is not None
        except StoreError:  # not known, so it is waited for
            return True

    def _is_delivering(self) -> bool:
        return any(lane.is_busy for lane in self._stations.lanes)

    def forget(self) -> None:
        """Start anew in a forked child: it has no thread of the parent, and must not deliver what the parent does."""
        self._waiting.forget()
        self._stations.forget()
        self._sweep.forget()
        self._store.forget()

    def _resolve(self, alert_id: str) -> None:
        """Report an alert that was cancelled, unless a call of it is still under way."""
        report = self._store.report(alert_id)
        if report is not None:
            self._finish(report)

    def _open(self, channel: Channel) -> Station:
        remember_paused(channel, self._store)
        return Station(
            channel,
            store=self._store,
            clock=self._clock,
            rng=self._rng,
            policy=self._policy,
            timeout=self._timeout,
            workers=self._workers,
            on_settled=self._settled,
            end_overdue=self._sweep.end_overdue,
            given_back=lambda: self._stations.wake((channel.name,)),
        )

    def _settled(self, station: Station, settled: Settled, attempted: bool) -> None:
        delivery = settled.delivery
        log(delivery, attempted=attempted, late=not settled.taken)
        if not settled.taken:
            return
        if not delivery.state.is_final:
            station.lane.wake()
            return
        self._stations.wake(settled.begun)
        if settled.report is not None:
            self._finish(settled.report)
        self._late.arrived_early(station.channel, delivery)

    def _judged(self, delivery: Delivery, error: DeliveryError) -> Delivery:
        """What a delivery becomes whose worker ended, or whose time to live is over."""
        try:
            station = self._stations.get(delivery.channel)
        except StoreError:  # its own judge would be kinder by no more than its budget for retries
            station = None
        judge = station.judge if station else Judge(self._policy, self._rng, self._store.now).judge
        return judge(delivery, error, self._clock.now(), 0.0)

    def _finish(self, report: DeliveryReport) -> None:
        awaited, is_news = self._waiting.finish(report)
        if is_news:
            self._tell(report, awaited)

    def _hear(self, report: DeliveryReport) -> None:
        awaited = self._waiting.hear(report)
        if awaited is not None:
            self._tell(report, awaited)

    def _tell(self, report: DeliveryReport, awaited: Awaited | None) -> None:
        try:
            self._on_report(report, awaited.before if awaited else (), awaited.again if awaited else False)
        finally:
            self._waiting.resolve(awaited, report)


def _wait(handle: DeliveryHandle, end: float) -> None:
    try:
        handle.result(max(0.0, end - time.monotonic()))
    except Exception:  # what became of it stands in its report
        return
