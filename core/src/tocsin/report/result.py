"""The final outcome for one recipient, and for one channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Self

import attrs

from tocsin.errors import ErrorKind
from tocsin.receipt import Receipt
from tocsin.report.attempt import Attempt, DeliveryState

__all__ = ["NotificationResult", "RecipientResult"]


def _attempts(value: Iterable[Attempt]) -> tuple[Attempt, ...]:
    return tuple(value)


@attrs.frozen(kw_only=True)
class RecipientResult:
    """The final outcome for one recipient.

    Attributes:
        recipient: the masked label.
        recipient_id: the stable hash.
        state: final state.
        attempts: what was tried, oldest first.
        receipt: the provider's answer on success.
        error: why not, where it was not accepted.
        hint: what a person can do about it.
    """

    recipient: str
    recipient_id: str
    state: DeliveryState = attrs.field(converter=DeliveryState)
    attempts: tuple[Attempt, ...] = attrs.field(default=(), converter=_attempts)
    receipt: Receipt | None = None
    error_kind: ErrorKind | None = attrs.field(default=None, converter=attrs.converters.optional(ErrorKind))
    error: str | None = None
    hint: str | None = None

    @property
    def success(self) -> bool:
        """The provider took it."""
        return self.state.is_success

    @property
    def latency(self) -> float | None:
        """Seconds from the first attempt's start to the last one's end, waits included; None without attempts."""
        if not self.attempts:
            return None
        first, last = self.attempts[0], self.attempts[-1]
        return (last.started_at - first.started_at).total_seconds() + last.duration

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "recipient": self.recipient,
            "recipient_id": self.recipient_id,
            "state": str(self.state),
            "attempts": [attempt.to_dict() for attempt in self.attempts],
            "receipt": self.receipt.to_dict() if self.receipt else None,
            "error_kind": str(self.error_kind) if self.error_kind else None,
            "error": self.error,
            "hint": self.hint,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The result that :meth:`to_dict` described."""
        receipt = Receipt(**values["receipt"]) if values.get("receipt") else None
        attempts = [Attempt.from_dict(attempt) for attempt in values.get("attempts", ())]
        return cls(**{**values, "receipt": receipt, "attempts": attempts})


def _reason(channel: str, recipient: str, error: str) -> str:
    """The reason with the recipient before it, where that says more than the channel's name."""
    return error if recipient == channel else f"{recipient}: {error}"


def _recipients(value: Iterable[RecipientResult]) -> tuple[RecipientResult, ...]:
    return tuple(value)


@attrs.frozen(kw_only=True)
class NotificationResult:
    """The final outcome for one channel; ``success`` means that every recipient was accepted."""

    success: bool
    channel: str
    timestamp: datetime
    error: str | None = None
    recipients: tuple[RecipientResult, ...] = attrs.field(default=(), converter=_recipients)
    fallback: bool = False
    """True where the channel was tried because the chosen ones had failed."""

    @classmethod
    def of(
        cls, channel: str, recipients: Iterable[RecipientResult], timestamp: datetime, *, fallback: bool = False
    ) -> Self:
        """The result of a channel from those of its recipients; the error names each that failed."""
        recipients = tuple(recipients)
        failed = [one for one in recipients if not one.state.is_success]
        reasons = [_reason(channel, one.recipient, one.error or str(one.state)) for one in failed] if failed else []
        return cls(
            success=not failed,
            channel=channel,
            timestamp=timestamp,
            error="; ".join(reasons) or None,
            recipients=recipients,
            fallback=fallback,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; ``timestamp`` in ISO 8601."""
        return {
            "success": self.success,
            "channel": self.channel,
            "timestamp": self.timestamp.isoformat(),
            "error": self.error,
            "recipients": [recipient.to_dict() for recipient in self.recipients],
            "fallback": self.fallback,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The result that :meth:`to_dict` described."""
        recipients = [RecipientResult.from_dict(recipient) for recipient in values.get("recipients", ())]
        return cls(**{**values, "timestamp": datetime.fromisoformat(values["timestamp"]), "recipients": recipients})
