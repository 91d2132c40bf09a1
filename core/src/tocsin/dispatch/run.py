"""One alert on its way through its plan, and the handle by which its caller waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import datetime

import attrs

from tocsin.alert import Alert
from tocsin.channel import Channel
from tocsin.dispatch.plan import Plan
from tocsin.report import DeliveryReport, NotificationResult
from tocsin.store import Delivery

__all__ = ["DeliveryHandle", "Run"]


class DeliveryHandle:
    """What ``enqueue`` returns: the report to come."""

    def __init__(self, alert_id: str) -> None:
        self.alert_id = alert_id
        self.future: Future[DeliveryReport] = Future()
        self.future.set_running_or_notify_cancel()

    def result(self, timeout: float | None = None) -> DeliveryReport:
        """Wait for the report.

        Args:
            timeout: seconds; None waits as long as it takes, which the alert's deadline bounds.

        Raises:
            TimeoutError: not finished yet; the delivery goes on.
        """
        try:
            return self.future.result(timeout)
        except TimeoutError:
            raise TimeoutError(
                f"alert {self.alert_id} was not finished within {timeout} s; its delivery goes on"
            ) from None

    def done(self) -> bool:
        """Whether the report is there."""
        return self.future.done()

    def add_done_callback(self, callback: Callable[[DeliveryReport], object]) -> None:
        """Call back with the report, at once where it is there, else in the thread that finishes it."""
        self.future.add_done_callback(lambda future: callback(future.result()))

    def __repr__(self) -> str:
        return f"DeliveryHandle({self.alert_id!r}, done={self.done()})"


@attrs.define(eq=False)
class Run:
    """Goes through the stages of a plan, then its fallback, then reports.

    Attributes:
        launch: starts the deliveries of one stage; returns those that had succeeded when the alert was sent before.
        cancel: cancels what has not begun and returns it.
        finish: told the report.
    """

    alert: Alert
    plan: Plan
    handle: DeliveryHandle
    now: Callable[[], datetime]
    began: float
    launch: Callable[[Run, tuple[Channel, ...], bool], list[Delivery]]
    cancel: Callable[[str], list[Delivery]]
    finish: Callable[[Run, DeliveryReport], None]
    _lock: threading.RLock = attrs.field(factory=threading.RLock, init=False)
    _stage: int = attrs.field(default=-1, init=False)
    _open: set[tuple[str, str]] = attrs.field(factory=set, init=False)
    _ended: dict[str, dict[tuple[str, str], Delivery]] = attrs.field(factory=dict, init=False)
    _ended_at: dict[str, datetime] = attrs.field(factory=dict, init=False)
    _failed_fast: str | None = attrs.field(default=None, init=False)
    _closed: str | None = attrs.field(default=None, init=False)
    _reported: bool = attrs.field(default=False, init=False)
    _refused: dict[str, str] = attrs.field(factory=dict, init=False)
    earlier: set[tuple[str, str]] = attrs.field(factory=set, init=False)

    def start(self) -> None:
        """Begin with the first stage; what keeps it from beginning is raised."""
        self._advance(first=True)

    def settled(self, delivery: Delivery) -> None:
        """A delivery of this run has ended."""
        with self._lock:
            self._end(delivery)
            if self.plan.fail_fast and not delivery.state.is_success and self._failed_fast is None:
                self._failed_fast = f"fail-fast: {delivery.channel} had failed"
                self._stage = max(self._stage, len(self.plan.stages) - 1)
                for other in self.cancel(self._failed_fast):
                    self._end(other)
            if self._open:
                return
        self._advance()

    def amended(self, delivery: Delivery) -> None:
        """The provider said more about a delivery that has ended, while others are on their way."""
        with self._lock:
            if delivery.unit in self._ended.get(delivery.channel, {}):
                self._ended[delivery.channel][delivery.unit] = delivery

    def stop(self, reason: str, cancelled: Iterable[Delivery]) -> None:
        """The service closes: nothing further begins, and what it cancelled has ended."""
        with self._lock:
            self._closed = reason
            for delivery in cancelled:
                self._end(delivery)
            if self._open:
                return
        self._advance()

    def _end(self, delivery: Delivery) -> None:
        self._open.discard(delivery.unit)
        self._ended.setdefault(delivery.channel, {})[delivery.unit] = delivery
        self._ended_at[delivery.channel] = self.now()

    def _advance(self, *, first: bool = False) -> None:
        """Begin stage after stage until one has something to wait for, or none is left."""
        while True:
            with self._lock:
                if self._open or self._reported:
                    return
                channels = self._next_stage()
                if channels is None:
                    self._reported = True
                    break
                self._begin(channels, first=first)
                first = False
                if self._open:
                    return
        self.finish(self, self._report())

    def _begin(self, channels: tuple[Channel, ...], *, first: bool) -> None:
        self._open = {(channel.name, r.id) for channel in channels for r in channel.recipients}
        is_fallback = self._stage >= len(self.plan.stages)
        try:
            before = self.launch(self, channels, is_fallback)
        except Exception as error:
            if first:
                raise
            self._open.clear()
            self._refused |= {channel.name: f"not begun: {error}" for channel in channels}
            return
        for delivery in before:
            self.earlier.add(delivery.unit)
            self._end(delivery)

    def _next_stage(self) -> tuple[Channel, ...] | None:
        self._stage += 1
        if self._closed is not None:
            return None
        if self._stage < len(self.plan.stages):
            return self.plan.stages[self._stage]
        if self._any_accepted():
            return None
        fallback = self._stage - len(self.plan.stages)
        return (self.plan.fallback[fallback],) if fallback < len(self.plan.fallback) else None

    def _any_accepted(self) -> bool:
        return any(one.state.is_success for ended in self._ended.values() for one in ended.values())

    def _report(self) -> DeliveryReport:
        results = {name: self._unavailable(name, reason) for name, reason in self.plan.unavailable.items()}
        for channel in (channel for stage in self.plan.stages for channel in stage):
            results[channel.name] = self._result(channel, fallback=False)
        for channel in self.plan.fallback:
            begun = channel.name in self._ended or channel.name in self._refused
            if begun and channel.name not in results:
                results[channel.name] = self._result(channel, fallback=True)
        if not any(recipient.success for result in results.values() for recipient in result.recipients):
            for name, reason in self.plan.fallback_unavailable.items():
                results.setdefault(name, attrs.evolve(self._unavailable(name, reason), fallback=True))
        return DeliveryReport.of(self.alert.alert_id, results)

    def _unavailable(self, name: str, reason: str) -> NotificationResult:
        return NotificationResult(success=False, channel=name, timestamp=self.now(), error=reason)

    def _result(self, channel: Channel, *, fallback: bool) -> NotificationResult:
        by_unit = self._ended.get(channel.name, {})
        units = [(channel.name, recipient.id) for recipient in channel.recipients]
        ended = [by_unit[unit] for unit in units if unit in by_unit]
        when = self._ended_at.get(channel.name) or self.now()
        if not ended:
            cancelled = f"cancelled ({self._closed or self._failed_fast or 'not tried'})"
            error = self._refused.get(channel.name, cancelled)
            return NotificationResult(
                success=False, channel=channel.name, timestamp=when, error=error, fallback=fallback
            )
        results = [one.result() for one in ended]
        return NotificationResult.of(channel.name, results, when, fallback=fallback)
