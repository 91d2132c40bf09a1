"""What a channel answers: a receipt for a message, what the provider says of it later, its health for a question."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

import attrs

from tocsin.errors import ErrorKind
from tocsin.values import clean_text, freeze_data

__all__ = ["Health", "HealthState", "Receipt", "ReceiptState", "ReceiptUpdate", "UpdateState"]


class ReceiptState(StrEnum):
    """How much a success says: taken by the provider, or arrived."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"


class UpdateState(StrEnum):
    """What a provider says of a message later: still on its way, arrived, or not."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"


class HealthState(StrEnum):
    """What a probe found; unknown where a provider cannot be asked without sending."""

    OK = "ok"
    FAILING = "failing"
    UNKNOWN = "unknown"


def _details(value: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return freeze_data(value or {})


def _text(value: object) -> str:
    """A provider's word as every store can keep it: the same in a receipt and in what is said of it later."""
    return clean_text(str(value))


@attrs.frozen
class Receipt:
    """What a channel returns when the provider took the message.

    Attributes:
        state: accepted, or delivered where the provider says that much.
        provider_id: the provider's id of the message (Slack's ts, Telegram's message_id, Twilio's SID); without
            control characters and lone surrogates, which no store need keep.
        details: JSON values worth keeping, like a segment count; no content and no secret.
        progress: how far the provider had come, in its channel's own count; a later update with less is ignored.
        hold: seconds for which this recipient takes nothing more, as the provider said with its success.
    """

    state: ReceiptState = attrs.field(default=ReceiptState.ACCEPTED, converter=ReceiptState)
    provider_id: str | None = attrs.field(default=None, converter=attrs.converters.optional(_text))
    details: Mapping[str, Any] = attrs.field(factory=dict, converter=_details)
    progress: int = attrs.field(default=0, converter=int, kw_only=True)
    hold: float = attrs.field(default=0.0, kw_only=True, eq=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; without ``hold``, which is over before anyone reads it."""
        return {
            "state": str(self.state),
            "provider_id": self.provider_id,
            "details": dict(self.details),
            "progress": self.progress,
        }


@attrs.frozen(kw_only=True)
class ReceiptUpdate:
    """What a provider says of a message after it took it; see ``NotificationService.record_receipt``.

    Updates may come late, repeated and out of order: the furthest state wins, failed over accepted and delivered over
    both, and within a state the higher ``progress``.

    Attributes:
        provider_id: of the message, as its receipt has it.
        state: accepted, delivered or failed.
        progress: how far the provider has come, in the channel's own count.
        error_kind, error, hint: of a failure; ``invalid_recipient`` pauses the recipient. No content, no secret.
        provider_code: the provider's own code for it.
        details: JSON values that join those of the receipt.
    """

    provider_id: str = attrs.field(converter=_text)
    state: UpdateState = attrs.field(converter=UpdateState)
    progress: int = attrs.field(default=0, converter=int)
    error_kind: ErrorKind | None = attrs.field(default=None, converter=attrs.converters.optional(ErrorKind))
    error: str | None = attrs.field(default=None, converter=attrs.converters.optional(_text))
    hint: str | None = attrs.field(default=None, converter=attrs.converters.optional(_text))
    provider_code: str | None = attrs.field(default=None, converter=attrs.converters.optional(_text))
    details: Mapping[str, Any] = attrs.field(factory=dict, converter=_details)


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
