"""New deliveries that workers can begin at once: stored as claimed, so that nobody has to look for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Self

from tocsin.alert import Alert
from tocsin.dispatch.lane import Lane
from tocsin.errors import StoreError
from tocsin.store import Delivery

__all__ = ["Offers"]


class Offers:
    """Places that are kept for the deliveries of one alert while it is stored; what is not begun by then is given up.

    Args:
        alert: the alert.
        lane: finds the lane of a channel; None where there is none.
    """

    def __init__(self, alert: Alert, lane: Callable[[str], Lane | None]) -> None:
        self._alert = alert
        self._lane = lane
        self._kept: dict[tuple[str, str], tuple[Lane, Delivery]] = {}

    def claimed(self, delivery: Delivery) -> Delivery:
        """The delivery as it is to be stored: claimed where a place is kept for it."""
        try:
            lane = self._lane(delivery.channel)
        except StoreError:  # what it has of the channel cannot be read now; whoever claims it sees to that
            return delivery
        claimed = lane.offer(delivery) if lane is not None else None
        if lane is None or claimed is None:
            return delivery
        self._kept[claimed.unit] = lane, claimed
        return claimed

    def begin(self, taken: Iterable[Delivery]) -> list[str]:
        """These were stored as claimed; the channels of those that went back to the store."""
        return [one.channel for one in taken if not self._kept.pop(one.unit)[0].accept(one, self._alert)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        while self._kept:
            lane, delivery = self._kept.popitem()[1]
            lane.withdraw(delivery)
