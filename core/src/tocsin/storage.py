"""Which store the configuration asks for: found like a channel, by an entry point, and built from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.config import NotificationConfig
from tocsin.discovery import STORES, LoadFailed, Plugin, installed, load
from tocsin.errors import ConfigError, did_you_mean
from tocsin.settings import Problem, Sourced, build, settings_of
from tocsin.store import Store

__all__ = ["STORE_PREFIX", "configured_store", "is_durable", "required_store"]

STORE_PREFIX = "tocsin_store"
"""Settings of a store are named ``TOCSIN_STORE_<FIELD>`` in the environment."""
_HOW = 'write [store] url = "sqlite:///tocsin.db" into tocsin.toml or set TOCSIN_STORE_URL'
_INSTALL = "pip install tocsin-sql"


def is_durable(config: NotificationConfig) -> bool:
    """Whether the configuration asks for a store that outlives the process."""
    prefix = f"{STORE_PREFIX.upper()}_"
    return "store" in config.file.data or any(
        name.startswith(prefix) and value.strip() for name, value in config.environment.values.items()
    )


def configured_store(config: NotificationConfig) -> Store | None:
    """The store that ``[store]`` or ``TOCSIN_STORE_…`` asks for, not opened yet; None where nothing does.

    Raises:
        ConfigError: no such store is installed, or its settings have problems.
    """
    if not is_durable(config):
        return None
    table = config.file.data.get("store", {})
    if not isinstance(table, Mapping):
        raise ConfigError("the store cannot be used", [Problem(config.file.place("store"), "must be a table")])
    plugin = _driver(config, table)
    try:
        cls = load(plugin)
    except LoadFailed as error:
        raise ConfigError(f"the store cannot be used: {error}") from None
    settings = settings_of(cls, STORE_PREFIX)
    values, problems = _values(config, table, cls)
    store, found = build(cls, settings, values)
    if store is None or problems or found:
        raise ConfigError("the store cannot be used", [*problems, *found])
    return store  # type: ignore[no-any-return] # what an entry point names has no static type; the port's suite checks it


def required_store(config: NotificationConfig) -> Store:
    """The store that the configuration asks for, not opened yet, for those who need one that outlives the process.

    Raises:
        ConfigError: none is configured, or what :func:`configured_store` raises.
    """
    store = configured_store(config)
    if store is not None:
        if not store.shared:
            raise ConfigError("the configured store does not outlive the process; configure a database")
        return store
    words = f"no store is configured; {_HOW}"
    raise ConfigError(words if installed(STORES) else f"{words}, and {_INSTALL}")


def _driver(config: NotificationConfig, table: Mapping[str, Any]) -> Plugin:
    stores = installed(STORES)
    named = table.get("driver") or (next(iter(stores)) if len(stores) == 1 else None)
    if isinstance(named, str) and named in stores and not stores[named].rivals:
        return stores[named]
    if not stores:
        raise ConfigError(f"no store is installed; {_INSTALL}")
    place, names = config.file.place("store.driver"), ", ".join(stores)
    words = f"no store called {named!r}{did_you_mean(str(named), stores)}" if named else "say which store"
    raise ConfigError("the store cannot be used", [Problem(place, f"{words} (installed: {names})")])


def _values(
    config: NotificationConfig, table: Mapping[str, Any], cls: type
) -> tuple[dict[str, Sourced], list[Problem]]:
    values: dict[str, Sourced] = {}
    problems: list[Problem] = []
    for key, raw in table.items():
        if key != "driver":
            origin = config.file.place(f"store.{key}")
            value, found = config.environment.interpolate(raw, origin)
            problems += found
            values[key] = Sourced(value, origin)
    for item in settings_of(cls, STORE_PREFIX):
        sourced, found = config.environment.value(item)
        problems += found
        if sourced is not None:
            values[item.name] = sourced
    return values, problems
