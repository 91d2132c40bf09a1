"""How far a stream has come: a bar where rich is installed and somebody looks, else a line now and then."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from tocsin.cli.terminal import Terminal

__all__ = ["Progress"]

_EVERY = 5.0
"""Seconds between two lines."""


class Progress:
    """Counts alerts on stderr. Not thread-safe: one thread counts."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._good = self._bad = 0
        self._started = self._told = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Self:
        if self._terminal.is_live:
            with contextlib.suppress(ImportError):
                self._bar = _bar(self._terminal)
                self._bar.start()
                self._terminal.above = _above(self._bar.console)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._terminal.above = None
            self._bar.stop()
        taken = time.monotonic() - self._started
        rate = f", {(self._good + self._bad) / taken:,.0f}/s" if taken > 1 else ""
        self._terminal.say(f"{self._words()} in {taken:.1f} s{rate}")

    def count(self, *, good: bool) -> None:
        """Count one alert."""
        self._good += good
        self._bad += not good
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], description=self._words())
        elif time.monotonic() - self._told > _EVERY:
            self._told = time.monotonic()
            self._terminal.say(f"{self._terminal.mark('dim')} {self._words()}")

    def _words(self) -> str:
        return f"{self._good:,} delivered" + (f", {self._bad:,} not" if self._bad else "")


def _above(console: Any) -> Callable[[str], object]:
    from rich.text import Text

    return lambda text: console.print(Text.from_ansi(text), soft_wrap=True)


def _bar(terminal: Terminal) -> Any:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, no_color=terminal.color is False)
    bar = Bar(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,  # what is piped away must not end up on the terminal
        redirect_stderr=False,
    )
    bar.add_task("reading", total=None)
    return bar
