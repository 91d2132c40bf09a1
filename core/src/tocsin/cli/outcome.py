"""A report in words: one line where it went well; which recipient, why and what to do where it did not."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import TYPE_CHECKING

import attrs

import tocsin.errors
from tocsin.cli.terminal import Terminal, clean, seconds
from tocsin.errors import DeliveryError, ErrorKind
from tocsin.report import DeliveryState, NotificationResult, RecipientResult

if TYPE_CHECKING:
    from tocsin.report import DeliveryReport

__all__ = ["code_of", "reason_of", "show_report", "show_result", "summary"]

_INDENT = "    "


def code_of(kind: ErrorKind | None) -> str:
    """The error code that the reference lists for a kind of failure."""
    return _CODES.get(kind, DeliveryError.code) if kind else ""


def _codes() -> dict[ErrorKind | None, str]:
    classes = [getattr(tocsin.errors, name) for name in tocsin.errors.__all__]
    return {
        cls.kind: cls.code
        for cls in classes
        if isinstance(cls, type) and issubclass(cls, DeliveryError) and cls is not DeliveryError
    }


_CODES = _codes()


def reason_of(result: RecipientResult) -> str:
    """Why a recipient did not get it: words, status and kind, attempts, code."""
    words = clean(result.error or result.state)
    status = result.attempts[-1].status_code if result.attempts else None
    if status is not None and str(status) not in words:
        words = f"{words} (status {status})"
    if result.state is DeliveryState.UNKNOWN:
        words = f"may have arrived: {words}"
    facts = [str(result.error_kind)] if result.error_kind else []
    if result.attempts:
        facts.append(_count(len(result.attempts), "attempt"))
    code = code_of(result.error_kind)
    return " · ".join([words, *facts]) + (f" [{code}]" if code else "")


def show_report(report: DeliveryReport, terminal: Terminal, prefix: str = "", told: Container[str] = ()) -> None:
    """Each channel's result: successes on stdout, failures on stderr.

    Args:
        report: of one alert.
        terminal: where to.
        prefix: stands before each channel's line.
        told: channels whose absence was explained before.
    """
    width = max((len(name) for name in report.results), default=0)
    for name, result in report.results.items():
        if name in told:
            result = attrs.evolve(result, error="not delivered, for the reason above")
        show_result(result, terminal, width, prefix)


def show_result(result: NotificationResult, terminal: Terminal, width: int = 0, prefix: str = "") -> None:
    """One channel's result.

    Args:
        result: of one alert.
        terminal: where to.
        width: the names are padded to this.
        prefix: stands before the first line.
    """
    name = terminal.style(clean(result.channel).ljust(width), "bold")
    if result.success:
        terminal.good(f"{prefix}{terminal.mark('good')} {name}  {_success(result)}")
        if terminal.verbosity > 0:
            _show_recipients(result, terminal)
        return
    if not result.recipients:
        terminal.fail(f"{prefix}{terminal.mark('bad')} {name}  {clean(result.error or 'not delivered')}")
        return
    good = sum(recipient.success for recipient in result.recipients)
    words = "not delivered" if not good else f"{good} of {_count(len(result.recipients), 'recipient')} delivered"
    terminal.fail(f"{prefix}{terminal.mark('bad')} {name}  {words}")
    _show_recipients(result, terminal)


def _show_recipients(result: NotificationResult, terminal: Terminal) -> None:
    width = max(len(recipient.recipient) for recipient in result.recipients) if result.recipients else 0
    hints: dict[str, None] = {}
    for recipient in result.recipients:
        label = clean(recipient.recipient).ljust(width)
        if recipient.success:
            terminal.good(f"{_INDENT}{terminal.mark('good')} {label}  {_accepted(recipient)}")
            continue
        terminal.fail(f"{_INDENT}{terminal.mark('bad')} {label}  {reason_of(recipient)}")
        if recipient.hint:
            hints[clean(recipient.hint)] = None
    for hint in hints:
        terminal.fail(f"{_INDENT}→ {hint}")


def _success(result: NotificationResult) -> str:
    recipients = result.recipients
    states = {str(recipient.state) for recipient in recipients}
    slowest = max((recipient.latency or 0.0 for recipient in recipients), default=0.0)
    words = [f"{'delivered' if states == {'delivered'} else 'accepted'} in {seconds(slowest)}"]
    if len(recipients) > 1:
        words.append(_count(len(recipients), "recipient"))
    tries = max((len(recipient.attempts) for recipient in recipients), default=1)
    if tries > 1:
        words.append(_count(tries, "attempt"))
    ids = [clean(r.receipt.provider_id) for r in recipients if r.receipt and r.receipt.provider_id]
    if ids:
        words.append(f"id {ids[0]}{f' and {len(ids) - 1} more' if len(ids) > 1 else ''}")
    return " · ".join([*words, *(["fallback"] if result.fallback else [])])


def _accepted(result: RecipientResult) -> str:
    words = [f"{result.state} in {seconds(result.latency)}"]
    if len(result.attempts) > 1:
        words.append(_count(len(result.attempts), "attempt"))
    if result.receipt and result.receipt.provider_id:
        words.append(f"id {clean(result.receipt.provider_id)}")
    return " · ".join(words)


def summary(report: DeliveryReport, code: int) -> str:
    """The last line: how many channels, which alert, which exit code."""
    return f"{report.successful_channels} of {_count(report.total_channels, 'channel')} delivered · " + " · ".join(
        _rest(report, code)
    )


def _rest(report: DeliveryReport, code: int) -> Iterator[str]:
    yield f"alert {report.alert_id}"
    yield f"exit {int(code)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
