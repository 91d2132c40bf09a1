"""What a receipt keeps of a message, so that the next alert of the same ``dedup_key`` finds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from tocsin import Receipt

__all__ = ["Earlier", "receipt_of"]


@attrs.frozen
class Earlier:
    """The message that an earlier receipt names.

    Attributes:
        channel: the channel's id, as Slack answered it.
        ts: of the last message, which is what people read.
        thread_ts: of the first message, which is the thread's parent; the same where there was no reply.
    """

    channel: str
    ts: str
    thread_ts: str

    @classmethod
    def of(cls, receipt: Receipt | None, address: str) -> Earlier | None:
        """The message, or None where the receipt names none.

        Args:
            receipt: of the earlier alert.
            address: of the recipient, which is the channel's id where the receipt keeps no other.
        """
        if receipt is None or receipt.provider_id is None:
            return None
        kept: Mapping[str, Any] = receipt.details
        channel, thread_ts = kept.get("channel", address), kept.get("thread_ts", receipt.provider_id)
        if not isinstance(channel, str) or not isinstance(thread_ts, str):
            return None
        return cls(channel, receipt.provider_id, thread_ts)


def receipt_of(ts: str, channel: str, address: str, *, thread_ts: str | None = None, **more: Any) -> Receipt:
    """The receipt of a message.

    The channel's id is kept where it is not the recipient's address: for a person, and for a name. An address itself is
    nothing for reports and logs.

    Args:
        ts: of the message.
        channel: its id, as Slack answered it.
        address: of the recipient.
        thread_ts: of the parent, where the message stands in a thread.
        more: to be kept besides.
    """
    kept = {"channel": channel} if channel != address else {}
    threaded = thread_ts is not None and thread_ts != ts
    return Receipt(provider_id=ts, details=kept | ({"thread_ts": thread_ts} if threaded else {}) | more)
