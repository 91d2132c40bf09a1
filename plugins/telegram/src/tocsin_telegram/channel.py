"""The channel: settings, and the calls of the Bot API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import attrs

from tocsin import (
    Alert,
    Capabilities,
    DeliveryTimeout,
    Health,
    InvalidRecipient,
    Receipt,
    Recipient,
    Secret,
    SendContext,
    hookimpl,
)
from tocsin.http import HttpClient
from tocsin.settings import MissingSetting, setting, to_secret, to_url
from tocsin_telegram.chat import Chat, Moves, to_chats
from tocsin_telegram.errors import EDIT_IMPOSSIBLE, NOT_MODIFIED, Reply
from tocsin_telegram.format import SILENT, TEXT_LIMIT, message

__all__ = ["TelegramChannel"]


@attrs.define(eq=False, kw_only=True)
class TelegramChannel:
    """Sends alerts to Telegram chats as a bot.

    Attributes:
        bot_token: of the bot; shared by all chats, so that a refused token stops the channel.
        chat_ids: ids or @names, each with ``:topic`` behind it where it is a forum topic.
        api_url: base address of the Bot API; of a local Bot API server, for instance.
        recipients: one for each chat.
    """

    capabilities = Capabilities(
        http=True,
        plain=True,
        update=True,
        rate_limit=1.0,  # about one message per second in each chat: https://core.telegram.org/bots/faq
        max_length=TEXT_LIMIT,
        formats=("html", "text"),
    )
    api_version = 1

    bot_token: Secret = attrs.field(
        converter=to_secret, metadata=setting("TELEGRAM_BOT_TOKEN", "Token of the bot, from @BotFather")
    )
    chat_ids: tuple[str, ...] = attrs.field(
        converter=to_chats,
        repr=False,
        metadata=setting("TELEGRAM_CHAT_IDS", "Chats: ids or @names; id:topic for a topic of a forum"),
    )
    api_url: str = attrs.field(
        default="https://api.telegram.org",
        converter=to_url,
        metadata=setting("TELEGRAM_API_URL", "Base address of the Bot API"),
    )
    recipients: tuple[Recipient, ...] = attrs.field(init=False, repr=False)
    _moves: Moves = attrs.field(init=False, repr=False, factory=Moves)

    def __attrs_post_init__(self) -> None:
        if not self.chat_ids:
            raise MissingSetting("chat_ids names no chat; list at least one id or @name")
        self.recipients = tuple(map(Recipient.of, self.chat_ids))

    @hookimpl
    def send(self, alert: Alert, recipient: Recipient, context: SendContext) -> Receipt:
        """Edit the earlier message of the same ``dedup_key``, or send a new one.

        An answer that the chat became a supergroup is followed once, within the same attempt.
        """
        chat = Chat.parse(recipient.address.reveal())
        earlier = _message_id(context.previous)
        if earlier is not None:
            receipt = self._edit(alert, chat, earlier, context)
            if receipt is not None:
                return receipt
        fields = message(alert, plain=context.plain, repeated=context.repeated)
        if chat.topic is not None:
            fields["message_thread_id"] = chat.topic
        if alert.priority in SILENT:
            fields["disable_notification"] = True
        reply = self._call(context.http, "sendMessage", chat, fields)
        if not reply.ok:
            raise reply.error()
        return Receipt(provider_id=_sent_id(reply))

    @hookimpl
    def health(self, context: SendContext) -> Health:
        """Ask who the bot is (``getMe``) and whether it sees each chat (``getChat``); nothing is sent."""
        reply = Reply.of(context.http.get(self._url("getMe")))
        if not reply.ok:
            raise reply.error()
        unreachable: dict[str, InvalidRecipient] = {}
        for recipient in self.recipients:
            reply = self._call(context.http, "getChat", Chat.parse(recipient.address.reveal()), {})
            if reply.ok:
                continue
            error = reply.error()
            if not isinstance(error, InvalidRecipient):
                raise error
            unreachable[recipient.label] = error
        return _verdict(unreachable, len(self.recipients))

    def _edit(self, alert: Alert, chat: Chat, message_id: int, context: SendContext) -> Receipt | None:
        """The receipt of the edited message; None where there is nothing left to edit.

        An edit may be repeated without harm, so it carries no mark of a repeat.
        """
        fields = message(alert, plain=context.plain) | {"message_id": message_id}
        reply = self._call(context.http, "editMessageText", chat, fields)
        if reply.ok or reply.says(NOT_MODIFIED):
            return Receipt(provider_id=str(message_id), details={"edited": True})
        if reply.says(*EDIT_IMPOSSIBLE):
            return None
        raise reply.error()

    def _call(self, http: HttpClient, method: str, chat: Chat, fields: Mapping[str, Any]) -> Reply:
        """One method for a chat, at its new id where it has one."""
        chat_id = self._moves.current(chat)
        reply = Reply.of(http.post(self._url(method), json={"chat_id": chat_id, **fields}))
        new_id = reply.moved_to
        if reply.ok or new_id is None or new_id == chat_id:
            return reply
        self._moves.remember(chat, new_id)
        return Reply.of(http.post(self._url(method), json={"chat_id": new_id, **fields}))

    def _url(self, method: str) -> Secret:
        return Secret(f"{self.api_url.rstrip('/')}/bot{quote(self.bot_token.reveal(), safe=':')}/{method}")


def _message_id(receipt: Receipt | None) -> int | None:
    """The message that an earlier receipt names."""
    text = receipt.provider_id if receipt is not None else None
    return int(text) if text is not None and text.isascii() and text.isdecimal() else None


def _sent_id(reply: Reply) -> str:
    """The new message's id, which proves that it was taken."""
    message_id = reply.result.get("message_id") if isinstance(reply.result, dict) else None
    if not isinstance(message_id, int):
        raise DeliveryTimeout("Telegram said ok but named no message", status_code=reply.response.status)
    return str(message_id)


def _verdict(unreachable: Mapping[str, InvalidRecipient], total: int) -> Health:
    if not unreachable:
        return Health.ok("the token works and the bot sees every chat", chats=total)
    reasons = "; ".join(f"{label}: {error.message}" for label, error in unreachable.items())
    first = next(iter(unreachable.values()))
    return Health.failing(
        f"{len(unreachable)} of {total} chats cannot be reached: {reasons}",
        error_kind=str(first.kind),
        hint=first.hint,
        chats=total,
    )
