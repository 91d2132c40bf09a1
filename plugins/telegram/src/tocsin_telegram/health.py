"""What the answers of ``getMe`` and ``getChat`` say about the channel's health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tocsin import Health, InvalidRecipient
from tocsin_telegram.chat import Chat

__all__ = ["no_such_topic", "verdict"]


def no_such_topic(chat: Chat, found: Any) -> InvalidRecipient | None:
    """The failure that a message to the chat's topic would meet; None where it may be there.

    Only a group with topics has ``is_forum`` (https://core.telegram.org/bots/api#chatfullinfo). Whether a topic is open
    cannot be asked.
    """
    if chat.thread is None or not isinstance(found, Mapping):
        return None
    if found.get("type") not in ("group", "supergroup", "channel") or found.get("is_forum") is True:
        return None
    return InvalidRecipient(
        "Telegram: the chat has no topics", hint="Remove the number behind the colon, or switch the group's topics on."
    )


def verdict(failures: Mapping[str, InvalidRecipient], upgraded: Sequence[str], total: int) -> Health:
    """The channel's health.

    Args:
        failures: why a chat cannot be reached, by its recipient's label.
        upgraded: labels of the chats that are reached at the new id that Telegram named.
        total: how many chats there are.
    """
    if not failures:
        moved = f"; {', '.join(upgraded)} became a supergroup, put its new id into chat_ids" if upgraded else ""
        return Health.ok(f"the token works and the bot sees every chat{moved}", chats=total)
    reasons = "; ".join(f"{label}: {error.message}" for label, error in failures.items())
    first = next(iter(failures.values()))
    return Health.failing(
        f"{len(failures)} of {total} chats cannot be reached: {reasons}",
        error_kind=str(first.kind),
        hint=first.hint,
        chats=total,
    )
