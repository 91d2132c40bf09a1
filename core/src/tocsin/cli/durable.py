"""``tocsin send --durable``: kept in the store first, then delivered as far as it gets."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from tocsin.cli.collecting import begun
from tocsin.cli.exits import Exit, combined, exit_for
from tocsin.cli.failure import error_dict, told
from tocsin.cli.jsonl import open_lines, read_lines, to_alert
from tocsin.cli.opened import place_of
from tocsin.cli.outcome import show_report, summary
from tocsin.cli.readiness import exit_code, make_ready
from tocsin.cli.send import tell_nobody
from tocsin.cli.shift import is_drained
from tocsin.cli.terminal import clean
from tocsin.cli.watch import tell_retries, watch_until
from tocsin.dispatch.unit import units_of
from tocsin.errors import AlertError, QueueFull, TocsinError
from tocsin.service import NotificationService
from tocsin.storage import required_store

if TYPE_CHECKING:
    from tocsin.alert import Alert
    from tocsin.cli.session import Session
    from tocsin.cli.terminal import Terminal
    from tocsin.report import DeliveryReport
    from tocsin.store import Delivery, Store

__all__ = ["keep_lines", "keep_one"]

_GRACE = 10.0
"""Seconds in which attempts that have begun are finished at the end."""
_LOOK = 0.05


@attrs.frozen
class _Kept:
    """Attributes: ``known``: under the client's key an earlier alert was kept already, which this one is then."""

    alert_id: str
    known: bool


@contextlib.contextmanager
def _service(session: Session) -> Iterator[NotificationService]:
    """A service on the configured store; at the end what has begun is finished, and the rest left to a worker."""
    session.terminal.listen()
    config = session.config()
    service = NotificationService(config, store=required_store(config))
    begun()
    try:
        yield service
    except BaseException:
        service.close(0.0, drain=False)
        raise
    service.close(_GRACE, drain=False)


def keep_one(session: Session, alert: Alert, *, key: str | None, wait: bool) -> int:
    """Keep an alert, and deliver it as far as it gets.

    Args:
        session: of this command.
        alert: what happened.
        key: the caller's own name for it.
        wait: False to return once it is kept.
    """
    terminal = session.terminal
    with _service(session) as service:
        absent = make_ready(service, alert.channels, terminal, console=False)
        if isinstance(service.plan(alert), str):
            return _goes_nowhere(service, alert, session)
        if not wait:
            kept = _keep(service, alert, key)
            _say_kept(kept, service.store, terminal)
            if session.as_json:
                terminal.json(_as_json(kept, None))
            return Exit.DELIVERED
        handle = service.enqueue(alert, key=key)
        kept = _Kept(handle.alert_id, known=handle.alert_id != alert.alert_id)
        _say_kept(kept, service.store, terminal)
        try:
            report = watch_until(handle, service.store, tell_retries(terminal), _enough(service))
        except KeyboardInterrupt:
            terminal.fail(_kept_words(terminal))
            raise
        return _ended(service, alert, kept, report, absent, session)


def _goes_nowhere(service: NotificationService, alert: Alert, session: Session) -> int:
    report = service.enqueue(alert).result()
    code = exit_code(service, alert, report)
    if session.as_json:
        session.terminal.json({"kept": False, "report": report.to_dict()})
    tell_nobody(report, code, session.terminal, has_routes=bool(service.config.routes))
    return code


def _keep(service: NotificationService, alert: Alert, key: str | None) -> _Kept:
    """Commit it, and begin nothing: a worker delivers it."""
    plan = service.plan(alert)
    assert not isinstance(plan, str)  # what goes nowhere was told before
    units = units_of(alert, plan, service.registry.channel, service.store.now())
    added = service.store.add(alert, plan, units, key=key)
    return _Kept(added.alert_id, added.known)


def _enough(service: NotificationService) -> Callable[[Sequence[Delivery]], bool]:
    """Enough is waited when the configured deadline is over, or nothing more is due before it."""
    store, end = service.store, service.store.now() + service.config.delivery.deadline

    def enough(deliveries: Sequence[Delivery]) -> bool:
        if store.now() >= end:
            return True
        left = [one for one in deliveries if not one.state.is_final and one.due < float("inf")]
        return bool(left) and all(one.is_waiting and one.due > end for one in left)

    return enough


def _ended(
    service: NotificationService,
    alert: Alert,
    kept: _Kept,
    report: DeliveryReport | None,
    absent: set[str],
    session: Session,
) -> int:
    terminal = session.terminal
    if session.as_json:
        terminal.json(_as_json(kept, service.report(kept.alert_id)) | {"ended": report is not None})
    if report is None:
        for one in _open(service.store, kept.alert_id):
            terminal.say(f"{terminal.mark('dim')} {clean(one.channel)} {clean(one.recipient)}: {one.state}")
        terminal.fail(f"{_kept_words(terminal)} · alert {kept.alert_id} · exit {int(Exit.KEPT)}")
        return Exit.KEPT
    code = exit_code(service, alert, report)
    show_report(report, terminal, told=absent)
    terminal.say(summary(report, code))
    return code


def _open(store: Store, alert_id: str) -> list[Delivery]:
    record = store.record(alert_id)
    return [one for one in record.deliveries if not one.state.is_final] if record else []


def _kept_words(terminal: Terminal) -> str:
    return f"{terminal.mark('warn')} not everything has arrived yet; it is kept, and tocsin worker goes on"


def _say_kept(kept: _Kept, store: Store, terminal: Terminal) -> None:
    place = place_of(store)
    where = f" in {clean(place)}" if place else ""
    if kept.known:
        terminal.good(f"{terminal.mark('dim')} known: this key is that of alert {kept.alert_id}; nothing new is sent")
    else:
        terminal.good(f"{terminal.mark('good')} kept{where} · alert {kept.alert_id}")


def _as_json(kept: _Kept, report: DeliveryReport | None) -> dict[str, Any]:
    return {
        "kept": True,
        "alert_id": kept.alert_id,
        "known": kept.known,
        **({"report": report.to_dict()} if report is not None else {}),
    }


def keep_lines(session: Session, path: str, defaults: dict[str, Any], *, key: str | None, wait: bool) -> int:
    """Keep each line as an alert, then deliver as far as it gets.

    Args:
        session: of this command.
        path: a file, or ``-`` for standard input.
        defaults: fields that a line leaves out.
        key: the caller's own name for the stream; line 7 is kept under ``key:7``.
        wait: False to return once all are kept.
    """
    terminal = session.terminal
    with open_lines(path) as source, _service(session) as service:
        make_ready(service, defaults.get("channels", ()), terminal, console=False)
        codes: list[int] = []
        kept: dict[int, _Kept] = {}
        for number, line in read_lines(source):
            try:
                alert = to_alert(line, defaults)
                kept[number] = _keep_line(service, alert, f"{key}:{number}" if key is not None else None, wait=wait)
            except TocsinError as error:
                codes.append(_tell_bad(number, error, session))
                continue
            if session.as_json:
                terminal.json({"line": number, **_as_json(kept[number], None)}, lines=True)
        terminal.say(f"{terminal.mark('good')} {len(kept):,} kept")
        codes += _deliver(service, kept, session) if wait else [Exit.DELIVERED] * len(kept)
    return Exit.KEPT if Exit.KEPT in codes else combined(codes)


def _keep_line(service: NotificationService, alert: Alert, key: str | None, *, wait: bool) -> _Kept:
    plan = service.plan(alert)
    if isinstance(plan, str):
        raise AlertError(f"nobody would be told: {plan}")
    if not wait:
        return _keep(service, alert, key)
    while True:
        try:
            handle = service.enqueue(alert, key=key)
        except QueueFull as full:  # what is delivered meanwhile makes room
            threading.Event().wait(full.retry_after)
        else:
            return _Kept(handle.alert_id, known=handle.alert_id != alert.alert_id)


def _deliver(service: NotificationService, kept: dict[int, _Kept], session: Session) -> list[int]:
    """Wait as long as a single alert is waited for, and tell what did not arrive; the exit codes."""
    end = time.monotonic() + service.config.delivery.deadline
    while not is_drained(service) and time.monotonic() < end:
        time.sleep(_LOOK)
    codes = []
    for number, one in kept.items():
        report = service.report(one.alert_id)
        is_open = bool(_open(service.store, one.alert_id))
        codes.append(Exit.KEPT if is_open else exit_for(report))
        if not is_open and not report.is_complete:
            show_report(report, session.terminal, prefix=f"line {number}: ")
    later = codes.count(Exit.KEPT)
    if later:
        session.terminal.fail(f"{_kept_words(session.terminal)}: {later:,} of {len(codes):,} alerts")
    delivered = codes.count(Exit.DELIVERED)
    session.terminal.say(f"{delivered:,} of {len(codes):,} alerts delivered")
    return [int(code) for code in codes]


def _tell_bad(number: int, error: TocsinError, session: Session) -> int:
    if session.as_json:
        session.terminal.json({"line": number, "error": error_dict(error)}, lines=True)
    session.terminal.fail(f"line {number}: {session.terminal.mark('bad')} {told(error)}")
    return Exit.USAGE if isinstance(error, AlertError) else Exit.STORE
