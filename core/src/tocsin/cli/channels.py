"""``tocsin channels list``, ``tocsin channels describe`` and ``tocsin plugins``."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from tocsin.cli.complete import complete_types
from tocsin.cli.exits import Exit
from tocsin.cli.session import Session, common_options, pass_session

if TYPE_CHECKING:
    from tocsin.cli.terminal import Terminal
    from tocsin.discovery import Plugin
    from tocsin.registry import Entry, Registry
    from tocsin.settings import Setting

__all__ = ["channels", "plugins"]

_STYLES = {"ready": "", "disabled": "dim", "unconfigured": "dim"}
_CORE = "tocsin"


@click.group()
def channels() -> None:
    """Look at channels and at what each type can be told."""


@channels.command("list", short_help="List channels, and types that wait for settings.")
@common_options()
@pass_session
def list_channels(session: Session) -> int:
    """List the configured channels, then the installed types that wait for settings."""
    registry = _registry(session)
    rows = [_channel_row(entry) for entry in registry.entries.values()]
    waiting = [plugin for name, plugin in registry.plugins.items() if name not in {row["type"] for row in rows}]
    registry.close()
    if session.as_json:
        session.terminal.json(rows + [_channel_row(registry.unconfigured(plugin)) for plugin in waiting])
        return Exit.DELIVERED
    terminal = session.terminal
    columns = ("name", "type", "state", "recipients", "reason")
    shown = [[_cell(row, column) for column in columns] for row in rows]
    if rows:
        styles = [_STYLES.get(row["state"], "bad") for row in rows]
        terminal.table(("channel", "type", "state", "recipients", "why"), shown, styles)
        terminal.data()
    else:
        terminal.data("No channel is configured.")
    _show_waiting(waiting, terminal)
    return Exit.DELIVERED


def _cell(row: dict[str, Any], column: str) -> str:
    """The cell; the type only where it is not the name."""
    if column == "recipients":
        return ", ".join(row[column])
    return "" if column == "type" and row["type"] == row["name"] else str(row[column])


def _show_waiting(plugins: Iterable[Plugin], terminal: Terminal) -> None:
    names: dict[bool, list[str]] = {True: [], False: []}
    for plugin in plugins:
        names[plugin.distribution == _CORE].append(plugin.type)
    for title, listed in (("Installed and waiting for settings", names[False]), ("Built in", names[True])):
        if listed:
            terminal.prose(f"{title}: {', '.join(listed)}.")
    terminal.say("What one needs: tocsin channels describe TYPE")


def _registry(session: Session) -> Registry:
    from tocsin.clock import SystemClock
    from tocsin.registry import Registry

    return Registry(session.config(lenient=True), SystemClock())


def _channel_row(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "type": entry.type,
        "state": str(entry.state),
        "recipients": [recipient.label for recipient in entry.channel.recipients] if entry.channel else [],
        "reason": entry.reason,
    }


@channels.command("describe", short_help="Show the settings of a type.")
@click.argument("channel_type", metavar="TYPE", shell_complete=complete_types)
@common_options()
@pass_session
def describe(session: Session, channel_type: str) -> int:
    """Show the settings of a channel type, and what it can do.

    With --json also the JSON Schema of its table in a file.
    """
    from tocsin.discovery import load
    from tocsin.hookspecs import Capabilities
    from tocsin.resolution import options_of
    from tocsin.settings import settings_of

    registry = _registry(session)
    entry = registry.find(channel_type)
    registry.close()
    plugin = registry.plugins.get(entry.type)
    if plugin is None:
        return _not_installed(session, entry)
    cls = load(plugin)
    own = settings_of(cls, plugin.type)
    names = {item.name for item in own}
    shared = [item for item in options_of(plugin.type) if item.name not in names]
    capabilities = getattr(cls, "capabilities", Capabilities(probe=False))
    about = {
        "type": plugin.type,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "summary": (inspect.getdoc(cls) or "").partition("\n\n")[0],
        "settings": [_setting(item) for item in (*own, *shared)],
        "capabilities": capabilities.to_dict(),
    }
    if session.as_json:
        session.terminal.json(about | {"schema": _schema(plugin.type, [*own, *shared])})
    else:
        _show_type(about, session)
    return Exit.DELIVERED


def _not_installed(session: Session, entry: Entry) -> int:
    session.terminal.fail(f"{session.terminal.mark('bad')} {entry.name}  {entry.reason}")
    return Exit.CONFIG


def _setting(item: Setting) -> dict[str, Any]:
    schema = item.schema()
    return {
        "name": item.name,
        "env": item.env,
        "kind": item.kind,
        "required": item.required,
        "secret": item.secret,
        "default": schema.get("default"),
        "help": item.help,
    }


def _schema(channel_type: str, settings: list[Setting]) -> dict[str, Any]:
    """A JSON Schema of ``[channels.<name>]``."""
    properties: dict[str, Any] = {
        "type": {"const": channel_type, "description": "The channel type; by default the table's own name"},
        "enabled": {"type": "boolean", "default": True},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": channel_type,
        "type": "object",
        "properties": properties | {item.name: item.schema() for item in settings},
        "required": [item.name for item in settings if item.required],
        "additionalProperties": False,
    }


def _show_type(about: dict[str, Any], session: Session) -> None:
    terminal = session.terminal
    terminal.data(terminal.style(f"{about['type']}  ({about['distribution']} {about['version']})", "bold"))
    if about["summary"]:
        terminal.data(" ".join(about["summary"].split()))
    terminal.data()
    rows = [(item["name"], item["env"], _default(item), _help(item)) for item in about["settings"]]
    terminal.table(("setting", "environment", "default", "meaning"), rows)
    terminal.data()
    if about["distribution"] != _CORE:
        switch = about["type"].upper().replace("-", "_")
        terminal.prose(f"Switch it on with {switch}_NOTIFICATIONS_ENABLED=true, or write [channels.{about['type']}].")
    terminal.prose(f"Capabilities: {', '.join(_capabilities(about['capabilities']))}.")


def _default(item: dict[str, Any]) -> str:
    if item["required"]:
        return "required"
    return "" if item["default"] in (None, [], {}) else _plain(item["default"])


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _help(item: dict[str, Any]) -> str:
    return f"{item['help']}{' (secret)' if item['secret'] else ''}"


def _capabilities(values: dict[str, Any]) -> list[str]:
    """The ones that are there, in words."""
    words = [f"formats {' and '.join(values['formats'])}"]
    if values["max_length"]:
        words.append(f"at most {values['max_length']:,} {values['unit']}")
    if values["rate_limit"]:
        words.append(f"{values['rate_limit']:g}/s per {values['rate_scope']}")
    words += [name for name in ("update", "thread", "receipts", "idempotent") if values[name]]
    words.append("health without sending" if values["probe"] else "no health without sending")
    return words


@click.command()
@common_options()
@pass_session
def plugins(session: Session) -> int:
    """List what is installed, and the state of each.

    A type that nobody configured is listed without being imported.
    """
    registry = _registry(session)
    rows = _plugin_rows(registry)
    registry.close()
    if session.as_json:
        session.terminal.json(rows)
    else:
        columns = ("name", "distribution", "version", "state", "why")
        for row in rows:
            row["why"] = "" if row["state"] == "unconfigured" and row["name"] not in registry.entries else row["why"]
        styles = [_STYLES.get(row["state"], "bad") for row in rows]
        session.terminal.table(columns, [[row[column] for column in columns] for row in rows], styles)
        session.terminal.say("Unconfigured ones need settings: tocsin channels describe NAME")
    return Exit.DELIVERED


def _plugin_rows(registry: Registry) -> list[dict[str, str]]:
    """One row for each installed type, and one for each that is configured and missing."""
    by_type: dict[str, list[Entry]] = {}
    for entry in registry.entries.values():
        by_type.setdefault(entry.type, []).append(entry)
    rows = []
    for name in [*registry.plugins, *(name for name in by_type if name not in registry.plugins)]:
        plugin = registry.plugins.get(name)
        entries = by_type.get(name) or ([registry.unconfigured(plugin)] if plugin else [])
        state = next((entry.state for entry in entries if entry.state == "ready"), entries[0].state)
        rows.append(
            {
                "name": name,
                "distribution": plugin.distribution if plugin else "",
                "version": plugin.version if plugin else "",
                "state": str(state),
                "why": "; ".join(_why(entry) for entry in entries if entry.reason),
            }
        )
    return rows


def _why(entry: Entry) -> str:
    return entry.reason if entry.name == entry.type else f"{entry.name} {entry.state}: {entry.reason}"
