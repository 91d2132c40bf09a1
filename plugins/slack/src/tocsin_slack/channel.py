"""The channel: settings, incoming webhooks, and the calls of the Web API."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import attrs

from tocsin import (
    Alert,
    Capabilities,
    DeliveryTimeout,
    Health,
    Receipt,
    Recipient,
    Scope,
    Secret,
    SendContext,
    hookimpl,
)
from tocsin.http import HttpClient
from tocsin.settings import MissingSetting, setting, to_secret, to_secret_urls, to_strings, to_url
from tocsin_slack.answer import Reply, check_webhook
from tocsin_slack.errors import EDIT_IMPOSSIBLE, THREAD_IMPOSSIBLE
from tocsin_slack.format import BLOCK_TEXT_LIMIT, message
from tocsin_slack.probe import probe
from tocsin_slack.text import UNIT
from tocsin_slack.thread import Earlier, Step, details_of

__all__ = ["SlackChannel"]

_WEBHOOK, _CHANNEL = "webhook", "channel"
_DESTINATION = re.compile(r"[CGDUW][A-Z0-9]+|#[^\s#@<>,]{1,80}")
_POSTED = {"mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
"""``text`` is no mrkdwn, and links in it have no preview."""
_EDITED = {"parse": "none", "link_names": False}
"""chat.update would find names and links by itself, unlike chat.postMessage."""


def _to_webhooks(value: str | Iterable[str | Secret]) -> tuple[Secret, ...]:
    urls = to_secret_urls(value)
    for position, url in enumerate(urls, start=1):
        if urlsplit(url.reveal()).path.startswith(("/triggers/", "/workflows/")):
            raise ValueError(
                f"item {position} is a webhook of Workflow Builder, which takes no formatted messages; "
                "make an incoming webhook, its path begins with /services/"
            )
    return urls


def _to_destinations(value: str | Iterable[str]) -> tuple[str, ...]:
    items = to_strings(value)
    for position, item in enumerate(items, start=1):
        if not _DESTINATION.fullmatch(item):
            raise ValueError(f"item {position} must be an id like C0123456789, from the channel's details, or #name")
    return items


@attrs.define(eq=False, kw_only=True)
class SlackChannel:
    """Sends alerts to Slack, through incoming webhooks and as a bot.

    Attributes:
        webhook_urls: URLs of incoming webhooks; each posts to the channel it was made for.
        bot_token: of the app's bot; shared by all channels, so that a refused token stops this channel as a whole.
        channel_ids: where the bot posts: ids of channels, people or direct messages, or ``#name``.
        api_url: base address of the Web API.
        recipients: one for each webhook, then one for each channel.
    """

    capabilities = Capabilities(
        http=True,
        plain=True,
        update=True,
        thread=True,
        rate_limit=1.0,  # one message per second in each channel: docs.slack.dev/apis/web-api/rate-limits
        circuit_scope=Scope.RECIPIENT,
        max_length=BLOCK_TEXT_LIMIT,
        unit=UNIT,
        formats=("blocks", "text"),
    )
    api_version = 1

    webhook_urls: tuple[Secret, ...] = attrs.field(
        default=(),
        converter=_to_webhooks,
        metadata=setting("SLACK_WEBHOOK_URLS", "URLs of incoming webhooks, https://hooks.slack.com/services/…"),
    )
    bot_token: Secret | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_secret),
        metadata=setting("SLACK_BOT_TOKEN", "Token of the app's bot, xoxb-…; needed for channel_ids"),
    )
    channel_ids: tuple[str, ...] = attrs.field(
        default=(),
        converter=_to_destinations,
        repr=False,
        metadata=setting("SLACK_CHANNEL_IDS", "Where the bot posts: ids like C0123456789, or #name"),
    )
    api_url: str = attrs.field(
        default="https://slack.com/api",
        converter=to_url,
        metadata=setting("SLACK_API_URL", "Base address of the Web API"),
    )
    recipients: tuple[Recipient, ...] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.channel_ids and self.bot_token is None:
            raise MissingSetting("bot_token is missing; channel_ids are posted to with the token of a bot")
        if not self.webhook_urls and not self.channel_ids:
            missing = "bot_token and channel_ids" if self.bot_token is None else "channel_ids for the bot"
            raise MissingSetting(f"there is nowhere to post to; set webhook_urls, or {missing}")
        webhooks = (Recipient.of(url, kind=_WEBHOOK) for url in self.webhook_urls)
        self.recipients = (*webhooks, *(Recipient.of(item, kind=_CHANNEL) for item in self.channel_ids))

    @hookimpl
    def send(self, alert: Alert, recipient: Recipient, context: SendContext) -> Receipt:
        """Post to the webhook; or as the bot, or edit or answer the bot's earlier message of the same ``dedup_key``."""
        if recipient.kind == _WEBHOOK:
            body = message(alert, plain=context.plain, repeated=context.repeated)
            check_webhook(context.http.post(recipient.address, json=body | _POSTED))
            return Receipt()
        address = recipient.address.reveal()
        followed = self._follow(alert, address, context)
        if followed is not None:
            return followed
        ts, channel = _posted(self._post(alert, context, {"channel": address}).check())
        return Receipt(provider_id=ts, details=details_of(alert, channel, address))

    @hookimpl
    def health(self, context: SendContext) -> Health:
        """Ask whether the token works and whether the bot may post to each channel; nothing is sent."""
        if self.bot_token is None:
            return Health.unknown(
                "an incoming webhook cannot be checked without sending", webhooks=len(self.webhook_urls)
            )
        channels = [recipient for recipient in self.recipients if recipient.kind == _CHANNEL]
        return probe(lambda method, form: self._call(context.http, method, form=form), channels, len(self.webhook_urls))

    def _follow(self, alert: Alert, address: str, context: SendContext) -> Receipt | None:
        """The receipt of the earlier message's edit or reply; None where a new message is due."""
        earlier = Earlier.of(context.previous, address)
        step = Step.NEW if earlier is None else earlier.step(alert)
        if earlier is None or step is Step.NEW:
            return None
        follow = self._edit if step is Step.EDIT else self._reply
        return follow(alert, address, earlier, context)

    def _edit(self, alert: Alert, address: str, earlier: Earlier, context: SendContext) -> Receipt | None:
        """The receipt of the edited message; None where it cannot be edited any more.

        An edit may be repeated without harm, so it carries no mark of a repeat.
        """
        body = message(alert, plain=context.plain) | _EDITED | {"channel": earlier.channel, "ts": earlier.ts}
        reply = self._call(context.http, "chat.update", json=body)
        if reply.word in EDIT_IMPOSSIBLE and not reply.ok:
            return None
        reply.check()
        details = details_of(alert, earlier.channel, address) | {"edited": True}
        return Receipt(provider_id=earlier.ts, details=details)

    def _reply(self, alert: Alert, address: str, earlier: Earlier, context: SendContext) -> Receipt | None:
        """The receipt of a reply under the earlier message; None where nothing can be put there."""
        where = {"channel": earlier.channel, "thread_ts": earlier.ts, "reply_broadcast": True}
        reply = self._post(alert, context, where)
        if reply.word in THREAD_IMPOSSIBLE and not reply.ok:
            return None
        ts, channel = _posted(reply.check())
        return Receipt(provider_id=ts, details=details_of(alert, channel, address, thread_ts=earlier.ts))

    def _post(self, alert: Alert, context: SendContext, where: dict[str, Any]) -> Reply:
        body = message(alert, plain=context.plain, repeated=context.repeated)
        return self._call(context.http, "chat.postMessage", json=body | _POSTED | where)

    def _call(self, http: HttpClient, method: str, **body: Any) -> Reply:
        token = self.bot_token.reveal() if self.bot_token is not None else ""
        headers = {"Authorization": f"Bearer {token}"}
        return Reply.of(http.post(f"{self.api_url.rstrip('/')}/{method}", headers=headers, **body))


def _posted(reply: Reply) -> tuple[str, str]:
    """Timestamp and channel id of the new message, which prove that it was taken."""
    ts, channel = reply.body.get("ts"), reply.body.get("channel")
    if not isinstance(ts, str) or not isinstance(channel, str):
        raise DeliveryTimeout("Slack said ok but named no message", status_code=reply.response.status)
    return ts, channel
