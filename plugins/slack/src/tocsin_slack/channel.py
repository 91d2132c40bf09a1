"""The channel: settings, incoming webhooks, and the calls of the Web API."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

import attrs

from tocsin import (
    Alert,
    Capabilities,
    Health,
    Receipt,
    Recipient,
    Scope,
    Secret,
    SendContext,
    hookimpl,
)
from tocsin.settings import MissingSetting, setting, to_secret, to_secret_urls, to_strings, to_url
from tocsin_slack.answer import check_webhook
from tocsin_slack.bot import Bot
from tocsin_slack.format import BLOCK_TEXT_LIMIT, POSTED, message
from tocsin_slack.probe import probe
from tocsin_slack.text import UNIT

__all__ = ["SlackChannel"]

_WEBHOOK, _CHANNEL = "webhook", "channel"
_DESTINATION = re.compile(r"[CGDUW][A-Z0-9]+|#[^\s#@<>,]{1,80}")


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
        bot_token: of the app's bot; shared by all channels, so that a refused token stops all of them, and no webhook.
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
        if recipient.kind == _CHANNEL:
            return self._bot(context).deliver(alert, recipient.address.reveal())
        body = message(alert, plain=context.plain, repeated=context.repeated)
        check_webhook(context.http.post(recipient.address, json=body | POSTED))
        return Receipt()

    @hookimpl
    def health(self, context: SendContext) -> Health:
        """Ask whether the token works and whether the bot may post to each channel; nothing is sent."""
        if self.bot_token is None:
            return Health.unknown(
                "an incoming webhook cannot be checked without sending", webhooks=len(self.webhook_urls)
            )
        channels = [recipient for recipient in self.recipients if recipient.kind == _CHANNEL]
        bot = self._bot(context)
        return probe(lambda method, form: bot.call(method, form=form), channels, len(self.webhook_urls))

    def _bot(self, context: SendContext) -> Bot:
        return Bot(self.api_url, self.bot_token or Secret(""), context)
