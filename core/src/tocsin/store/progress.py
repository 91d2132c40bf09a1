"""What follows for an alert once deliveries of it have ended: pure, so that every store takes the same steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

import attrs

from tocsin.plan import Plan
from tocsin.report import DeliveryReport, DeliveryState, NotificationResult
from tocsin.store.delivery import Delivery, Record

__all__ = ["NOTHING", "NOT_NEEDED", "Step", "begun", "cancelled", "is_cancellable", "next_step", "report_of"]

NOT_NEEDED = "not needed: an earlier channel accepted"


@attrs.frozen(kw_only=True)
class Step:
    """What a store does next for an alert, in the same transaction as the change that led to it.

    Attributes:
        cancel: why the deliveries that :func:`is_cancellable` are cancelled; None where none are.
        begin: the stage that begins; None where there is none.
        report: the end; what never began becomes suppressed.
    """

    cancel: str | None = None
    begin: int | None = None
    report: DeliveryReport | None = None


NOTHING = Step()
"""No step: something is open, or everything has been done."""


def next_step(record: Record, now: datetime) -> Step:
    """The next step of an alert: cancel what fail-fast cancels, begin a stage, report; or :data:`NOTHING`."""
    reason = _failed_fast(record)
    if reason is not None and any(is_cancellable(one, record.plan) for one in record.deliveries):
        return Step(cancel=reason)
    if record.open or record.report is not None:
        return NOTHING
    stage = None if record.closed is not None else _next_stage(record, skip_chosen=reason is not None)
    if stage is not None:
        return Step(begin=stage)
    return Step(report=report_of(record, now))


def is_cancellable(delivery: Delivery, plan: Plan) -> bool:
    """Whether fail-fast cancels it: of the chosen channels, and never tried."""
    return delivery.is_waiting and not delivery.attempts and delivery.stage < len(plan.stages)


def cancelled(delivery: Delivery, reason: str) -> Delivery:
    """The delivery, ended by a person, by fail-fast or by the end of the service."""
    return delivery.changed(state=DeliveryState.CANCELLED, error=reason)


def begun(delivery: Delivery, plan: Plan, now: float) -> Delivery:
    """The delivery of a stage that begins; a fallback begins where the alert's time may be over, and has it anew."""
    is_fallback = delivery.stage >= len(plan.stages)
    return delivery.changed(due=now, expires=now + plan.lifetime if is_fallback else delivery.expires)


def _failed_fast(record: Record) -> str | None:
    if not record.plan.fail_fast:
        return None
    chosen = (one for one in record.deliveries if one.stage < len(record.plan.stages))
    ended_badly = (one for one in chosen if one.state.is_final and not one.state.is_success)
    failed = next((one for one in ended_badly if one.state is not DeliveryState.CANCELLED), None)
    return None if failed is None else f"fail-fast: {failed.channel} had failed"


def _next_stage(record: Record, *, skip_chosen: bool) -> int | None:
    """The next stage that has a delivery waiting for it; a fallback only where nobody accepted."""
    chosen = len(record.plan.stages)
    waiting = sorted({one.stage for one in record.deliveries if one.due == math.inf and one.is_waiting})
    for stage in waiting:
        if stage < chosen and not skip_chosen:
            return stage
        if stage >= chosen and not any(one.state.is_success for one in record.deliveries):
            return stage
    return None


def report_of(record: Record, now: datetime) -> DeliveryReport:
    """The report as the deliveries stand: the final one where all have ended."""
    plan = record.plan
    results = {name: _unavailable(name, reason, now) for name, reason in plan.unavailable.items()}
    by_channel = _begun_by_channel(record)
    for stage, name in plan.staged:
        began = by_channel.get(name, [])
        if stage < len(plan.stages):
            results[name] = _result(name, began, record, now)
        elif began:
            results[name] = attrs.evolve(_result(name, began, record, now), fallback=True)
    if plan.fallback_unavailable and not any(one.state.is_success for one in record.deliveries):
        for name, reason in plan.fallback_unavailable.items():
            results.setdefault(name, attrs.evolve(_unavailable(name, reason, now), fallback=True))
    return DeliveryReport.of(record.alert_id, results)


def _begun_by_channel(record: Record) -> dict[str, list[Delivery]]:
    found: dict[str, list[Delivery]] = {}
    for one in record.deliveries:
        if one.due != math.inf or one.state.is_final:
            found.setdefault(one.channel, []).append(one)
    return found


def _unavailable(name: str, reason: str, now: datetime) -> NotificationResult:
    return NotificationResult(success=False, channel=name, timestamp=now, error=reason)


def _result(name: str, began: Sequence[Delivery], record: Record, now: datetime) -> NotificationResult:
    if not began:
        error = f"cancelled ({record.closed or _failed_fast(record) or 'not tried'})"
        return NotificationResult(success=False, channel=name, timestamp=now, error=error)
    ends = [one.attempts[-1].ended_at for one in began if one.attempts]
    result = NotificationResult.of(name, [one.result() for one in began], max(ends, default=now))
    if all(one.state is DeliveryState.CANCELLED and not one.attempts for one in began):
        return attrs.evolve(result, error=f"cancelled ({began[0].error})")
    return result
