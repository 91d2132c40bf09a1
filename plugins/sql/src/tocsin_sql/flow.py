"""How fast deliveries are taken up: as far as the log has room for the ends of their attempts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from tocsin.store import Claim, Delivery
from tocsin_sql import changes, claims
from tocsin_sql.ledger import Ledger

__all__ = ["claim", "lost", "overdue", "release"]

_Taken = TypeVar("_Taken", bound=Sequence[Delivery])
_AGAIN = 0.5
"""Seconds until a claim that found no room is made again."""


def claim(ledger: Ledger, channel: str, limit: int, seconds: float) -> Claim:
    """See ``Store.claim``."""
    fits = ledger.room.log.claimable(ledger.connection, limit)
    found = claims.claim(ledger, channel, fits, seconds)
    _note(ledger, found.deliveries)
    if fits or found.next_due is None:
        return found
    return Claim((), max(found.next_due, ledger.now + _AGAIN))


def lost(ledger: Ledger, limit: int, seconds: float) -> list[Delivery]:
    """See ``Store.lost``."""
    return _note(ledger, claims.lost(ledger, ledger.room.log.claimable(ledger.connection, limit), seconds))


def overdue(ledger: Ledger, limit: int, seconds: float) -> list[Delivery]:
    """See ``Store.overdue``."""
    return _note(ledger, claims.overdue(ledger, ledger.room.log.claimable(ledger.connection, limit), seconds))


def release(ledger: Ledger, deliveries: Sequence[Delivery]) -> None:
    """See ``Store.release``."""
    for alert_id, reason in claims.release(ledger, deliveries).items():
        changes.cancel(ledger, alert_id, reason, None, close=False)


def _note(ledger: Ledger, taken: _Taken) -> _Taken:
    ledger.room.log.claimed(len(taken))
    return taken
