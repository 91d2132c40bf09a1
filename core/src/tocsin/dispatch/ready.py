"""What a lane has claimed and not begun."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from tocsin.alert import Alert
from tocsin.log import event
from tocsin.store import Delivery, Store

__all__ = ["Ready", "release"]


class Ready:
    """Claimed deliveries in the order in which they begin; used under the lane's lock."""

    def __init__(self) -> None:
        self._deliveries: deque[tuple[Delivery, float]] = deque()
        self._alerts: dict[str, Alert] = {}  # by the keys of their deliveries

    def __len__(self) -> int:
        return len(self._deliveries)

    def __iter__(self) -> Iterator[Delivery]:
        return (delivery for delivery, _ in self._deliveries)

    @property
    def since(self) -> float:
        """When the next came here; infinite where there is none."""
        return self._deliveries[0][1] if self._deliveries else math.inf

    def extend(self, claimed: Iterable[Delivery], now: float) -> None:
        """These begin after what is here."""
        self._deliveries += [(delivery, now) for delivery in claimed]

    def insert(self, delivery: Delivery, alert: Alert, now: float) -> None:
        """This begins before what is less urgent; its alert is at hand."""
        place = len(self._deliveries)
        while place and self._deliveries[place - 1][0].rank > delivery.rank:
            place -= 1
        self._deliveries.insert(place, (delivery, now))
        self._alerts[delivery.key] = alert

    def take(self) -> tuple[Delivery, Alert | None]:
        """The next, and its alert where that is at hand."""
        delivery, _ = self._deliveries.popleft()
        return delivery, self._alerts.pop(delivery.key, None)

    def clear(self) -> list[Delivery]:
        """Everything, which is gone from here."""
        left = list(self)
        self._deliveries.clear()
        self._alerts.clear()
        return left


def release(store: Store, channel: str, left: Sequence[Delivery]) -> None:
    """Give back what was claimed and not begun; a store that cannot be told lets the leases run out."""
    try:
        if left:
            store.release(left)
    except Exception as error:
        event(logging.ERROR, "store_trouble", channel=channel, error=type(error).__name__)
