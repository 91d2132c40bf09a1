"""How fast a lane's attempts are, and what follows: how many to claim ahead, and how many workers are of use."""

from __future__ import annotations

import math
from collections import deque

__all__ = ["Pace"]

_AHEAD = 0.02
"""Seconds of work that are claimed ahead: what becomes urgent meanwhile waits no longer than this."""
_MOST_AHEAD = 16
_WEIGHT = 0.2
"""Of the latest attempt in the averages."""
_LATELY = 8
"""Attempts whose least time counts as what one takes when nobody is in its way."""


class Pace:
    """What attempts took lately; changed by a lane's workers under its lock.

    An attempt that computes for ``c`` seconds and waits for ``w`` leaves the interpreter to ``w / c`` others, so that
    ``1 + w / c`` workers keep it busy; any more only take turns with them. Attempts wait for each other's turns too, so
    the least of a few tells what they wait for their receiver.

    Args:
        workers: most that the lane has.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._lately: deque[float] = deque(maxlen=_LATELY)
        self._took = self._computed = 0.0
        self.useful = workers
        self.ahead = 0

    def note(self, took: float, computed: float) -> None:
        """An attempt succeeded.

        Args:
            took: seconds.
            computed: seconds of these on a processor.
        """
        if self._lately:
            self._took += _WEIGHT * (took - self._took)
            self._computed += _WEIGHT * (computed - self._computed)
        else:
            self._took, self._computed = took, computed
        self._lately.append(took)
        waits = min(self._lately) - self._computed
        if waits >= self._workers * self._computed:
            self.useful = self._workers
        else:
            self.useful = min(self._workers, 1 + max(0, math.ceil(waits / self._computed)))
        soon = self.useful * _AHEAD
        self.ahead = int(soon / self._took) if soon < _MOST_AHEAD * self._took else _MOST_AHEAD

    def broke(self) -> None:
        """An attempt failed: nothing is known of the next ones."""
        self._lately.clear()
        self.useful, self.ahead = self._workers, 0
