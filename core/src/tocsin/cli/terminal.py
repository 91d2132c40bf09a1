"""Where words go: data to stdout, narration to stderr, colours only where a person looks."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

__all__ = ["MARKS", "Terminal", "clean", "seconds"]

MARKS = {"good": "✓", "bad": "✗", "warn": "!", "dim": "·"}
_PLAIN_MARKS = {"✓": "ok", "✗": "x", "→": "->", "·": "-", "├─": "|-", "└─": "`-", "│": "|", "…": "..."}
_STYLES: dict[str, dict[str, Any]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red"},
    "warn": {"fg": "yellow"},
    "dim": {"dim": True},
    "bold": {"bold": True},
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_FALLBACK_WIDTH = 80


def clean(text: object) -> str:
    """The text in one line that cannot steer a terminal; providers' ids and file contents end up here."""
    return _CONTROL.sub(" ", str(text))


def seconds(duration: float | None) -> str:
    """``<1 ms``, ``3 ms``, ``1.25 s`` or nothing."""
    if duration is None:
        return ""
    if duration >= 1:
        return f"{duration:.2f} s"
    return f"{duration * 1000:.0f} ms" if duration >= 0.001 else "<1 ms"


class Terminal:
    """How a command talks.

    Attributes:
        verbosity: below 0 only failures are told, from 1 more is, from 2 everything.
        color: False for none; None lets each stream decide whether a person looks at it.
        as_json: stdout holds JSON and nothing else.
        above: while something is painted over on the terminal, writes a line above it.
    """

    def __init__(self) -> None:
        self.as_json = False
        self.above: Callable[[str], object] | None = None
        self.verbosity = 0
        self.color: bool | None = None if _wants_color() else False

    def data(self, text: str = "") -> None:
        """What the command was called for."""
        self._echo(text, err=False)

    def json(self, value: object, *, lines: bool = False) -> None:
        """A JSON value on stdout; with ``lines`` in one line."""
        import json

        self._echo(json.dumps(value, ensure_ascii=False, indent=None if lines else 2, default=str), err=False)

    def good(self, text: str) -> None:
        """Success, unless the user wants quiet; on stdout where that does not hold JSON."""
        if self.verbosity >= 0:
            self._echo(text, err=self.as_json)

    def say(self, text: str = "") -> None:
        """What is going on, unless the user wants quiet."""
        if self.verbosity >= 0:
            self._echo(text, err=True)

    def detail(self, text: str) -> None:
        """What only those who asked want to read."""
        if self.verbosity > 0:
            self._echo(text, err=True)

    def fail(self, text: str) -> None:
        """A failure; always told."""
        self._echo(text, err=True)

    def style(self, text: str, style: str) -> str:
        """The text in one of the styles good, bad, warn, dim and bold."""
        return click.style(text, **_STYLES[style]) if style else text

    def mark(self, style: str) -> str:
        """The coloured sign before a line."""
        return self.style(MARKS[style], style)

    def prose(self, text: str) -> None:
        """Data in sentences: wrapped to the terminal's width."""
        self.data(textwrap.fill(text, self.width) if self.width else text)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], styles: Sequence[str] = ()) -> None:
        """Rows on stdout, aligned; on a terminal wrapped to its width, elsewhere one line each.

        Args:
            columns: headings.
            rows: cells.
            styles: the style of each row's first cell, if any.
        """
        from tocsin.cli.table import lay_out

        lines = [[clean(cell) for cell in row] for row in rows]
        for number, line in lay_out(columns, lines, self.width):
            if number < 0:
                self.data(self.style(line, "bold"))
            else:
                self.data(self.style(line, styles[number]) if styles and styles[number] else line)

    @property
    def width(self) -> int | None:
        """Columns of the terminal; None where stdout is none."""
        return shutil.get_terminal_size((_FALLBACK_WIDTH, 24)).columns if sys.stdout.isatty() else None

    @property
    def is_live(self) -> bool:
        """Whether a person watches stderr, so that a line may be painted over."""
        return sys.stderr.isatty() and self.verbosity >= 0 and os.environ.get("TERM") != "dumb"

    def listen(self) -> None:
        """Show the log lines of the core where the user asked for more."""
        if self.verbosity > 0:
            from tocsin.cli.logs import show_logs

            show_logs(debug=self.verbosity > 1)

    def _echo(self, text: str, *, err: bool) -> None:
        stream = sys.stderr if err else sys.stdout
        if self.above is not None and stream.isatty():
            self.above(click.unstyle(text) if self.color is False else text)
            return
        click.echo(_encodable(text, getattr(stream, "encoding", None)), err=err, color=self.color)


def _wants_color() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _encodable(text: str, encoding: str | None) -> str:
    """The text as the stream can carry it: signs become ASCII, other characters question marks."""
    encoding = encoding or "utf-8"
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        for mark, plain in _PLAIN_MARKS.items():
            text = text.replace(mark, plain)
        return text.encode(encoding, "replace").decode(encoding)
    return text
