"""Markdown that is made from the code: each generator stands for one `<!-- generate: name -->` line."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator

import tocsin
from tocsin.config import DeliverySettings
from tocsin.errors import DeliveryError, ErrorKind, TocsinError
from tocsin.hookspecs import HOOKS, ChannelSpec
from tocsin.resolution import ChannelOptions
from tocsin.settings import Setting, settings_of
from tocsin_docs.arrivals import gallery
from tocsin_docs.catalogue import built_in_channels, help_text, phrase, setting_line
from tocsin_docs.commands import commands
from tocsin_docs.facts import fact_links
from tocsin_docs.manual import built_in, manuals
from tocsin_docs.promises import promises, repeats, states, transitions
from tocsin_docs.stores import (
    PORT,
    readable_methods,
    store_links,
    store_methods,
    store_names,
    store_settings,
    upkeep_methods,
)

__all__ = ["GENERATORS", "expand"]

_MARKER = re.compile(r"^<!-- generate: ([\w-]+) -->$", re.MULTILINE)
_CONTRACT = {"Capabilities", "ChannelSpec", "SendContext", "hookimpl"}
"""Public names that the page of the channel contract describes."""


def expand(text: str) -> str:
    """The page with what its markers stand for."""
    return _MARKER.sub(lambda match: GENERATORS[match.group(1)](), text)


def delivery_settings() -> str:
    """A heading for each setting of `[delivery]`."""
    return "\n".join(_setting(item, "delivery") for item in settings_of(DeliverySettings, "tocsin"))


def channel_options() -> str:
    """A heading for each setting that all channels share."""
    return "\n".join(_setting(item, "channels.<name>") for item in settings_of(ChannelOptions, "<type>"))


def _setting(item: Setting, table: str) -> str:
    anchor = f"({'setting' if table == 'delivery' else 'option'}-{item.name})="
    lines = [anchor, f"### `{item.name}`", "", f"{help_text(item)}.", ""]
    lines += [f"`{item.env}`, or `{item.name}` in `[{table}]` · {setting_line(item)}", ""]
    return "\n".join(lines)


def channel_settings() -> str:
    """A heading for each environment name of each channel type."""
    lines = []
    for manual in [*manuals(), *built_in()]:
        if not manual.settings:
            continue
        lines += [f"## {manual.type}", "", f"The manual: {{ref}}`{manual.type} <channel-{manual.type}>`.", ""]
        for item in manual.settings:
            lines += [f"### `{item.env}`", "", f"{help_text(item)}.", ""]
            lines += [f"`{item.name}` in `[channels.{manual.type}]` · {setting_line(item)}", ""]
    return "\n".join(lines)


def error_classes() -> list[type[TocsinError]]:
    """Every exception of the core, by code."""
    for module in pkgutil.walk_packages(tocsin.__path__, "tocsin."):
        if not module.name.startswith(("tocsin.cli", "tocsin.testing", "tocsin.http")):
            importlib.import_module(module.name)
    return sorted(_tree(TocsinError), key=lambda cls: cls.code)


def _tree(cls: type[TocsinError]) -> Iterator[type[TocsinError]]:
    if cls.__module__.startswith("tocsin."):
        yield cls
        for child in cls.__subclasses__():
            yield from _tree(child)


def usage_errors() -> str:
    """A heading for each exception that reaches the caller."""
    return "\n".join(_error(cls) for cls in error_classes() if not issubclass(cls, DeliveryError))


def delivery_errors() -> str:
    """A heading for each way in which an attempt fails."""
    return "\n".join(_delivery_error(cls) for cls in error_classes() if issubclass(cls, DeliveryError))


def _error(cls: type[TocsinError], *facts: str) -> str:
    home = "tocsin" if cls.__name__ in tocsin.__all__ else cls.__module__
    directive = [f".. autoexception:: {home}.{cls.__name__}", "   :show-inheritance:"]
    lines = [f"({cls.code.lower()})=", f"### {cls.code} `{cls.__name__}`", "", "```{eval-rst}", *directive, "```", ""]
    return "\n".join([*lines, *facts, ""])


def _delivery_error(cls: type[DeliveryError]) -> str:
    facts = [f"Kind `{cls.kind}` · outcome `{cls.default_outcome}` · scope `{cls.default_scope}`."]
    return _error(cls, *facts, *(["", f"What to do: {cls.default_hint}"] if cls.default_hint else []))


def error_kinds() -> str:
    """A table of the kinds, each with the exceptions that carry it."""
    rows = []
    for kind in ErrorKind:
        bearers = [cls for cls in error_classes() if issubclass(cls, DeliveryError) and cls.kind is kind]
        bearers = [cls for cls in bearers if cls is not DeliveryError]
        rows.append(
            f"| `{kind}` | {', '.join(f'[{cls.code} {cls.__name__}](#{cls.code.lower()})' for cls in bearers)} |"
        )
    return "\n".join(["| kind | raised as |", "|---|---|", *rows])


def hooks() -> str:
    """A heading with the exact signature for each hook."""
    return "\n".join(_hook(name) for name in HOOKS)


def hook_signature(name: str) -> str:
    """A hook as an implementation writes it."""
    function = getattr(ChannelSpec, name)
    signature = inspect.signature(function)
    return f"{name}{str(signature).replace(chr(39), '')}"


def _hook(name: str) -> str:
    directive = [f".. automethod:: tocsin.ChannelSpec.{name}", "   :no-index:"]
    return "\n".join([f"(hook-{name})=", f"### `{hook_signature(name)}`", "", "```{eval-rst}", *directive, "```", ""])


def contract_names() -> str:
    """The public names that a channel's author needs."""
    return "\n".join(_documented(name) for name in sorted(_CONTRACT))


def python_api() -> str:
    """Every public name of `tocsin` but the exceptions and the contracts, grouped by its module."""
    lines = []
    for home, names in tocsin._HOMES.items():
        shown = [name for name in names if name not in _CONTRACT | PORT and not _is_error(name)]
        if shown:
            lines += [f"## {_title(home)}", "", *(_documented(name) for name in shown)]
    return "\n".join(lines)


_TITLES = {
    "alert": "Alerts",
    "clock": "Time",
    "config": "Configuration",
    "errors": "Words for failures",
    "manager": "Manager",
    "processors": "Processors",
    "receipt": "Answers of a channel",
    "recipient": "Recipients",
    "report": "Reports",
    "secret": "Secrets",
    "service": "Service",
}


def _title(home: str) -> str:
    return _TITLES.get(home, home.capitalize())


def _is_error(name: str) -> bool:
    value = getattr(tocsin, name)
    return isinstance(value, type) and issubclass(value, TocsinError)


def _documented(name: str) -> str:
    value = getattr(tocsin, name)
    kind = "class" if isinstance(value, type) else "function" if inspect.isfunction(value) else "data"
    options = ["   :members:"] if kind == "class" and name != "ChannelSpec" else []
    body = [f".. auto{kind}:: tocsin.{name}", *options]
    return "\n".join([f"### `{name}`", "", "```{eval-rst}", *body, "```", ""])


def channel_links() -> str:
    """A list of the channels' manuals."""
    return "\n".join(f"- {{ref}}`{manual.type} <channel-{manual.type}>`: {phrase(manual)}" for manual in manuals())


GENERATORS: dict[str, Callable[[], str]] = {
    "built-in-channels": built_in_channels,
    "channel-links": channel_links,
    "channel-options": channel_options,
    "channel-settings": channel_settings,
    "commands": commands,
    "contract-names": contract_names,
    "delivery-errors": delivery_errors,
    "delivery-settings": delivery_settings,
    "error-kinds": error_kinds,
    "fact-links": fact_links,
    "gallery": gallery,
    "hooks": hooks,
    "promises": promises,
    "python-api": python_api,
    "readable-methods": readable_methods,
    "repeats": repeats,
    "states": states,
    "store-links": store_links,
    "store-methods": store_methods,
    "store-names": store_names,
    "store-settings": store_settings,
    "transitions": transitions,
    "upkeep-methods": upkeep_methods,
    "usage-errors": usage_errors,
}
