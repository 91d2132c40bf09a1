"""How fast a lane's attempts are, and what follows: how many to claim ahead, and how many workers are of use."""

from __future__ import annotations

import math

__all__ = ["Pace"]

_AHEAD = 0.02
"""Seconds of work that are claimed ahead: what becomes urgent meanwhile waits no longer than this."""
_MOST_AHEAD = 16
_WEIGHT = 0.2
"""Of the latest attempt in the averages."""


class Pace:
    """What attempts took lately; changed by a lane's workers under its lock.

    An attempt that computes for ``c`` seconds and waits for ``w`` leaves the interpreter to ``w / c`` others, so that
    ``1 + w / c`` workers keep it busy; any more only take turns with them.

    Args:
        workers: most that the lane has.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._took = self._waited = self._computed = math.inf
        self.useful = workers
        self.ahead = 0

    def note(self, took: float, computed: float, beside: int) -> None:
        """An attempt succeeded.

        Args:
            took: seconds.
            computed: seconds of these on a processor.
            beside: attempts under way in this process, each of which computes in turn.
        """
        waited = max(0.0, took - computed * beside)
        if self._took == math.inf:
            self._took, self._waited, self._computed = took, waited, computed
        else:
            self._took += _WEIGHT * (took - self._took)
            self._waited += _WEIGHT * (waited - self._waited)
            self._computed += _WEIGHT * (computed - self._computed)
        if self._waited >= self._workers * self._computed:
            self.useful = self._workers
        else:
            self.useful = min(self._workers, 1 + math.ceil(self._waited / self._computed))
        soon = self.useful * _AHEAD
        self.ahead = int(soon / self._took) if soon < _MOST_AHEAD * self._took else _MOST_AHEAD

    def broke(self) -> None:
        """An attempt failed: nothing is known of the next ones."""
        self._took, self.useful, self.ahead = math.inf, self._workers, 0
