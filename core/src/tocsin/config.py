"""The configuration: defaults < file < environment < arguments."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import attrs

from tocsin.alert import AlertPriority
from tocsin.errors import ConfigError, did_you_mean
from tocsin.retry import Backoff, RetryPolicy
from tocsin.routing import Route, parse_routes
from tocsin.settings import (
    Problem,
    Sourced,
    build,
    in_range,
    one_of,
    setting,
    settings_of,
    to_boolean,
    to_integer,
    to_number,
    to_text,
)
from tocsin.sources import Environment, File, Keywords

__all__ = ["CONFIG_VARIABLE", "DeliverySettings", "NotificationConfig", "find_file"]

CONFIG_VARIABLE = "TOCSIN_CONFIG"
_TABLES = ("delivery", "channels", "routes", "store")


@attrs.frozen(kw_only=True)
class DeliverySettings:
    """How alerts are delivered; the table ``[delivery]``."""

    parallel: bool = attrs.field(
        default=True,
        converter=to_boolean,
        metadata=setting(
            "NOTIFICATION_PARALLEL_DELIVERY", "All channels at once; false: one after the other", keywords=["parallel"]
        ),
    )
    fail_fast: bool = attrs.field(
        default=False,
        converter=to_boolean,
        metadata=setting(
            "NOTIFICATION_FAIL_FAST", "Cancel what has not begun once a channel failed", keywords=["fail_fast"]
        ),
    )
    max_retries: int = attrs.field(
        default=3,
        converter=to_integer,
        validator=in_range(0, 100),
        metadata=setting("NOTIFICATION_MAX_RETRIES", "Retries after the first try", keywords=["max_retries"]),
    )
    retry_delay: float = attrs.field(
        default=5.0,
        converter=to_number,
        validator=in_range(0, 3600),
        metadata=setting("NOTIFICATION_RETRY_DELAY", "Seconds; the base of the backoff", keywords=["retry_delay"]),
    )
    backoff: str = attrs.field(
        default="exponential",
        converter=to_text,
        validator=one_of("exponential", "constant"),
        metadata=setting("TOCSIN_BACKOFF", "exponential (with full jitter) or constant", keywords=["backoff"]),
    )
    timeout: float = attrs.field(
        default=15.0,
        converter=to_number,
        validator=in_range(0.01, 3600),
        metadata=setting("TOCSIN_TIMEOUT", "Seconds that one attempt may take in all", keywords=["timeout"]),
    )
    deadline: float = attrs.field(
        default=300.0,
        converter=to_number,
        validator=in_range(0.01, 604_800),
        metadata=setting("TOCSIN_DEADLINE", "Seconds after which an alert is given up", keywords=["deadline"]),
    )
    expires_after: float = attrs.field(
        default=86_400.0,
        converter=to_number,
        validator=in_range(1, 2_592_000),
        metadata=setting(
            "TOCSIN_EXPIRES_AFTER",
            "Seconds until an alert in a durable store is given up",
            keywords=["expires_after"],
        ),
    )
    expires_after_low: float = attrs.field(
        default=14_400.0,
        converter=to_number,
        validator=in_range(1, 2_592_000),
        metadata=setting(
            "TOCSIN_EXPIRES_AFTER_LOW", "The same for LOW and INFO, where it is less", keywords=["expires_after_low"]
        ),
    )
    workers: int = attrs.field(
        default=4,
        converter=to_integer,
        validator=in_range(1, 1_000),
        metadata=setting("TOCSIN_WORKERS", "Deliveries at once in each channel", keywords=["workers"]),
    )
    on_unknown: str = attrs.field(
        default="retry",
        converter=to_text,
        validator=one_of("retry", "fail"),
        metadata=setting(
            "TOCSIN_ON_UNKNOWN", "What follows an attempt that may have arrived: retry or fail", keywords=["on_unknown"]
        ),
    )

    def policy(self, *, unlimited: bool = False) -> RetryPolicy:
        """The retry policy these settings describe; ``unlimited``: the alert's expiry alone ends it."""
        backoff = Backoff(self.retry_delay, constant=self.backoff == "constant")
        retries = None if unlimited else self.max_retries
        return RetryPolicy(retries, backoff, retry_unknown=self.on_unknown == "retry")

    def lifetime(self, priority: AlertPriority, *, durable: bool) -> float:
        """Seconds after which an alert is given up."""
        if not durable:
            return self.deadline
        low = priority in (AlertPriority.LOW, AlertPriority.INFO)
        return min(self.expires_after, self.expires_after_low) if low else self.expires_after


@attrs.frozen(init=False, repr=False)
class NotificationConfig:
    """What to deliver through, and how. A value: making it imports no channel and opens nothing.

    ``NotificationConfig(email_enabled=True, smtp_host="…", …)`` takes the environment's names in lower case;
    ``from_env``, ``from_file`` and ``from_mapping`` read the other places.

    Attributes:
        delivery: how alerts are delivered.
        routes: who gets what.
        problems: what is wrong with either; the constructors raise for them unless told to be lenient.

    Raises:
        ConfigError: problems outside the channels; those make their channel ``misconfigured`` instead.
    """

    delivery: DeliverySettings
    routes: tuple[Route, ...]
    problems: tuple[Problem, ...]
    origins: Mapping[str, str]
    file: File
    environment: Environment
    keywords: Keywords

    def __init__(self, **keywords: Any) -> None:
        self._fill(File("arguments", {}), Environment({}), Keywords(keywords), lenient=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, *, lenient: bool = False, **keywords: Any) -> Self:
        """From environment variables, and the file that ``TOCSIN_CONFIG`` names."""
        environ = os.environ if environ is None else environ
        path = environ.get(CONFIG_VARIABLE)
        file = File.read(Path(path)) if path else File("environment", {})
        return cls._make(file, environ, keywords, lenient)

    @classmethod
    def from_file(
        cls, path: str | Path, environ: Mapping[str, str] | None = None, *, lenient: bool = False, **keywords: Any
    ) -> Self:
        """From a TOML file (or ``[tool.tocsin]`` in a pyproject.toml), overridden by the environment."""
        return cls._make(File.read(Path(path)), os.environ if environ is None else environ, keywords, lenient)

    @classmethod
    def from_mapping(
        cls, mapping: Mapping[str, Any], environ: Mapping[str, str] | None = None, *, lenient: bool = False
    ) -> Self:
        """From a mapping in the file's shape; without environment unless one is given."""
        if not isinstance(mapping, Mapping):
            raise ConfigError(f"the configuration must be a mapping, got {type(mapping).__name__}")
        return cls._make(File("mapping", mapping), environ or {}, {}, lenient)

    @classmethod
    def load(
        cls, path: str | Path | None = None, environ: Mapping[str, str] | None = None, *, lenient: bool = False
    ) -> Self:
        """As the command line does: the named file, or the one found, and the environment over it."""
        environ = os.environ if environ is None else environ
        found = Path(path) if path else find_file(environ)
        if found is None:
            return cls._make(File("environment", {}), environ, {}, lenient)
        return cls.from_file(found, environ, lenient=lenient)

    @classmethod
    def _make(cls, file: File, environ: Mapping[str, str], keywords: Mapping[str, Any], lenient: bool) -> Self:
        self = cls.__new__(cls)
        self._fill(file, Environment(dict(environ)), Keywords(dict(keywords)), lenient)
        return self

    def _fill(self, file: File, environment: Environment, keywords: Keywords, lenient: bool) -> None:
        delivery, origins, problems = _delivery(file, environment, keywords)
        routes, route_problems = parse_routes(file.data.get("routes", []), file.place)
        problems = [*_unknown_tables(file), *problems, *route_problems]
        values = (delivery or DeliverySettings(), routes, tuple(problems), origins, file, environment, keywords)
        self.__attrs_init__(*values)
        if problems and not lenient:
            raise ConfigError("the configuration has problems", problems)

    def __repr__(self) -> str:
        return f"NotificationConfig(from {self.file.name}, routes={len(self.routes)})"


def find_file(environ: Mapping[str, str]) -> Path | None:
    """``$TOCSIN_CONFIG``, else ``./tocsin.toml``, else ``./pyproject.toml`` with ``[tool.tocsin]``; or None."""
    if environ.get(CONFIG_VARIABLE):
        return Path(environ[CONFIG_VARIABLE])
    if Path("tocsin.toml").is_file():
        return Path("tocsin.toml")
    project = Path("pyproject.toml")
    if project.is_file() and "[tool.tocsin" in project.read_text(encoding="utf-8", errors="replace"):
        return project
    return None


def _unknown_tables(file: File) -> list[Problem]:
    return [
        Problem(file.place(str(key)), f"unknown table {key!r}{did_you_mean(key, _TABLES)}")
        for key in file.data
        if key not in _TABLES
    ]


def _delivery(
    file: File, environment: Environment, keywords: Keywords
) -> tuple[DeliverySettings | None, dict[str, str], list[Problem]]:
    table = file.data.get("delivery", {})
    if not isinstance(table, Mapping):
        return None, {}, [Problem(file.place("delivery"), "delivery must be a table; write [delivery]")]
    values = {name: Sourced(value, file.place(f"delivery.{name}")) for name, value in table.items()}
    settings = settings_of(DeliverySettings, "tocsin")
    problems: list[Problem] = []
    for item in settings:
        sourced, found = environment.value(item)
        problems += found
        for override in (sourced, keywords.value(item)):
            if override is not None:
                values[item.name] = override
    delivery, found = build(DeliverySettings, settings, values)
    return delivery, {name: sourced.origin for name, sourced in values.items()}, problems + found
