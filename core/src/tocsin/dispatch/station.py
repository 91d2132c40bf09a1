"""What the dispatcher keeps for one channel: its lane, its retry budget, and the judgement of its attempts."""

from __future__ import annotations

import threading
from datetime import datetime

import attrs

from tocsin.clock import Clock
from tocsin.dispatch.lane import Lane
from tocsin.dispatch.verdict import Verdicts
from tocsin.errors import DeliveryError, ErrorKind
from tocsin.receipt import Receipt
from tocsin.report import DeliveryState
from tocsin.retry import Random, RetryBudget, RetryPolicy
from tocsin.store import Delivery

__all__ = ["Station"]


class Station:
    """A channel's place in the dispatcher. Thread-safe."""

    def __init__(self, lane: Lane, policy: RetryPolicy, rng: Random, clock: Clock, has_plain: bool) -> None:
        self.lane = lane
        self._clock = clock
        self._budget = RetryBudget(clock.monotonic())
        self._lock = threading.Lock()
        self._verdicts = Verdicts(policy, rng, self._extra_wait, has_plain)

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
            return attrs.evolve(delivery, state=DeliveryState.FAILED, error_kind=ErrorKind.PLUGIN, error=words)

    def _judge(
        self, delivery: Delivery, result: Receipt | DeliveryError, started_at: datetime, duration: float
    ) -> Delivery:
        if not delivery.attempts:
            with self._lock:
                self._budget.first_try()
        if isinstance(result, Receipt):
            return self._verdicts.accepted(delivery, result, started_at, duration)
        return self._verdicts.failed(delivery, result, self._clock.monotonic(), started_at, duration)

    def _extra_wait(self) -> float:
        with self._lock:
            return self._budget.take(self._clock.monotonic())
