"""An alert whose own row is lost, put together again from what its deliveries tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs
import sqlalchemy as sa

from tocsin import DeliveryState
from tocsin.plan import Plan
from tocsin.store.progress import report_of
from tocsin_sql.queries import record_of
from tocsin_sql.rows import as_json, deliveries_of
from tocsin_sql.schema import alerts, deliveries

__all__ = ["Remains", "ending"]

_STATUS = "firing"
"""Most alerts fire. It only decides how loud the next one about the same is."""


@attrs.define(eq=False)
class Remains:
    """What the deliveries of one alert tell of it.

    Its plan is what can be seen of it: a stage is a fallback where a delivery of it was not needed. One that had not
    come to that yet counts as chosen, for a message too many is better than one too few.
    """

    ranks: set[int] = attrs.field(factory=set)
    stages: dict[int, list[str]] = attrs.field(factory=dict)
    begun: set[int] = attrs.field(factory=lambda: {0})
    spared: set[int] = attrs.field(factory=set)
    states: Counter[str] = attrs.field(factory=Counter)

    def add(self, row: Mapping[str, Any]) -> None:
        """Take note of a delivery's row."""
        stage, names = row["stage"], self.stages.setdefault(row["stage"], [])
        if row["channel"] not in names:
            names.append(row["channel"])
        self.ranks.add(row["rank"])
        self.states[row["state"]] += 1
        if row["state"] == DeliveryState.SUPPRESSED:
            self.spared.add(stage)
        elif row["due"] != float("inf"):
            self.begun.add(stage)

    def row(self, alert_id: str) -> dict[str, Any]:
        """The alert's row."""
        return {
            "id": alert_id,
            "client_key": None,
            "rank": min(self.ranks),
            "status": _STATUS,
            "plan": as_json(self._plan().to_dict()),
            "fail_fast": False,
            "stage": max(self.begun),
            "closed": None,
            "report": None,
            "reported": False,
            "finished": None,
        }

    def summary(self) -> str:
        """Their states, like ``2 accepted, 1 pending``."""
        return ", ".join(f"{count} {state}" for state, count in sorted(self.states.items()))

    def _plan(self) -> Plan:
        end = max(self.stages) + 1
        chosen = min(self.spared, default=end)
        fallback = [name for stage in range(chosen, end) for name in self.stages.get(stage, ())]
        return Plan([self.stages.get(stage, ()) for stage in range(chosen)], fallback)


def ending(connection: sa.Connection, alert_id: str) -> dict[str, Any] | None:
    """What is to be written into the row of an alert all of whose deliveries have ended; None where one has not."""
    row = connection.execute(sa.select(alerts).where(alerts.c.id == alert_id)).one()
    rows = connection.execute(sa.select(deliveries).where(deliveries.c.alert_id == alert_id)).all()
    record = record_of(row, deliveries_of(connection, rows), None)
    if not all(one.state.is_final for one in record.deliveries):
        return None
    needed = [one for one in record.deliveries if one.state is not DeliveryState.SUPPRESSED]
    report = report_of(attrs.evolve(record, deliveries=tuple(needed)), datetime.now(UTC))
    ended = max((one.ended for one in rows if one.ended is not None), default=0.0)
    return {"report": report.to_json(), "reported": True, "finished": ended}
