"""The alerts' life: created, triggered, acknowledged, resolved."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import attrs

from tocsin.alert import Alert, AlertPriority, AlertStatus, AlertType
from tocsin.config import NotificationConfig
from tocsin.errors import AlertError, UnknownAlert
from tocsin.forking import new_lock
from tocsin.report import DeliveryReport, NotificationResult
from tocsin.service import NotificationService
from tocsin.values import check_keys

__all__ = ["AlertManager", "TrackedAlert"]


@attrs.frozen
class TrackedAlert:
    """An alert as it stands now, and what became of its last delivery.

    Attributes:
        alert: with its current status.
        report: of the last delivery; None before the first.
    """

    alert: Alert
    report: DeliveryReport | None = None

    def to_dict(self) -> dict[str, Any]:
        """The alert's dictionary, with the report's under ``delivery``."""
        return self.alert.to_dict() | {"delivery": self.report.to_dict() if self.report else None}


class AlertManager:
    """Keeps track of alerts and delivers them through a :class:`~tocsin.service.NotificationService`. Thread-safe.

    Args:
        config: by default from the environment; ignored where a service is given.
        service: an existing service; otherwise one is made from the configuration.
        max_alerts: alerts remembered; beyond it resolved ones are forgotten first, then the oldest.
    """

    def __init__(
        self,
        config: NotificationConfig | None = None,
        *,
        service: NotificationService | None = None,
        max_alerts: int = 10_000,
    ) -> None:
        self.notification_service = service or NotificationService(config)
        self._max_alerts = max_alerts
        self._lock = new_lock()
        self._tracked: OrderedDict[str, TrackedAlert] = OrderedDict()
        self._total = 0
        self._sent: OrderedDict[str, datetime] = OrderedDict()

    def create_alert(
        self,
        alert_type: AlertType | str = AlertType.CUSTOM,
        priority: AlertPriority | str = AlertPriority.MEDIUM,
        title: str = "",
        message: str = "",
        channels: Iterable[str] = (),
        symbol: str | None = None,
        strategy_id: str | None = None,
        data: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> Alert:
        """Make and remember an alert; nothing is sent yet. ``fields`` are the other fields of :class:`Alert`.

        Raises:
            AlertError: a field's value cannot be used, or the ``alert_id`` exists already.
        """
        check_keys("an alert", fields, [field.name for field in attrs.fields(Alert)], ())
        alert = Alert(
            alert_type=alert_type,
            priority=priority,
            title=title,
            message=message,
            channels=channels,
            symbol=symbol,
            strategy_id=strategy_id,
            data=data or {},
            **fields,
        )
        with self._lock:
            if alert.alert_id in self._tracked:
                raise AlertError("an alert with this alert_id exists already; leave it out to have one generated")
            self._tracked[alert.alert_id] = TrackedAlert(alert)
            self._total += 1
            self._forget()
        return alert

    def trigger_alert(self, alert_id: str | Alert) -> bool:
        """Deliver an alert and wait; True where at least one channel was fully successful (``is_successful``).

        Triggering it again sends only what failed.

        Raises:
            UnknownAlert: no such alert.
        """
        return self._deliver(self._get(alert_id).alert).is_successful

    def acknowledge_alert(self, alert_id: str | Alert) -> Alert:
        """Somebody takes care of it; returns the alert as it stands now.

        Raises:
            UnknownAlert: no such alert.
        """
        return self._change(alert_id, AlertStatus.ACKNOWLEDGED)

    def resolve_alert(self, alert_id: str | Alert, notify: bool = True) -> Alert:
        """It is over. With ``notify`` its channels are told, by an alert of its own with the same dedup_key.

        Raises:
            UnknownAlert: no such alert.
        """
        before = self._get(alert_id)
        alert = self._change(alert_id, AlertStatus.RESOLVED)
        if notify and before.report is not None and before.alert.status is not AlertStatus.RESOLVED:
            self.notification_service.send_notification(_resolution(alert))
        return alert

    def get_alert(self, alert_id: str | Alert) -> TrackedAlert | None:
        """The alert with its delivery results; None where it is not (or no longer) known."""
        key = alert_id.alert_id if isinstance(alert_id, Alert) else alert_id
        with self._lock:
            return self._tracked.get(key)

    def register_channel(self, name: str, handler: Callable[[Alert], object] | object) -> None:
        """Take a plain callable ``handler(alert)``, or a channel object, as a channel of this process."""
        self.notification_service.add_channel(name, handler)

    def test_notification_channel(self, name: str) -> NotificationResult:
        """Really send a test message through one channel.

        Raises:
            UnknownChannel: nobody configured or installed it.
        """
        return self.notification_service.test_channel(name)

    def get_channel_health(self, *, probe: bool = False) -> dict[str, dict[str, Any]]:
        """See :meth:`NotificationService.get_channel_health`."""
        return self.notification_service.get_channel_health(probe=probe)

    def get_statistics(self) -> dict[str, Any]:
        """``total_alerts``, ``active_alerts`` (not resolved), ``sent_today`` (UTC) and ``notification_service``."""
        today = datetime.now(UTC).date()
        with self._lock:
            while self._sent and next(iter(self._sent.values())).date() != today:
                self._sent.popitem(last=False)
            active = sum(tracked.alert.status is not AlertStatus.RESOLVED for tracked in self._tracked.values())
            return {
                "total_alerts": self._total,
                "active_alerts": active,
                "sent_today": len(self._sent),
                "notification_service": self.notification_service.get_statistics(),
            }

    def close(self, timeout: float = 30.0) -> bool:
        """Close the service; see :meth:`NotificationService.close`."""
        return self.notification_service.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _deliver(self, alert: Alert) -> DeliveryReport:
        report = self.notification_service.send_notification(alert)
        with self._lock:
            current = self._tracked.get(alert.alert_id)
            if current is not None:
                self._tracked[alert.alert_id] = attrs.evolve(current, report=report)
            if report.is_successful:
                self._sent.setdefault(alert.alert_id, datetime.now(UTC))
        return report

    def _get(self, alert_id: str | Alert) -> TrackedAlert:
        tracked = self.get_alert(alert_id)
        if tracked is None:
            raise UnknownAlert(alert_id.alert_id if isinstance(alert_id, Alert) else alert_id)
        return tracked

    def _change(self, alert_id: str | Alert, status: AlertStatus) -> Alert:
        key = self._get(alert_id).alert.alert_id
        with self._lock:
            tracked = self._tracked[key]
            self._tracked[key] = attrs.evolve(tracked, alert=attrs.evolve(tracked.alert, status=status))
            return self._tracked[key].alert

    def _forget(self) -> None:
        while len(self._tracked) > self._max_alerts:
            resolved = (key for key, tracked in self._tracked.items() if tracked.alert.status is AlertStatus.RESOLVED)
            del self._tracked[next(resolved, next(iter(self._tracked)))]


def _resolution(alert: Alert) -> Alert:
    """The alert that tells its end: under the same key, with an id of its own that stays the same."""
    digest = hashlib.sha256(alert.alert_id.encode()).hexdigest()[:32]
    return attrs.evolve(alert, alert_id=f"resolved-{digest}", dedup_key=alert.dedup_key or alert.alert_id)
