"""The core's log lines on stderr, for those who ask with ``-v``."""

from __future__ import annotations

import logging

import click

__all__ = ["show_logs"]

_STANDARD = frozenset(vars(logging.makeLogRecord({})))


class _Lines(logging.Formatter):
    """``12:30:01 delivery channel=slack outcome=accepted``: the event, then its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        fields = {name: value for name, value in vars(record).items() if name not in _STANDARD and name != "asctime"}
        words = [self.formatTime(record, "%H:%M:%S"), record.getMessage()]
        return " ".join([*words, *(f"{name}={value}" for name, value in fields.items())])


class _Stderr(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=True)


def show_logs(*, debug: bool) -> None:
    """Write the logger ``tocsin`` to stderr from now on; calling it again changes the level only."""
    logger = logging.getLogger("tocsin")
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
    if not any(isinstance(handler.formatter, _Lines) for handler in logger.handlers):
        handler = _Stderr()
        handler.setFormatter(_Lines())
        logger.addHandler(handler)
