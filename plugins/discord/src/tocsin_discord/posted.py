"""What becomes of a message: the receipt that Discord's answer stands for, and the message that a receipt names."""

from __future__ import annotations

import re

import attrs

from tocsin import DeliveryTimeout, Receipt
from tocsin.http import HttpResponse
from tocsin_discord.buckets import wait_of
from tocsin_discord.errors import failure

__all__ = ["Posted", "receipt_of"]

_ID = re.compile(r"[0-9]{1,20}")
"""A snowflake: at most 64 bits, always a string (docs.discord.com/developers/reference#snowflakes)."""
_READ = 65_536
"""Bytes of an answer that are read. Discord repeats the message in it, perhaps with twelve bytes for each emoji."""


@attrs.frozen
class Posted:
    """An earlier message, as its receipt names it.

    Attributes:
        message_id: of the message.
        thread_id: of the forum's post that it stands in, where an alert has made that post.
    """

    message_id: str
    thread_id: str | None = None

    @classmethod
    def named_by(cls, receipt: Receipt | None) -> Posted | None:
        """The message; None where the receipt names none."""
        message_id = _snowflake(receipt.provider_id) if receipt is not None else None
        if receipt is None or message_id is None:
            return None
        return cls(message_id, _snowflake(receipt.details.get("thread_id")))


def receipt_of(response: HttpResponse, *, edited: bool = False, in_post: bool = False) -> Receipt:
    """The receipt of a message that Discord shows in its answer; only that proves that it was saved.

    Args:
        response: to *Execute Webhook* with ``wait``, or to *Edit Webhook Message*.
        edited: the message is an earlier one.
        in_post: it stands in a forum's post that an alert has made; the receipt keeps that post's id.

    Raises:
        DeliveryError: Discord refused it, or its answer shows no message.
    """
    if not response.is_success:
        raise failure(response)
    shown = response.json() if response.complete else {}
    message_id = _snowflake(shown.get("id"))
    if message_id is None and not _is_long_message(response):
        raise DeliveryTimeout("Discord's answer shows no message", status_code=response.status)
    thread_id = _snowflake(shown.get("channel_id")) if in_post else None
    details = ({"edited": True} if edited else {}) | ({"thread_id": thread_id} if thread_id else {})
    return Receipt(provider_id=message_id, details=details, hold=wait_of(response))


def _snowflake(value: object) -> str | None:
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _is_long_message(response: HttpResponse) -> bool:
    """Whether the answer is a JSON object that is longer than what is read of it: its id is lost, the message not."""
    return len(response.body) == _READ and not response.complete and response.body.lstrip()[:1] == b"{"
