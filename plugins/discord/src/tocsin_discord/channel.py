"""The channel: settings, and the calls of the webhook API."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

import attrs

from tocsin import (
    Alert,
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
from tocsin_discord.errors import EDIT_IMPOSSIBLE, THREAD_GONE, code_of, failure
from tocsin_discord.format import TOTAL_LIMIT, message
from tocsin_discord.markdown import UNIT
from tocsin_discord.names import thread_name, to_thread_name, to_username
from tocsin_discord.posted import Posted, receipt_of
from tocsin_discord.webhook import Webhook, to_webhooks

__all__ = ["DiscordChannel"]

_DISTRIBUTION = "tocsin-discord"


@attrs.define(eq=False, kw_only=True)
class DiscordChannel:
    """Sends alerts to Discord through webhooks.

    Attributes:
        webhook_urls: each posts to the channel it was made in, or to the thread that ``?thread_id=`` names.
        api_url: stands in for scheme and host of every webhook's URL; of a proxy, for instance.
        username: whose name the messages bear, instead of the webhook's own.
        thread_name: makes a post of this name in a forum for each new alert; ``{title}`` stands for its headline.
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
    username: str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_username),
        metadata=setting(
            "DISCORD_USERNAME", "Name above the messages, 1 to 80 characters; by default the webhook's own"
        ),
    )
    thread_name: str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_thread_name),
        metadata=setting("DISCORD_THREAD_NAME", "In a forum: name of each alert's post, like {title}"),
    )
    recipients: tuple[Recipient, ...] = attrs.field(init=False, repr=False)
    _dead: dict[str, DeliveryError] = attrs.field(factory=dict, init=False, repr=False)
    """Why a webhook answered 404 or 401, by recipient; it is asked no more, not even for its health."""

    def __attrs_post_init__(self) -> None:
        if not self.webhook_urls:
            raise MissingSetting("webhook_urls names no webhook; list at least one URL")
        self.recipients = tuple(map(Recipient.of, self.webhook_urls))

    @hookimpl
    def send(self, alert: Alert, recipient: Recipient, context: SendContext) -> Receipt:
        """Edit the earlier message of the same ``dedup_key`` where that is enough, or post a new one."""
        try:
            receipt = self._deliver(alert, self._webhook(recipient), context)
        except DeliveryError as error:
            self._remember(recipient, error)
            raise
        self._dead.pop(recipient.id, None)
        return receipt

    @hookimpl
    def health(self, context: SendContext) -> Health:
        """Ask each webhook for itself, which needs no more than its URL; nothing is sent.

        One that has answered 404 or 401 is not asked again: Discord bans addresses that go on calling
        (docs.discord.com/developers/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans).
        """
        found = {recipient.label: self._refusal(recipient, context) for recipient in self.recipients}
        return _verdict({label: error for label, error in found.items() if error is not None}, len(found))

    def _deliver(self, alert: Alert, webhook: Webhook, context: SendContext) -> Receipt:
        earlier = Posted.named_by(context.previous)
        if earlier is not None and not context.louder:  # an edit makes no sound
            receipt = self._edit(alert, webhook, earlier, context)
            if receipt is not None:
                return receipt
        if self.thread_name is None or webhook.thread_id is not None:
            return receipt_of(self._post(alert, webhook.execute(), context))
        return self._post_to_forum(alert, webhook, earlier.thread_id if earlier else None, context)

    def _edit(self, alert: Alert, webhook: Webhook, earlier: Posted, context: SendContext) -> Receipt | None:
        """The receipt of the edited message; None where it cannot be edited any more.

        An edit may be repeated without harm, so it carries no mark of a repeat.
        """
        address = webhook.message(earlier.message_id, earlier.thread_id)
        response = _call(context, "PATCH", address, message(alert, plain=context.plain))
        impossible = EDIT_IMPOSSIBLE | THREAD_GONE if earlier.thread_id else EDIT_IMPOSSIBLE
        if not response.is_success and code_of(response) in impossible:
            return None
        return receipt_of(response, edited=True, in_post=earlier.thread_id is not None)

    def _post_to_forum(self, alert: Alert, webhook: Webhook, thread_id: str | None, context: SendContext) -> Receipt:
        """A message in the post that the earlier alert has made, which that wakes, or in a new post."""
        if thread_id is not None:
            response = self._post(alert, webhook.execute(thread_id), context)
            if response.is_success or code_of(response) not in THREAD_GONE:
                return receipt_of(response, in_post=True)
        name = thread_name(self.thread_name or "", alert)
        return receipt_of(self._post(alert, webhook.execute(), context, thread_name=name), in_post=True)

    def _post(self, alert: Alert, address: Secret, context: SendContext, **names: str) -> HttpResponse:
        names |= {"username": self.username} if self.username is not None else {}
        return _call(context, "POST", address, message(alert, plain=context.plain, repeated=context.repeated) | names)

    def _refusal(self, recipient: Recipient, context: SendContext) -> DeliveryError | None:
        """Why a webhook cannot be used; None where Discord describes it."""
        if (known := self._dead.get(recipient.id)) is not None:
            return known
        error = _missing(_call(context, "GET", self._webhook(recipient).itself()))
        if error is not None and not isinstance(error, InvalidRecipient | AuthError):
            raise error
        self._remember(recipient, error)
        return error

    def _remember(self, recipient: Recipient, error: DeliveryError | None) -> None:
        if isinstance(error, InvalidRecipient | AuthError) and error.status_code in (401, 404):
            self._dead[recipient.id] = error.reworded(error.message, error.hint, error.provider_code)

    def _webhook(self, recipient: Recipient) -> Webhook:
        return Webhook.parse(recipient.address.reveal(), self.api_url)


def _call(context: SendContext, method: str, address: Secret, body: Mapping[str, Any] | None = None) -> HttpResponse:
    return context.http.request(method, address, json=body, headers={"User-Agent": _user_agent()})


@cache
def _user_agent() -> str:
    """In the form that Discord demands; without it Cloudflare may block (docs.discord.com/developers/reference)."""
    return f"DiscordBot (https://{_DISTRIBUTION}.example, {version(_DISTRIBUTION)})"  # no home page yet


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
