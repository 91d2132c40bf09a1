"""``tocsin demo``: every installed channel, against simulators of its provider on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import attrs
import click

from tocsin.cli.exits import Exit
from tocsin.cli.session import Session, common_options, pass_session
from tocsin.cli.terminal import clean

if TYPE_CHECKING:
    from tocsin.alert import Alert
    from tocsin.cli.rehearsal import Fault, Stage
    from tocsin.cli.terminal import Terminal
    from tocsin.report import DeliveryReport, RecipientResult
    from tocsin.service import NotificationService
    from tocsin.store import Store

__all__ = ["demo"]


@attrs.frozen
class Round:
    """One alert of the demo, its report, and where that is not what it should be."""

    alert: Alert
    report: DeliveryReport
    surprises: list[str]


@click.command()
@common_options()
@pass_session
def demo(session: Session) -> int:
    """Watch alerts travel through every installed channel, on this machine.

    Each channel delivers to a simulator of its provider on 127.0.0.1; nothing leaves the machine, and no
    configuration is read. Two alerts go out, then one more while the receivers misbehave. Exits with 0 where every
    recipient ended as it should.
    """
    from tocsin.cli.rehearsal import Stage, direct
    from tocsin.config import NotificationConfig
    from tocsin.store import MemoryStore

    with direct(), Stage() as stage:
        _announce(stage, session.terminal)
        if not stage.simulators:
            return Exit.UNMATCHED
        store = MemoryStore()
        with session.service(NotificationConfig.from_mapping(stage.config()), store) as service:
            faults = _faults(service)
            rounds = list(_play(service, store, stage, faults, session))
            received = _received(service, stage)
    surprises = [surprise for one in rounds for surprise in one.surprises]
    if session.as_json:
        session.terminal.json(_as_dict(rounds, faults, received, stage, surprises))
    else:
        _show_received(received, [one.alert.title for one in rounds], session.terminal)
    _judge(surprises, session.terminal)
    return Exit.NOTHING if surprises else Exit.DELIVERED


def _announce(stage: Stage, terminal: Terminal) -> None:
    for name, reason in stage.missing.items():
        terminal.fail(f"{terminal.mark('warn')} {clean(name)} is left out: {clean(reason)}")
    if stage.simulators:
        terminal.say(f"Receivers on 127.0.0.1: {', '.join(stage.simulators)}.")
    else:
        terminal.fail("No channel with a simulator is installed; pip install one, like 'tocsin-<channel>[simulator]'.")


def _faults(service: NotificationService) -> list[Fault]:
    from tocsin.cli.rehearsal import plan_faults

    channels = service.channels
    over_http = {name for name, channel in channels.items() if channel.capabilities.http}
    return plan_faults({name: len(channel.recipients) for name, channel in channels.items()}, over_http)


def _play(
    service: NotificationService, store: Store, stage: Stage, faults: list[Fault], session: Session
) -> Iterator[Round]:
    terminal = session.terminal
    risk, goal = _alerts(service)
    for number, alert in enumerate((risk, goal), start=1):
        terminal.say(f"\n{number}. {_introduce(alert)}")
        yield _send(service, store, alert, [], session)
    terminal.say(f"\n3. {risk.title}, once more, while the receivers misbehave:")
    for fault in faults:
        label = service.channels[fault.channel].recipients[fault.position].label
        terminal.say(f"   {fault.channel} {fault.words} (at {label})")
    stage.misbehave(faults)
    yield _send(service, store, _again(risk), faults, session)


def _alerts(service: NotificationService) -> tuple[Alert, Alert]:
    from tocsin.alert import Alert, AlertChannel

    risk = Alert(
        title="Position Risk Exceeded",
        message="Position risk 6.5% exceeds limit 5.0%",
        alert_type="RISK",
        priority="HIGH",
        symbol="BTCUSDT",
        strategy_id="momentum_001",
        data={"position_size": 2.5, "risk_pct": 6.5, "limit_pct": 5.0},
    )
    goal = Alert(
        title="Monthly Goal Achieved",
        message="The goal of this month is reached.",
        alert_type="MILESTONE",
        priority="INFO",
        channels=[name for name in (AlertChannel.EMAIL, AlertChannel.TELEGRAM) if name in service.channels],
        data={"target": 5.0, "achieved": 5.2},
    )
    return risk, goal


def _again(alert: Alert) -> Alert:
    """The same once more, as an alert of its own: the one that was delivered would not be sent again."""
    return type(alert).from_dict({k: v for k, v in alert.to_dict().items() if k not in ("alert_id", "created_at")})


def _introduce(alert: Alert) -> str:
    to = f" → {' and '.join(alert.channels)} only" if alert.channels else " → every channel"
    return f"{alert.title} ({alert.alert_type}, {alert.priority}){to}"


def _send(service: NotificationService, store: Store, alert: Alert, faults: list[Fault], session: Session) -> Round:
    from tocsin.cli.scoreboard import Scoreboard, show_results
    from tocsin.cli.watch import watch

    with Scoreboard(session.terminal) as board:
        report = watch(service.enqueue(alert), store, board)
    if not session.as_json:
        show_results(report, session.terminal)
    return Round(alert, report, list(_surprises(report, service, faults)))


def _surprises(report: DeliveryReport, service: NotificationService, faults: list[Fault]) -> Iterator[str]:
    """Recipients that did not end as they should: alone the refused one fails, whoever had a fault needed a retry."""
    planned = {(f.channel, service.channels[f.channel].recipients[f.position].id): f for f in faults}
    for name, result in report.results.items():
        if not result.recipients:
            yield f"{name}: {result.error}"
        for recipient in result.recipients:
            words = _unlike(recipient, planned.get((name, recipient.recipient_id)))
            if words:
                yield f"{name} {recipient.recipient}: {words}"


def _unlike(result: RecipientResult, fault: Fault | None) -> str:
    if result.success != (fault is None or not fault.fails):
        return f"ended as {result.state}, which is not as expected: {result.error or 'accepted'}"
    if fault is not None and not fault.fails and len(result.attempts) < 2:
        return f"was to need a second attempt, since the receiver {fault.words}"
    return ""


def _received(service: NotificationService, stage: Stage) -> dict[str, list[dict[str, Any]]]:
    """What each receiver got, by channel; recipients by their labels."""
    received: dict[str, list[dict[str, Any]]] = {}
    for name, simulator in stage.simulators.items():
        channel = service.channels.get(name)
        if channel is None:
            continue
        for recipient, address in zip(channel.recipients, simulator.addresses(), strict=False):
            messages = [{"text": message.text, "key": message.key} for message in simulator.received(address)]
            received.setdefault(name, []).append({"recipient": recipient.label, "messages": messages})
    return received


def _show_received(received: dict[str, list[dict[str, Any]]], titles: list[str], terminal: Terminal) -> None:
    terminal.say("\nWhat each receiver got:")
    rows = [
        (name, one["recipient"], len(one["messages"]), ", ".join(_headlines(one["messages"], titles)))
        for name, listed in received.items()
        for one in listed
    ]
    terminal.table(("channel", "recipient", "messages", "which"), rows)


def _headlines(messages: list[dict[str, Any]], titles: list[str]) -> Iterator[str]:
    """How often each title came, and what tells a copy from a new message."""
    from tocsin.rendering import REPEATED

    found = [next((title for title in titles if title in message["text"]), "?") for message in messages]
    for title in dict.fromkeys(found):
        yield f"{found.count(title)}\u00a0× {title}"
    if marked := sum(REPEATED in message["text"] for message in messages):
        yield f'{marked} marked "{REPEATED}"'
    keys = [message["key"] for message in messages if message["key"]]
    if len(keys) > len(set(keys)):
        yield f"{len(keys) - len(set(keys))} with the key of another"


def _judge(surprises: list[str], terminal: Terminal) -> None:
    for surprise in surprises:
        terminal.fail(f"{terminal.mark('bad')} {clean(surprise)}")
    if not surprises:
        terminal.say(
            f"\n{terminal.mark('good')} Every recipient ended as it should; a fault touched no other recipient."
        )


def _as_dict(
    rounds: list[Round], faults: list[Fault], received: dict[str, Any], stage: Stage, surprises: list[str]
) -> dict[str, Any]:
    return {
        "as_expected": not surprises,
        "surprises": surprises,
        "alerts": [{"alert": one.alert.to_dict(), "report": one.report.to_dict()} for one in rounds],
        "faults": [{"channel": f.channel, "recipient": f.position, "kind": f.kind} for f in faults],
        "received": received,
        "left_out": stage.missing,
    }
