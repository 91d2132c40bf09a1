"""The port: what the dispatcher needs of whatever remembers, in this process or beyond it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import attrs

from tocsin.alert import Alert
from tocsin.clock import Clock
from tocsin.plan import Plan
from tocsin.report import DeliveryReport, DeliveryState
from tocsin.store.delivery import Delivery, Earlier, Record

__all__ = ["Added", "Claim", "Settled", "Store"]


@attrs.frozen(kw_only=True)
class Added:
    """What became of an alert that was to be remembered.

    Attributes:
        alert_id: of the alert that is kept; the earlier one's where the client's key was known.
        fresh: channels of the deliveries that are due now and wait for a claim, one entry for each.
        taken: deliveries that were given as claimed and are.
        before: units that had succeeded when the alert was sent before.
        again: the alert had been reported on before.
        report: where nothing is left to deliver.
        known: the client's key named an earlier alert, and nothing was stored.
    """

    alert_id: str
    fresh: tuple[str, ...] = ()
    taken: tuple[Delivery, ...] = ()
    before: frozenset[tuple[str, str]] = frozenset()
    again: bool = False
    report: DeliveryReport | None = None
    known: bool = False


@attrs.frozen
class Claim:
    """Deliveries taken under a lease, most urgent first, and when to ask again.

    Attributes:
        next_due: when the channel's next waiting delivery is due, on the store's clock; None where none waits.
    """

    deliveries: tuple[Delivery, ...]
    next_due: float | None


@attrs.frozen(kw_only=True)
class Settled:
    """What followed from the end of an attempt.

    Attributes:
        taken: False where the lease had gone to another worker: nothing was changed.
        delivery: as it stands now.
        begun: channels whose deliveries became due with it, one entry for each.
        report: where it was the alert's last.
    """

    taken: bool
    delivery: Delivery
    begun: tuple[str, ...] = ()
    report: DeliveryReport | None = None


class Store(Protocol):
    """What is remembered. Called from many threads; times are seconds of the store's own clock.

    After each change of an alert the store takes the steps that ``next_step`` names until it names none, in the same
    transaction: no crash leaves an alert between two stages, or ended without a report.
    """

    shared: bool
    """Other processes may use it too, and it outlives this one: what is on its way is left to them at the end."""

    def open(self, clock: Clock, news: Callable[[], None]) -> None:
        """Called once by the service, before anything else.

        Args:
            clock: the store's time comes from it.
            news: to be called, from any thread, where the store learns that others put something there.
        """

    def now(self) -> float:
        """The store's clock in seconds: never back, whatever the wall clock does; the same for all who share it."""

    def add(
        self,
        alert: Alert,
        plan: Plan,
        deliveries: Sequence[Delivery],
        *,
        key: str | None = None,
        connection: Any = None,
        undone: Callable[[], None] = lambda: None,
    ) -> Added:
        """Remember an alert and its deliveries of all stages: all or none. Returns once that is certain.

        Of an alert that is known already, what arrived or is on its way stays, the rest starts anew
        (``Delivery.renewed``).

        Args:
            alert: what happened.
            plan: its way.
            deliveries: pending; due now in the first stage, infinite in the later ones. One that the caller begins at
                once may be claimed already (``Delivery.claimed``): its attempt is noted as begun with it.
            key: the client's own; an alert under a key that is known is not stored again.
            connection: the application's own, in whose transaction to write; for stores that can.
            undone: called, from any thread, where that transaction was rolled back and nothing of the alert is kept.

        Raises:
            QueueFull: too many deliveries are waiting; a tenth of the room, at least one place, is kept for CRITICAL.
            StoreError: it cannot be kept now.
        """

    def claim(self, channel: str, limit: int, seconds: float) -> Claim:
        """Take due deliveries of a channel, most urgent first, then longest due, under a lease of so many seconds.

        The attempt is noted as begun with it, so that a crash leaves it visible.
        """

    def due(self) -> list[str]:
        """The channels that have a delivery due now."""

    def release(self, deliveries: Sequence[Delivery]) -> None:
        """Give claimed deliveries back that were not begun; one that was lost meanwhile stays lost.

        Where its alert was closed meanwhile (:meth:`cancel`), a delivery is cancelled.
        """

    def extend(self, deliveries: Sequence[Delivery], seconds: float) -> None:
        """Renew leases from now; one that was lost meanwhile stays lost."""

    def complete(self, delivery: Delivery, then: Callable[[Settled], None]) -> None:
        """Replace what is known about a claimed delivery, if its token is still the last one.

        A delivery that has not ended waits until it is due. ``then`` is called once it is certain, in this thread or
        one of the store's, and must be short.
        """

    def lost(self, limit: int, seconds: float) -> list[Delivery]:
        """Claim deliveries of any channel whose lease ran out; ``lost`` counts how often in a row."""

    def overdue(self, limit: int, seconds: float) -> list[Delivery]:
        """Claim waiting deliveries of any channel whose time to live is over."""

    def cancel(
        self, alert_id: str, reason: str, unit: tuple[str, str] | None = None, *, close: bool = False
    ) -> list[Delivery]:
        """Cancel the waiting deliveries of an alert, or one of them. Returns them.

        Args:
            alert_id: of the alert.
            reason: said in the report.
            unit: channel and recipient id of the only one.
            close: nothing further begins, and what is in flight is not retried.
        """

    def replay(self, alert_id: str, unit: tuple[str, str] | None = None) -> list[Delivery]:
        """Start anew what ended without success, or the one named; returns what is due now."""

    def record(self, alert_id: str) -> Record | None:
        """Everything that is known about an alert."""

    def alert(self, alert_id: str) -> Alert | None:
        """The alert, as long as its content is kept.

        Raises:
            ContentLost: it is damaged for good.
            ContentSealed: it is encrypted, and not with this process's key.
            StoreError: it cannot be read now.
        """

    def find(self, channel: str, provider_id: str) -> Delivery | None:
        """The finished delivery that the provider knows by this id; None where it is not remembered."""

    def amend(self, delivery: Delivery) -> DeliveryReport | None:
        """Replace what is known about a finished delivery, and its result in the report, which is returned."""

    def previous(self, alert: Alert, channel: str, recipient_id: str) -> Earlier | None:
        """What this recipient last got of another alert with this ``dedup_key``, or with it as its id."""

    def suppress(self, alert: Alert, report: DeliveryReport) -> None:
        """Remember an alert that goes nowhere, with the report that says why."""

    def report(self, alert_id: str) -> DeliveryReport | None:
        """The last report about an alert."""

    def reports(self, alert_ids: Sequence[str]) -> list[DeliveryReport]:
        """The last reports about those of these alerts that have one, in any order: one question for thousands."""

    def recent(self, limit: int) -> list[DeliveryReport]:
        """The last finished reports, newest first."""

    def select(
        self, *, states: Sequence[DeliveryState] = (), channel: str | None = None, limit: int = 100
    ) -> list[Delivery]:
        """Deliveries, newest alert first; all states and channels where none is named."""

    def waiting(self) -> int:
        """How many deliveries wait or are in flight."""

    def save_channel(self, name: str, state: Mapping[str, Any]) -> None:
        """Keep what is to be known of a channel beyond this process: JSON values."""

    def load_channel(self, name: str) -> Mapping[str, Any] | None:
        """What :meth:`save_channel` kept last."""

    def forget(self) -> None:
        """Start anew in a forked child: it has no thread and no connection of its parent."""

    def close(self) -> None:
        """Finish what is to be written, and let go of everything."""
