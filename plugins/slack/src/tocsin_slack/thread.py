"""What becomes of an alert whose ``dedup_key`` was seen before: an edit, a reply, or a message of its own."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs

from tocsin import Alert, AlertPriority, AlertStatus, Receipt

__all__ = ["Earlier", "Step", "details_of"]


class Step(StrEnum):
    """What to do with the earlier message."""

    NEW = "new"
    EDIT = "edit"
    REPLY = "reply"


@attrs.frozen
class Earlier:
    """The message that an earlier receipt names.

    Attributes:
        channel: the channel's id, as Slack answered it.
        ts: of the first message, which is the thread's parent.
        status, priority: of the last alert that was shown there.
    """

    channel: str
    ts: str
    status: str
    priority: str

    @classmethod
    def of(cls, receipt: Receipt | None, address: str) -> Earlier | None:
        """The message, or None where there is none that can be changed.

        Args:
            receipt: of the earlier alert.
            address: of the recipient, which is the channel's id where the receipt keeps no other.
        """
        if receipt is None or receipt.provider_id is None:
            return None
        kept: Mapping[str, Any] = receipt.details
        channel, ts = kept.get("channel", address), kept.get("thread_ts", receipt.provider_id)
        if not isinstance(channel, str) or not isinstance(ts, str):
            return None
        return cls(channel, ts, str(kept.get("status", "")), str(kept.get("priority", "")))

    def step(self, alert: Alert) -> Step:
        """An edit makes no sound, so what must be noticed is no edit.

        An alert that fires again after it was resolved is a new message; one that became more urgent is a reply that
        the channel sees too. Everything else edits the message.
        """
        if alert.status is not AlertStatus.FIRING:
            return Step.EDIT
        if self.status == AlertStatus.RESOLVED:
            return Step.NEW
        known = self.priority in AlertPriority.__members__
        return Step.REPLY if known and AlertPriority(self.priority).rank > alert.priority.rank else Step.EDIT


def details_of(alert: Alert, channel: str, address: str, thread_ts: str | None = None) -> dict[str, str]:
    """What a receipt keeps, so that the next alert of the same ``dedup_key`` can find and judge the message.

    The channel's id is kept where it is not the recipient's address: for a person, and for a name. An address itself is
    nothing for reports and logs.
    """
    kept = {"status": str(alert.status), "priority": str(alert.priority)}
    kept |= {"channel": channel} if channel != address else {}
    return kept | ({"thread_ts": thread_ts} if thread_ts is not None else {})
