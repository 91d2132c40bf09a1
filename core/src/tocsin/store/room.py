"""How many deliveries may wait: the last tenth of the room, at least one place, is for CRITICAL alone."""

from __future__ import annotations

from tocsin.errors import QueueFull

__all__ = ["check_room", "most_waiting"]

_WAIT = 1.0
"""Seconds after which who was refused may try again; what is delivered meanwhile makes room."""


def most_waiting(bound: int, rank: int) -> int:
    """How many deliveries may wait for an alert of this rank to be taken.

    Args:
        bound: of the whole queue. One of a single place has nothing to keep for CRITICAL.
        rank: of the alert's priority; 0 is CRITICAL.
    """
    return bound if rank == 0 or bound < 2 else bound - max(1, bound // 10)


def check_room(waiting: int, more: int, bound: int, rank: int) -> None:
    """Refuse what does not fit.

    Raises:
        QueueFull: there is no room for so many more of this rank.
    """
    most = most_waiting(bound, rank)
    if more and waiting + more > most:
        kept = "" if most == bound else f", and {bound - most:,} more for CRITICAL alone"
        words = f"{waiting:,} deliveries are waiting, the bound is {most:,}{kept}"
        raise QueueFull(f"{words}; try again in {_WAIT:g} s, when some have been delivered", _WAIT)
