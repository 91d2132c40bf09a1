"""What a channel answers: a receipt for a message, its health for a question."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

import attrs

from tocsin.values import freeze_data

__all__ = ["Health", "HealthState", "Receipt", "ReceiptState"]


class ReceiptState(StrEnum):
    """How much a success says: taken by the provider, or arrived."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"


class HealthState(StrEnum):
    """What a probe found; unknown where a provider cannot be asked without sending."""

    OK = "ok"
    FAILING = "failing"
    UNKNOWN = "unknown"


def _details(value: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return freeze_data(value or {})


@attrs.frozen
class Receipt:
    """What a channel returns when the provider took the message.

    Attributes:
        state: accepted, or delivered where the provider says that much.
        provider_id: the provider's id of the message (Slack's ts, Telegram's message_id, Twilio's SID).
        details: JSON values worth keeping, like a segment count; no content and no secret.
    """

    state: ReceiptState = attrs.field(default=ReceiptState.ACCEPTED, converter=ReceiptState)
    provider_id: str | None = attrs.field(default=None, converter=attrs.converters.optional(str))
    details: Mapping[str, Any] = attrs.field(factory=dict, converter=_details)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"state": str(self.state), "provider_id": self.provider_id, "details": dict(self.details)}


@attrs.frozen
class Health:
    """What a channel's health hook found out without sending."""

    state: HealthState = attrs.field(converter=HealthState)
    reason: str = ""
    details: Mapping[str, Any] = attrs.field(factory=dict, converter=_details)

    @classmethod
    def ok(cls, reason: str = "", **details: object) -> Self:
        """Reachable, and the credentials work."""
        return cls(HealthState.OK, reason, details)

    @classmethod
    def failing(cls, reason: str, **details: object) -> Self:
        """A send would fail now."""
        return cls(HealthState.FAILING, reason, details)

    @classmethod
    def unknown(cls, reason: str, **details: object) -> Self:
        """Cannot be told without sending."""
        return cls(HealthState.UNKNOWN, reason, details)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"state": str(self.state), "reason": self.reason, "details": dict(self.details)}
