"""What changes in one transaction: an alert's deliveries, and the steps that follow from their ends."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import attrs
import sqlalchemy as sa

from tocsin import DeliveryReport, DeliveryState
from tocsin.store import Delivery, Record, begun, cancelled, is_cancellable, next_step
from tocsin.store.progress import NOT_NEEDED, NOTHING
from tocsin_sql.ended import Ended
from tocsin_sql.queries import record_of
from tocsin_sql.room import Room
from tocsin_sql.rows import deliveries_of, delivery_values, unit_values
from tocsin_sql.schema import alerts, deliveries
from tocsin_sql.sealing import Seal
from tocsin_sql.statements import Listing, Statement

__all__ = ["Ledger"]

_THIS = (
    deliveries.c.alert_id == sa.bindparam("of"),
    deliveries.c.channel == sa.bindparam("in_channel"),
    deliveries.c.recipient_id == sa.bindparam("to"),
)
_WORK = ("due", "expires", "stage", "state", "tries", "plain", "token", "lease", "lost", "attempted", "ended")
_CHANGED = (*_WORK, "receipt", "provider_id", "error_kind", "error", "hint")
_REPLACE = Statement(
    sa.update(deliveries)
    .where(*_THIS, deliveries.c.state == sa.bindparam("was"), deliveries.c.token == sa.bindparam("held"))
    .values({name: sa.bindparam(name) for name in _CHANGED})
)
_COMPLETE = Statement(
    sa.update(deliveries)
    .where(deliveries.c.id == sa.bindparam("number"))
    .values({name: sa.bindparam(name) for name in _CHANGED if name != "token"})
)
_ALERT = Statement(sa.select(alerts).where(alerts.c.id == sa.bindparam("of")).with_for_update())
_MARK = [deliveries.c[name] for name in ("id", "alert_id", "state", "token", "attempted", "receipt")]
_MARKS = Listing(lambda ids: sa.select(*_MARK).where(deliveries.c.alert_id.in_(ids)).with_for_update())
_THESE = Listing(lambda ids: sa.select(deliveries).where(deliveries.c.id.in_(ids)))
_UPDATE: Any = sa.update(alerts).where(alerts.c.id == sa.bindparam("of"))
_STAGE = Statement(_UPDATE.values(stage=sa.bindparam("stage")))
_REPORT = Statement(_UPDATE.values(report=sa.bindparam("report")))
_REOPEN = Statement(_UPDATE.values(report=None, finished=None, closed=None))
_CLOSE = Statement(_UPDATE.values(closed=sa.bindparam("closed")))
_FINISH = Statement(
    _UPDATE.values(
        stage=sa.bindparam("stage"), report=sa.bindparam("report"), reported=True, finished=sa.bindparam("finished")
    )
)


@attrs.define(eq=False)
class Ledger:
    """One transaction's view of the store.

    Attributes:
        connection: in whose transaction.
        now: on the store's clock.
        wall: on the wall clock.
        room: told how many deliveries more or fewer wait.
        ended: told each delivery whose end is written.
    """

    connection: sa.Connection
    now: float
    wall: datetime
    seal: Seal
    room: Room
    ended: Ended = attrs.field(factory=Ended)

    def record(self, alert_id: str) -> Record | None:
        """The alert as it stands without its content, its rows locked until the transaction ends."""
        row = _ALERT.first(self.connection, {"of": alert_id})
        return None if row is None else self.record_of(row)

    def record_of(self, row: Any) -> Record:
        """The record of an alert's row, which is locked."""
        return self.records([row])[0]

    def records(self, rows: Sequence[Any]) -> list[Record]:
        """The records of these alerts' rows, which are locked; of deliveries that ended here little is read."""
        marks = sorted(_MARKS.all(self.connection, [row.id for row in rows]), key=lambda mark: mark.id)
        known = {mark.id: delivery for mark in marks if (delivery := self.ended.recall(mark)) is not None}
        others = _THESE.all(self.connection, [mark.id for mark in marks if mark.id not in known])
        known |= {row.id: one for row, one in zip(others, deliveries_of(self.connection, others), strict=True)}
        found: dict[str, list[Delivery]] = {row.id: [] for row in rows}
        for mark in marks:
            found[mark.alert_id].append(known[mark.id])
        return [record_of(row, found[row.id], None) for row in rows]

    def complete(self, changed: Iterable[tuple[int, Delivery]]) -> None:
        """Write what attempts made of deliveries whose rows are locked, each with the number of its row."""
        written = []
        for number, after in changed:
            is_final = after.state.is_final
            values = delivery_values(after, self.now if is_final else None)
            written.append({"number": number, **values})
            if is_final:
                self.room.add(-1)
                self.ended.note(number, after, values["receipt"])
        _COMPLETE.change_each(self.connection, written)

    def replace(self, before: Delivery, after: Delivery) -> bool:
        """Write a delivery that changed; False where somebody else changed it before."""
        ended = self.now if after.state.is_final else None
        values = {"was": str(before.state), "held": before.token}
        changed = _REPLACE.change(self.connection, {**unit_values(before), **values, **delivery_values(after, ended)})
        if changed:
            self.room.add(before.state.is_final - after.state.is_final)
        return bool(changed)

    def change(self, record: Record, changed: Iterable[Delivery]) -> Record:
        """The record with these deliveries, written."""
        known = {one.unit: one for one in record.deliveries}
        for one in changed:
            self.replace(known[one.unit], one)
            known[one.unit] = one
        return attrs.evolve(record, deliveries=tuple(known.values()))

    def advance(self, record: Record) -> tuple[tuple[str, ...], DeliveryReport | None]:
        """Take the alert's next steps; the channels whose deliveries became due with them, and the report."""
        due: list[str] = []
        while (step := next_step(record, self.wall)) is not NOTHING:
            if step.cancel is not None:
                reason = step.cancel
                ended = [cancelled(one, reason) for one in record.deliveries if is_cancellable(one, record.plan)]
                record = self.change(record, ended)
            if step.begin is not None:
                record, channels = self._begin(record, step.begin)
                due += channels
            if step.report is not None:
                self.finish(record, step.report)
                return tuple(due), step.report
        return tuple(due), None

    def _begin(self, record: Record, stage: int) -> tuple[Record, list[str]]:
        starting = [one for one in record.deliveries if one.stage == stage and one.is_waiting]
        _STAGE.change(self.connection, {"of": record.alert_id, "stage": stage})
        changed = self.change(record, [begun(one, record.plan, self.now) for one in starting])
        return attrs.evolve(changed, stage=stage), [one.channel for one in starting]

    def finish(self, record: Record, report: DeliveryReport) -> None:
        """Write the report; what never began is not needed any more."""
        if left := [_left(one, record) for one in record.deliveries if one.is_waiting]:
            self.change(record, left)
        values = {"stage": record.stage, "report": report.to_json(), "finished": self.now}
        _FINISH.change(self.connection, {"of": record.alert_id, **values})

    def reopen(self, alert_id: str) -> None:
        """The alert has begun anew, and its report no longer holds."""
        _REOPEN.change(self.connection, {"of": alert_id})

    def close(self, alert_id: str, reason: str) -> None:
        """Nothing further begins."""
        _CLOSE.change(self.connection, {"of": alert_id, "closed": reason})

    def amend(self, alert_id: str, report: DeliveryReport) -> None:
        """Write a report of which a part is known better."""
        _REPORT.change(self.connection, {"of": alert_id, "report": report.to_json()})


def _left(one: Delivery, record: Record) -> Delivery:
    needed = one.stage < len(record.plan.stages)
    state = DeliveryState.CANCELLED if needed else DeliveryState.SUPPRESSED
    return one.changed(state=state, error=record.closed if needed else NOT_NEEDED)


def has_begun(delivery: Delivery) -> bool:
    """Whether its stage has begun."""
    return delivery.due != math.inf
