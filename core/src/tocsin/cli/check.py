"""``tocsin check``: every problem at once, each with its place and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import click

from tocsin.cli.exits import Exit
from tocsin.cli.session import Session, common_options, pass_session
from tocsin.cli.terminal import clean

if TYPE_CHECKING:
    from tocsin.config import NotificationConfig
    from tocsin.registry import Registry

__all__ = ["check"]


@attrs.frozen
class Finding:
    """One line of the answer; warnings do not count against the configuration."""

    place: str
    message: str
    warning: bool = False


@click.command()
@click.argument("file", required=False)
@common_options()
@pass_session
def check(session: Session, file: str | None) -> int:
    """Say everything that is wrong with the configuration.

    FILE is checked together with the environment. Nothing is sent and nobody is asked. Exits with 78 where anything
    is wrong; warnings alone are no reason.
    """
    from tocsin.errors import ConfigError

    try:
        findings, summary = _examine(session.config(file, lenient=True))
    except ConfigError as error:
        findings, summary = [Finding("", line.strip()) for line in str(error).splitlines()], {}
    errors = [finding for finding in findings if not finding.warning]
    if session.as_json:
        session.terminal.json({"ok": not errors, **summary, "findings": [attrs.asdict(one) for one in findings]})
    _show(findings, len(errors), summary, session)
    return Exit.CONFIG if errors else Exit.DELIVERED


def _examine(config: NotificationConfig) -> tuple[list[Finding], dict[str, Any]]:
    from tocsin.clock import SystemClock
    from tocsin.registry import Registry

    registry = Registry(config, SystemClock())
    findings = [Finding(problem.place, problem.message) for problem in config.problems]
    findings += _channel_findings(registry)
    findings += _route_findings(config, registry)
    findings += _environment_findings(config, registry)
    findings += _store_findings(config)
    summary = {"file": config.file.name, "ready": [*registry.ready()], "routes": len(config.routes)}
    registry.close()
    return findings, summary


def _channel_findings(registry: Registry) -> Iterator[Finding]:
    from tocsin.cli.readiness import not_ready

    for entry in not_ready(registry):
        for problem in entry.problems:
            yield Finding(problem.place, f"channel {entry.name}: {problem.message}")
        if not entry.problems:
            yield Finding(f"channel {entry.name}", f"{entry.state}: {entry.reason}")


def _route_findings(config: NotificationConfig, registry: Registry) -> Iterator[Finding]:
    """Warnings about channels that no route can reach, and routes that nothing reaches."""
    from tocsin.settings import to_strings

    takes_all: str | None = None
    for index, table in enumerate(_tables(config.file.data.get("routes"))):
        place, name = config.file.place(f"routes.{index}"), table.get("name", index + 1)
        if takes_all is not None:
            yield Finding(place, f"route {name} is never asked: route {takes_all} takes every alert", warning=True)
        if not table.get("match") and not table.get("continue"):
            takes_all = takes_all or str(name)
        try:
            names = [*to_strings(table.get("channels", ())), *to_strings(table.get("fallback", ()))]
        except ValueError:
            continue  # an error already
        for reason in _unreachable(names, registry):
            yield Finding(place, f"route {name} {reason}", warning=True)


def _store_findings(config: NotificationConfig) -> Iterator[Finding]:
    """What is wrong with the store's settings; it is not opened."""
    from tocsin.errors import ConfigError
    from tocsin.settings import Problem
    from tocsin.storage import configured_store

    try:
        configured_store(config)
    except ConfigError as error:
        problems = [problem for problem in error.problems if isinstance(problem, Problem)]
        yield from (Finding(problem.place, f"store: {problem.message}") for problem in problems)
        if not problems:
            yield Finding("store", str(error))


def _tables(routes: object) -> list[Mapping[str, Any]]:
    return [table for table in routes if isinstance(table, Mapping)] if isinstance(routes, list | tuple) else []


def _unreachable(names: Iterable[str], registry: Registry) -> Iterator[str]:
    from tocsin.errors import did_you_mean

    for name in names:
        entry = registry.entries.get(name)
        if entry is None and name in registry.plugins:
            yield f"names {name!r}, which is installed but not configured; write [channels.{name}]"
        elif entry is None:
            yield f"names the unknown channel {name!r}{did_you_mean(name, [*registry.entries, *registry.plugins])}"
        elif entry.state == "disabled":
            yield f"names {name!r}, which is disabled"


def _environment_findings(config: NotificationConfig, registry: Registry) -> Iterator[Finding]:
    """Warnings about variables that have no effect."""
    from tocsin.cli.readiness import switched_off
    from tocsin.config import CONFIG_VARIABLE, DeliverySettings
    from tocsin.errors import did_you_mean
    from tocsin.settings import settings_of

    environ = config.environment.values
    configured = {entry.type for entry in registry.entries.values()}
    for problem in switched_off(registry.plugins, configured, environ):
        yield Finding(problem.place, problem.message, warning=True)
    known = {CONFIG_VARIABLE, *(item.env for item in settings_of(DeliverySettings, "tocsin"))}
    for name in environ:
        close = did_you_mean(name, known) if name.startswith(("NOTIFICATION_", "TOCSIN_")) and name not in known else ""
        if close:
            yield Finding(name, f"is no setting{close}", warning=True)


def _show(findings: list[Finding], errors: int, summary: Mapping[str, Any], session: Session) -> None:
    terminal = session.terminal
    for finding in findings:
        kind = terminal.style("warning" if finding.warning else "error", "warn" if finding.warning else "bad")
        place = f"{clean(finding.place)}: " if finding.place else ""
        if not session.as_json:
            terminal.data(f"{place}{kind}: {clean(finding.message)}")
    warnings = len(findings) - errors
    if findings:
        terminal.say(f"{_count(errors, 'error')}, {_count(warnings, 'warning')}")
    if not errors:
        ready = ", ".join(summary.get("ready", ())) or "none; tocsin channels list shows what is installed"
        terminal.say(f"{terminal.mark('good')} {_source(summary)} good. Channels ready: {ready}")


def _source(summary: Mapping[str, Any]) -> str:
    name = str(summary.get("file", ""))
    return "the environment is" if name == "environment" else f"{name} and the environment are"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
