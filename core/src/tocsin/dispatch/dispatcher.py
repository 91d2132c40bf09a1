"""Brings alerts, lanes and the store together."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Collection
from datetime import datetime

import attrs

from tocsin.alert import Alert
from tocsin.channel import Channel
from tocsin.clock import Clock
from tocsin.deadline import Deadline
from tocsin.dispatch.lane import Lane
from tocsin.dispatch.plan import Plan
from tocsin.dispatch.receipts import LateReceipts
from tocsin.dispatch.run import DeliveryHandle, Run
from tocsin.dispatch.station import Station
from tocsin.dispatch.unit import log, unit_of
from tocsin.errors import DeliveryError, Expired, PluginError, ServiceClosed, not_attempted
from tocsin.hookspecs import SendContext
from tocsin.receipt import Receipt, ReceiptUpdate
from tocsin.report import DeliveryReport, DeliveryState
from tocsin.retry import Random, RetryPolicy
from tocsin.store import Delivery, MemoryStore, Store

__all__ = ["CLOSED", "Dispatcher"]

CLOSED = "the service is closed; create another to send more"
_LIVING: weakref.WeakSet[Dispatcher] = weakref.WeakSet()


class Dispatcher:
    """Delivers alerts along their plans. Thread-safe; starts no thread before the first alert.

    Args:
        policy: when to try again.
        timeout: seconds for one attempt.
        deadline: seconds for one alert.
        workers: per channel.
        on_report: told each finished report, what had succeeded before, and whether the alert was sent before.
        on_update: told a delivery before and after its provider said more about it.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        rng: Random,
        policy: RetryPolicy,
        timeout: float,
        deadline: float,
        workers: int,
        on_report: Callable[[DeliveryReport, Collection[tuple[str, str]], bool], None],
        on_update: Callable[[Delivery, Delivery], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._rng = rng
        self._policy = policy
        self._timeout = timeout
        self._deadline = deadline
        self._workers = workers
        self._on_report = on_report
        self._on_update = on_update
        self._late = LateReceipts(store, self._updated)
        self._lock = threading.Lock()
        self._stations: dict[str, Station] = {}
        self._runs: dict[str, Run] = {}
        self._closed = False
        self._abandoned = False
        _LIVING.add(self)

    @property
    def closed(self) -> bool:
        """Whether it takes no more alerts."""
        return self._closed

    def submit(self, alert: Alert, plan: Plan) -> DeliveryHandle:
        """Start delivering an alert; one that is on its way already gives the handle of that delivery.

        Raises:
            ServiceClosed: after :meth:`close`.
            QueueFull: too many deliveries wait; nothing of this alert was started.
        """
        with self._lock:
            if self._closed:
                raise ServiceClosed(CLOSED)
            if (running := self._runs.get(alert.alert_id)) is not None:
                return running.handle
            run = Run(
                alert,
                plan,
                DeliveryHandle(alert.alert_id),
                now=self._clock.now,
                began=self._clock.monotonic(),
                launch=self._launch,
                cancel=lambda reason: self._store.cancel(alert.alert_id, reason),
                finish=self._finish,
            )
            self._runs[alert.alert_id] = run
        try:
            run.start()
        except BaseException as error:
            with self._lock:
                self._runs.pop(alert.alert_id, None)
            run.handle.future.set_exception(error)
            raise
        return run.handle

    def record(self, channel: Channel, update: ReceiptUpdate) -> Delivery | None:
        """Keep what a provider says of a message later; the delivery as it stands then, None where it is not known."""
        return self._late.record(channel, update)

    @property
    def is_busy(self) -> bool:
        """Whether a call is under way, or a delivery's time has come."""
        now = self._clock.monotonic()
        return any(
            station.lane.busy or ((due := self._store.next_due(name)) is not None and due <= now)
            for name, station in list(self._stations.items())
        )

    def close(self, timeout: float) -> bool:
        """Take no more alerts, finish what runs, cancel what is left after ``timeout`` seconds.

        Returns:
            True where everything was finished.
        """
        with self._lock:
            self._closed = True
            runs = list(self._runs.values())
        end = time.monotonic() + timeout
        for run in runs:
            _wait(run.handle, end)
        self._abandoned = True
        with self._lock:
            left = list(self._runs.values())
        for run in left:
            self._stop(run)
        for station in list(self._stations.values()):
            station.lane.stop()
        return not left

    def forget(self) -> None:
        """Start anew in a forked child: it has no thread of the parent, and must not deliver what the parent does."""
        self._lock = threading.Lock()
        self._runs.clear()
        for station in self._stations.values():
            close = getattr(station.lane.channel.client, "close", None)
            if close is not None:
                close()
        self._stations.clear()
        if isinstance(self._store, MemoryStore):
            self._store.forget()

    def _stop(self, run: Run) -> None:
        run.stop("the service was closed", self._store.cancel(run.alert.alert_id, "the service was closed", True))

    def _launch(self, run: Run, channels: tuple[Channel, ...], is_fallback: bool) -> list[Delivery]:
        """Put one stage's deliveries into the store and wake the lanes; returns those that had succeeded before."""
        known = {delivery.unit: delivery for delivery in self._store.deliveries(run.alert.alert_id)}
        now = self._clock.monotonic()
        # A fallback begins where the alert's time may be over; it has as much again.
        expires = now + self._deadline if is_fallback else run.began + self._deadline
        before, fresh = [], []
        for channel in channels:
            for recipient in channel.recipients:
                earlier = known.get((channel.name, recipient.id))
                if earlier is not None and earlier.state.is_success:
                    before.append(earlier)
                else:
                    fresh.append(unit_of(run.alert, channel, recipient, now, expires, earlier))
        self._store.add(run.alert, fresh)
        waiting = Counter(delivery.channel for delivery in fresh)
        for channel in channels:
            if count := waiting[channel.name]:
                self._station(channel).lane.wake(count)
        return before

    def _station(self, channel: Channel) -> Station:
        with self._lock:
            station = self._stations.get(channel.name)
            if station is None or station.lane.channel is not channel:
                if station is not None:
                    station.lane.stop()  # the channel was replaced by another of its name
                station = self._stations[channel.name] = self._open(channel)
            return station

    def _open(self, channel: Channel) -> Station:
        lane = Lane(
            channel,
            channel.workers or self._workers,
            self._store,
            self._clock,
            self._perform,
            self._settle,
            lambda delivery: self._seconds(channel, delivery),
        )
        return Station(lane, self._policy, self._rng, self._clock, channel.capabilities.plain)

    def _seconds(self, channel: Channel, delivery: Delivery) -> float:
        left = delivery.expires - self._clock.monotonic()
        return max(0.0, min(channel.timeout or self._timeout, left))

    def _perform(self, channel: Channel, delivery: Delivery, deadline: Deadline) -> Receipt:
        alert = self._store.alert(delivery.alert_id)
        recipient = channel.recipient(delivery.recipient_id)
        if alert is None or recipient is None:
            raise PluginError("the alert or its recipient is no longer known", hint="")
        if self._clock.monotonic() >= delivery.expires:
            raise not_attempted(Expired("the alert's deadline passed before its turn"))
        earlier = self._store.previous(alert, channel.name, recipient.id)
        return channel.send(
            alert,
            recipient,
            SendContext(
                key=delivery.key,
                deadline=deadline,
                now=self._clock.now(),
                attempt=len(delivery.attempts) + 1,
                plain=delivery.plain,
                repeated=delivery.repeated,
                patience=delivery.expires - self._clock.monotonic(),
                previous=earlier.receipt if earlier else None,
                louder=earlier is not None and earlier.is_topped_by(alert),
                client=channel.client,
            ),
        )

    def _settle(
        self,
        channel: Channel,
        delivery: Delivery,
        result: Receipt | DeliveryError,
        started_at: datetime,
        seconds: float,
    ) -> None:
        station = self._stations[channel.name]
        after = station.judge(delivery, result, started_at, seconds)
        if self._abandoned and not after.state.is_final:
            after = attrs.evolve(after, state=DeliveryState.CANCELLED)
        run = self._runs.get(delivery.alert_id)
        self._store.update(after)
        if self._abandoned and run is not None and not after.state.is_final:
            self._stop(run)
        log(after, attempted=len(after.attempts) > len(delivery.attempts))
        if not after.state.is_final:
            station.lane.wake()
            return
        if run is not None:
            run.settled(after)
        self._late.arrived_early(channel, after)

    def _updated(self, before: Delivery, after: Delivery) -> None:
        run = self._runs.get(after.alert_id)
        if run is not None:
            run.amended(after)
        else:
            self._on_update(before, after)

    def _finish(self, run: Run, report: DeliveryReport) -> None:
        try:
            again = self._store.report(report.alert_id) is not None
            self._store.remember(report)
            self._on_report(report, run.earlier, again)
        finally:
            with self._lock:
                self._runs.pop(run.alert.alert_id, None)
            run.handle.future.set_result(report)


def _wait(handle: DeliveryHandle, end: float) -> None:
    try:
        handle.result(max(0.0, end - time.monotonic()))
    except TimeoutError:
        return


def _after_fork() -> None:
    for dispatcher in list(_LIVING):
        dispatcher.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
