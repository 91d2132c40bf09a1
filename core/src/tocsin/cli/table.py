"""Aligned columns in plain text."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence

__all__ = ["display_width", "lay_out"]

_GAP = "  "
_NARROWEST = 12
_ROOMY = 24


def display_width(text: str) -> int:
    """Terminal cells that the text takes."""
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def lay_out(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> Iterator[tuple[int, str]]:
    """Lines with the number of their row; the headings are row -1.

    Args:
        columns: headings; columns without any cell are left out.
        rows: cells.
        width: cells are wrapped so that lines are no longer than this; None never wraps.
    """
    used = [index for index in range(len(columns)) if any(row[index] for row in rows) or not rows]
    table = [[columns[index].upper() for index in used], *([row[index] for index in used] for row in rows)]
    widths = _widths(table, width)
    for number, row in enumerate(table, start=-1):
        cells = [_wrap(cell, size) if width else [cell] for cell, size in zip(row, widths, strict=True)]
        for line in range(max(map(len, cells), default=0)):
            parts = [cell[line] if line < len(cell) else "" for cell in cells]
            yield number, _GAP.join(_pad(part, size) for part, size in zip(parts, widths, strict=True)).rstrip()


def _widths(table: Sequence[Sequence[str]], width: int | None) -> list[int]:
    """Each column as wide as its widest cell; while that is too much, the widest column gives way.

    The last column, which holds reasons, is the first to be wrapped; then all are, down to their longest word.
    Words are broken only where that is not enough.
    """
    columns = [*zip(*table, strict=True)]
    widths = [max(map(display_width, column)) for column in columns]
    if width is None:
        return widths
    room = width - len(_GAP) * (len(widths) - 1)
    words = [max((display_width(word) for cell in column for word in cell.split()), default=0) for column in columns]
    last = [*widths[:-1], max(words[-1], _ROOMY)]
    for least in (last, words, [_NARROWEST] * len(widths)):
        while sum(widths) > room:
            wide = [index for index in range(len(widths)) if widths[index] > max(least[index], _NARROWEST)]
            if not wide:
                break
            widths[max(wide, key=widths.__getitem__)] -= 1
    return widths


def _wrap(cell: str, width: int) -> list[str]:
    return textwrap.wrap(cell, max(width, 1), break_on_hyphens=False) or [""]


def _pad(text: str, width: int) -> str:
    return text + " " * (width - display_width(text))
