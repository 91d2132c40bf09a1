"""What the memory store keeps of one alert."""

from __future__ import annotations

import attrs

from tocsin.alert import Alert
from tocsin.plan import Plan
from tocsin.report import DeliveryReport
from tocsin.store.delivery import Delivery, Record

__all__ = ["Entry"]


@attrs.define(eq=False)
class Entry:
    """An alert with its deliveries; ``open`` counts those that have begun their stage and not ended."""

    alert: Alert
    plan: Plan
    key: str | None = None
    stage: int = 0
    open: int = 0
    deliveries: dict[tuple[str, str], Delivery] = attrs.field(factory=dict)
    report: DeliveryReport | None = None
    reported: bool = False
    closed: str | None = None

    def record(self) -> Record:
        """The entry as a value."""
        return Record(
            alert_id=self.alert.alert_id,
            alert=self.alert,
            plan=self.plan,
            stage=self.stage,
            deliveries=tuple(self.deliveries.values()),
            report=self.report,
            closed=self.closed,
        )

    def replayed(self, unit: tuple[str, str] | None, now: float) -> list[Delivery]:
        """New starts of what ended without success, or of the one named."""
        return [
            one.replayed(now, self.plan.lifetime)
            for one in self.deliveries.values()
            if unit in (None, one.unit) and one.is_replayable(named=unit is not None)
        ]
