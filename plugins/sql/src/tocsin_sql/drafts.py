"""What is to be written of an alert, made ready by who adds it: the one writer has the less to do for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import attrs

from tocsin import Alert
from tocsin.plan import Plan
from tocsin.store import Delivery
from tocsin_sql.rows import as_json, content_id, new_row, topic_of
from tocsin_sql.sealing import Seal

__all__ = ["Draft"]


@attrs.frozen
class Draft:
    """An alert as its rows.

    Attributes:
        key: stands for the client's own.
        row: of the alert, as it begins, or begins anew.
        content: the row of its content.
        rows: of its deliveries, in their order.
    """

    alert: Alert
    plan: Plan
    deliveries: Sequence[Delivery]
    key: str | None
    row: Mapping[str, Any]
    content: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, seal: Seal, alert: Alert, plan: Plan, deliveries: Sequence[Delivery], key: str | None) -> Self:
        """The draft of an alert that is added; its content is sealed."""
        topic = topic_of(alert)
        hashed = None if key is None else content_id(key)
        rows = [new_row(one, topic) for one in deliveries]
        return cls(alert, plan, deliveries, hashed, _row(alert, plan, hashed), seal.row(alert), rows)

    def unclaimed(self) -> Self:
        """The draft with all its deliveries waiting for a claim."""
        deliveries = [one if one.is_waiting else one.released() for one in self.deliveries]
        topic = topic_of(self.alert)
        return attrs.evolve(self, deliveries=deliveries, rows=[new_row(one, topic) for one in deliveries])


def _row(alert: Alert, plan: Plan, key: str | None) -> Mapping[str, Any]:
    return {
        "id": alert.alert_id,
        "client_key": key,
        "rank": alert.priority.rank,
        "status": str(alert.status),
        "plan": as_json(plan.to_dict()),
        "fail_fast": plan.fail_fast,
        "stage": 0,
        "closed": None,
        "report": None,
        "reported": False,
        "finished": None,
    }
