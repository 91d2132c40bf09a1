"""What the tests of a store share: small alerts, a clock of their own, and waiting for what is told later."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from tocsin.alert import Alert
from tocsin.plan import Plan
from tocsin.receipt import Receipt
from tocsin.report import Attempt, DeliveryState
from tocsin.store import Delivery, Settled, Store
from tocsin.testing.clock import FakeClock

__all__ = ["LEASE", "StoreRig", "alert", "attempt", "delivery", "outcome", "settle"]

LEASE = 30.0
_PATIENCE = 30.0


def alert(**fields: Any) -> Alert:
    """A small alert."""
    return Alert(**{"title": "t", "message": "m"} | fields)


def delivery(of: Alert, store: Store, channel: str = "x", recipient: str = "r", **fields: Any) -> Delivery:
    """A pending delivery of an alert, due now."""
    now = store.now()
    given: dict[str, Any] = {
        "recipient": recipient,
        "key": f"{of.alert_id}-{channel}-{recipient}",
        "rank": of.priority.rank,
    }
    times = {"due": now, "expires": now + 100.0}
    return Delivery(alert_id=of.alert_id, channel=channel, recipient_id=recipient, **given | times | fields)


def attempt(outcome: str = "accepted", **fields: Any) -> Attempt:
    """An attempt that took a quarter of a second."""
    return Attempt(started_at=datetime(2026, 1, 1, tzinfo=UTC), duration=0.25, outcome=outcome, **fields)


def outcome(claimed: Delivery, state: DeliveryState = DeliveryState.ACCEPTED, **fields: Any) -> Delivery:
    """A claimed delivery after an attempt."""
    receipt = Receipt(provider_id=f"id-{claimed.key}", details={"n": 1}) if state.is_success else None
    word = str(state) if state.is_success else "retry"
    given = {"receipt": receipt, "attempts": (*claimed.attempts, attempt(word))}
    return attrs.evolve(claimed, state=state, **given | fields)


def settle(store: Store, after: Delivery) -> Settled:
    """Complete a delivery, and wait until that is certain."""
    told: list[Settled] = []
    certain = threading.Event()

    def then(settled: Settled) -> None:
        told.append(settled)
        certain.set()

    store.complete(after, then)
    assert certain.wait(_PATIENCE), "complete has not told what followed"
    return told[0]


class StoreRig:
    """The fixtures of the suite; the subclass supplies ``make_store``, and ``spoil`` where content can be damaged."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        """Time that only the test moves."""
        return FakeClock()

    @pytest.fixture
    def spoil(self) -> Callable[[str], None] | None:
        """Damages what is kept of an alert's content, given its id; None where nothing can."""
        return None

    @pytest.fixture
    def store(self, make_store: Callable[..., Store], clock: FakeClock) -> Iterator[Store]:
        """An open store with room for five deliveries, and for one more of a CRITICAL alert."""
        store = make_store(max_waiting=6)
        store.open(clock, lambda: None)
        yield store
        store.close()

    @staticmethod
    def put(
        store: Store,
        of: Alert,
        units: Iterable[str | tuple[str, str]] = ("x",),
        *,
        plan: Plan | None = None,
        **how: Any,
    ) -> list[Delivery]:
        """Add an alert whose units are names of channels, or channels with recipients, all in the first stage.

        With a plan, later stages wait for their begin.
        """
        pairs = [(unit, "r") if isinstance(unit, str) else unit for unit in units]
        plan = plan or Plan((tuple(dict.fromkeys(channel for channel, _ in pairs)),), lifetime=100.0)
        stages = {name: stage for stage, name in plan.staged}
        made = [
            delivery(
                of, store, channel, recipient, stage=stages[channel], **({"due": math.inf} if stages[channel] else {})
            )
            for channel, recipient in pairs
        ]
        store.add(of, plan, made, **how)
        return made

    @staticmethod
    def one(store: Store, channel: str = "x") -> Delivery:
        """Claim the one delivery of a channel that is due."""
        (claimed,) = store.claim(channel, 5, LEASE).deliveries
        return claimed

    @staticmethod
    def put_made(store: Store, of: Alert, made: list[Delivery]) -> None:
        """Add an alert with deliveries that the test made, all in one stage."""
        store.add(of, Plan((tuple(dict.fromkeys(one.channel for one in made)),), lifetime=100.0), made)
