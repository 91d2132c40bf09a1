"""An alert as a Telegram message: pure functions.

HTML mode (https://core.telegram.org/bots/api#html-style): of all markup only ``b``, ``pre`` and ``code`` are used, and
``&``, ``<`` and ``>`` are escaped in every value. Telegram counts the text after its entities were parsed, so each part
is cut first and escaped then.
"""

from __future__ import annotations

import html
import re
from typing import Any

from tocsin import Alert, AlertPriority
from tocsin.rendering import clip, details, facts, headline, plain_text, stamp

__all__ = ["PLAIN_LIMIT", "REQUEST_LIMIT", "SILENT", "TEXT_LIMIT", "calm", "html_text", "message", "short_text"]

TEXT_LIMIT = 4096
"""Code points after entities were parsed (https://core.telegram.org/bots/api#sendmessage)."""
REQUEST_LIMIT = 32_768
"""Bytes of one request's parameters (tdlib/telegram-bot-api). 4096 times the longest escape, ``&amp;``, stays below."""
PLAIN_LIMIT = 2048
"""Our own: the simpler form is also the shorter one."""
SILENT = frozenset({AlertPriority.LOW, AlertPriority.INFO})
"""Priorities that arrive without a sound (``disable_notification``)."""

_HEADLINE_LIMIT = 1536
"""Enough for every headline: a title of 1,000 characters, its prefix, and what :func:`calm` adds."""
_FACTS_LIMIT = 600
_MENTION = re.compile(r"(?<!\w)@(?=[A-Za-z0-9_])")
_WORD_JOINER = "\u2060"


def message(alert: Alert, *, plain: bool = False, repeated: bool = False) -> dict[str, Any]:
    """The fields that ``sendMessage`` and ``editMessageText`` have in common: text, mode and no link preview."""
    text = short_text(alert, repeated=repeated) if plain else html_text(alert, repeated=repeated)
    mode = {} if plain else {"parse_mode": "HTML"}
    return {"text": text, **mode, "link_preview_options": {"is_disabled": True}}


def html_text(alert: Alert, *, repeated: bool = False) -> str:
    """The alert in HTML mode, at most :data:`TEXT_LIMIT` code points of visible text."""
    head = _calm_clip(headline(alert, repeated=repeated), _HEADLINE_LIMIT)
    origin = f"{alert.priority} · {alert.alert_type} · {stamp(alert.created_at)}"
    identity = calm(alert.alert_id)
    fixed = len(f"{head}\n\n{origin}\nAlert {identity}")
    body, fact_rows, data_rows = _shared(alert, TEXT_LIMIT - fixed - 3 * len("\n\n"))
    parts = [
        f"<b>{_escape(head)}</b>",
        _escape(body),
        _escape(fact_rows),
        data_rows and f"<pre>{_escape(data_rows)}</pre>",
        f"{origin}\nAlert <code>{_escape(identity)}</code>",
    ]
    return "\n\n".join(part for part in parts if part)


def short_text(alert: Alert, *, repeated: bool = False) -> str:
    """The alert without markup, at most :data:`PLAIN_LIMIT` code points."""
    return _calm_clip(plain_text(alert, repeated=repeated), PLAIN_LIMIT)


def calm(text: str) -> str:
    r"""The text with an invisible joiner in every ``@name``, so that nobody is notified.

    Telegram makes a mention of ``(?<=\B)@([a-zA-Z0-9_]{2,32})(?=\b)`` in any mode (tdlib/td, MessageEntity.cpp), and
    has no switch for it. An address like ``ops@example.com`` is no mention and stays as it is.
    """
    return _MENTION.sub(f"@{_WORD_JOINER}", text)


def _shared(alert: Alert, room: int) -> tuple[str, str, str]:
    """Message, facts and data within ``room``; the message gets what is left, and at least half of it."""
    fact_rows = _calm_clip(_rows(facts(alert)), _FACTS_LIMIT)
    room -= len(fact_rows)
    body = calm(alert.message[: room + 1])
    # No mention is made inside <pre>, and what stands there is often copied: it stays untouched.
    data_rows = clip(_rows(details(alert))[: room + 1], max(room - len(body), room // 2))
    return clip(body, room - len(data_rows)), fact_rows, data_rows


def _rows(pairs: list[tuple[str, str]]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in pairs)


def _calm_clip(text: str, limit: int) -> str:
    """Cut to a little over the limit before the search, because a message may have 262,144 characters."""
    return clip(calm(text[: limit + 1]), limit)


def _escape(text: str) -> str:
    return html.escape(text, quote=False)
