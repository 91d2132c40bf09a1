"""The alert: what happened, checked and normalised once, on construction, so that no channel has to."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

import attrs

from tocsin.errors import AlertError
from tocsin.values import check_text, check_token, freeze_data, freeze_labels, member, thaw

__all__ = ["Alert", "AlertChannel", "AlertPriority", "AlertStatus", "AlertType"]


class AlertType(StrEnum):
    """What an alert is about; parsed in any case."""

    PRICE = "PRICE"
    PERFORMANCE = "PERFORMANCE"
    RISK = "RISK"
    HEALTH = "HEALTH"
    MILESTONE = "MILESTONE"
    CUSTOM = "CUSTOM"


class AlertPriority(StrEnum):
    """How urgent an alert is, most urgent first; parsed in any case."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"
    INFO = "INFO"

    @property
    def color(self) -> str:
        """The colour as ``#RRGGBB``."""
        return _COLORS[self]

    @property
    def emoji(self) -> str:
        """One emoji, for channels where it costs nothing."""
        return _EMOJI[self]

    rank: int
    """0 for CRITICAL to 4 for INFO: what is delivered first."""

    def __init__(self, value: str) -> None:
        self.rank = len(type(self).__members__)


_COLORS = dict(zip(AlertPriority, ("#FF0000", "#FF8800", "#FFFF00", "#00FF00", "#0088FF"), strict=True))
_EMOJI = dict(zip(AlertPriority, ("🔴", "🟠", "🟡", "🟢", "\N{INFORMATION SOURCE}\ufe0f"), strict=True))


class AlertStatus(StrEnum):
    """Where an alert stands in its life."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class AlertChannel(StrEnum):
    """The six well-known channel names, for editors that complete; any other string is a channel name too."""

    EMAIL = "email"
    SMS = "sms"
    TELEGRAM = "telegram"
    DISCORD = "discord"
    SLACK = "slack"
    WEBHOOK = "webhook"


def _title(value: str) -> str:
    """At most 1,000 characters in one line, not blank."""
    text = " ".join(check_text("title", value, 1_000).split())
    if not text:
        raise AlertError("title is empty; say in a few words what happened")
    return text


def _message(value: str) -> str:
    return check_text("message", value, 262_144)


def _channels(value: Iterable[str]) -> tuple[str, ...]:
    if value == ():
        return ()
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise AlertError(
            f"channels must be a list of channel names, like ['email', 'slack'], got {type(value).__name__}"
        )
    return tuple(dict.fromkeys(check_token("channels", name) for name in value))


def _created_at(value: datetime | str) -> datetime:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise AlertError("created_at is no ISO 8601 time, like 2026-11-23T09:30:00+00:00") from None
    if not isinstance(value, datetime):
        raise AlertError(f"created_at must be a datetime, got {type(value).__name__}")
    if value.utcoffset() is None:
        raise AlertError("created_at has no time zone; use datetime.now(UTC)")
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise AlertError("created_at is at the end of what a calendar holds; use the time of the event") from None
    return value


def _alert_type(value: AlertType | str) -> AlertType:
    return value if type(value) is AlertType else member(AlertType, "alert_type", value)


def _priority(value: AlertPriority | str) -> AlertPriority:
    return value if type(value) is AlertPriority else member(AlertPriority, "priority", value)


def _status(value: AlertStatus | str) -> AlertStatus:
    return value if type(value) is AlertStatus else member(AlertStatus, "status", value)


def _alert_id(value: str) -> str:
    return check_token("alert_id", value)


def _now() -> datetime:
    return datetime.now(UTC)


def _new_id() -> str:
    return uuid.uuid4().hex


def _optional(name: str) -> Any:
    def convert(value: str | None) -> str | None:
        return None if value is None else check_token(name, value)

    return attrs.field(default=None, converter=convert)


@attrs.frozen(kw_only=True)
class Alert:
    """What happened. Frozen; only ``title`` and ``message`` are required.

    Surrogates become U+FFFD, control characters other than newline and tab are dropped, CRLF becomes a newline.

    Attributes:
        title: at most 1,000 characters; made one line.
        message: at most 262,144 characters.
        alert_type: an :class:`AlertType` or its name in any case.
        priority: an :class:`AlertPriority` or its name in any case.
        channels: the channels that are to carry it; empty lets the routes decide.
        symbol, strategy_id, position_id, source: optional names, at most 256 characters.
        labels: names to names, for routing.
        data: JSON values of at most 1 MiB and depth 32; copied and frozen.
        dedup_key: alerts with the same key are about the same thing and update or thread where a channel can.
        status: firing, acknowledged or resolved.
        alert_id: generated; sending the same id again sends only what failed.
        created_at: an aware datetime.

    Raises:
        AlertError: (a ValueError) a field is of the wrong type, too long or not representable.
    """

    title: str = attrs.field(converter=_title)
    message: str = attrs.field(converter=_message, repr=False)
    alert_type: AlertType = attrs.field(default=AlertType.CUSTOM, converter=_alert_type)
    priority: AlertPriority = attrs.field(default=AlertPriority.MEDIUM, converter=_priority)
    channels: tuple[str, ...] = attrs.field(default=(), converter=_channels)
    symbol: str | None = _optional("symbol")
    strategy_id: str | None = _optional("strategy_id")
    position_id: str | None = _optional("position_id")
    labels: Mapping[str, str] = attrs.field(factory=dict, converter=freeze_labels, repr=False)
    data: Mapping[str, Any] = attrs.field(factory=dict, converter=freeze_data, repr=False)
    source: str | None = _optional("source")
    dedup_key: str | None = _optional("dedup_key")
    status: AlertStatus = attrs.field(default=AlertStatus.FIRING, converter=_status)
    alert_id: str = attrs.field(factory=_new_id, converter=_alert_id)
    created_at: datetime = attrs.field(factory=_now, converter=_created_at)

    def __repr__(self) -> str:
        """Identity and class of the alert; never its content."""
        return f"Alert(alert_id={self.alert_id!r}, alert_type={self.alert_type}, priority={self.priority})"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, flat; ``created_at`` in ISO 8601."""
        return {
            "title": self.title,
            "message": self.message,
            "alert_type": str(self.alert_type),
            "priority": str(self.priority),
            "channels": list(self.channels),
            "symbol": self.symbol,
            "strategy_id": self.strategy_id,
            "position_id": self.position_id,
            "labels": dict(self.labels),
            "data": thaw(self.data),
            "source": self.source,
            "dedup_key": self.dedup_key,
            "status": str(self.status),
            "alert_id": self.alert_id,
            "created_at": self.created_at.isoformat(),
        }

    def to_json(self) -> str:
        """The dictionary of :meth:`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The alert that :meth:`to_dict` described; an unknown or missing key is an :class:`AlertError`."""
        from tocsin.values import check_keys

        if not isinstance(values, Mapping):
            raise AlertError(f"an alert must be an object of names and values, got {type(values).__name__}")
        fields = attrs.fields(cls)
        check_keys("an alert", values, [f.name for f in fields], [f.name for f in fields if f.default is attrs.NOTHING])
        return cls(**values)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The alert in one JSON object.

        Raises:
            AlertError: it is no JSON, holds NaN, or no alert.
        """
        from tocsin.values import parse_json

        return cls.from_dict(parse_json(text))
