"""Which channels carry an alert, in which order."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from tocsin.channel import Channel

__all__ = ["Plan"]


@attrs.frozen
class Plan:
    """The way of one alert.

    Attributes:
        stages: channels tried together; a stage begins when the one before has ended. One stage delivers in parallel,
            one channel a stage sequentially.
        fallback: tried one by one where no recipient of the stages accepted.
        unavailable, fallback_unavailable: names that cannot carry anything, and why.
        fail_fast: cancel what has not begun once a channel failed.
    """

    stages: tuple[tuple[Channel, ...], ...]
    fallback: tuple[Channel, ...] = ()
    unavailable: Mapping[str, str] = attrs.field(factory=dict)
    fallback_unavailable: Mapping[str, str] = attrs.field(factory=dict)
    fail_fast: bool = False
