"""From the configuration's sources to one table of values per channel instance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from tocsin.config import DeliverySettings, NotificationConfig
from tocsin.errors import did_you_mean
from tocsin.settings import (
    Problem,
    Setting,
    Sourced,
    in_range,
    setting,
    settings_of,
    to_boolean,
    to_integer,
    to_number,
)

__all__ = ["ChannelOptions", "ChannelTable", "options_of", "tables"]

_ENABLED = "_NOTIFICATIONS_ENABLED"


def _optional_number(value: float | str | None) -> float | None:
    return None if value is None else to_number(value)


def _optional_integer(value: int | str | None) -> int | None:
    return None if value is None else to_integer(value)


def _optional_range(lowest: float, highest: float) -> Any:
    return attrs.validators.optional(in_range(lowest, highest))


@attrs.frozen(kw_only=True)
class ChannelOptions:
    """Settings that every channel has besides its own."""

    rate_limit: float | None = attrs.field(
        default=None,
        converter=_optional_number,
        metadata=setting(
            help="Messages per second in each of the provider's scopes; 0 for no limit; by default the type's own"
        ),
    )
    workers: int | None = attrs.field(
        default=None,
        converter=_optional_integer,
        validator=_optional_range(1, 1_000),
        metadata=setting(help="Deliveries at once; by default as in [delivery]"),
    )
    timeout: float | None = attrs.field(
        default=None,
        converter=_optional_number,
        validator=_optional_range(0.01, 3_600),
        metadata=setting(help="Seconds that one attempt may take in all; by default as in [delivery]"),
    )


def options_of(channel_type: str) -> tuple[Setting, ...]:
    """The settings of :class:`ChannelOptions` with the environment names of a type."""
    return settings_of(ChannelOptions, channel_type)


@attrs.define(eq=False)
class ChannelTable:
    """One configured instance before its class is known.

    Attributes:
        name, type: of the instance.
        enabled: whether it is to be built.
        origin: where it was asked for.
        values: raw values from the file, by setting name.
    """

    name: str
    type: str
    enabled: bool
    origin: str
    values: dict[str, Sourced]
    problems: list[Problem] = attrs.field(factory=list)


def tables(config: NotificationConfig, types: Iterable[str]) -> dict[str, ChannelTable]:
    """Every instance that the file, the environment or a keyword asks for.

    Args:
        config: the sources.
        types: the installed channel types, whose environment names are known without importing them.
    """
    found = {table.name: table for table in _from_file(config)}
    for channel_type, value, origin in _switches(config, types):
        table = found.get(channel_type)
        if table is None:
            table = found[channel_type] = ChannelTable(channel_type, channel_type, False, origin, {})
        try:
            table.enabled = to_boolean(value)
        except ValueError as error:
            table.enabled = True
            table.problems.append(Problem(origin, str(error)))
    return found


def _from_file(config: NotificationConfig) -> Iterator[ChannelTable]:
    listed = config.file.data.get("channels", {})
    if not isinstance(listed, Mapping):
        yield _broken("channels", config.file.place("channels"), "channels must be tables; write [channels.slack]")
        return
    for name, table in listed.items():
        place = config.file.place(f"channels.{name}")
        if not isinstance(table, Mapping):
            yield _broken(name, place, f"must be a table; write [channels.{name}]")
            continue
        yield _from_table(config, name, table, place)


def _broken(name: str, place: str, message: str) -> ChannelTable:
    return ChannelTable(name, name, True, place, {}, [Problem(place, message)])


def _from_table(config: NotificationConfig, name: str, table: Mapping[str, Any], place: str) -> ChannelTable:
    found = ChannelTable(name, name, True, place, {})
    for key, raw in table.items():
        origin = config.file.place(f"channels.{name}.{key}")
        value, problems = config.environment.interpolate(raw, origin)
        found.problems += problems
        if key == "type" and isinstance(value, str):
            found.type = value
        elif key == "type":
            found.problems.append(Problem(origin, "type must be the name of a channel type"))
        elif key == "enabled":
            try:
                found.enabled = to_boolean(value)
            except ValueError as error:
                found.problems.append(Problem(origin, f"enabled {error}"))
        else:
            found.values[key] = Sourced(value, origin)
    return found


def _switches(config: NotificationConfig, types: Iterable[str]) -> Iterator[tuple[str, Any, str]]:
    """Type, value and origin of every ``<TYPE>_NOTIFICATIONS_ENABLED`` and ``<type>_enabled``."""
    by_prefix = {channel_type.upper().replace("-", "_"): channel_type for channel_type in types}
    for name, value in config.environment.values.items():
        if name.endswith(_ENABLED) and value.strip():
            prefix = name.removesuffix(_ENABLED)
            yield by_prefix.get(prefix, prefix.lower().replace("_", "-")), value, name
    for name, value in config.keywords.values.items():
        prefix = name.removesuffix("_notifications_enabled").removesuffix("_enabled")
        if prefix != name and value is not None:
            config.keywords.used.add(name)
            yield by_prefix.get(prefix.upper(), prefix.replace("_", "-")), value, f"{name}="


def values_for(config: NotificationConfig, table: ChannelTable, settings: Iterable[Setting]) -> dict[str, Sourced]:
    """The instance's raw values; environment and keywords address the instance that is named as its type.

    Problems of the environment are added to the table's.
    """
    values = dict(table.values)
    if table.name != table.type:
        return values
    for item in settings:
        sourced, problems = config.environment.value(item)
        table.problems += problems
        for override in (sourced, config.keywords.value(item)):
            if override is not None:
                values[item.name] = override
    return values


def unknown_keywords(config: NotificationConfig, settings: Iterable[Setting]) -> list[Problem]:
    """A problem for each keyword that no setting of any installed channel type bears."""
    everything = [*settings_of(DeliverySettings, "tocsin"), *settings]
    known = {name for item in everything for name in (item.env.lower(), *item.keywords)}
    return [
        Problem(f"{name}=", f"unknown keyword{did_you_mean(name, known)}")
        for name in config.keywords.unused()
        if name not in known
    ]
