"""``tocsin route test``: where an alert would go, and why not elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from tocsin.cli.exits import Exit
from tocsin.cli.session import Session, common_options, pass_session
from tocsin.cli.terminal import clean

if TYPE_CHECKING:
    from tocsin.alert import Alert
    from tocsin.cli.terminal import Terminal
    from tocsin.routing import Routing
    from tocsin.service import NotificationService

__all__ = ["route"]

_KEYS = ("priority", "type", "source", "symbol", "strategy_id", "position_id", "status", "channels")
_ALIASES = {"alert_type": "type", "strategy": "strategy_id", "position": "position_id", "to": "channels"}
_NOBODY = "none"


@click.group()
def route() -> None:
    """Look at where alerts go."""


@route.command("test")
@click.argument("conditions", metavar="KEY=VALUE...", nargs=-1)
@click.option("--expect", metavar="A,B", help="Exit with 1 unless exactly these channels carry it; none for nobody.")
@common_options()
@pass_session
def test_route(session: Session, conditions: Sequence[str], expect: str | None) -> int:
    """Show where an alert would go, and why not elsewhere; nothing is sent.

    Keys are priority, type, source, symbol, strategy_id, position_id, status, and labels.NAME.

    \b
      tocsin route test priority=critical type=RISK labels.team=desk --expect slack-ops,sms
    """  # noqa: D301 -- click looks for the backspace itself
    alert = _alert(conditions)
    with session.service() as service:
        routing = service.route(alert)
        expected = None if expect is None else {name.strip() for name in expect.split(",")} - {"", _NOBODY}
        fits = None if expected is None else expected == set(routing.channels)
        if session.as_json:
            session.terminal.json(_as_dict(routing, service, fits))
        else:
            _show(conditions, routing, service, session.terminal)
    if expected is None:
        return Exit.DELIVERED if routing.channels else Exit.UNMATCHED
    _tell(session.terminal, expected, routing.channels, fits=bool(fits))
    return Exit.DELIVERED if fits else Exit.NOTHING


def _alert(conditions: Sequence[str]) -> Alert:
    from tocsin.alert import Alert
    from tocsin.errors import did_you_mean

    fields: dict[str, Any] = {"title": "route test", "message": "", "labels": {}}
    for text in conditions:
        key, sign, value = text.partition("=")
        key = _ALIASES.get(key, key)
        if not sign or not value:
            raise click.UsageError(f"{text!r} is no KEY=VALUE, like priority=critical")
        if key.startswith(("labels.", "label.")):
            fields["labels"][key.partition(".")[2]] = value
        elif key in _KEYS:
            field = "alert_type" if key == "type" else key
            fields[field] = value.split(",") if key == "channels" else value
        else:
            hint = did_you_mean(key, _KEYS) or f"; a label is written labels.{key}={value}"
            raise click.UsageError(f"an alert has no field {key!r}{hint}")
    return Alert.from_dict(fields)


def _show(conditions: Sequence[str], routing: Routing, service: NotificationService, terminal: Terminal) -> None:
    terminal.data(terminal.style(clean(" ".join(conditions) or "any alert"), "bold"))
    lines = [*_lines(routing, service, terminal)]
    for number, line in enumerate(lines, start=1):
        terminal.data(f"{'└─' if number == len(lines) else '├─'} {line}")


def _lines(routing: Routing, service: NotificationService, terminal: Terminal) -> Iterator[str]:
    for step in routing.steps:
        name = f"route {clean(step.route.name)}"
        if step.taken:
            names = _names(step.route.channels, service, terminal)
            going = ", continues" if step.route.continues else ""
            yield f"{terminal.mark('good')} {name} → {names}{going}"
        else:
            yield f"{terminal.mark('bad')} {name}: needs {clean(step.why_not)}"
    asked = {step.route.name for step in routing.steps}
    left = [clean(other.name) for other in service.config.routes if other.name not in asked]
    if routing.steps and left:
        yield terminal.style(f"not asked: route {', '.join(left)}", "dim")
    if not routing.steps:
        yield f"{routing.reason} → {_names(routing.channels, service, terminal) or 'nobody'}"
    elif not routing.channels:
        yield f"{terminal.mark('warn')} no route matches: nobody is told"
    if routing.fallback:
        yield f"fallback, where nobody accepted → {_names(routing.fallback, service, terminal)}"


def _names(names: Sequence[str], service: NotificationService, terminal: Terminal) -> str:
    return ", ".join(
        clean(name)
        + (f" {terminal.style(f'({_state(name, service)})', 'bad')}" if name not in service.channels else "")
        for name in names
    )


def _state(name: str, service: NotificationService) -> str:
    from tocsin.errors import UnknownChannel

    try:
        return str(service.registry.find(name).state)
    except UnknownChannel:
        return "unknown"


def _tell(terminal: Terminal, expected: set[str], channels: Sequence[str], *, fits: bool) -> None:
    if fits:
        terminal.say(f"{terminal.mark('good')} as expected")
    else:
        wanted, got = ", ".join(sorted(expected)) or "nobody", ", ".join(channels) or "nobody"
        terminal.fail(f"{terminal.mark('bad')} expected {wanted}; it goes to {got}")


def _as_dict(routing: Routing, service: NotificationService, fits: bool | None) -> dict[str, Any]:
    steps = [
        {"route": step.route.name, "taken": step.taken, "why_not": step.why_not, "channels": [*step.route.channels]}
        for step in routing.steps
    ]
    names = dict.fromkeys([*routing.channels, *routing.fallback])
    states = {name: "ready" if name in service.channels else _state(name, service) for name in names}
    return {
        "channels": [*routing.channels],
        "fallback": [*routing.fallback],
        "reason": routing.reason,
        "steps": steps,
        "states": states,
        "as_expected": fits,
    }
