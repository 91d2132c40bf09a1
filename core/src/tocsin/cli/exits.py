"""Exit codes: 0 to 5 say what became of an alert, 78 and the others come from ``sysexits.h`` and the shell."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tocsin.report import DeliveryReport, NotificationResult

__all__ = ["Exit", "combined", "exit_for", "exit_for_result"]


class Exit(IntEnum):
    """What a script learns from a command."""

    DELIVERED = 0
    NOTHING = 1
    USAGE = 2
    UNMATCHED = 3
    PARTIAL = 4
    DEADLINE = 5
    SOFTWARE = 70
    STORE = 74
    KEPT = 75
    CONFIG = 78
    INTERRUPTED = 130
    PIPE = 141
    TERMINATED = 143


def exit_for(report: DeliveryReport, *, matched: bool = True) -> Exit:
    """The exit code that a report stands for.

    Args:
        report: of one alert.
        matched: False where no channel was to carry it; True with an empty report means that it was held back.
    """
    if report.is_complete:
        return Exit.DELIVERED
    if not report.results:
        return Exit.DELIVERED if matched else Exit.UNMATCHED
    return _exit_for_failed(report.results.values())


def exit_for_result(result: NotificationResult) -> Exit:
    """The exit code that one channel's result stands for."""
    return Exit.DELIVERED if result.success else _exit_for_failed([result])


def _exit_for_failed(results: Iterable[NotificationResult]) -> Exit:
    from tocsin.errors import ErrorKind

    results = list(results)
    recipients = [recipient for result in results for recipient in result.recipients]
    if any(result.success for result in results) or any(recipient.success for recipient in recipients):
        return Exit.PARTIAL
    late = {ErrorKind.EXPIRED, ErrorKind.TIMEOUT}
    return Exit.DEADLINE if any(recipient.error_kind in late for recipient in recipients) else Exit.NOTHING


def combined(codes: Iterable[int]) -> int:
    """One code for several alerts: theirs where they agree, partial where any was delivered, else the gravest."""
    found = set(codes)
    if len(found) <= 1:
        return next(iter(found), Exit.DELIVERED)
    return Exit.PARTIAL if found & {Exit.DELIVERED, Exit.PARTIAL} else Exit.NOTHING
