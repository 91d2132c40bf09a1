"""Which channels an alert goes to, where it does not name them itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from tocsin.alert import Alert, AlertPriority, AlertStatus, AlertType
from tocsin.errors import did_you_mean
from tocsin.settings import Problem, to_boolean, to_strings

__all__ = ["Route", "Routing", "Step", "parse_routes"]

_FIELDS = ("priority", "type", "source", "symbol", "strategy_id", "position_id", "status")
_VALUES: dict[str, tuple[str, ...]] = {
    "priority": tuple(AlertPriority),
    "type": tuple(AlertType),
    "status": tuple(AlertStatus),
}
_KEYS = ("match", "channels", "fallback", "continue", "name")


@attrs.frozen
class Matcher:
    """One condition: a field or label, and what its value may be."""

    field: str
    label: str | None
    values: frozenset[str] = frozenset()
    pattern: re.Pattern[str] | None = None

    def matches(self, alert: Alert) -> bool:
        """Whether the alert's value is one of the values, or matches the pattern as a whole."""
        value = alert.labels.get(self.label) if self.label else _value(alert, self.field)
        if value is None:
            return False
        if self.pattern is not None:
            return self.pattern.fullmatch(value) is not None
        return (value.upper() if self.field in _VALUES else value) in self.values

    def __str__(self) -> str:
        name = f"labels.{self.label}" if self.label else self.field
        return f"{name}=~{self.pattern.pattern}" if self.pattern else f"{name}={'|'.join(sorted(self.values))}"


def _value(alert: Alert, field: str) -> str | None:
    value = alert.alert_type if field == "type" else getattr(alert, field)
    return None if value is None else str(value)


@attrs.frozen
class Route:
    """Where alerts that match go.

    Attributes:
        matchers: all of them must hold; none matches everything.
        channels: who carries it.
        fallback: tried in order where no recipient of ``channels`` accepted.
        continues: whether later routes may add channels.
    """

    name: str
    channels: tuple[str, ...]
    matchers: tuple[Matcher, ...] = ()
    fallback: tuple[str, ...] = ()
    continues: bool = False

    def why_not(self, alert: Alert) -> str | None:
        """The first condition that does not hold; None where the route takes the alert."""
        return next((str(matcher) for matcher in self.matchers if not matcher.matches(alert)), None)


@attrs.frozen
class Step:
    """One route, as the decision met it; ``why_not`` names the condition that failed."""

    route: Route
    why_not: str | None

    @property
    def taken(self) -> bool:
        """Whether the alert goes this way."""
        return self.why_not is None


@attrs.frozen
class Routing:
    """The decision for one alert.

    Attributes:
        channels: names, in order, each once.
        fallback: names, in order.
        steps: the routes that were asked, in order.
        reason: in words.
    """

    channels: tuple[str, ...]
    fallback: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    reason: str = ""

    @classmethod
    def decide(cls, alert: Alert, routes: Iterable[Route], ready: Iterable[str]) -> Routing:
        """The alert's own channels; else the first matching route, and those it continues to; else all ready ones."""
        if alert.channels:
            return cls(alert.channels, reason="named on the alert")
        routes = tuple(routes)
        if not routes:
            return cls(tuple(ready), reason="no routes are configured: all ready channels")
        steps: list[Step] = []
        for route in routes:
            steps.append(Step(route, route.why_not(alert)))
            if steps[-1].taken and not route.continues:
                break
        taken = [step.route for step in steps if step.taken]
        channels = tuple(dict.fromkeys(name for route in taken for name in route.channels))
        fallback = tuple(dict.fromkeys(n for route in taken for n in route.fallback if n not in channels))
        reason = f"route {', '.join(route.name for route in taken)}" if taken else "no route matches"
        return cls(channels, fallback, tuple(steps), reason)


def parse_routes(value: object, place: Callable[[str], str]) -> tuple[tuple[Route, ...], list[Problem]]:
    """The routes of a file or mapping, and what is wrong with them.

    Args:
        value: the list under ``routes``.
        place: names the place of a path like ``routes.0.match``.
    """
    if not isinstance(value, list | tuple):
        return (), [Problem(place("routes"), "routes must be a list of tables; write [[routes]]")]
    routes, problems = [], []
    for index, table in enumerate(value):
        path = f"routes.{index}"
        try:
            routes.append(_route(table, index))
        except ValueError as error:
            problems.append(Problem(place(path), f"route {index + 1}: {error}"))
    return tuple(routes), problems


def _route(table: object, index: int) -> Route:
    if not isinstance(table, Mapping):
        raise ValueError("must be a table")
    for key in table:
        if key not in _KEYS:
            raise ValueError(f"unknown key {key!r}{did_you_mean(str(key), _KEYS)}")
    channels = to_strings(table.get("channels", ()))
    if not channels:
        raise ValueError("names no channels")
    matchers = table.get("match", {})
    if not isinstance(matchers, Mapping):
        raise ValueError('match must be a table, like { priority = ["CRITICAL"] }')
    return Route(
        name=str(table.get("name", index + 1)),
        channels=channels,
        matchers=tuple(_matchers(matchers)),
        fallback=to_strings(table.get("fallback", ())),
        continues=to_boolean(table.get("continue", False)),
    )


def _matchers(table: Mapping[str, Any]) -> Iterable[Matcher]:
    for key, value in table.items():
        key = str(key)
        if key == "labels":
            if not isinstance(value, Mapping):
                raise ValueError('labels must be a table, like { team = "ops" }')
            yield from (_matcher("labels", label, expected) for label, expected in value.items())
        elif key.startswith("labels."):
            yield _matcher("labels", key.removeprefix("labels."), value)
        elif key in _FIELDS:
            yield _matcher(key, None, value)
        else:
            raise ValueError(f"cannot match on {key!r}{did_you_mean(key, [*_FIELDS, 'labels'])}")


def _matcher(field: str, label: str | None, value: Any) -> Matcher:
    name = f"labels.{label}" if label else field
    if isinstance(value, Mapping):
        return Matcher(field, label, pattern=_pattern(name, value))
    values = to_strings(value if isinstance(value, str | list | tuple) else [value])
    if not values:
        raise ValueError(f"{name} lists no value")
    if field in _VALUES:
        known = {item.upper() for item in _VALUES[field]}
        for item in values:
            if item.upper() not in known:
                raise ValueError(f"{name} has no value {item!r}{did_you_mean(item.upper(), known)}")
        values = tuple(item.upper() for item in values)
    return Matcher(field, label, values=frozenset(values))


def _pattern(name: str, table: Mapping[str, Any]) -> re.Pattern[str]:
    if set(table) != {"regex"} or not isinstance(table.get("regex"), str):
        raise ValueError(f'{name} takes a value, a list, or {{ regex = "…" }}')
    try:
        return re.compile(table["regex"])
    except re.error as error:
        raise ValueError(f"{name} has a broken regex: {error.msg} at position {error.pos}") from None
