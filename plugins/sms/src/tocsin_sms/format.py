"""An alert as a text message: a pure function."""

from __future__ import annotations

from tocsin import Alert
from tocsin.rendering import REPEATED, details, facts, headline
from tocsin_sms.segments import Fitted, fit

__all__ = ["body"]


def body(alert: Alert, *, segments: int = 1, plain: bool = False, repeated: bool = False) -> Fitted:
    """The most important first: priority and title, then the message, then facts and data, as far as they fit.

    No emoji is added, because one of them halves the room; what the alert itself contains is left as it is.

    Args:
        alert: what happened.
        segments: at most so many, 1 to 10.
        plain: only priority and title, in one segment.
        repeated: the text may have arrived before; the mark comes first, where no cut takes it away.
    """
    mark = f"{REPEATED} " if repeated else ""
    lines = [f"{mark}{alert.priority}: {headline(alert, emoji=False)}"]
    if not plain:
        lines += [alert.message.strip()] if alert.message.strip() else []
        lines += [f"{name}: {value}" for name, value in (*facts(alert), *details(alert))]
    return fit("\n".join(lines), 1 if plain else segments)
