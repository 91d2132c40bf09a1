"""How the public names are typed; checked by the type checker, never run."""

from __future__ import annotations

import attrs

from tocsin import (
    Alert,
    AlertManager,
    Capabilities,
    DeliveryReport,
    Health,
    NotificationConfig,
    NotificationResult,
    NotificationService,
    Receipt,
    Recipient,
    Secret,
    SendContext,
    hookimpl,
    redact,
)
from tocsin.settings import setting, to_secret, to_strings


@attrs.define(eq=False, kw_only=True)
class Pager:
    """A channel as a third party writes it."""

    capabilities = Capabilities(http=True, rate_limit=1.0)
    token: Secret = attrs.field(converter=to_secret, metadata=setting(help="Token"))
    users: tuple[str, ...] = attrs.field(converter=to_strings, metadata=setting("PAGER_TO", "Users"))

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """One for each user."""
        return tuple(Recipient.of(user) for user in self.users)

    @hookimpl
    def send(self, alert: Alert, recipient: Recipient, context: SendContext) -> Receipt:
        """Send."""
        answer = context.http.post("https://pager.example", json={"to": recipient.address.reveal()}).check()
        return Receipt(provider_id=str(answer.json()["id"]))

    @hookimpl
    def health(self) -> Health:
        """Know nothing."""
        return Health.unknown("no probe")


def embed() -> bool:
    """An application."""
    Pager(token="t", users=["a", "b"])
    config = NotificationConfig(email_enabled=True, smtp_host="smtp.example.com", email_to=["a@example.com"])
    with NotificationService(config, processors=[redact(keys=["password"])], observers=[print]) as service:
        service.add_channel("print", print)
        alert = Alert(title="t", message="m", priority="HIGH", alert_type="RISK", channels=["print"], data={"a": 1})
        report: DeliveryReport = service.send_notification(alert)
        tested: NotificationResult = service.test_channel("print")
        rate: float = service.get_channel_health()["print"]["success_rate"]
        return report.is_successful and tested.success and rate > 0


async def embed_async(service: NotificationService, alert: Alert) -> DeliveryReport:
    """An asyncio application."""
    return await service.asend_notification(alert)


def manage() -> None:
    """The alerts' life."""
    manager = AlertManager()
    alert: Alert = manager.create_alert(title="t", message="m", source="engine")
    triggered: bool = manager.trigger_alert(alert.alert_id)
    print(triggered, manager.get_alert(alert.alert_id))
