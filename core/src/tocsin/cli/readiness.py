"""Before a send: which channels can take part, which cannot and why, and what to do where none is configured."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from tocsin.cli.exits import Exit, exit_for
from tocsin.cli.terminal import Terminal, clean
from tocsin.discovery import LoadFailed, Plugin, load
from tocsin.errors import ConfigError
from tocsin.registry import ChannelState
from tocsin.settings import Problem, settings_of

if TYPE_CHECKING:
    from tocsin.alert import Alert
    from tocsin.registry import Entry, Registry
    from tocsin.report import DeliveryReport
    from tocsin.service import NotificationService

__all__ = ["UNUSABLE", "exit_code", "make_ready", "not_ready", "switched_off", "tell_absence"]

_CORE = "tocsin"
_CONSOLE = "console"
UNUSABLE = (ChannelState.UNCONFIGURED, ChannelState.MISCONFIGURED)
"""States that the configuration is to blame for."""


def make_ready(
    service: NotificationService, names: Iterable[str], terminal: Terminal, *, console: bool = True
) -> set[str]:
    """Bring in what the user named, say who cannot take part, and fall back to the console.

    Args:
        service: of this command.
        names: channels that the user named.
        terminal: where the words go.
        console: whether the console may stand in where no channel is configured.

    Returns:
        The channels whose absence was told.

    Raises:
        UnknownChannel: a name that nobody configured or installed.
    """
    names = list(names)
    for entry in [service.registry.find(name) for name in names]:
        if entry.name not in service.registry.entries:
            _bring_in(service, entry, terminal)
    absent = [entry for entry in not_ready(service.registry) if not names or entry.name in names]
    for entry in absent:
        tell_absence(entry, terminal)
    if console and not service.registry.entries and not names:
        _use_console(service, terminal)
    return {entry.name for entry in absent}


def _bring_in(service: NotificationService, entry: Entry, terminal: Terminal) -> None:
    """Naming an installed type asks for it, as if its switch were on; why it cannot be had is told with the rest."""
    if entry.name == _CONSOLE:
        _open_console(service, terminal)
        return
    with contextlib.suppress(ConfigError):
        service.enable_channel(entry.name)


def _open_console(service: NotificationService, terminal: Terminal) -> None:
    """The console; on stderr where stdout is for JSON."""
    if terminal.as_json:
        from tocsin.builtin import ConsoleChannel

        service.add_channel(_CONSOLE, ConsoleChannel(stream="stderr"))
    else:
        service.enable_channel(_CONSOLE)


def not_ready(registry: Registry) -> list[Entry]:
    """The channels that were asked for and cannot carry alerts."""
    usable = (ChannelState.READY, ChannelState.DISABLED)
    return [entry for entry in registry.entries.values() if entry.state not in usable]


def tell_absence(entry: Entry, terminal: Terminal) -> None:
    """Say that a channel takes no part, and why."""
    name = terminal.style(clean(entry.name), "bold")
    terminal.fail(f"{terminal.mark('warn')} {name} is {entry.state} and takes no part:")
    for problem in entry.problems or (entry.reason,):
        terminal.fail(f"    {clean(problem)}")


def _use_console(service: NotificationService, terminal: Terminal) -> None:
    _open_console(service, terminal)
    terminal.say("No channel is configured, so this goes to the console.")
    for problem in switched_off(service.registry.plugins, (), service.config.environment.values):
        terminal.say(f"{terminal.mark('warn')} {problem}")
    waiting = [plugin.type for plugin in service.registry.plugins.values() if plugin.distribution != _CORE]
    if waiting:
        terminal.say(f"Installed and waiting for settings: {', '.join(waiting)}.")
        terminal.say(f"What a channel needs: tocsin channels describe {waiting[0]}")
    else:
        terminal.say("To reach people install a channel: pip install tocsin-<channel>.")


def switched_off(
    plugins: Mapping[str, Plugin], configured: Iterable[str], environ: Mapping[str, str]
) -> Iterator[Problem]:
    """A problem for each type whose settings are in the environment while its switch is not.

    Args:
        plugins: installed types; those that are not configured are imported.
        configured: types that are in use.
        environ: variables.
    """
    for plugin in plugins.values():
        if plugin.type in configured or plugin.rivals:
            continue
        try:
            settings = settings_of(load(plugin), plugin.type)
        except LoadFailed:
            continue
        found = [name for item in settings for name in (item.env, f"{item.env}_FILE") if environ.get(name, "").strip()]
        if found:
            switch = f"{plugin.type.upper().replace('-', '_')}_NOTIFICATIONS_ENABLED=true"
            yield Problem(found[0], f"is set, but {plugin.type} is not enabled; set {switch}")


def exit_code(service: NotificationService, alert: Alert, report: DeliveryReport) -> Exit:
    """The exit code of a report; where nothing could be tried for want of settings it is the configuration's."""
    entries = service.registry.entries
    if not report.results:
        wanting = any(entry.state in UNUSABLE for entry in entries.values())
        if wanting and not service.channels:
            return Exit.CONFIG
        return exit_for(report, matched=not isinstance(service.plan(alert), str))
    tried = any(result.recipients for result in report.results.values())
    wanting = all(name in entries and entries[name].state in UNUSABLE for name in report.results)
    return Exit.CONFIG if wanting and not tried else exit_for(report)
