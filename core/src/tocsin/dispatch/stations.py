"""The open stations: one for each channel that has had something to deliver."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from tocsin.channel import Channel
from tocsin.dispatch.lane import Lane
from tocsin.dispatch.station import Station
from tocsin.log import event
from tocsin.store import Delivery

__all__ = ["Stations"]


class Stations:
    """Opens a channel's station when it is first needed, and anew where the channel was replaced. Thread-safe.

    Args:
        channels: finds a ready channel by its name.
        open_station: opens one; it may raise :class:`StoreError`.
    """

    def __init__(self, channels: Callable[[str], Channel | None], open_station: Callable[[Channel], Station]) -> None:
        self._channels = channels
        self._open = open_station
        self._lock = threading.Lock()
        self._known: dict[str, Station] = {}

    def get(self, name: str) -> Station | None:
        """The station of a channel; None where there is no such channel.

        Raises:
            StoreError: what the store has of the channel cannot be read now.
        """
        channel = self._channels(name)
        with self._lock:
            station = self._known.get(name)
            if channel is not None and (station is None or station.channel is not channel):
                before, station = station, self._open(channel)
                self._known[name] = station
                if before is not None:  # the channel was replaced by another of its name
                    before.lane.stop()
                    station.lane.wake()
            return station

    def lane(self, name: str) -> Lane | None:
        """The lane of a channel, as :meth:`get` finds it."""
        station = self.get(name)
        return None if station is None else station.lane

    def wake(self, names: Iterable[str]) -> None:
        """Deliveries of these channels became due; trouble with one stops none of the others."""
        for name in dict.fromkeys(names):
            try:
                lane = self.lane(name)
                if lane is not None:
                    lane.wake()
            except Exception as error:
                event(logging.ERROR, "store_trouble", channel=name, error=type(error).__name__)

    @property
    def lanes(self) -> list[Lane]:
        """Those of the open stations."""
        return [station.lane for station in list(self._known.values())]

    def held(self) -> list[tuple[list[Delivery], float]]:
        """What each lane has claimed, and the seconds of its leases."""
        return [(lane.held(), lane.lease) for lane in self.lanes]

    def stop(self) -> None:
        """Let all workers end after what they are doing."""
        for lane in self.lanes:
            lane.stop()

    def forget(self) -> None:
        """Start anew in a forked child: it has no thread and no connection of its parent."""
        self._lock = threading.Lock()
        for station in self._known.values():
            close = getattr(station.channel.client, "close", None)
            if close is not None:
                close()
        self._known.clear()
