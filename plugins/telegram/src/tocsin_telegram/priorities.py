"""A setting that names priorities."""

from __future__ import annotations

from collections.abc import Iterable

from tocsin import AlertPriority
from tocsin.settings import to_strings

__all__ = ["to_priorities"]

_NONE = "none"


def to_priorities(value: str | Iterable[str]) -> tuple[AlertPriority, ...]:
    """A list of priorities, in any case; an empty list or the word ``none`` for no priority.

    The environment needs the word: there a blank value is the same as none at all.

    Raises:
        ValueError: one of them is no priority.
    """
    names = [name.upper() for name in to_strings(value)]
    if names == [_NONE.upper()]:
        return ()
    if not set(names) <= set(AlertPriority):
        raise ValueError(f"must be priorities ({', '.join(AlertPriority)}), or {_NONE}")
    return tuple(priority for priority in AlertPriority if priority in names)
