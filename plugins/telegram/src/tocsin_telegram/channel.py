"""The channel: settings, and the calls of the Bot API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import attrs

from tocsin import (
    Alert,
    AlertPriority,
    Capabilities,
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
from tocsin.http import HttpClient
from tocsin.settings import MissingSetting, setting, to_boolean, to_secret, to_url
from tocsin_telegram.chat import Chat, Moves, to_chats
from tocsin_telegram.errors import EDIT_IMPOSSIBLE, NOT_MODIFIED, REPLY_IMPOSSIBLE, Reply
from tocsin_telegram.format import SILENT, TEXT_LIMIT, message
from tocsin_telegram.health import no_such_topic, verdict
from tocsin_telegram.priorities import to_priorities

__all__ = ["TelegramChannel"]


@attrs.define(eq=False, kw_only=True)
class TelegramChannel:
    """Sends alerts to Telegram chats as a bot.

    Attributes:
        bot_token: of the bot; shared by all chats, so that a refused token stops the channel.
        chat_ids: ids or @names, each with ``:topic`` behind it where it is a forum topic.
        silent: priorities that arrive without a sound (``disable_notification``).
        protect_content: messages cannot be forwarded or saved (``protect_content``).
        api_url: base address of the Bot API; of a local Bot API server, for instance.
        recipients: one for each chat.
    """

    capabilities = Capabilities(
        http=True,
        plain=True,
        update=True,
        thread=True,
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
    silent: tuple[AlertPriority, ...] = attrs.field(
        default=SILENT,
        converter=to_priorities,
        metadata=setting("TELEGRAM_SILENT", "Priorities that arrive without a sound; the word none for no priority"),
    )
    protect_content: bool = attrs.field(
        default=False,
        converter=to_boolean,
        metadata=setting("TELEGRAM_PROTECT_CONTENT", "Whether messages can be neither forwarded nor saved"),
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

        An edit makes no sound, so where the alert must be noticed again a new message answers the earlier one. That a
        chat became a supergroup, and that the message to answer is gone, is followed once within the same attempt.
        """
        chat = Chat.parse(recipient.address.reveal())
        earlier = self._earlier(chat, context.previous)
        if earlier is not None and not context.louder:
            receipt = self._edit(alert, chat, earlier, context)
            if receipt is not None:
                return receipt
            earlier = None
        return self._post(alert, chat, earlier, context)

    @hookimpl
    def health(self, context: SendContext) -> Health:
        """Ask who the bot is (``getMe``) and whether it sees each chat (``getChat``); nothing is sent."""
        reply = Reply.of(context.http.get(self._url("getMe")))
        if not reply.ok:
            raise reply.error(waits=Scope.CHANNEL)
        failures: dict[str, InvalidRecipient] = {}
        upgraded: list[str] = []
        for recipient in self.recipients:
            chat = Chat.parse(recipient.address.reveal())
            failure = self._unreachable(context.http, chat)
            if failure is not None:
                failures[recipient.label] = failure
            elif self._moves.mark(chat):
                upgraded.append(recipient.label)
        return verdict(failures, upgraded, len(self.recipients))

    def _unreachable(self, http: HttpClient, chat: Chat) -> InvalidRecipient | None:
        """Why nothing can be sent to the chat, as far as ``getChat`` tells."""
        reply = self._call(http, "getChat", chat, {})
        if reply.ok:
            return no_such_topic(chat, reply.result)
        error = reply.error()
        if isinstance(error, InvalidRecipient):
            return error
        raise error

    def _edit(self, alert: Alert, chat: Chat, message_id: int, context: SendContext) -> Receipt | None:
        """The receipt of the edited message; None where there is nothing left to edit.

        An edit may be repeated without harm, so it carries no mark of a repeat.
        """
        fields = message(alert, plain=context.plain) | {"message_id": message_id}
        reply, moved = self._ask(context.http, "editMessageText", chat, fields)
        if reply.ok or reply.says(NOT_MODIFIED):
            return Receipt(provider_id=str(message_id), details={"edited": True, **self._moves.mark(chat)})
        if moved or reply.says(*EDIT_IMPOSSIBLE):
            return None
        raise reply.error()

    def _post(self, alert: Alert, chat: Chat, answered: int | None, context: SendContext) -> Receipt:
        """The receipt of a new message, which answers an earlier one where one is given."""
        fields = message(alert, plain=context.plain, repeated=context.repeated) | self._delivery(alert, chat)
        if answered is not None:
            fields["reply_parameters"] = {"message_id": answered, "allow_sending_without_reply": True}
        reply = self._call(context.http, "sendMessage", chat, fields)
        if not reply.ok:
            raise reply.error()
        return Receipt(provider_id=_sent_id(reply), details=self._moves.mark(chat))

    def _delivery(self, alert: Alert, chat: Chat) -> dict[str, Any]:
        """Where in the chat, and how, a new message arrives; an edit leaves that as it is."""
        fields: dict[str, Any] = {}
        if chat.thread is not None:
            fields["message_thread_id"] = chat.thread
        if alert.priority in self.silent:
            fields["disable_notification"] = True
        if self.protect_content:
            fields["protect_content"] = True
        return fields

    def _call(self, http: HttpClient, method: str, chat: Chat, fields: dict[str, Any]) -> Reply:
        """One method for a chat; once more where the chat has a new id, or nothing to answer is left."""
        reply, moved = self._ask(http, method, chat, fields)
        if not moved and not reply.says(*REPLY_IMPOSSIBLE):
            return reply
        # The number of the message to answer means nothing in either case.
        fields.pop("reply_parameters", None)
        return self._ask(http, method, chat, fields)[0]

    def _ask(self, http: HttpClient, method: str, chat: Chat, fields: Mapping[str, Any]) -> tuple[Reply, bool]:
        """One exchange, at the chat's new id where it has one; and whether the answer names a newer one."""
        chat_id = self._moves.current(chat)
        reply = Reply.of(http.post(self._url(method), json={"chat_id": chat_id, **fields}))
        new_id = reply.moved_to
        if reply.ok or new_id is None or new_id == chat_id:
            return reply, False
        self._moves.remember(chat, new_id)
        return reply, True

    def _earlier(self, chat: Chat, receipt: Receipt | None) -> int | None:
        """The message that an earlier receipt names, where it stands in the chat that messages go to now."""
        text = receipt.provider_id if receipt is not None else None
        if receipt is None or text is None or not (text.isascii() and text.isdecimal()):
            return None
        return int(text) if receipt.details.get("moved_to") == self._moves.mark(chat).get("moved_to") else None

    def _url(self, method: str) -> Secret:
        return Secret(f"{self.api_url.rstrip('/')}/bot{quote(self.bot_token.reveal(), safe=':')}/{method}")


def _sent_id(reply: Reply) -> str:
    """The new message's id, which proves that it was taken."""
    message_id = reply.result.get("message_id") if isinstance(reply.result, dict) else None
    if not isinstance(message_id, int):
        raise DeliveryTimeout("Telegram said ok but named no message", status_code=reply.response.status)
    return str(message_id)
