"""What the dispatcher keeps for one channel: its lane, how it makes an attempt, and how that is judged."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from tocsin.alert import Alert
from tocsin.channel import Channel
from tocsin.clock import Clock
from tocsin.deadline import Deadline
from tocsin.dispatch.gate import Gate
from tocsin.dispatch.lane import Lane
from tocsin.dispatch.verdict import Verdicts
from tocsin.errors import (
    AlertLost,
    ConnectionFailed,
    ContentLost,
    ContentSealed,
    DeliveryError,
    ErrorKind,
    Expired,
    PluginError,
    StoreError,
    not_attempted,
)
from tocsin.hookspecs import SendContext
from tocsin.log import event
from tocsin.receipt import Receipt
from tocsin.report import DeliveryState
from tocsin.retry import Random, RetryBudget, RetryPolicy
from tocsin.store import Delivery, Earlier, Settled, Store

__all__ = ["Judge", "Station"]

LEASE_MARGIN = 15.0
"""Seconds by which a lease is longer than the attempt it is for."""
_STORE_TROUBLE = 1.0
"""Seconds until a delivery whose alert could not be read is tried again."""
_SEALED = 60.0
"""Seconds until one whose alert needs another key comes up again: then a worker that has it may be the one to claim."""


class Judge:
    """Judges the attempts of a channel, within its retry budget. Thread-safe.

    Args:
        policy: when to try again.
        rng: randomness of the backoff.
        now: the store's clock.
        has_plain: whether the channel has a simpler form.
        held_back: why what waits for the channel is not taken up; empty where it is.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        rng: Random,
        now: Callable[[], float],
        has_plain: bool = False,
        held_back: Callable[[], str] = str,
    ) -> None:
        self._now = now
        self._budget = RetryBudget(now())
        self._lock = threading.Lock()
        self._verdicts = Verdicts(policy, rng, self._extra_wait, has_plain, held_back)

    def judge(
        self, delivery: Delivery, result: Receipt | DeliveryError, started_at: datetime, duration: float
    ) -> Delivery:
        """The delivery's next state after an attempt, or after a refusal by a policy.

        A fault in the judgement itself ends this delivery, and not the worker.
        """
        try:
            return self._judge(delivery, result, started_at, duration)
        except Exception as error:
            words = f"the result could not be judged: {type(error).__name__}"
            return delivery.changed(state=DeliveryState.FAILED, error_kind=ErrorKind.PLUGIN, error=words)

    def _judge(
        self, delivery: Delivery, result: Receipt | DeliveryError, started_at: datetime, duration: float
    ) -> Delivery:
        if not delivery.attempts:
            with self._lock:
                self._budget.first_try()
        if isinstance(result, Receipt):
            return self._verdicts.accepted(delivery, result, started_at, duration)
        return self._verdicts.failed(delivery, result, self._now(), started_at, duration)

    def _extra_wait(self) -> float:
        with self._lock:
            return self._budget.take(self._now())


class Station:
    """A channel's place in the dispatcher. Thread-safe.

    Args:
        channel: the facade.
        store: where its deliveries come from and go back to.
        clock, rng: time and randomness.
        policy: when to try again.
        timeout: seconds for one attempt, where the channel has none of its own.
        workers: likewise.
        on_settled: told what followed from each attempt, and whether there was one; it may call the store.
        end_overdue: ends what expired without a turn.
        given_back: told that the lane gave back what others can take.
    """

    def __init__(
        self,
        channel: Channel,
        *,
        store: Store,
        clock: Clock,
        rng: Random,
        policy: RetryPolicy,
        timeout: float,
        workers: int,
        on_settled: Callable[[Station, Settled, bool], None],
        end_overdue: Callable[[], None],
        given_back: Callable[[], None],
    ) -> None:
        self.channel = channel
        gate = Gate(
            lambda: channel.breaker.hold(channel.recipients), channel.throttle, len(channel.recipients), store.now
        )
        self.judge = Judge(policy, rng, store.now, channel.capabilities.plain, gate.reason).judge
        self._store = store
        self._clock = clock
        self._timeout = channel.timeout or timeout
        self._on_settled = on_settled
        self.lane = Lane(
            channel.name,
            channel.workers or workers,
            store,
            clock,
            self,
            self._timeout + LEASE_MARGIN,
            gate,
            end_overdue,
            given_back,
        )

    def seconds(self, delivery: Delivery) -> float:
        """See :class:`Performer`."""
        return max(0.0, min(self._timeout, delivery.expires - self._store.now()))

    def perform(self, delivery: Delivery, alert: Alert | None, deadline: Deadline) -> Receipt:
        """See :class:`Performer`."""
        alert, earlier = self._remembered(delivery, alert)
        recipient = self.channel.recipient(delivery.recipient_id)
        if alert is None or recipient is None:
            raise PluginError("the alert or its recipient is no longer known", hint="")
        left = delivery.expires - self._store.now()
        if left <= 0:
            raise not_attempted(Expired("the alert's deadline passed before its turn"))
        return self.channel.send(
            alert,
            recipient,
            SendContext(
                key=delivery.key,
                deadline=deadline,
                now=self._clock.now(),
                attempt=len(delivery.attempts) + 1,
                plain=delivery.plain,
                repeated=delivery.repeated,
                patience=left,
                previous=earlier.receipt if earlier else None,
                louder=earlier is not None and earlier.is_topped_by(alert),
                client=self.channel.client,
            ),
        )

    def _remembered(self, delivery: Delivery, alert: Alert | None) -> tuple[Alert | None, Earlier | None]:
        """The alert, and what its recipient got before; a store that cannot be read now is asked again later.

        An alert that is lost for good ends the delivery, since no later try could read it.
        """
        try:
            alert = alert or self._store.alert(delivery.alert_id)
            if alert is None or alert.dedup_key is None:
                return alert, None
            return alert, self._store.previous(alert, self.channel.name, delivery.recipient_id)
        except ContentLost as error:
            raise not_attempted(AlertLost(str(error))) from None
        except StoreError as error:
            wait = _SEALED if isinstance(error, ContentSealed) else _STORE_TROUBLE
            raise not_attempted(ConnectionFailed(str(error), retry_after=wait, hint="")) from None

    def settle(self, delivery: Delivery, result: Receipt | DeliveryError, started_at: datetime, seconds: float) -> None:
        """See :class:`Performer`."""
        after = self.judge(delivery, result, started_at, seconds)
        after = after.changed(lost=0) if after.lost else after
        attempted = len(after.attempts) > len(delivery.attempts)
        try:
            self._store.complete(after, lambda settled: self._on_settled(self, settled, attempted))
        except Exception as error:  # closed meanwhile: the lease runs out, and the next worker takes the delivery over
            event(
                logging.ERROR,
                "result_not_kept",
                alert_id=after.alert_id,
                channel=after.channel,
                outcome=str(after.state),
                error=type(error).__name__,
            )
