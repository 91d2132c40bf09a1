"""What a command says when it cannot go on."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from tocsin.cli.exits import Exit
from tocsin.cli.terminal import clean
from tocsin.errors import (
    AlertError,
    ConfigError,
    QueueFull,
    StoreError,
    TocsinError,
    UnknownAlert,
    UnknownChannel,
)

if TYPE_CHECKING:
    from tocsin.cli.session import Session

__all__ = ["error_dict", "tell", "told"]

_CODES = (
    (ConfigError, Exit.CONFIG),
    (UnknownChannel, Exit.USAGE),
    (UnknownAlert, Exit.USAGE),
    (AlertError, Exit.USAGE),
    (StoreError, Exit.STORE),
    (QueueFull, Exit.STORE),
)


def told(error: TocsinError) -> str:
    """The error in one line, its code behind it."""
    return f"{clean(str(error).splitlines()[0] if str(error) else type(error).__name__)} [{error.code}]"


def error_dict(error: TocsinError) -> dict[str, object]:
    """The error as JSON values."""
    message = str(error).splitlines()[0] if str(error) else type(error).__name__
    problems = [str(problem) for problem in getattr(error, "problems", ())]
    wait: dict[str, object] = {"retry_after": error.retry_after} if isinstance(error, QueueFull) else {}
    return {"code": error.code, "message": message} | ({"problems": problems} if problems else {}) | wait


def tell(error: Exception, session: Session) -> int:
    """Say what happened, and return the exit code."""
    terminal = session.terminal
    if not isinstance(error, TocsinError):
        return _unexpected(error, session)
    terminal.fail(f"{terminal.style('error:', 'bad')} {told(error)}")
    for problem in getattr(error, "problems", ()):
        terminal.fail(f"  {clean(problem)}")
    if isinstance(error, ConfigError):
        terminal.say("tocsin check lists every problem of the configuration.")
    if isinstance(error, QueueFull):
        terminal.say("tocsin worker delivers what waits; tocsin store stats tells how much it is.")
    if session.as_json:
        terminal.json({"error": error_dict(error)})
    return next((code for kind, code in _CODES if isinstance(error, kind)), Exit.NOTHING)


def _unexpected(error: Exception, session: Session) -> int:
    """A fault of the program: its message may hold anything, so only type and place are told unless asked."""
    terminal = session.terminal
    if terminal.verbosity > 1:
        terminal.fail("".join(traceback.format_exception(error)).rstrip())
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].name}, line {frames[-1].lineno}" if frames else ""
    terminal.fail(f"{terminal.style('error:', 'bad')} unexpected {type(error).__name__}{place}")
    if terminal.verbosity <= 1:
        terminal.fail("Run it again with -v -v for the traceback; it can hold secrets, look before you share it.")
    return Exit.SOFTWARE
