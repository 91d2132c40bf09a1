"""Tocsin's log lines: structlog, bound over the standard library's logger ``tocsin``.

Silent until the host configures logging, and never on stdout by itself. Lines hold names and numbers; never a title,
message, data, recipient, URL or token.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from typing import Any

__all__ = ["event", "is_heard"]

_STANDARD = logging.getLogger("tocsin")
_STANDARD.addHandler(logging.NullHandler())


def event(level: int, name: str, /, **fields: object) -> None:
    """Log one event with its fields, if anybody listens at this level."""
    if is_heard(level):
        with contextlib.suppress(Exception):  # a handler or filter of the host must not stop a delivery
            _bound().log(level, name, **{key: value for key, value in fields.items() if value is not None})


def is_heard(level: int) -> bool:
    """Whether a line at this level would reach anybody, so that it is worth its making."""
    return _STANDARD.isEnabledFor(level) and _somebody_listens()


def _somebody_listens() -> bool:
    """Whether any handler but our own silent one would see a line."""
    logger: logging.Logger | None = _STANDARD
    while logger is not None:
        if any(not isinstance(handler, logging.NullHandler) for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False


@functools.cache
def _bound() -> Any:
    import structlog  # loaded with the first line that somebody reads

    return structlog.wrap_logger(
        _STANDARD,
        wrapper_class=structlog.stdlib.BoundLogger,
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.render_to_log_kwargs],
    )
