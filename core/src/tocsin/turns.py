"""The turns that a rate allows: arithmetic without clock, lock or calls."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from tocsin.alert import AlertPriority

__all__ = ["Turns"]

_FORESIGHT = 30.0
"""Seconds ahead for which turns are promised; who waits longer asks again."""
_EXACT = 1e-7
"""Seconds by which a turn may be early: sums of times are rounded."""


@attrs.define(eq=False)
class Turns:
    """At most ``rate`` messages per second in each line: a recipient's, or the channel's; its owner holds the lock.

    Attributes:
        rate: messages per second; more than 0.
    """

    rate: float
    _taken: dict[str, float] = attrs.field(factory=dict, init=False)
    """When a line that had its turn has the next one, soonest first."""
    _promised: dict[str, list[float]] = attrs.field(factory=dict, init=False)
    _coming: set[str] = attrs.field(factory=set, init=False)

    def take(self, line: str, rank: int, now: float, held: float, patience: float) -> float:
        """Take the line's turn where it is free.

        A promise is no claim: whoever is most urgent among those whose time has come goes first.

        Args:
            line: whose turn.
            rank: of the priority, 0 for the most urgent.
            now: the time.
            held: until when the provider asked not to be called.
            patience: seconds for which the caller can wait; a longer wait promises nothing.

        Returns:
            0.0, or the seconds until the turn that is promised: the next free one for the most urgent, behind those
            that were promised one for all others.
        """
        self._forget_past(now)
        free = max(held, self._taken.get(line, 0.0))
        if free <= now:
            self._taken[line] = now + 1.0 / self.rate
            return 0.0
        promised = self._promised.setdefault(line, [0.0] * len(AlertPriority))
        turn = min(max(free, max(promised[: rank + 1]) + 1.0 / self.rate), max(free, now + _FORESIGHT))
        if turn - now < patience:
            promised[rank] = turn
        return turn - now

    def free(self, lines: int, now: float) -> tuple[int, float]:
        """How many of so many lines are free and not expected to be taken, and if none, the seconds until one is.

        A wait that is longer than half a minute holds nobody: who cannot wait so long is to hear of it at once.
        """
        self._forget_past(now)
        free = lines - len(self._taken)
        if free <= 0:
            wait = next(iter(self._taken.values())) - now
            return (1, 0.0) if wait > _FORESIGHT else (0, wait)
        return max(0, free - len(self._coming)), 1.0 / self.rate

    def expect(self, keys: Iterable[str]) -> None:
        """These deliveries will come for a turn."""
        self._coming.update(keys)

    def came(self, key: str) -> None:
        """This one has come, or will not."""
        self._coming.discard(key)

    def expect_nobody(self) -> None:
        """Who was expected will not come."""
        self._coming.clear()

    def _forget_past(self, now: float) -> None:
        while self._taken and next(iter(self._taken.values())) <= now + _EXACT:
            del self._taken[next(iter(self._taken))]
