"""Who is next: a channel's waiting deliveries in memory, by time and by urgency."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator

import attrs

from tocsin.store.delivery import Delivery

__all__ = ["Queues"]


@attrs.define(eq=False)
class _Queue:
    """Deliveries that wait for their time, and those whose time has come, most urgent first."""

    later: list[tuple[float, int, Delivery]] = attrs.field(factory=list)
    ready: list[tuple[int, int, Delivery]] = attrs.field(factory=list)


@attrs.define(eq=False)
class Queues:
    """One queue for each channel; not thread-safe, its owner holds a lock.

    Attributes:
        is_current: False for a delivery that was cancelled or replaced after it was queued.
    """

    is_current: Callable[[Delivery], bool]
    _queues: dict[str, _Queue] = attrs.field(factory=dict)
    _numbers: Iterator[int] = attrs.field(factory=itertools.count)

    def put(self, delivery: Delivery) -> None:
        """Have a delivery wait until it is due."""
        queue = self._queues.setdefault(delivery.channel, _Queue())
        heapq.heappush(queue.later, (delivery.due, next(self._numbers), delivery))

    def take(self, channel: str, limit: int, now: float) -> list[Delivery]:
        """Due deliveries of a channel, most urgent first, then in the order in which they came."""
        queue = self._queues.get(channel)
        if queue is None:
            return []
        while queue.later and queue.later[0][0] <= now:
            _, number, delivery = heapq.heappop(queue.later)
            heapq.heappush(queue.ready, (delivery.rank, number, delivery))
        taken: list[Delivery] = []
        while queue.ready and len(taken) < limit:
            delivery = heapq.heappop(queue.ready)[2]
            if self.is_current(delivery):
                taken.append(delivery)
        return taken

    def next_due(self, channel: str) -> float | None:
        """When the channel's next waiting delivery is due; None where none waits."""
        queue = self._queues.get(channel)
        if queue is None:
            return None
        while queue.ready and not self.is_current(queue.ready[0][2]):
            heapq.heappop(queue.ready)
        while queue.later and not self.is_current(queue.later[0][2]):
            heapq.heappop(queue.later)
        if queue.ready:
            return queue.ready[0][2].due
        return queue.later[0][0] if queue.later else None

    def due(self, now: float) -> list[str]:
        """The channels that have a delivery whose time has come."""
        return [name for name in self._queues if (due := self.next_due(name)) is not None and due <= now]
