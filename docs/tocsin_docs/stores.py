"""The port of stores as its authors need it, and the settings of those in this checkout."""

from __future__ import annotations

import inspect

import tocsin.store
from tocsin.discovery import STORES
from tocsin.store import Store
from tocsin_docs.catalogue import help_text, phrase, setting_line
from tocsin_docs.manual import manuals

__all__ = [
    "PORT",
    "port_methods",
    "readable_methods",
    "store_links",
    "store_methods",
    "store_names",
    "store_settings",
    "upkeep_methods",
]

PORT = {"Store"}
"""Public names that the page of the port describes."""
_VALUES = ("Added", "Claim", "Settled", "Record", "Step", "Transition")
_FUNCTIONS = ("next_step", "begun", "cancelled", "is_cancellable", "report_of", "may_become")


def store_settings() -> str:
    """A heading for each environment name of each store."""
    lines = []
    for manual in manuals(STORES):
        lines += [f"## {manual.type}", "", f"The manual: {{ref}}`{manual.type} <store-{manual.type}>`.", ""]
        for item in manual.settings:
            lines += [f"(store-setting-{item.name})=", f"### `{item.env}`", "", f"{help_text(item)}.", ""]
            lines += [f"`{item.name}` in `[store]` · {setting_line(item)}", ""]
    return "\n".join(lines)


def store_links() -> str:
    """A list of the stores' manuals."""
    return "\n".join(f"- {{ref}}`{manual.type} <store-{manual.type}>`: {phrase(manual)}" for manual in manuals(STORES))


def port_methods(port: type) -> list[str]:
    """The names of a port's methods, in the order of the class."""
    return [name for name, value in vars(port).items() if inspect.isfunction(value) and not name.startswith("_")]


def store_methods() -> str:
    """A heading for each method of the port."""
    return _methods(Store, "Store", "tocsin.Store")


def upkeep_methods() -> str:
    """A heading for each method by which the command line keeps a store, where the core has that port."""
    upkeep = getattr(tocsin.store, "Upkeep", None)
    return "" if upkeep is None else _methods(upkeep, "Upkeep", "tocsin.store.Upkeep")


def readable_methods() -> str:
    """A heading for the method by which the command line only looks at a store."""
    return _methods(tocsin.store.Readable, "Readable", "tocsin.store.Readable")


def _methods(port: type, name: str, home: str) -> str:
    lines = ["```{eval-rst}", f".. autoclass:: {home}", "```", ""]
    for method in port_methods(port):
        directive = [f".. automethod:: {home}.{method}"]
        lines += [f"({name.lower()}-{method})=", f"### `{method}`", "", "```{eval-rst}", *directive, "```", ""]
    return "\n".join(lines)


def store_names() -> str:
    """The values that the port speaks of, and the functions that every store shares."""
    return "\n".join([*(_name(name, "class") for name in _VALUES), *(_name(name, "function") for name in _FUNCTIONS)])


def _name(name: str, kind: str) -> str:
    return "\n".join([f"### `{name}`", "", "```{eval-rst}", f".. auto{kind}:: tocsin.store.{name}", "```", ""])
