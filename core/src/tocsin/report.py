"""What became of an alert: from one attempt up to the report over all channels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self

import attrs

from tocsin.errors import DeliveryError, DeliveryFailed, ErrorKind, Outcome
from tocsin.receipt import Receipt

__all__ = [
    "Attempt",
    "DeliveryReport",
    "DeliveryState",
    "NotificationResult",
    "RecipientResult",
]


class DeliveryState(StrEnum):
    """Where one delivery (alert, channel, recipient) stands; the last six are final."""

    PENDING = "pending"
    IN_FLIGHT = "in_flight"
    RETRYING = "retrying"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def is_success(self) -> bool:
        """The recipient's provider took it."""
        return self in (DeliveryState.ACCEPTED, DeliveryState.DELIVERED)

    @property
    def is_final(self) -> bool:
        """Nothing more happens unless the alert is sent again."""
        return self not in (DeliveryState.PENDING, DeliveryState.IN_FLIGHT, DeliveryState.RETRYING)


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
        plain = attrs.asdict(self)
        kind = None if self.error_kind is None else str(self.error_kind)
        return plain | {"started_at": self.started_at.isoformat(), "outcome": str(self.outcome), "error_kind": kind}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The attempt that :meth:`to_dict` described."""
        return cls(**{**values, "started_at": datetime.fromisoformat(values["started_at"])})


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


def _results(value: Mapping[str, NotificationResult]) -> Mapping[str, NotificationResult]:
    return MappingProxyType(dict(value))


@attrs.frozen(kw_only=True)
class DeliveryReport:
    """What became of one alert, over all its channels.

    Attributes:
        alert_id: of the alert.
        total_channels, successful_channels, failed_channels: counts, fallback channels included.
        results: by channel name.
        suppressed: why the alert went nowhere, where a processor said so or no channel matched.
    """

    alert_id: str
    total_channels: int
    successful_channels: int
    failed_channels: int
    results: Mapping[str, NotificationResult] = attrs.field(factory=dict, converter=_results)
    suppressed: str | None = None

    @classmethod
    def of(cls, alert_id: str, results: Mapping[str, NotificationResult], suppressed: str | None = None) -> Self:
        """The report with its counts taken from the results."""
        good = sum(result.success for result in results.values())
        return cls(
            alert_id=alert_id,
            total_channels=len(results),
            successful_channels=good,
            failed_channels=len(results) - good,
            results=results,
            suppressed=suppressed,
        )

    @property
    def success_rate(self) -> float:
        """Fully successful channels in percent, 0.0 to 100.0; 0.0 where there was none."""
        return 100.0 * self.successful_channels / self.total_channels if self.total_channels else 0.0

    @property
    def is_successful(self) -> bool:
        """At least one channel was fully successful."""
        return self.successful_channels > 0

    @property
    def is_complete(self) -> bool:
        """Every chosen channel was fully successful, or a fallback that replaced them was."""
        if any(result.fallback and result.success for result in self.results.values()):
            return True
        return self.total_channels > 0 and self.failed_channels == 0

    def raise_for_failure(self) -> None:
        """Raise :class:`DeliveryFailed` unless :attr:`is_complete`; it names each failed channel and its reason."""
        if self.is_complete:
            return
        failed = [f"{result.channel}: {result.error}" for result in self.results.values() if not result.success]
        reason = "; ".join(failed) or self.suppressed or f"{self.failed_channels} channels failed"
        raise DeliveryFailed(f"alert {self.alert_id} was not delivered completely: {reason}")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values: the fields, and the three judgements."""
        return {
            "alert_id": self.alert_id,
            "total_channels": self.total_channels,
            "successful_channels": self.successful_channels,
            "failed_channels": self.failed_channels,
            "success_rate": self.success_rate,
            "is_successful": self.is_successful,
            "is_complete": self.is_complete,
            "suppressed": self.suppressed,
            "results": {name: result.to_dict() for name, result in self.results.items()},
        }

    def to_json(self) -> str:
        """The dictionary of :meth:`to_dict` as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The report in one JSON object, as :meth:`to_json` wrote it."""
        return cls.from_dict(json.loads(text))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The report that :meth:`to_dict` described."""
        names = [field.name for field in attrs.fields(cls)]
        results = {name: NotificationResult.from_dict(result) for name, result in values.get("results", {}).items()}
        return cls(**{name: values[name] for name in names if name in values} | {"results": results})
