"""The configured channels and the state each is in; the one place where what is installed meets how it is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import attrs

from tocsin.assembly import assembled
from tocsin.channel import Channel, HandlerChannel, RefusedPlugin
from tocsin.clock import Clock
from tocsin.config import NotificationConfig
from tocsin.discovery import LoadFailed, Plugin, installed, load
from tocsin.errors import ConfigError, UnknownChannel, did_you_mean
from tocsin.forking import new_lock
from tocsin.hookspecs import API_VERSION
from tocsin.resolution import ChannelOptions, ChannelTable, options_of, tables, unknown_keywords, values_for
from tocsin.settings import Problem, Setting, Sourced, build, settings_of

__all__ = ["ChannelState", "Entry", "Registry"]


class ChannelState(StrEnum):
    """What can be said of a channel; only ready ones carry alerts."""

    READY = "ready"
    DISABLED = "disabled"
    UNCONFIGURED = "unconfigured"
    MISCONFIGURED = "misconfigured"
    BROKEN = "broken"
    INCOMPATIBLE = "incompatible"
    DUPLICATE = "duplicate"


@attrs.define(eq=False)
class Entry:
    """One channel, ready or not.

    Attributes:
        state, reason: and why.
        channel: the facade, once it was built.
        plugin: where the code comes from; None for a channel added in this process.
        problems: of its configuration.
        values: raw values and their origins, by setting name.
        cls: its class, once it was loaded.
    """

    name: str
    type: str
    state: ChannelState
    reason: str = ""
    channel: Channel | None = None
    plugin: Plugin | None = None
    problems: tuple[Problem, ...] = ()
    values: Mapping[str, Sourced] = attrs.field(factory=dict)
    cls: Any = None


class Registry:
    """The channels of one service, by name.

    Args:
        config: the sources of the settings.
        clock: for the policies.
        strict: raise for a channel that was asked for and is not ready, instead of giving it a state.

    Raises:
        ConfigError: an unknown keyword, or with ``strict`` any problem.
    """

    def __init__(self, config: NotificationConfig, clock: Clock, *, strict: bool = False) -> None:
        self._config = config
        self._clock = clock
        self.plugins = installed()
        self.entries: dict[str, Entry] = {}
        self._classes: dict[str, Any] = {}
        self._lock = new_lock()
        for table in tables(config, self.plugins).values():
            self.entries[table.name] = self._entry(table) if table.enabled else self._disabled(table)
        self._ready = _ready(self.entries)
        self._check_keywords()
        if strict and (problems := self.problems()):
            raise ConfigError("not every channel is ready", problems)

    def problems(self) -> list[Problem]:
        """What keeps channels from being ready, apart from those that were switched off."""
        waiting = [e for e in self.entries.values() if e.state not in (ChannelState.READY, ChannelState.DISABLED)]
        return [
            Problem(f"{entry.name} ({entry.state})", str(problem))
            for entry in waiting
            for problem in entry.problems or (entry.reason,)
        ]

    def ready(self) -> Mapping[str, Channel]:
        """The channels that carry alerts; the very same mapping until a channel comes, goes or changes."""
        return self._ready

    def channel(self, name: str) -> Channel | None:
        """The channel of this name, if it is ready."""
        return self._ready.get(name)

    def find(self, name: str) -> Entry:
        """The entry of a configured channel, or of an installed type that nobody configured.

        Raises:
            UnknownChannel: there is neither.
        """
        if name in self.entries:
            return self.entries[name]
        if name in self.plugins:
            return self.unconfigured(self.plugins[name])
        raise UnknownChannel(str(name), [*self.entries, *self.plugins])

    def add(self, name: str, instance: object) -> Channel:
        """Take a channel object, or a plain callable, that the application made itself.

        Raises:
            ConfigError: the name is in use.
            RefusedPlugin: the object breaks the contract.
        """
        if not isinstance(name, str) or not name.strip():
            raise ConfigError("a channel needs a name: a string that is not blank")
        taken = self.entries.get(name)
        if taken is not None and taken.state is ChannelState.READY:
            raise ConfigError(f"a channel called {name!r} exists already; choose another name or disable it first")
        if callable(instance) and not hasattr(instance, "send"):
            instance = HandlerChannel(instance)
        channel = self._assembled(name, name, instance, ChannelOptions())
        self._put(Entry(name, name, ChannelState.READY, channel=channel, cls=type(instance)))
        if taken is not None and taken.channel is not None:
            taken.channel.close()
        return channel

    def _put(self, entry: Entry) -> None:
        """Replace the tables as a whole: other threads go through the ones they have."""
        with self._lock:
            self.entries = {**self.entries, entry.name: entry}
            self._ready = _ready(self.entries)

    def enable(self, name: str) -> Entry:
        """Let a channel take part (again): circuits close, paused recipients come back, a disabled one is built."""
        entry = self.find(name)
        if entry.channel is not None:
            entry.state, entry.reason = ChannelState.READY, ""
            entry.channel.breaker.reset()
            self._put(entry)
            return entry
        table = tables(self._config, self.plugins).get(name)
        if table is None:
            table = ChannelTable(name, entry.type, True, "enable_channel", {})
        entry = self._entry(table)
        self._put(entry)
        return entry

    def disable(self, name: str) -> Entry:
        """Take a channel out; what is on its way through it goes on."""
        entry = self.find(name)
        entry.state = ChannelState.DISABLED
        entry.reason = "switched off by disable_channel; enable_channel switches it on"
        self._put(entry)
        return entry

    def close(self) -> None:
        """Close every channel's connections."""
        for entry in self.entries.values():
            if entry.channel is not None:
                entry.channel.close()

    def unconfigured(self, plugin: Plugin) -> Entry:
        """The entry of an installed type that nobody asked for."""
        if plugin.rivals:
            return _duplicate(plugin.type, plugin)
        switch = f"{plugin.type.upper().replace('-', '_')}_NOTIFICATIONS_ENABLED=true"
        reason = f"installed, but not configured; set {switch} or write [channels.{plugin.type}]"
        return Entry(plugin.type, plugin.type, ChannelState.UNCONFIGURED, reason, plugin=plugin)

    def _disabled(self, table: ChannelTable) -> Entry:
        plugin = self.plugins.get(table.type)
        return Entry(table.name, table.type, ChannelState.DISABLED, f"switched off by {table.origin}", plugin=plugin)

    def _entry(self, table: ChannelTable) -> Entry:
        plugin = self.plugins.get(table.type)
        if plugin is None:
            return _missing(table, self.plugins)
        if plugin.rivals:
            return _duplicate(table.name, plugin)
        try:
            cls = self._load(plugin)
        except LoadFailed as error:
            return Entry(table.name, table.type, ChannelState.BROKEN, str(error), plugin=plugin)
        version = getattr(cls, "api_version", API_VERSION)
        if version != API_VERSION:
            reason = (
                f"{plugin.distribution} {plugin.version} is for contract {version}, this is {API_VERSION}; update both"
            )
            return Entry(table.name, table.type, ChannelState.INCOMPATIBLE, reason, plugin=plugin, cls=cls)
        return self._configure(table, plugin, cls)

    def _load(self, plugin: Plugin) -> Any:
        """The class of a type, loaded with its first channel."""
        if plugin.type not in self._classes:
            self._classes[plugin.type] = load(plugin)
        return self._classes[plugin.type]

    def _configure(self, table: ChannelTable, plugin: Plugin, cls: type) -> Entry:
        own, shared = settings_of(cls, table.type), options_of(table.type)
        values = values_for(self._config, table, [*own, *shared])
        names = {item.name for item in shared} - {item.name for item in own}
        options, problems = build(ChannelOptions, shared, {n: v for n, v in values.items() if n in names})
        rest = {n: v for n, v in values.items() if n not in names}
        instance, own_problems = build(cls, own, rest, lambda item: _place(table, item))
        problems = [*table.problems, *problems, *own_problems]
        entry = Entry(table.name, table.type, ChannelState.READY, plugin=plugin, values=values, cls=cls)
        if instance is None or options is None or problems:
            only_missing = all(problem.missing for problem in problems)
            entry.state = ChannelState.UNCONFIGURED if only_missing else ChannelState.MISCONFIGURED
            entry.problems, entry.reason = tuple(problems), "; ".join(map(str, problems))
            return entry
        try:
            entry.channel = self._assembled(table.name, table.type, instance, options)
        except (RefusedPlugin, ImportError) as error:
            entry.state, entry.reason = ChannelState.BROKEN, str(error)
        except Exception as error:  # whatever else the plugin's code raises while it is looked at
            entry.state, entry.reason = ChannelState.BROKEN, f"{type(error).__name__} while the channel was built"
        return entry

    def _assembled(self, name: str, channel_type: str, instance: object, options: ChannelOptions) -> Channel:
        return assembled(name, channel_type, instance, options, self._clock, self._config.delivery.workers)

    def _check_keywords(self) -> None:
        if not self._config.keywords.unused():
            return
        known = [item for plugin in self.plugins.values() for item in _settings_or_none(plugin)]
        if problems := unknown_keywords(self._config, known):
            raise ConfigError("the configuration has unknown keywords", problems)


def _ready(entries: Mapping[str, Entry]) -> Mapping[str, Channel]:
    ready = {name: entry.channel for name, entry in entries.items() if entry.state is ChannelState.READY}
    return MappingProxyType({name: channel for name, channel in ready.items() if channel is not None})


def _settings_or_none(plugin: Plugin) -> Iterable[Setting]:
    try:
        return [*settings_of(load(plugin), plugin.type), *options_of(plugin.type)]
    except LoadFailed:
        return []


def _place(table: ChannelTable, item: Setting) -> str:
    """Where a missing setting belongs: environment names reach only the instance that is named as its type."""
    return item.env if table.name == table.type else f"{table.origin}: {item.name}"


def _missing(table: ChannelTable, plugins: Mapping[str, Plugin]) -> Entry:
    hint = did_you_mean(table.type, plugins)
    reason = f"no channel type {table.type!r} is installed{hint or f'; pip install tocsin-{table.type}'}"
    return Entry(table.name, table.type, ChannelState.MISCONFIGURED, reason, problems=(Problem(table.origin, reason),))


def _duplicate(name: str, plugin: Plugin) -> Entry:
    brought_by = " and ".join([plugin.distribution, *plugin.rivals])
    reason = f"{brought_by} both bring the type {plugin.type!r}; uninstall one of them"
    return Entry(name, plugin.type, ChannelState.DUPLICATE, reason, plugin=plugin)
