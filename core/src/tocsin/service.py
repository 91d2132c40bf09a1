"""The orchestrator: from an alert to its report."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from tocsin.alert import Alert
from tocsin.channel import Channel
from tocsin.clock import Clock, SystemClock
from tocsin.closing import close_at_exit
from tocsin.config import NotificationConfig
from tocsin.dispatch import CLOSED, DeliveryHandle, Dispatcher
from tocsin.dispatch.probe import test_delivery
from tocsin.errors import ConfigError, ServiceClosed, UnknownAlert
from tocsin.inspection import health_of
from tocsin.observers import Observer, Reporter, Statistics
from tocsin.plan import Plan
from tocsin.planning import Planner
from tocsin.processors import Processor, process
from tocsin.receipt import ReceiptUpdate
from tocsin.registry import ChannelState, Registry
from tocsin.report import DeliveryReport, NotificationResult, RecipientResult
from tocsin.retry import SYSTEM_RANDOM, Random
from tocsin.routing import Routing
from tocsin.storage import configured_store
from tocsin.store import Delivery, MemoryStore, Store, report_of

__all__ = ["NotificationService"]


class NotificationService:
    """Prepares, routes and delivers alerts. Thread-safe; no thread before the first alert.

    Args:
        config: by default from the environment.
        processors: run before routing, in this order.
        observers: told each finished report, soon after it is there, in a thread of their own.
        store: what is remembered; by default as configured, else bounded memory.
        clock, rng: time and randomness.
        strict: raise where a channel that was asked for is not ready.

    Raises:
        ConfigError: the configuration has problems that concern more than one channel.
    """

    def __init__(
        self,
        config: NotificationConfig | None = None,
        *,
        processors: Iterable[Processor] = (),
        observers: Iterable[Observer] = (),
        store: Store | None = None,
        clock: Clock | None = None,
        rng: Random = SYSTEM_RANDOM,
        strict: bool = False,
    ) -> None:
        self.config = config if config is not None else NotificationConfig.from_env()
        if not isinstance(self.config, NotificationConfig):
            raise ConfigError(f"config must be a NotificationConfig, got {type(config).__name__}")
        self._clock = clock or SystemClock()
        self._processors = tuple(processors)
        self._statistics = Statistics()
        self._reporter = Reporter(observers)
        self.store: Store = store or configured_store(self.config) or MemoryStore()
        self.registry = Registry(self.config, self._clock, strict=strict)
        self._planner = Planner(self.config, self.registry, durable=self.store.shared)
        delivery = self.config.delivery
        self._dispatcher = Dispatcher(
            store=self.store,
            channels=self.registry.channel,
            clock=self._clock,
            rng=rng,
            policy=delivery.policy(unlimited=self.store.shared and "max_retries" not in self.config.origins),
            timeout=delivery.timeout,
            workers=delivery.workers,
            on_report=self._reported,
            on_update=self._updated,
        )
        if hasattr(self._clock, "attach"):
            self._clock.attach(lambda: self._dispatcher.is_busy)
        close_at_exit(self)

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The ready channels by name."""
        return self.registry.ready()

    def send_notification(self, alert: Alert, *, key: str | None = None) -> DeliveryReport:
        """Deliver an alert and wait for its report; the configured deadline bounds the wait.

        With a store that outlives the process, what has not ended by then goes on; the report tells how it stands.

        Raises:
            ProcessorFailed, QueueFull, ServiceClosed, StoreError: nothing was sent.
        """
        handle = self.enqueue(alert, key=key)
        if not self.store.shared:
            return handle.result()
        try:
            return handle.result(self.config.delivery.deadline)
        except TimeoutError:
            return self.report(handle.alert_id)

    async def asend_notification(self, alert: Alert, *, key: str | None = None) -> DeliveryReport:
        """:meth:`send_notification` for asyncio: the event loop goes on meanwhile."""
        import asyncio  # whoever awaits this has it, and nobody else needs its 30 modules

        if self.store.shared:
            return await asyncio.to_thread(self.send_notification, alert, key=key)
        return await asyncio.wrap_future(self.enqueue(alert, key=key).future)

    def enqueue(self, alert: Alert, *, key: str | None = None, connection: Any = None) -> DeliveryHandle:
        """Accept an alert and return; ``handle.result(timeout)`` waits for the report.

        It is accepted once the store has it: in memory at once, in a database when it is committed.

        Args:
            alert: what happened.
            key: the caller's own name for it. An alert under a key that is known is not sent again: the handle is the
                earlier one's. So a caller that was not told whether it was accepted may ask again.
            connection: the application's own SQLAlchemy connection, for a store in the same database: the alert is
                part of its transaction, sent if that commits and gone if it is rolled back.

        Raises:
            ProcessorFailed, QueueFull, ServiceClosed, StoreError: nothing was accepted.
        """
        if not isinstance(alert, Alert):
            raise TypeError(f"an Alert is needed, got {type(alert).__name__}")
        if self._dispatcher.closed:
            raise ServiceClosed(CLOSED)
        if self._processors:
            alert, suppressed = process(alert, self._processors)
            if suppressed is not None:
                return self._suppressed(alert, suppressed)
        plan = self._planner.plan(alert)
        if isinstance(plan, str):
            return self._suppressed(alert, plan)
        return self._dispatcher.submit(alert, plan, key=key, connection=connection)

    def report(self, alert_id: str) -> DeliveryReport:
        """What became of an alert, or how its deliveries stand.

        Raises:
            UnknownAlert: no such alert is remembered.
        """
        record = self.store.record(alert_id)
        if record is None:
            raise UnknownAlert(alert_id)
        return record.report or report_of(record, self._clock.now())

    def work(self) -> None:
        """Deliver what is in a shared store, whoever put it there; returns at once, and goes on until :meth:`close`."""
        self._dispatcher.work(self.registry.ready())

    @property
    def is_busy(self) -> bool:
        """Whether an attempt is under way here, or a delivery is about to begin."""
        return self._dispatcher.is_busy

    def route(self, alert: Alert) -> Routing:
        """Which channels the alert would go to, and why; nothing is sent."""
        return self._planner.route(alert)

    def plan(self, alert: Alert) -> Plan | str:
        """The way of the alert, or the reason why it goes nowhere; nothing is sent."""
        return self._planner.plan(alert)

    def add_channel(self, name: str, channel: object) -> Channel:
        """Take a channel of this process: an object with a marked ``send``, or a callable ``handler(alert)``."""
        return self.registry.add(name, channel)

    def enable_channel(self, name: str) -> None:
        """Let a channel take part (again); its circuits close and its paused recipients come back.

        Raises:
            UnknownChannel: nobody configured or installed it.
            ConfigError: it cannot be made ready, and why.
        """
        entry = self.registry.enable(name)
        if entry.state is not ChannelState.READY:
            raise ConfigError(f"{name} cannot be enabled: {entry.state}: {entry.reason}", entry.problems)

    def disable_channel(self, name: str) -> None:
        """Take a channel out; what is on its way goes on.

        Raises:
            UnknownChannel: nobody configured or installed it.
        """
        self.registry.disable(name)

    def test_channel(self, name: str) -> NotificationResult:
        """Really send a test message to every recipient of one channel; counts nowhere but in this result.

        Raises:
            UnknownChannel: nobody configured or installed it.
            ServiceClosed: after :meth:`close`.
        """
        if self._dispatcher.closed:
            raise ServiceClosed(CLOSED)
        entry = self.registry.find(name)
        if entry.channel is None or entry.state is not ChannelState.READY:
            error = f"{entry.state}: {entry.reason}"
            return NotificationResult(success=False, channel=name, timestamp=self._clock.now(), error=error)
        return test_delivery(entry.channel, self._clock, self.config.delivery.timeout)

    def get_channel_health(self, *, probe: bool = False) -> dict[str, dict[str, Any]]:
        """What is known about each configured channel, as plain values.

        Args:
            probe: also ask each ready channel's health hook, which sends nothing.
        """
        seconds = self.config.delivery.timeout
        return {
            name: health_of(entry, self._statistics, self._clock, seconds, ask=probe)
            for name, entry in self.registry.entries.items()
        }

    def get_statistics(self) -> dict[str, Any]:
        """Counts since the start; rates are 0.0 to 100.0."""
        ready = list(self.registry.ready())
        channels = {name: self._statistics.channel(name) for name in self.registry.entries}
        return self._statistics.totals() | {"active_channels": ready, "channels": channels}

    def get_recent_deliveries(self, limit: int = 10) -> list[DeliveryReport]:
        """The last finished reports, newest first."""
        return self.store.recent(limit)

    def record_receipt(self, channel: str, update: ReceiptUpdate) -> RecipientResult | None:
        """Keep what a provider says of a message after it took it, like a status callback.

        Updates may come late, repeated and out of order: the furthest state wins. Observers are told the alert's report
        anew where something changed; ``invalid_recipient`` pauses the recipient.

        Args:
            channel: name of the channel that sent it.
            update: as the channel's own function makes it from the provider's words, its signature checked.

        Returns:
            The recipient's result as it stands then; None where no message with this id is known. One that comes before
            the provider's answer to the request itself is kept until then.

        Raises:
            UnknownChannel: nobody configured or installed it.
            ConfigError: it is not ready.
        """
        entry = self.registry.find(channel)
        if entry.channel is None:
            raise ConfigError(f"{channel} is not ready: {entry.state}: {entry.reason}", entry.problems)
        delivery = self._dispatcher.record(entry.channel, update)
        return delivery.result() if delivery else None

    def close(self, timeout: float = 30.0, *, drain: bool = True) -> bool:
        """Take no more alerts, finish what is on its way, cancel what is left after ``timeout`` seconds.

        With a store that outlives the process nothing is cancelled: what is left goes on with the next worker.

        Args:
            timeout: seconds.
            drain: also begin what waits for its turn in this process; else only finish what has begun.

        Returns:
            True where everything was finished.
        """
        end = time.monotonic() + timeout
        finished = self._dispatcher.close(timeout, drain=drain)
        told = self._reporter.flush(max(0.0, end - time.monotonic()))
        self.store.close()  # first: what has arrived must be on record even where a channel hangs at its end
        self.registry.close()
        return finished and told

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _reported(self, report: DeliveryReport, earlier: Collection[tuple[str, str]], again: bool) -> None:
        self._statistics.count(report, earlier, again)
        self._reporter.tell(report)

    def _updated(self, before: Delivery, after: Delivery, report: DeliveryReport | None) -> None:
        if report is not None:  # else it is not counted yet
            self._statistics.amend(after.channel, before.state.is_success, after.state.is_success)
            self._reporter.tell(report)

    def _suppressed(self, alert: Alert, reason: str) -> DeliveryHandle:
        report = DeliveryReport.of(alert.alert_id, {}, suppressed=reason)
        self.store.suppress(alert, report)
        self._reported(report, (), False)
        handle = DeliveryHandle(alert.alert_id)
        handle.resolve(report)
        return handle
