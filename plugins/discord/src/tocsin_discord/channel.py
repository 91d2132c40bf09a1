"""The channel: settings, and the calls of the webhook API."""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

from tocsin import (
    Alert,
    AlertPriority,
    AlertStatus,
    AuthError,
    Capabilities,
    DeliveryError,
    DeliveryTimeout,
    Health,
    InvalidRecipient,
    Receipt,
    Recipient,
    Scope,
    Secret,
    SendContext,
    hookimpl,
)
from tocsin.http import HttpResponse
from tocsin.settings import MissingSetting, setting, to_url
from tocsin_discord.errors import EDIT_IMPOSSIBLE, code_of, failure
from tocsin_discord.format import TOTAL_LIMIT, message
from tocsin_discord.markdown import UNIT
from tocsin_discord.webhook import Webhook, to_webhooks

__all__ = ["DiscordChannel"]

_ID = re.compile(r"[0-9]{1,20}")


@attrs.define(eq=False, kw_only=True)
class DiscordChannel:
    """Sends alerts to Discord through webhooks.

    Attributes:
        webhook_urls: each posts to the channel it was made in, or to the thread that ``?thread_id=`` names.
        api_url: stands in for scheme and host of every webhook's URL; of a proxy, for instance.
        recipients: one for each webhook.
    """

    capabilities = Capabilities(
        http=True,
        plain=True,
        update=True,
        # No rate of our own: Discord's limits must not be hard coded (docs.discord.com/developers/topics/rate-limits).
        circuit_scope=Scope.RECIPIENT,
        max_length=TOTAL_LIMIT,
        unit=UNIT,
        formats=("embed", "text"),
    )
    api_version = 1

    webhook_urls: tuple[Secret, ...] = attrs.field(
        converter=to_webhooks,
        metadata=setting("DISCORD_WEBHOOK_URLS", "URLs of webhooks, https://discord.com/api/webhooks/…"),
    )
    api_url: str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_url),
        metadata=setting("DISCORD_API_URL", "Stands in for scheme and host of the webhooks' URLs, https://discord.com"),
    )
    recipients: tuple[Recipient, ...] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if not self.webhook_urls:
            raise MissingSetting("webhook_urls names no webhook; list at least one URL")
        self.recipients = tuple(map(Recipient.of, self.webhook_urls))

    @hookimpl
    def send(self, alert: Alert, recipient: Recipient, context: SendContext) -> Receipt:
        """Edit the earlier message of the same ``dedup_key`` where that is enough, or post a new one."""
        webhook = self._webhook(recipient)
        earlier = _to_edit(alert, context.previous)
        if earlier is not None:
            receipt = self._edit(alert, webhook, earlier, context)
            if receipt is not None:
                return receipt
        body = message(alert, plain=context.plain, repeated=context.repeated)
        return _receipt(alert, context.http.post(webhook.execute(), json=body))

    @hookimpl
    def health(self, context: SendContext) -> Health:
        """Ask each webhook for itself, which needs no more than its URL; nothing is sent."""
        refused: dict[str, DeliveryError] = {}
        for recipient in self.recipients:
            error = _missing(context.http.get(self._webhook(recipient).itself()))
            if error is None:
                continue
            if not isinstance(error, InvalidRecipient | AuthError):
                raise error
            refused[recipient.label] = error
        return _verdict(refused, len(self.recipients))

    def _edit(self, alert: Alert, webhook: Webhook, message_id: str, context: SendContext) -> Receipt | None:
        """The receipt of the edited message; None where it cannot be edited any more.

        An edit may be repeated without harm, so it carries no mark of a repeat.
        """
        body = message(alert, plain=context.plain)
        response = context.http.request("PATCH", webhook.message(message_id), json=body)
        if not response.is_success and code_of(response) in EDIT_IMPOSSIBLE:
            return None
        receipt = _receipt(alert, response)
        return attrs.evolve(receipt, details={**receipt.details, "edited": True})

    def _webhook(self, recipient: Recipient) -> Webhook:
        return Webhook.parse(recipient.address.reveal(), self.api_url)


def _to_edit(alert: Alert, previous: Receipt | None) -> str | None:
    """The earlier message's id, where an edit is enough; it makes no sound, so what must be noticed is a new message.

    That is an alert that fires again after it was resolved, and one that became more urgent.
    """
    if previous is None or not _ID.fullmatch(previous.provider_id or ""):
        return None
    if alert.status is AlertStatus.FIRING:
        priority = str(previous.details.get("priority", ""))
        known = priority in AlertPriority.__members__
        if known and AlertPriority(priority).rank > alert.priority.rank:
            return None
        if previous.details.get("status") == AlertStatus.RESOLVED:
            return None
    return previous.provider_id


def _receipt(alert: Alert, response: HttpResponse) -> Receipt:
    """The receipt of a message that Discord shows in its answer; only that proves that it was saved."""
    if not response.is_success:
        raise failure(response)
    message_id = response.json().get("id") if response.complete else None
    if not isinstance(message_id, str) or not _ID.fullmatch(message_id):
        raise DeliveryTimeout("Discord's answer shows no message", status_code=response.status)
    return Receipt(provider_id=message_id, details={"status": str(alert.status), "priority": str(alert.priority)})


def _missing(response: HttpResponse) -> DeliveryError | None:
    """Why a webhook cannot be used; None where Discord described it."""
    if not response.is_success:
        return failure(response)
    if isinstance(response.json().get("id"), str):
        return None
    return DeliveryTimeout("Discord's answer shows no webhook", status_code=response.status)


def _verdict(refused: Mapping[str, DeliveryError], total: int) -> Health:
    if not refused:
        return Health.ok("every webhook exists", webhooks=total)
    reasons = "; ".join(f"{label}: {error.message}" for label, error in refused.items())
    first = next(iter(refused.values()))
    return Health.failing(
        f"{len(refused)} of {total} webhooks do not work: {reasons}",
        error_kind=str(first.kind),
        hint=first.hint,
        webhooks=total,
    )
