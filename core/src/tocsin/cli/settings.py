"""``tocsin config show``: the configuration in force, where each value came from, secrets masked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import click

from tocsin.cli.exits import Exit
from tocsin.cli.session import Session, common_options, pass_session
from tocsin.cli.terminal import clean
from tocsin.secret import MASK, mask_address, mask_url

if TYPE_CHECKING:
    from tocsin.config import NotificationConfig
    from tocsin.registry import Entry
    from tocsin.settings import Setting

__all__ = ["config"]

_DEFAULT = "default"


@attrs.frozen
class Shown:
    """A value as it may be seen, and its origin."""

    value: Any
    origin: str


@click.group()
def config() -> None:
    """Look at the configuration in force."""


@config.command("show")
@click.option("--origin", is_flag=True, help="Say where each value came from.")
@common_options()
@pass_session
def show(session: Session, origin: bool) -> int:
    """Show the configuration in force: defaults, file and environment put together, secrets masked."""
    from tocsin.clock import SystemClock
    from tocsin.registry import Registry

    configuration = session.config(lenient=True)
    registry = Registry(configuration, SystemClock())
    registry.close()
    delivery = _delivery(configuration)
    channels = {name: _channel(entry) for name, entry in registry.entries.items()}
    problems = [str(problem) for problem in (*configuration.problems, *registry.problems())]
    if session.as_json:
        session.terminal.json(
            {
                "file": configuration.file.name,
                "delivery": _plain(delivery),
                "channels": {
                    name: {"type": entry.type, "state": str(entry.state), "settings": _plain(channels[name])}
                    for name, entry in registry.entries.items()
                },
                "routes": configuration.file.data.get("routes", []),
                "problems": problems,
            }
        )
        return Exit.DELIVERED
    terminal = session.terminal
    _show_table("delivery", "", delivery, session, origin=origin)
    for name, entry in registry.entries.items():
        _show_table(f"channels.{_key(name)}", _about(entry), channels[name], session, origin=origin)
    _show_routes(configuration, session, origin=origin)
    for problem in problems:
        terminal.fail(f"{terminal.mark('bad')} {clean(problem)}")
    return Exit.DELIVERED


def _about(entry: Entry) -> str:
    return str(entry.state) if entry.type == entry.name else f"{entry.state}, type {entry.type}"


def _show_table(title: str, comment: str, values: Mapping[str, Shown], session: Session, *, origin: bool) -> None:
    terminal = session.terminal
    terminal.data(terminal.style(f"[{clean(title)}]", "bold") + (f"  # {clean(comment)}" if comment else ""))
    for line in _lines(values, origin=origin):
        terminal.data(line)
    terminal.data()


def _plain(values: Mapping[str, Shown]) -> dict[str, Any]:
    return {name: attrs.asdict(shown) for name, shown in values.items()}


def _delivery(configuration: NotificationConfig) -> dict[str, Shown]:
    origins = configuration.origins
    return {
        name: Shown(value, origins.get(name, _DEFAULT)) for name, value in attrs.asdict(configuration.delivery).items()
    }


def _channel(entry: Entry) -> dict[str, Shown]:
    from tocsin.resolution import options_of
    from tocsin.settings import settings_of

    shown: dict[str, Shown] = {}
    labels = {r.address.reveal(): r.label for r in entry.channel.recipients} if entry.channel else {}
    known = {item.name: item for item in settings_of(entry.cls, entry.type)} if entry.cls else {}
    known = {item.name: item for item in options_of(entry.type)} | known
    for name, sourced in entry.values.items():
        shown[name] = Shown(_masked(sourced.value, known.get(name), labels), sourced.origin)
    for name, item in known.items():
        default = item.schema().get("default")
        if name not in shown and default not in (None, "", [], {}):
            shown[name] = Shown(default, _DEFAULT)
    return shown


def _masked(value: Any, setting: Setting | None, labels: Mapping[str, str]) -> Any:
    """The value as it may be seen; what no setting describes, and every value in a table, may be a secret."""
    if isinstance(value, Mapping):
        return dict.fromkeys(map(str, value), MASK)
    if setting is None or setting.secret:
        return [MASK for _ in value] if isinstance(value, list | tuple) else MASK
    if setting.kind == "object":
        return MASK
    if setting.kind == "array" and isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list | tuple):
        return [labels.get(str(item)) or _someone(item) for item in value]
    return labels.get(str(value)) or _somewhere(value)


def _someone(value: Any) -> Any:
    """An item of a list: most lists are of recipients."""
    return mask_address(str(value)) if "@" in str(value) else _somewhere(value)


def _somewhere(value: Any) -> Any:
    """A URL without user and query, which may be secret; anything else as it is."""
    return mask_url(value) if isinstance(value, str) and "://" in value and ("@" in value or "?" in value) else value


def _lines(values: Mapping[str, Shown], *, origin: bool) -> Iterator[str]:
    lines = {name: f"{name} = {_toml(shown.value)}" for name, shown in values.items()}
    width = min(max(map(len, lines.values()), default=0), 48)
    for name, line in lines.items():
        place = values[name].origin
        yield f"{line.ljust(width)}  # {clean(place)}" if origin and place else line


def _toml(value: Any) -> str:
    """The value as TOML writes it."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return clean(json.dumps(value, ensure_ascii=False, default=str))


def _key(key: object) -> str:
    text = str(key)
    return text if text.replace("_", "").replace("-", "").isalnum() and text.isascii() else json.dumps(text)


def _show_routes(configuration: NotificationConfig, session: Session, *, origin: bool) -> None:
    routes = configuration.file.data.get("routes", [])
    for index, table in enumerate(routes if isinstance(routes, list | tuple) else []):
        place = configuration.file.place(f"routes.{index}")
        session.terminal.data(session.terminal.style("[[routes]]", "bold") + (f"  # {clean(place)}" if origin else ""))
        for name, value in table.items() if isinstance(table, Mapping) else ():
            session.terminal.data(f"{_key(name)} = {_toml(value)}")
        session.terminal.data()
