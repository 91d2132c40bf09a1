"""What Telegram answers, and the failure that it stands for.

The Bot API has no error codes of its own: ``error_code`` repeats the HTTP status, and ``description`` is one of a set
of fixed phrases, some with a detail behind (https://core.telegram.org/bots/api#making-requests, tdlib/telegram-bot-api
Client.cpp, https://core.telegram.org/api/errors). A 403 whose description is a bare code is passed on as 400, and a 404
of the inner layers as well, so that 404 is left for the token and the method. Only phrases of the tables below are ever
shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from tocsin import (
    AuthError,
    ClientError,
    DeliveryError,
    DeliveryTimeout,
    InvalidRecipient,
    Outcome,
    PayloadError,
    RateLimited,
    Scope,
)
from tocsin.http import HttpResponse, failure_for

__all__ = ["EDIT_IMPOSSIBLE", "NOT_MODIFIED", "PHRASES", "REPLY_IMPOSSIBLE", "Phrase", "Reply"]

NOT_MODIFIED = "message is not modified"
"""An edit that changes nothing: the message already says it."""
EDIT_IMPOSSIBLE = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "message_edit_time_expired",
    "message identifier is not specified",
)
"""The earlier message is gone or too old; a new one is sent."""
REPLY_IMPOSSIBLE = ("message to be replied not found", "replied message not found", "reply message not found")
"""The message to answer is gone. In a topic ``allow_sending_without_reply`` does not count
(https://core.telegram.org/bots/api#replyparameters), so that the message has to be sent again without it."""

_LONGEST_WAIT = 3600.0
_WAIT_IN_WORDS = re.compile(r"retry after ([0-9]{1,9})\b")
_ANSWER_LIMIT = 65_536
"""Bytes of an answer that are read. One that repeats two long messages, the new and the answered one, has more."""
_SENT = re.compile(rb'\{"ok":\s?true,\s?"result":\s?\{"message_id":\s?([0-9]{1,18}),')
_TOKEN = "Check bot_token; @BotFather shows it, and may have revoked it. Where api_url is set, check that too."
_START = "Bots cannot open a conversation: the user must press Start in the bot's chat."
_REMOVED = "Add the bot to the chat again, or remove the chat from chat_ids."
_RIGHTS = "Give the bot the right to post there; in a channel it must be an administrator."
_TOPIC = "Check the topic's number behind the colon; the topic may be closed or deleted."
_CHAT = "Check the id or @name; the bot must be a member, and a user must have pressed Start."
_PAID = "The chat takes paid messages only; its owner can let the bot write for nothing."
_MOVED = "The bot was logged out of this Bot API server; name in api_url the one that it runs on now."
_CONTENT = "Telegram refused the text; a simpler form is tried once."


@attrs.frozen
class Phrase:
    """One row: a phrase in lower case that the description contains, what it stands for, and what to do."""

    text: str
    failure: type[DeliveryError]
    hint: str


PHRASES = (
    Phrase("bot was blocked by the user", InvalidRecipient, "The user blocked the bot; only the user can undo that."),
    Phrase("user is deactivated", InvalidRecipient, "The account was deleted; remove the chat from chat_ids."),
    Phrase("bot can't initiate conversation", InvalidRecipient, _START),
    Phrase("bot can't send messages to bots", InvalidRecipient, "Name a user, a group or a channel."),
    Phrase("bot can't send messages to the user", InvalidRecipient, _START),
    Phrase("bot was kicked", InvalidRecipient, _REMOVED),
    Phrase("bot is not a member", InvalidRecipient, _REMOVED),
    Phrase("group chat was deleted", InvalidRecipient, "Remove the chat from chat_ids."),
    Phrase("group chat was deactivated", InvalidRecipient, "Remove the chat from chat_ids."),
    Phrase(
        "group chat was upgraded", InvalidRecipient, "Put the supergroup's id, which begins with -100, into chat_ids."
    ),
    Phrase("chat not found", InvalidRecipient, _CHAT),
    Phrase("user not found", InvalidRecipient, _CHAT),
    Phrase("peer_id_invalid", InvalidRecipient, _CHAT),
    Phrase("chat_id is empty", InvalidRecipient, _CHAT),
    Phrase("chat_id_invalid", InvalidRecipient, _CHAT),
    Phrase("channel_invalid", InvalidRecipient, _CHAT),
    Phrase("channel_private", InvalidRecipient, _CHAT),
    Phrase("message thread not found", InvalidRecipient, _TOPIC),
    Phrase("topic_id_invalid", InvalidRecipient, _TOPIC),
    Phrase("topic_closed", InvalidRecipient, _TOPIC),
    Phrase("topic_deleted", InvalidRecipient, _TOPIC),
    Phrase("not enough rights", InvalidRecipient, _RIGHTS),
    Phrase("have no rights", InvalidRecipient, _RIGHTS),
    Phrase("need administrator rights", InvalidRecipient, _RIGHTS),
    Phrase("chat_write_forbidden", InvalidRecipient, _RIGHTS),
    Phrase("chat_admin_required", InvalidRecipient, _RIGHTS),
    Phrase("chat_send_plain_forbidden", InvalidRecipient, _RIGHTS),
    Phrase("chat_guest_send_forbidden", InvalidRecipient, _RIGHTS),
    Phrase("chat_restricted", InvalidRecipient, _RIGHTS),
    Phrase("user_banned_in_channel", InvalidRecipient, _RIGHTS),
    Phrase("no write access", InvalidRecipient, _RIGHTS),
    Phrase("allow_payment_required", InvalidRecipient, _PAID),
    Phrase("logged out", AuthError, _MOVED),
    Phrase("can't parse entities", PayloadError, _CONTENT),
    Phrase("message is too long", PayloadError, _CONTENT),
    Phrase("message_too_long", PayloadError, _CONTENT),
    Phrase("message_empty", PayloadError, _CONTENT),
    Phrase("message text is empty", PayloadError, _CONTENT),
    Phrase("text must be non-empty", PayloadError, _CONTENT),
    Phrase("must be encoded in utf-8", PayloadError, _CONTENT),
    Phrase("entity_bounds_invalid", PayloadError, _CONTENT),
    Phrase("entities_too_long", PayloadError, _CONTENT),
)
"""Descriptions of 400 and 403, most specific first. No answer here is worth a second try in the same form."""


@attrs.frozen
class Reply:
    """One answer of the Bot API.

    Attributes:
        ok: the provider's own word for success; the HTTP status alone does not decide.
        result: what the method returns.
        code: ``error_code``, or the HTTP status where there is none.
        description: in lower case; never shown as it is.
        parameters: ``retry_after`` and ``migrate_to_chat_id`` stand here.
    """

    response: HttpResponse
    ok: bool
    result: Any
    code: int
    description: str
    parameters: Mapping[str, Any]

    @classmethod
    def of(cls, response: HttpResponse) -> Reply:
        """The answer, read.

        Raises:
            DeliveryTimeout: a 2xx without a readable answer; whether the message was taken is not known.
        """
        body = response.json() if response.complete else _overlong(response)
        if response.is_success and not isinstance(body.get("ok"), bool):
            raise DeliveryTimeout("Telegram's answer could not be read", status_code=response.status)
        code, parameters = body.get("error_code"), body.get("parameters")
        return cls(
            response,
            ok=response.is_success and body.get("ok") is True,
            result=body.get("result"),
            code=code if isinstance(code, int) and 400 <= code < 600 else response.status,
            description=str(body.get("description", "")).lower(),
            parameters=parameters if isinstance(parameters, dict) else {},
        )

    @property
    def moved_to(self) -> int | None:
        """The supergroup's id, where the group was upgraded to one."""
        new_id = self.parameters.get("migrate_to_chat_id")
        return new_id if isinstance(new_id, int) and not isinstance(new_id, bool) and new_id != 0 else None

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait: the longest that parameters, description and header name; 0 to 3600."""
        words = _WAIT_IN_WORDS.search(self.description)
        waits = (
            _seconds(self.parameters.get("retry_after")),
            float(words[1]) if words else None,
            self.response.retry_after,
        )
        known = [wait for wait in waits if wait is not None]
        return min(max(known), _LONGEST_WAIT) if known else None

    def says(self, *phrases: str) -> bool:
        """Whether the description holds one of these phrases."""
        return any(phrase in self.description for phrase in phrases)

    def error(self, waits: Scope = Scope.RECIPIENT) -> DeliveryError:
        """The failure that an answer without ``ok`` stands for.

        Args:
            waits: what a wait is for; a chat, or all of them where the answer was to a call that names no chat.
        """
        for phrase in PHRASES if self.code in (400, 403) else ():
            if phrase.text in self.description:
                words = f"Telegram: {phrase.text} (HTTP {self.response.status})"
                return phrase.failure(
                    words, status_code=self.response.status, provider_code=phrase.text, hint=phrase.hint
                )
        return self._by_code(waits)

    def _by_code(self, waits: Scope) -> DeliveryError:
        status, code = self.response.status, self.code
        if code < 300:
            return ClientError(f"Telegram did not say ok (HTTP {status})", status_code=status)
        if code in (401, 404, 421):
            # A malformed token makes an unknown path: 404. 421 is a local server that serves other bots.
            return AuthError(f"Telegram refused the token (HTTP {code})", status_code=status, hint=_TOKEN)
        if code == 403 and self.description:
            return InvalidRecipient("Telegram forbids this chat (HTTP 403)", status_code=status, hint=_CHAT)
        if code == 429:
            return RateLimited(
                "Telegram: too many requests (HTTP 429)", status_code=status, retry_after=self.retry_after, scope=waits
            )
        # A gateway that lost Telegram's answer cannot tell whether the message was sent, and another bot may have
        # deleted it at once (on_message_send_failed in tdlib/telegram-bot-api, Client.cpp).
        lost = code in (502, 504) or self.says("immediately deleted")
        changes = {"outcome": Outcome.UNKNOWN} if lost else {}
        return failure_for(attrs.evolve(self.response, status=code), "", status_code=status, **changes)


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return float(min(max(value, 0), _LONGEST_WAIT))


def _overlong(response: HttpResponse) -> Mapping[str, Any]:
    """What the beginning of an answer proves that is longer than what is read: the id of the message that was sent."""
    head = _SENT.match(response.body) if len(response.body) >= _ANSWER_LIMIT else None
    return {"ok": True, "result": {"message_id": int(head[1])}} if head else {}
