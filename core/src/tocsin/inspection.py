"""What is known of a channel, as plain values: its state, its counts, its circuit, and what it says itself."""

from __future__ import annotations

from collections.abc import Mapping
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
    health["circuit"] = channel.breaker.state(channel.recipients)
    health["reason"] = health["reason"] or _what_is_held(health["circuit"], len(channel.recipients))
    health["latency"] = channel.meter.percentiles()
    if ask:
        health["probe"] = probe(channel, clock, seconds).to_dict()
    return health


def _what_is_held(circuit: Mapping[str, Any], recipients: int) -> str | None:
    """What does not go out, and why, in words; None where all does."""
    if circuit["state"] != "closed":
        return f"nothing goes out, {_in_words(circuit)}"
    held = [*circuit["recipients"].values()]
    return f"nothing goes out to {len(held)} of {recipients} recipients, {_in_words(held[0])}" if held else None


def _in_words(circuit: Mapping[str, Any]) -> str:
    wait = circuit["retry_in"]
    again = "paused until the channel is enabled again" if wait is None else f"next try in {wait:.0f} s"
    return f"{circuit['cause']}: {circuit['reason']} ({again})"
