"""What every channel's format needs: the alert's facts in one order, and cutting text between letters."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from tocsin.alert import Alert, AlertStatus

__all__ = [
    "REPEATED",
    "clip",
    "details",
    "facts",
    "graphemes",
    "headline",
    "measure",
    "plain_text",
    "stamp",
    "without_overrides",
]

REPEATED = "(possible repeat)"
"""Marks a copy of a message that may have arrived before, where the provider cannot tell by itself."""
_ZWJ = "\u200d"
_STATUS = {AlertStatus.ACKNOWLEDGED: "Acknowledged: ", AlertStatus.RESOLVED: "Resolved: "}
_OVERRIDES = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
_MEASURES: dict[str, Callable[[str], int]] = {
    "characters": len,
    "utf16": lambda text: len(text.encode("utf-16-le", "surrogatepass")) // 2,
    "bytes": lambda text: len(text.encode("utf-8", "surrogatepass")),
}


def headline(alert: Alert, *, emoji: bool = True, repeated: bool = False) -> str:
    """The title :func:`without_overrides`, the priority's emoji before it, and the status where it is not firing."""
    mark = f"{alert.priority.emoji} " if emoji else ""
    tail = f" {REPEATED}" if repeated else ""
    return f"{mark}{_STATUS.get(alert.status, '')}{without_overrides(alert.title)}{tail}"


def facts(alert: Alert) -> list[tuple[str, str]]:
    """Name and value of the optional fields that are set, in the order in which every channel shows them.

    Both are :func:`without_overrides`.
    """
    named = (
        ("Symbol", alert.symbol),
        ("Strategy", alert.strategy_id),
        ("Position", alert.position_id),
        ("Source", alert.source),
    )
    pairs = [(name, value) for name, value in named if value] + list(alert.labels.items())
    return [(without_overrides(name), without_overrides(value)) for name, value in pairs]


def details(alert: Alert) -> list[tuple[str, str]]:
    """The alert's data, flattened to dotted names and text values, both :func:`without_overrides`."""
    return [(without_overrides(name), without_overrides(value)) for name, value in _flatten(alert.data, "")]


def _flatten(value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            yield from _flatten(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)


def stamp(moment: datetime) -> str:
    """``2026-11-23 09:30:00 UTC``."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def plain_text(alert: Alert, *, emoji: bool = True, repeated: bool = False) -> str:
    """The whole alert as plain text: headline, message, facts, data, and a line of priority, type, time and id."""
    lines = [headline(alert, emoji=emoji, repeated=repeated)]
    if alert.message:
        lines += ["", without_overrides(alert.message)]
    rows = [f"{name}: {value}" for name, value in (*facts(alert), *details(alert))]
    if rows:
        lines += ["", *rows]
    origin = f"{alert.priority} · {alert.alert_type} · {stamp(alert.created_at)}"
    lines += ["", origin, f"Alert {without_overrides(alert.alert_id)}"]
    return "\n".join(lines)


def without_overrides(text: str) -> str:
    """The text without embeddings, overrides and isolates of a writing direction (U+202A to U+202E, U+2066 to U+2069).

    One that a value leaves open turns what stands behind it on the line: words of this project, or the next value. In
    text that runs from right to left the letters say so themselves; the marks U+200E, U+200F and U+061C stay (UAX #9).
    """
    return text if text.isascii() else text.translate(_OVERRIDES)


def measure(text: str, unit: str = "characters") -> int:
    """The length as a provider counts it: ``characters`` (code points), ``utf16`` units or UTF-8 ``bytes``."""
    return _MEASURES[unit](text)


def clip(text: str, limit: int, unit: str = "characters", marker: str = "…") -> str:
    """The text, or as much of it as fits with a marker behind, cut between graphemes.

    Args:
        text: unescaped text; escape what comes back, and count again where escaping makes it longer.
        limit: in ``unit``.
        unit: as :func:`measure` takes it.
        marker: shows that text was cut; left out where not even it fits.
    """
    size = _MEASURES[unit]
    if size(text) <= limit:
        return text
    room = limit - size(marker)
    if room < 0:
        return ""
    kept, used = [], 0
    for cluster in graphemes(text):
        used += size(cluster)
        if used > room:
            break
        kept.append(cluster)
    return "".join(kept).rstrip() + marker


def graphemes(text: str) -> Iterator[str]:
    """What a reader takes for one letter: a base with its marks, a joined emoji, a flag (UAX #29, simplified)."""
    cluster = ""
    for character in text:
        if cluster and not _extends(cluster, character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _extends(cluster: str, character: str) -> bool:
    if cluster[-1].isascii() and character.isascii():
        return cluster == "\r" and character == "\n"
    if character == _ZWJ or unicodedata.category(character) in ("Mn", "Me", "Mc"):
        return True
    if cluster[-1] == _ZWJ or "\U0001f3fb" <= character <= "\U0001f3ff" or "\U000e0020" <= character <= "\U000e007f":
        return True
    if _is_flag_half(character) and _is_flag_half(cluster[-1]):
        return sum(map(_is_flag_half, cluster)) % 2 == 1
    return _is_jamo(cluster[-1], character)


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _is_jamo(before: str, character: str) -> bool:
    return "\u1160" <= character <= "\u11ff" and "\u1100" <= before <= "\ud7a3"
