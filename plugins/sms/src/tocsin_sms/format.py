"""An alert as a text message: a pure function."""

from __future__ import annotations

from collections.abc import Callable

from tocsin import Alert
from tocsin.rendering import REPEATED, details, facts, headline, without_overrides
from tocsin_sms.pictographs import without_pictographs
from tocsin_sms.segments import Encoding, Fitted, fit

__all__ = ["body"]


def body(
    alert: Alert, *, segments: int = 1, emoji: bool = False, plain: bool = False, repeated: bool = False
) -> Fitted:
    """The most important first: priority and title, then the message, then facts and data, as far as they fit.

    No emoji is added, because one of them halves the room. Those of the alert are dropped where what arrives is GSM-7
    without them; a text that is UCS-2 anyway keeps them, and so does one that would say nothing without them.

    Args:
        alert: what happened.
        segments: at most so many, 1 to 10.
        emoji: keep those of the alert in any case.
        plain: only priority and title, in one segment.
        repeated: the text may have arrived before; the mark comes first, where no cut takes it away.
    """
    mark, room = f"{REPEATED} " if repeated else "", 1 if plain else segments
    told = alert.title if plain else f"{alert.title} {alert.message}"
    if not emoji and without_pictographs(told).strip():
        fitted = fit(mark + _text(alert, plain, without_pictographs), room)
        if fitted.encoding is Encoding.GSM7:
            return fitted
    return fit(mark + _text(alert, plain, str), room)


def _text(alert: Alert, plain: bool, spoken: Callable[[str], str]) -> str:
    """The whole text; a row of which nothing is spoken is left out."""
    lines = [f"{alert.priority}: {spoken(headline(alert, emoji=False))}".rstrip()]
    if not plain:
        lines.append(spoken(without_overrides(alert.message).strip()))
        lines += [_row(spoken(name), spoken(value), value) for name, value in (*facts(alert), *details(alert))]
    return "\n".join(filter(None, lines))


def _row(name: str, value: str, whole: str) -> str:
    if whole and not value:
        return ""
    return f"{name}: {value}" if name else value
