"""What is known of a channel, as plain values: its state, its counts, its circuit, and what it says itself."""

from __future__ import annotations

from typing import Any

from tocsin.clock import Clock
from tocsin.dispatch.probe import probe
from tocsin.observers import Statistics
from tocsin.registry import ChannelState, Entry

__all__ = ["health_of"]


def health_of(entry: Entry, statistics: Statistics, clock: Clock, seconds: float, *, ask: bool) -> dict[str, Any]:
    """The health of one configured channel.

    Args:
        entry: its place in the registry.
        statistics: counts of what was sent.
        clock: time.
        seconds: how long its health hook may take.
        ask: call its health hook too, which sends nothing.
    """
    channel = entry.channel
    health: dict[str, Any] = {
        "enabled": entry.state is ChannelState.READY,
        "state": str(entry.state),
        "reason": entry.reason or None,
        "type": entry.type,
        "recipients": [recipient.label for recipient in channel.recipients] if channel else [],
        **statistics.channel(entry.name),
    }
    if channel is None:
        return health | {"last_success": None, "last_error": None, "circuit": None, "latency": None}
    last = channel.meter.last_success
    health["last_success"] = last.isoformat() if last else None
    health["last_error"] = channel.meter.last_error
    health["circuit"] = channel.breaker.state()
    health["latency"] = channel.meter.percentiles()
    if ask:
        health["probe"] = probe(channel, clock, seconds).to_dict()
    return health
