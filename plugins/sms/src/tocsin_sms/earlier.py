"""The message that an earlier attempt may have left at Twilio, which has no idempotency key to tell it by."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from tocsin import Alert
from tocsin.forking import new_lock
from tocsin_sms.format import body
from tocsin_sms.segments import resembling
from tocsin_sms.status import LOST

__all__ = ["PAGE_SIZE", "Earlier"]

PAGE_SIZE = 20
"""Messages that one look-up takes: of usual length they fit into the 64 kB of an answer that are read."""
_TRIAL = "Sent from your Twilio trial account - "
"""What a trial account puts before each text: https://www.twilio.com/docs/usage/trials."""
_SKEW = timedelta(minutes=1)
"""How much Twilio's clock, which counts whole seconds, may be behind this one."""


class Earlier:
    """Tells a message of an attempt whose answer was lost from those of other alerts, from any thread.

    A message counts where it has the alert's text, is not older than the alert, was not given up, and is not on the
    receipt of another delivery of this process.
    """

    def __init__(self) -> None:
        self._known: deque[str] = deque(maxlen=1_000)
        self._lock = new_lock()

    def keep(self, sid: str) -> None:
        """Remember a message as the one of a delivery that has its receipt."""
        with self._lock:
            self._known.append(sid)

    def find(self, alert: Alert, messages: Iterable[Any], segments: int, emoji: bool) -> Any | None:
        """The message of this alert among those to one number, remembered; None where there is none.

        Args:
            alert: what is sent again.
            messages: twilio's ``MessageInstance``, newest first.
            segments: the most that the alert's text may have.
            emoji: whether the text keeps the alert's emoji in any case.
        """
        forms = [
            body(alert, segments=segments, emoji=emoji, plain=plain, repeated=mark)
            for plain in (False, True)
            for mark in (False, True)
        ]
        texts = {_comparable(form.text) for form in forms}
        with self._lock:
            for message in messages:
                if (
                    _may_be(message, alert.created_at)
                    and _comparable(message.body) in texts
                    and message.sid not in self._known
                ):
                    self._known.append(message.sid)
                    return message
        return None


def _may_be(message: Any, created_at: datetime) -> bool:
    created = message.date_created
    return (
        bool(message.sid and message.body and created and created >= created_at - _SKEW) and message.status not in LOST
    )


def _comparable(text: str) -> str:
    """Without what Twilio may have changed: the sentence of a trial account, and look-alikes."""
    return resembling(text.removeprefix(_TRIAL)).strip()
