"""One round of the demo on the screen: while it runs, and as a table when it has ended."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tocsin.cli.outcome import reason_of
from tocsin.cli.terminal import Terminal, clean, seconds
from tocsin.cli.watch import retry_words, tell_retries
from tocsin.rendering import clip
from tocsin.report import DeliveryState

if TYPE_CHECKING:
    from tocsin.report import DeliveryReport
    from tocsin.store import Delivery

__all__ = ["Scoreboard", "show_results"]

_LONGEST_ID = 11
"""Characters of a provider's id that the table has room for on a terminal; elsewhere it is whole."""
_RICH_STYLES = {DeliveryState.RETRYING: "yellow", DeliveryState.PENDING: "dim", DeliveryState.IN_FLIGHT: "cyan"}


class Scoreboard:
    """Shows each delivery as it changes: a table that is painted over, or without rich a line for each retry."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._deliveries: dict[tuple[str, str], Delivery] = {}
        self._live: Any = None
        self._tell = tell_retries(terminal)

    def __enter__(self) -> Self:
        if self._terminal.is_live:
            with contextlib.suppress(ImportError):
                self._live = _live(self._terminal)
                self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, delivery: Delivery) -> None:
        """Take a change."""
        self._deliveries[delivery.unit] = delivery
        if self._live is None:
            self._tell(delivery)
        else:
            self._live.update(_painted(self._deliveries.values()), refresh=True)


def _live(terminal: Terminal) -> Any:
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, no_color=terminal.color is False)
    return Live(console=console, transient=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)


def _painted(deliveries: Any) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    for delivery in deliveries:
        style = _RICH_STYLES.get(delivery.state) or ("green" if delivery.state.is_success else "red")
        words = retry_words(delivery) if delivery.state is DeliveryState.RETRYING and delivery.attempts else ""
        cells = (delivery.channel, delivery.recipient, str(delivery.state), words)
        table.add_row(*(Text(clean(cell), style=style if index == 2 else "") for index, cell in enumerate(cells)))
    return table


def _short(provider_id: str, terminal: Terminal) -> str:
    return clip(provider_id, _LONGEST_ID) if terminal.width else provider_id


def show_results(report: DeliveryReport, terminal: Terminal) -> None:
    """A row for each channel and recipient; below them why some did not get it."""
    rows, styles, failures = [], [], []
    for name, result in report.results.items():
        for recipient in result.recipients:
            provider_id = (recipient.receipt.provider_id if recipient.receipt else None) or ""
            tries, latency = len(recipient.attempts), seconds(recipient.latency)
            rows.append((name, recipient.recipient, recipient.state, tries, latency, _short(provider_id, terminal)))
            styles.append("" if recipient.success else "bad")
            if not recipient.success:
                failures.append((f"{name} {recipient.recipient}: {reason_of(recipient)}", recipient.hint))
        if not result.recipients:
            failures.append((f"{name}: {result.error}", None))
    terminal.table(("channel", "recipient", "state", "attempts", "latency", "id"), rows, styles)
    for failure, hint in failures:
        terminal.fail(f"{terminal.mark('bad')} {clean(failure)}")
        if hint:
            terminal.fail(f"    → {clean(hint)}")
