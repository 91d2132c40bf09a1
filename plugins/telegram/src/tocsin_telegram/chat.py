"""Where a message goes: a chat, perhaps a topic in it, and the new id of a group that was upgraded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import attrs

from tocsin import Recipient
from tocsin.forking import new_lock
from tocsin.settings import to_strings

__all__ = ["Chat", "Moves", "to_chats"]

_CHAT = re.compile(r"(?P<id>-?[1-9][0-9]{0,15}|@[A-Za-z][A-Za-z0-9_]{3,31})(?::(?P<topic>[1-9][0-9]{0,9}))?")
_MAX_ID = 2**52
"""Chat ids have at most 52 significant bits (https://core.telegram.org/bots/api#chat)."""
_GENERAL = 1


@attrs.frozen
class Chat:
    """One destination.

    Attributes:
        id: a number, negative for groups and channels, or the ``@name`` of a public channel or group.
        topic: the number of a forum topic.
    """

    id: int | str
    topic: int | None = None

    @property
    def thread(self) -> int | None:
        """``message_thread_id``; None for the General topic, which messages without one go to.

        Its number, 1, is refused with "message thread not found" (tdlib/telegram-bot-api, issue 798).
        """
        return None if self.topic == _GENERAL else self.topic

    @classmethod
    def parse(cls, address: str) -> Chat:
        """The chat that an address like ``-1001234567890``, ``-1001234567890:42`` or ``@name`` names.

        Raises:
            ValueError: it is none of these.
        """
        match = _CHAT.fullmatch(address)
        if match is None:
            raise ValueError("must be a chat id like -1001234567890, or @name; with :topic behind it for a forum topic")
        name, topic = match["id"], match["topic"]
        if name.startswith("@"):
            return cls(name, int(topic) if topic else None)
        if abs(int(name)) >= _MAX_ID:
            raise ValueError("is no chat id: those have at most 52 bits")
        return cls(int(name), int(topic) if topic else None)


def to_chats(value: str | Iterable[str]) -> tuple[str, ...]:
    """A list of addresses that :meth:`Chat.parse` takes."""
    addresses = to_strings(value)
    for position, address in enumerate(addresses, start=1):
        try:
            Chat.parse(address)
        except ValueError as error:
            raise ValueError(f"item {position} {error}") from None
    return addresses


class Moves:
    """The new ids of groups that became supergroups. Thread-safe."""

    def __init__(self) -> None:
        self._lock = new_lock()
        self._new_ids: dict[int | str, int] = {}

    def current(self, chat: Chat) -> int | str:
        """The id that the chat has now, as far as is known."""
        with self._lock:
            return self._new_ids.get(chat.id, chat.id)

    def mark(self, chat: Chat) -> Mapping[str, str]:
        """What a receipt keeps of the chat's new id, so that its message is looked for nowhere else; nothing before.

        The messages of a supergroup are numbered anew: a number from the old group is another message there.
        """
        with self._lock:
            new_id = self._new_ids.get(chat.id)
        return {} if new_id is None else {"moved_to": Recipient.of(str(new_id)).id}

    def remember(self, chat: Chat, new_id: int) -> None:
        """The chat has this id from now on."""
        with self._lock:
            self._new_ids[chat.id] = new_id
