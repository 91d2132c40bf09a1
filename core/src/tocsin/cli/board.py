"""What a worker shows: one line that is kept up to date where somebody looks, else a line now and then."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click

from tocsin.cli.outcome import show_report
from tocsin.cli.table import display_width
from tocsin.cli.terminal import Terminal, clean

if TYPE_CHECKING:
    from tocsin.report import DeliveryReport

__all__ = ["Board"]

_EVERY = 60.0
"""Seconds between two lines where nobody looks, if anything has changed."""
_ERASE = "\r\x1b[K"
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class Board:
    """Tells what is delivered. Thread-safe.

    Args:
        terminal: where to.
        counts: delivered, not delivered, and still waiting.

    Attributes:
        is_unheard: whoever read what is told of alerts went away.
    """

    def __init__(self, terminal: Terminal, counts: Callable[[], tuple[int, int, int]]) -> None:
        self._terminal = terminal
        self._counts = counts
        self.is_unheard = False
        self._lock = threading.RLock()
        self._line = ""
        self._beat = 0
        self._told_at = time.monotonic()
        self._told = ""

    def __enter__(self) -> Self:
        if self._terminal.is_live:
            self._terminal.above = self._above
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the line away; what is told from now on stays."""
        with self._lock:
            self._paint("")
            self._terminal.above = None

    def report(self, report: DeliveryReport) -> None:
        """Tell what became of an alert: on stdout as JSON, else only what failed."""
        try:
            self.event("alert", report=report.to_dict())
            if not report.is_complete or self._terminal.verbosity > 0:
                show_report(report, self._terminal, prefix=f"alert {clean(report.alert_id)}: ")
        except BrokenPipeError:
            self.is_unheard = True

    def event(self, name: str, **values: Any) -> None:
        """A line of JSON, where the user asked for JSON."""
        if self._terminal.as_json:
            self._terminal.json({"event": name, **values}, lines=True)

    def tick(self, doing: str) -> None:
        """Bring the line up to date."""
        words = self.words()
        if self._terminal.above is not None:
            self._beat += 1
            self._paint(f"{_SPINNER[self._beat % len(_SPINNER)]} {doing} · {words}")
        elif words != self._told and time.monotonic() - self._told_at > _EVERY:
            self._told, self._told_at = words, time.monotonic()
            self._terminal.say(f"{self._terminal.mark('dim')} {words}")

    def words(self) -> str:
        """The counts."""
        good, bad, waiting = self._counts()
        parts = [
            f"{good:,} delivered",
            *([f"{bad:,} not"] if bad else []),
            *([f"{waiting:,} waiting"] if waiting else []),
        ]
        return ", ".join(parts)

    def _above(self, text: str) -> None:
        with self._lock:
            line = self._line
            self._paint("")
            click.echo(text, err=True, color=self._terminal.color)
            self._paint(line)

    def _paint(self, line: str) -> None:
        with self._lock:
            room = shutil.get_terminal_size().columns - 1
            while display_width(line) > room:
                line = line[:-1]
            if line or self._line:
                sys.stderr.write(f"{_ERASE}{line}")
                sys.stderr.flush()
            self._line = line
