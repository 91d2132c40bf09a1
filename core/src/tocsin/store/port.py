"""The port: what the dispatcher needs of whatever remembers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tocsin.alert import Alert
from tocsin.report import DeliveryReport
from tocsin.store.delivery import Delivery, Earlier

__all__ = ["Store"]


class Store(Protocol):
    """The port of what is remembered. Called from many threads; times are seconds of the dispatcher's clock."""

    def add(self, alert: Alert, deliveries: Sequence[Delivery]) -> None:
        """Remember an alert and its pending deliveries: all or none.

        Raises:
            QueueFull: too many deliveries are waiting.
        """

    def claim(self, channel: str, now: float) -> Delivery | None:
        """Take one due delivery, most urgent first, and mark it in flight; None where none is due."""

    def next_due(self, channel: str) -> float | None:
        """When the channel's next waiting delivery is due; None where none waits."""

    def update(self, delivery: Delivery) -> None:
        """Replace what is known about a delivery; one that is not final waits until it is due."""

    def cancel(self, alert_id: str, reason: str, started: bool = False) -> list[Delivery]:
        """Cancel the alert's waiting deliveries: those never tried, with ``started`` the others too. Returns them."""

    def alert(self, alert_id: str) -> Alert | None:
        """The alert, as long as it is remembered."""

    def deliveries(self, alert_id: str) -> list[Delivery]:
        """The alert's deliveries in the order in which they were added."""

    def find(self, channel: str, provider_id: str) -> Delivery | None:
        """The finished delivery that the provider knows by this id; None where it is not remembered."""

    def amend(self, delivery: Delivery) -> None:
        """Replace what is known about a finished delivery, and the result in its alert's report."""

    def previous(self, alert: Alert, channel: str, recipient_id: str) -> Earlier | None:
        """What this recipient last got of another alert with this ``dedup_key``, or with it as its id."""

    def remember(self, report: DeliveryReport) -> None:
        """Keep a finished report."""

    def report(self, alert_id: str) -> DeliveryReport | None:
        """The last report about an alert."""

    def recent(self, limit: int) -> list[DeliveryReport]:
        """The last finished reports, newest first."""

    def waiting(self) -> int:
        """How many deliveries wait or are in flight."""
