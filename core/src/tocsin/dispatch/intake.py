"""How a lane asks the store for what is due."""

from __future__ import annotations

from collections.abc import Callable

from tocsin.store import Claim, Store

__all__ = ["Intake"]

_STORE_TROUBLE = 1.0
"""Seconds until a store that could not be asked is asked again."""
_LOOK = 2.0
"""Seconds between looks at what has expired while nothing is claimed."""


class Intake:
    """Claims a channel's deliveries; never raises.

    Args:
        channel: its name.
        store: whose deliveries.
        lease: seconds for which they are claimed.
        end_overdue: ends what expired without a turn; called while nothing is claimed.
    """

    def __init__(self, channel: str, store: Store, lease: float, end_overdue: Callable[[], None]) -> None:
        self._channel = channel
        self._store = store
        self._lease = lease
        self._end_overdue = end_overdue

    def claim(self, limit: int, wait: float) -> Claim:
        """At most so many; with a limit of 0 none, and to be asked again in ``wait`` seconds."""
        try:
            return self._store.claim(self._channel, limit, self._lease) if limit else self._held_back(wait)
        except Exception:  # a store that cannot be asked now has said so in the log; ask again later
            return Claim((), self._store.now() + _STORE_TROUBLE)

    def _held_back(self, wait: float) -> Claim:
        """No delivery, and when to ask again; what expires meanwhile ends in its time."""
        if self._store.shared:  # there the sweep sees to it
            return Claim((), self._store.now() + wait)
        self._end_overdue()
        return Claim((), self._store.now() + min(wait, _LOOK) if self._store.waiting() else None)
