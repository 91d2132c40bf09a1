"""The report over all channels of one alert."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

import attrs

from tocsin.errors import DeliveryFailed
from tocsin.report.result import NotificationResult, RecipientResult

__all__ = ["DeliveryReport"]


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
        good = [result.success for result in results.values()].count(True)
        return cls(
            alert_id=alert_id,
            total_channels=len(results),
            successful_channels=good,
            failed_channels=len(results) - good,
            results=results,
            suppressed=suppressed,
        )

    def amended(self, channel: str, result: RecipientResult) -> Self:
        """The report with one recipient's result replaced, and the channel's judged anew."""
        if channel not in self.results:
            return self
        old = self.results[channel]
        recipients = [result if one.recipient_id == result.recipient_id else one for one in old.recipients]
        new = NotificationResult.of(channel, recipients, old.timestamp, fallback=old.fallback)
        return self.of(self.alert_id, {**self.results, channel: new}, self.suppressed)

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
