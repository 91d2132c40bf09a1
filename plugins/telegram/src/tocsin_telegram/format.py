"""An alert as a Telegram message: pure functions.

HTML mode (https://core.telegram.org/bots/api#html-style): of all markup only ``b``, ``pre`` and ``code`` are used, and
``&``, ``<`` and ``>`` are escaped in every value. Telegram counts the text after its entities were parsed, so each part
is cut first and escaped then. That makes three entities at most; a message may have 100, and the surplus is dropped
(tdlib/telegram-bot-api, issue 820).
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Any

from tocsin import Alert, AlertPriority
from tocsin.rendering import clip, details, facts, headline, plain_text, stamp, without_overrides

__all__ = ["PLAIN_LIMIT", "REQUEST_LIMIT", "SILENT", "TEXT_LIMIT", "calm", "html_text", "kept", "message", "short_text"]

TEXT_LIMIT = 4096
"""Code points after entities were parsed (https://core.telegram.org/bots/api#sendmessage)."""
REQUEST_LIMIT = 32_768
"""Bytes of one request's parameters (tdlib/telegram-bot-api). 4096 times the longest escape, ``&amp;``, stays below."""
PLAIN_LIMIT = 2048
"""Our own: the simpler form is also the shorter one."""
SILENT = (AlertPriority.LOW, AlertPriority.INFO)
"""Priorities that arrive without a sound (``disable_notification``) where the settings say nothing else."""

_HEADLINE_LIMIT = 1536
"""Enough for every headline: a title of 1,000 characters, its prefix, and what :func:`calm` adds."""
_FACTS_LIMIT = 600
# Telegram looks for any letter before the @; fewer are looked for here, because one joiner too many does no harm.
_MENTION = re.compile(r"(?<![A-Za-z0-9_])@(?=[A-Za-z0-9_])")
_WORD_JOINER = "\u2060"
_RING = "\u030a"
_LINE_ENDS = re.compile("[\u2028\u2029]")
_REMOVED = re.compile("[\u202a-\u202e\u030a\u0333\u033f]")


def message(alert: Alert, *, plain: bool = False, repeated: bool = False) -> dict[str, Any]:
    """The fields that ``sendMessage`` and ``editMessageText`` have in common: text, mode and no link preview."""
    text = short_text(alert, repeated=repeated) if plain else html_text(alert, repeated=repeated)
    mode = {} if plain else {"parse_mode": "HTML"}
    return {"text": text, **mode, "link_preview_options": {"is_disabled": True}}


def html_text(alert: Alert, *, repeated: bool = False) -> str:
    """The alert in HTML mode, at most :data:`TEXT_LIMIT` code points of visible text."""
    head = _calm_clip(headline(alert, repeated=repeated), _HEADLINE_LIMIT)
    origin = f"{alert.priority} · {alert.alert_type} · {stamp(alert.created_at)}"
    identity = calm(kept(without_overrides(alert.alert_id)))
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


def kept(text: str) -> str:
    """The text without the characters that Telegram removes anyway.

    Its server drops U+2028 to U+202E and the combining marks U+030A, U+0333 and U+033F before it looks for mentions
    (clean_input_string in tdlib/td, misc.cpp). What stood around them would become a mention, and a cut would count
    them. A ring that belongs to its letter is kept by composing both; a line separator becomes a line end.
    """
    text = unicodedata.normalize("NFC", text) if _RING in text else text
    return _REMOVED.sub("", _LINE_ENDS.sub("\n", text))


def calm(text: str) -> str:
    r"""The text with an invisible joiner in every ``@name``, so that nobody is notified; :func:`kept` comes first.

    Telegram makes a mention of ``(?<=\B)@([a-zA-Z0-9_]{2,32})(?=\b)`` in any mode (tdlib/td, MessageEntity.cpp), and
    has no switch for it. An address like ``ops@example.com`` is no mention and stays as it is.
    """
    return _MENTION.sub(f"@{_WORD_JOINER}", text)


def _shared(alert: Alert, room: int) -> tuple[str, str, str]:
    """Message, facts and data within ``room``; the message gets what is left, and at least half of it."""
    fact_rows = _calm_clip(_rows(facts(alert)), _FACTS_LIMIT)
    room -= len(fact_rows)
    body = calm(kept(without_overrides(alert.message))[: room + 1])
    # No mention is made inside <pre>, and what stands there is often copied: it gets no joiner.
    data_rows = clip(kept(_rows(details(alert)))[: room + 1], max(room - len(body), room // 2))
    return clip(body, room - len(data_rows)), fact_rows, data_rows


def _rows(pairs: list[tuple[str, str]]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in pairs)


def _calm_clip(text: str, limit: int) -> str:
    """Cut to a little over the limit before the search, because a message may have 262,144 characters."""
    return clip(calm(kept(text)[: limit + 1]), limit)


def _escape(text: str) -> str:
    return html.escape(text, quote=False)
