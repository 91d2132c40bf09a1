"""The channels and stores of this checkout: a manual page each, their settings, and the README's tables."""

from __future__ import annotations

import inspect
import re
from typing import Any

import attrs

from tocsin import Secret
from tocsin.discovery import STORES
from tocsin.resolution import options_of
from tocsin.settings import Setting
from tocsin_docs import arrivals, facts
from tocsin_docs.manual import ROOT, Manual, built_in, manuals

__all__ = [
    "built_in_channels",
    "channel_pages",
    "channel_table",
    "help_text",
    "phrase",
    "setting_line",
    "store_pages",
    "store_table",
]


def built_in_channels() -> str:
    """A section for each channel type that the core brings, from its class."""
    lines = []
    for manual in built_in():
        docstring = inspect.getdoc(manual.cls) or ""
        lines += [f"(channel-{manual.type})=", f"## `{manual.type}`", "", docstring.partition("\n\nAttributes:")[0], ""]
        lines += [*_table(manual.settings), ""] if manual.settings else ["It has no settings.", ""]
    return "\n".join(lines)


def channel_pages() -> dict[str, str]:
    """The page of each channel type, by its name."""
    return {manual.type: _page(manual) for manual in manuals()}


def _page(manual: Manual) -> str:
    folder = manual.folder.relative_to(ROOT).as_posix()
    lines = [
        f"(channel-{manual.type})=",
        f"# {manual.title}",
        "",
        arrivals.with_pictures(manual),
        "",
        f"## Settings of `{manual.type}`",
        "",
        f"In a file they stand under `[channels.{manual.type}]`; in the environment under the second column's names,",
        f"next to `{_switch(manual.type)}=true`. A secret can also be read from a file that `NAME_FILE` names.",
        "",
        *_table(manual.settings),
        "",
        f"Every channel also takes {_options(manual.type)}: see {{ref}}`channel-options`.",
        "",
        "## What the core knows about it",
        "",
        *_capabilities(manual.cls.capabilities),
        "",
        *facts.pointer(manual),
        f"Install it from a checkout: `pip install ./core ./{folder}`. The distribution is `{manual.distribution}`.",
        "",
    ]
    return "\n".join(lines)


def store_pages() -> dict[str, str]:
    """The page of each store, by its name."""
    return {manual.type: _store_page(manual) for manual in manuals(STORES)}


def _store_page(manual: Manual) -> str:
    folder = manual.folder.relative_to(ROOT).as_posix()
    lines = [
        f"(store-{manual.type})=",
        f"# {manual.title}",
        "",
        manual.text,
        "",
        f"## Settings of `{manual.type}`",
        "",
        f'In a file they stand under `[store]`, next to `driver = "{manual.type}"`; in the environment under the',
        "second column's names. Each has a heading in {doc}`/reference/store-settings`.",
        "",
        *_table(manual.settings),
        "",
        f"Install it from a checkout: `pip install ./core ./{folder}`. The distribution is `{manual.distribution}`.",
        "",
    ]
    return "\n".join(lines)


def _switch(channel_type: str) -> str:
    return f"{channel_type.upper().replace('-', '_')}_NOTIFICATIONS_ENABLED"


def _options(channel_type: str) -> str:
    return ", ".join(f"`{item.env}`" for item in options_of(channel_type))


def _table(settings: tuple[Setting, ...]) -> list[str]:
    rows = [f"| `{s.name}` | `{s.env}` | {_default(s)} | {_help(s)} |" for s in settings]
    return ["| key | environment | default | |", "|---|---|---|---|", *rows]


def _help(item: Setting) -> str:
    return f"{help_text(item)} (secret)" if item.secret else help_text(item)


def help_text(item: Setting) -> str:
    """The help of a setting, with what Markdown would take for its own escaped."""
    return re.sub(r"([|<*_`\[\]])", r"\\\1", item.help)


def _default(item: Setting) -> str:
    if item.required:
        return "required"
    default = item.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type] # attrs.Factory is a class at run time
        default = None
    if default in (None, "", (), {}):
        return "none"
    if isinstance(default, Secret):
        return f"`{default.reveal()}`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def _capabilities(capabilities: Any) -> list[str]:
    rows = [f"| `{name}` | {_value(value)} |" for name, value in capabilities.to_dict().items()]
    return ["| capability | |", "|---|---|", *rows]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def setting_line(item: Setting) -> str:
    """Kind, default and secrecy of a setting in one line."""
    words = [item.kind, "required" if item.required else f"default {_default(item)}"]
    return " · ".join([*words, f"secret, also as `{item.env}_FILE`"] if item.secret else words)


def channel_table() -> str:
    """The table of channels between the markers of README.md."""
    return _table_of("channel", manuals())


def store_table() -> str:
    """The table of stores between the markers of README.md."""
    return _table_of("store", manuals(STORES))


def _table_of(what: str, found: list[Manual]) -> str:
    rows = [
        f"| [{manual.type}](plugins/{manual.folder.name}/README.md) | `{manual.distribution}` | {phrase(manual)} |"
        for manual in found
    ]
    return "\n".join([f"| {what} | distribution | what it does |", "|---|---|---|", *rows])


def phrase(manual: Manual) -> str:
    """The description after `Tocsin channel:` or `Tocsin store:`, as a phrase."""
    return re.sub(r"\ATocsin \w+: ", "", manual.summary).rstrip(".")
