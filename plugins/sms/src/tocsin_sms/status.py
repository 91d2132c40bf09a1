"""Twilio's words for the state of a message, and how far each of them is.

From https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks and the status values of
https://www.twilio.com/docs/messaging/api/message-resource.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ARRIVED", "LOST", "PROGRESS"]

ARRIVED = frozenset({"delivered", "read"})
"""The carrier, or the phone, has it; some carriers never say so."""
LOST = frozenset({"failed", "undelivered", "canceled"})
"""Twilio, or the carrier, gave it up."""
PROGRESS: Mapping[str, int] = {
    "accepted": 1,
    "scheduled": 1,
    "queued": 2,
    "sending": 3,
    "sent": 4,
    "canceled": 5,
    "failed": 5,
    "undelivered": 5,
    "delivered": 6,
    "read": 7,
}
"""Status callbacks arrive out of order and repeated; the highest number that was seen is the message's state."""
