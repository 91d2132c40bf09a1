"""What the application, its configuration or its processors did; raised to the caller."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

__all__ = [
    "AlertError",
    "ConfigError",
    "ContentLost",
    "ContentSealed",
    "DeliveryFailed",
    "ProcessorFailed",
    "QueueFull",
    "RolledBack",
    "ServiceClosed",
    "StoreError",
    "Suppressed",
    "TocsinError",
    "UnknownAlert",
    "UnknownChannel",
    "did_you_mean",
]


class TocsinError(Exception):
    """The root of every exception that Tocsin raises."""

    code: ClassVar[str] = "TCN-000"


class ConfigError(TocsinError):
    """The configuration cannot be used; ``problems`` lists every finding, one line each."""

    code = "TCN-100"

    def __init__(self, message: str, problems: Iterable[object] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([message, *(f"  {problem}" for problem in self.problems)]))


class UnknownChannel(TocsinError, KeyError):
    """Nobody configured or installed a channel of that name."""

    code = "TCN-110"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        known = sorted(set(known))
        self._message = f"no channel called {name!r}{did_you_mean(name, known)} (known: {', '.join(known) or 'none'})"
        super().__init__(self._message)

    def __str__(self) -> str:
        """The message itself; a plain KeyError would show its repr."""
        return self._message


class UnknownAlert(TocsinError, KeyError):
    """No alert with this id is known: it was never created, or forgotten."""

    code = "TCN-115"

    def __init__(self, alert_id: str) -> None:
        self.alert_id = alert_id
        self._message = f"no alert with the id {alert_id!r}; create it with create_alert, or it was forgotten"
        super().__init__(self._message)

    def __str__(self) -> str:
        """The message itself; a plain KeyError would show its repr."""
        return self._message


class AlertError(TocsinError, ValueError):
    """An alert's field has a value that no channel could carry."""

    code = "TCN-120"


class Suppressed(TocsinError):
    """Raised by a processor: this alert is to go nowhere, for the given reason."""

    code = "TCN-130"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class ProcessorFailed(TocsinError):
    """A processor raised something else than :class:`Suppressed`; nothing was sent, since it may have had to redact."""

    code = "TCN-140"


class DeliveryFailed(TocsinError):
    """Raised by ``DeliveryReport.raise_for_failure``: which channels failed, and why."""

    code = "TCN-150"


class QueueFull(TocsinError):
    """Too many deliveries are waiting; nothing of this alert was stored. Try again after ``retry_after`` seconds."""

    code = "TCN-160"

    def __init__(self, message: str, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class ServiceClosed(TocsinError):
    """The service was closed; it takes no more alerts."""

    code = "TCN-170"


class RolledBack(TocsinError):
    """The application's transaction with the alert was rolled back; it was not accepted, and nothing of it is kept."""

    code = "TCN-172"


class StoreError(TocsinError):
    """The store cannot do it now: full, locked, gone, damaged or of another version. Nothing was accepted."""

    code = "TCN-175"


class ContentLost(StoreError):
    """What an alert says is damaged for good where it is kept. Its deliveries fail; their records stay."""

    code = "TCN-176"


class ContentSealed(StoreError):
    """What an alert says was encrypted with a key that this process does not have; another one may."""

    code = "TCN-177"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'slack'?"`` where one of the known words is close, else an empty string."""
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""
