"""Whether those at work go on, or another worker is of use whatever the pace was."""

from __future__ import annotations

import threading

__all__ = ["Watch"]

_PATIENCE = 0.005
"""Seconds without a new attempt after which another worker is of use, whatever the attempts before took."""


class Watch:
    """Kept by one idle worker of a lane; used under its lock.

    Args:
        changed: the lane's condition.
        seconds: for which the others wait for news.
    """

    def __init__(self, changed: threading.Condition, seconds: float) -> None:
        self._changed = changed
        self._seconds = seconds
        self._begun = 0
        self.is_kept = False

    def began(self) -> None:
        """An attempt begins."""
        self._begun += 1

    def went_on(self) -> bool:
        """Wait a moment; whether an attempt began meanwhile, or another worker keeps watch."""
        if self.is_kept:
            self._changed.wait(self._seconds)
            return True
        begun, self.is_kept = self._begun, True
        try:
            self._changed.wait(_PATIENCE)
        finally:
            self.is_kept = False
        return self._begun != begun
