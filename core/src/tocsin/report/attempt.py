"""One try for one recipient, and where a delivery stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

import attrs

from tocsin.errors import DeliveryError, ErrorKind, Outcome

__all__ = ["Attempt", "DeliveryState"]


class DeliveryState(StrEnum):
    """Where one delivery (alert, channel, recipient) stands; the last seven are final."""

    PENDING = "pending"
    IN_FLIGHT = "in_flight"
    RETRYING = "retrying"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    is_success: bool
    """The recipient's provider took it."""
    is_final: bool
    """Nothing more happens unless the alert is sent again."""

    def __init__(self, value: str) -> None:
        self.is_success = value in ("accepted", "delivered")
        self.is_final = value not in ("pending", "in_flight", "retrying")


@attrs.frozen(kw_only=True)
class Attempt:
    """One try for one recipient.

    Attributes:
        started_at: aware datetime.
        duration: seconds from the start of the call to its end.
        outcome: what it came to.
        error_kind, error, hint: class of the failure, its words, and what to do about it; no content, no secret.
        status_code: HTTP or SMTP status, where there was one.
        retry_after: seconds the provider asked to wait.
        wait: seconds until the next attempt, as decided; None where there is none.
    """

    started_at: datetime
    duration: float
    outcome: Outcome = attrs.field(converter=Outcome)
    error_kind: ErrorKind | None = attrs.field(default=None, converter=attrs.converters.optional(ErrorKind))
    error: str | None = None
    hint: str | None = None
    status_code: int | None = None
    provider_code: str | None = attrs.field(default=None, converter=attrs.converters.optional(str))
    retry_after: float | None = None
    wait: float | None = None

    @property
    def ended_at(self) -> datetime:
        """Its end, by the clock of its start."""
        return self.started_at + timedelta(seconds=self.duration)

    @classmethod
    def of(cls, error: DeliveryError, started_at: datetime, duration: float, wait: float | None) -> Self:
        """The attempt that ended with this failure."""
        return cls(
            started_at=started_at,
            duration=duration,
            outcome=error.outcome,
            error_kind=error.kind,
            error=error.message,
            hint=error.hint or None,
            status_code=error.status_code,
            provider_code=error.provider_code,
            retry_after=error.retry_after,
            wait=wait,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; times in ISO 8601, durations in seconds."""
        return {
            "started_at": self.started_at.isoformat(),
            "duration": self.duration,
            "outcome": str(self.outcome),
            "error_kind": None if self.error_kind is None else str(self.error_kind),
            "error": self.error,
            "hint": self.hint,
            "status_code": self.status_code,
            "provider_code": self.provider_code,
            "retry_after": self.retry_after,
            "wait": self.wait,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The attempt that :meth:`to_dict` described."""
        return cls(**{**values, "started_at": datetime.fromisoformat(values["started_at"])})
