"""What a worker has done so far, delivery by delivery, and which of its channels are down."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tocsin.report import DeliveryState

if TYPE_CHECKING:
    from tocsin.channel import Channel

__all__ = ["Outages", "Tally", "is_down"]

_ENDED = "delivery"


class Tally(logging.Handler):
    """Counts deliveries by the lines that the core logs of them, for the time of a block: an alert's report is late.

    Attributes:
        good, bad: deliveries that ended with and without success.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.good = self.bad = 0
        self._logger = logging.getLogger("tocsin")
        self._level = logging.NOTSET

    def emit(self, record: logging.LogRecord) -> None:
        """Count one; never called by two threads at once."""
        if record.msg == _ENDED:
            arrived = DeliveryState(record.__dict__["outcome"]).is_success
            self.good += arrived
            self.bad += not arrived

    def __enter__(self) -> Self:
        self._level = self._logger.level
        if not self._logger.isEnabledFor(logging.INFO):
            self._logger.setLevel(logging.INFO)
        self._logger.addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._logger.removeHandler(self)
        self._logger.setLevel(self._level)


def is_down(channel: Channel) -> bool:
    """Whether a delivery through it would only be put off, because the provider does not answer."""
    return channel.breaker.hold(channel.recipients) > 0


class Outages:
    """Which channels are down; each change is told once."""

    def __init__(self) -> None:
        self._down: dict[str, datetime | None] = {}  # with its last success before

    def changes(self, channels: Mapping[str, Channel]) -> Iterator[tuple[str, str | None]]:
        """Each channel that went down since the last call, with the kind of failure; that came back, with None.

        It is back with its next success, and not while a probe is under way.
        """
        for name, channel in channels.items():
            down, success = is_down(channel), channel.meter.last_success
            if name not in self._down and down:
                self._down[name] = success
                yield name, str((channel.meter.last_error or {}).get("kind", "unknown"))
            elif name in self._down and not down and success != self._down[name]:
                del self._down[name]
                yield name, None
