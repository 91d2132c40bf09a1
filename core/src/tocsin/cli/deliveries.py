"""``tocsin deliveries``: what is in the store, in tables and timelines, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tocsin.cli.complete import complete_channels
from tocsin.cli.exits import Exit
from tocsin.cli.session import Session, common_options, pass_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from tocsin.cli.terminal import Terminal
    from tocsin.report import DeliveryState
    from tocsin.store import Delivery, Record, Store

__all__ = ["deliveries"]

F = TypeVar("F", bound="Callable[..., Any]")

STATES = (
    "pending", "in_flight", "retrying", "accepted", "delivered", "failed", "unknown", "suppressed", "expired",
    "cancelled",
)  # fmt: skip
"""As ``DeliveryState`` has them, which is not imported for a help text."""


def _filters(limit: int) -> Callable[[F], F]:
    """Which deliveries."""
    options = [
        click.option(
            "--state", "states", type=click.Choice(STATES), metavar="STATE", multiple=True,
            help=f"Only these; may be repeated. One of {', '.join(STATES)}.",
        ),
        click.option(
            "--channel", metavar="CHANNEL", shell_complete=complete_channels, help="Only of this channel."
        ),
        click.option(
            "--limit", type=click.IntRange(min=1), default=limit, show_default=True, metavar="N",
            help="At most so many, newest alerts first.",
        ),
    ]  # fmt: skip

    def add(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return add


def to_states(names: Sequence[str]) -> list[DeliveryState]:
    """The states that the options name."""
    from tocsin.report import DeliveryState

    return [DeliveryState(name) for name in names]


@click.group()
def deliveries() -> None:
    """Look at deliveries in the store; replay or cancel them.

    A delivery is one alert for one recipient of one channel. Recipients are shown by their masked labels.
    """


@deliveries.command("list", short_help="List deliveries, newest alerts first.")
@_filters(50)
@common_options()
@pass_session
def list_deliveries(session: Session, states: Sequence[str], channel: str | None, limit: int) -> int:
    """List deliveries, newest alerts first.

    \b
      tocsin deliveries list --state failed --state unknown
      tocsin deliveries list --channel slack --limit 1000 --json
    """  # noqa: D301 -- click looks for the backspace itself
    from tocsin.cli.opened import opened_store
    from tocsin.cli.rows import COLUMNS, cells, style_of, to_dict

    with opened_store(session, to_read=True) as store:
        found = store.select(states=to_states(states), channel=channel, limit=limit)
        now = store.now()
        if session.as_json:
            session.terminal.json([to_dict(one, now) for one in found])
        elif found:
            session.terminal.table(COLUMNS, [cells(one, now) for one in found], [style_of(one) for one in found])
        _say_of_list(found, limit, store, session.terminal)
    return Exit.DELIVERED


def _say_of_list(found: Sequence[Delivery], limit: int, store: Store, terminal: Terminal) -> None:
    from tocsin.cli.opened import place_of
    from tocsin.cli.terminal import clean

    if not found:
        place = place_of(store)
        terminal.say(f"No such delivery{f' in {clean(place)}' if place else ''}.")
    elif len(found) == limit:
        terminal.say(f"The newest {limit:,}; --limit shows more.")


@deliveries.command("show", short_help="Show one alert: its deliveries, and each attempt.")
@click.argument("alert_id")
@common_options()
@pass_session
def show(session: Session, alert_id: str) -> int:
    """Show one alert: its deliveries, and each attempt in its order."""
    from tocsin.cli.opened import opened_store
    from tocsin.cli.rows import to_dict
    from tocsin.errors import UnknownAlert

    with opened_store(session, to_read=True) as store:
        record, now = store.record(alert_id), store.now()
        report = store.report(alert_id)
        if record is None:
            raise UnknownAlert(alert_id)
        if session.as_json:
            session.terminal.json(
                {
                    "alert_id": record.alert_id,
                    "alert": record.alert.to_dict() if record.alert else None,
                    "plan": record.plan.to_dict(),
                    "stage": record.stage,
                    "closed": record.closed,
                    "suppressed": report.suppressed if report else None,
                    "deliveries": [to_dict(one, now) for one in record.deliveries],
                }
            )
        else:
            _show_record(record, now, report.suppressed if report else None, session.terminal)
    return Exit.DELIVERED


def _show_record(record: Record, now: float, suppressed: str | None, terminal: Terminal) -> None:
    from tocsin.cli.rows import clock_time
    from tocsin.cli.terminal import clean

    alert = record.alert
    if alert is None:
        terminal.data(terminal.style(f"Alert {record.alert_id}", "bold"))
        terminal.data("Its content was removed after the retention time.")
    else:
        terminal.data(terminal.style(clean(alert.title), "bold"))
        facts = [str(alert.priority), str(alert.alert_type), str(alert.status), clock_time(alert.created_at)]
        terminal.data(" · ".join([*facts, f"alert {record.alert_id}"]))
    stages = [" + ".join(stage) for stage in record.plan.stages] + [f"else {name}" for name in record.plan.fallback]
    if len(stages) > 1:
        terminal.data(f"Its way: {clean(', then '.join(stages).replace(', then else', ', else'))}")
    for reason in filter(None, (record.closed, suppressed)):
        terminal.data(clean(reason))
    for delivery in record.deliveries:
        _show_delivery(delivery, now, terminal, told=record.closed)


def _show_delivery(delivery: Delivery, now: float, terminal: Terminal, told: str | None) -> None:
    from tocsin.cli.rows import attempt_words, clock_time, style_of, when, why
    from tocsin.cli.terminal import clean

    next_time = when(delivery, now)
    state = terminal.style(str(delivery.state), style_of(delivery)) + (f", next {next_time}" if next_time else "")
    target = "" if delivery.recipient == delivery.channel else f" → {clean(delivery.recipient)}"
    terminal.data()
    terminal.data(f"{terminal.style(clean(delivery.channel), 'bold')}{target}  {state}")
    for number, attempt in enumerate(delivery.attempts, 1):
        terminal.data(f"    {clock_time(attempt.started_at)}  {number:>2}  {clean(attempt_words(attempt))}")
    if delivery.receipt and delivery.receipt.provider_id:
        terminal.data(f"    id {clean(delivery.receipt.provider_id)}")
    last = delivery.attempts[-1].error if delivery.attempts else None
    if delivery.error and delivery.error not in (last, told):
        terminal.data(f"    {clean(why(delivery))}")
    if delivery.hint and not delivery.state.is_success:
        terminal.data(f"    → {clean(delivery.hint)}")
    terminal.detail(f"    recipient id {delivery.recipient_id} · idempotency key {delivery.key}")


def _choice(function: F) -> F:
    """Which of the deliveries a decision is about."""
    options = [
        click.argument("alert_ids", metavar="[ALERT_ID]...", nargs=-1),
        _filters(1_000),
        click.option(
            "--recipient", metavar="ID", help="Only of this recipient: its recipient_id, or its masked label."
        ),
        click.option("-y", "--yes", is_flag=True, help="Do not ask, however many they are."),
        common_options(),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@deliveries.command("replay", short_help="Start deliveries anew that ended without success.")
@_choice
@pass_session
def replay(session: Session, /, **choice: Any) -> int:
    """Start deliveries anew that ended without success.

    Name alerts, or select deliveries with the options; of a named alert everything that failed starts anew. They are
    due at once, for whichever worker comes first, with their attempts so far on record and under the same
    idempotency key. Who did it is kept in the store's audit.

    \b
      tocsin deliveries replay 5f0c6a94…
      tocsin deliveries replay --state failed --channel slack --yes
    """  # noqa: D301 -- click looks for the backspace itself
    from tocsin.cli.decision import replay_all

    return replay_all(session, **choice)


@deliveries.command("cancel", short_help="Cancel deliveries that wait.")
@_choice
@click.option("--reason", metavar="TEXT", default="", help="Kept with it, and told in the report.")
@pass_session
def cancel(session: Session, /, reason: str, **choice: Any) -> int:
    """Cancel deliveries that wait.

    Name alerts, or select deliveries with the options. Of a named alert nothing further begins, fallbacks included,
    and what is in flight is not repeated. Who did it is kept in the store's audit.

    \b
      tocsin deliveries cancel 5f0c6a94… --reason "maintenance"
      tocsin deliveries cancel --state retrying --channel slack --yes
    """  # noqa: D301 -- click looks for the backspace itself
    from tocsin.cli.decision import cancel_all

    return cancel_all(session, reason=reason, **choice)


@deliveries.command("tail", short_help="Follow deliveries as they change.")
@_filters(10)
@common_options()
@pass_session
def tail(session: Session, states: Sequence[str], channel: str | None, limit: int) -> int:
    """Follow deliveries as they change, whichever process delivers them; Ctrl-C ends it.

    Begins with the newest. With --json each change is a line.
    """
    from tocsin.cli.opened import opened_store
    from tocsin.cli.tail import Tail

    with opened_store(session, to_read=True) as store:
        Tail(store, session.terminal, to_states(states), channel).follow(limit)
    return Exit.DELIVERED
