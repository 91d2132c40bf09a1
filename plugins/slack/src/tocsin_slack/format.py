"""The alert as a Slack message: Block Kit inside one attachment, and plain text always.

Only an attachment has a colour, so the blocks stand in one. What an alert contains is written as ``plain_text`` or in
code, where Slack makes neither formatting nor mentions of it.
"""

from __future__ import annotations

import re
from typing import Any

from tocsin import Alert
from tocsin.rendering import REPEATED, details, facts, headline, plain_text, stamp, without_overrides
from tocsin_slack.text import coded, cut, escape, inert, linked, measured, split, tame

__all__ = [
    "ALERT_ID_LIMIT",
    "BLOCK_TEXT_LIMIT",
    "DATA_LIMIT",
    "FIELDS_LIMIT",
    "FIELDS_ROOM",
    "FIELD_LIMIT",
    "HEADER_LIMIT",
    "MESSAGE_LIMIT",
    "POSTED",
    "SECTION_LIMIT",
    "TEXT_LIMIT",
    "TITLE_LIMIT",
    "message",
]

TEXT_LIMIT = 4000
"""Characters of ``text``; Slack asks to stay below, and cuts at 40,000
(docs.slack.dev/reference/methods/chat.postMessage)."""
HEADER_LIMIT = 150
"""Characters of a header (docs.slack.dev/reference/block-kit/blocks/header-block)."""
SECTION_LIMIT = 3000
"""Characters of a section's text (docs.slack.dev/reference/block-kit/blocks/section-block)."""
FIELD_LIMIT = 2000
"""Characters of one field (same page)."""
FIELDS_LIMIT = 10
"""Fields of one section (same page)."""
BLOCK_TEXT_LIMIT = 13_200
"""Characters of all blocks together, from which on Slack was seen to refuse with ``msg_blocks_too_long`` (observed,
github.com/slackapi/bolt-js/issues/2509). The limits below stay under it in sum."""

TITLE_LIMIT = 1500
MESSAGE_LIMIT = 5600
DATA_LIMIT = 2900
ALERT_ID_LIMIT = 300
FIELDS_ROOM = 2300
"""Characters of all fields together: the fewer there are, the longer each may be."""
POSTED = {"mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
"""Sent with every new message: ``text`` is no mrkdwn, and links have no preview."""
_NAME_LIMIT = 75
_WORD_JOINER = "\u2060"


def message(alert: Alert, *, plain: bool = False, repeated: bool = False, edit: bool = False) -> dict[str, Any]:
    """``text`` and ``attachments`` of the message.

    Args:
        alert: what happened.
        plain: text alone, without blocks.
        repeated: mark the message as a copy that may be the second one.
        edit: for chat.update, which has no ``mrkdwn`` to switch off (docs.slack.dev/reference/methods/chat.update): it
            formats ``text``, so nothing in that may be markup.
    """
    written = (lambda text: inert(escape(text))) if edit else escape
    if plain:
        return {"text": _summary(written(plain_text(alert)), repeated), "attachments": []}
    fallback = _summary(escape(headline(alert)), repeated)
    attachment = {"color": alert.priority.color, "fallback": fallback, "blocks": _blocks(alert, repeated)}
    return {"text": _summary(written(headline(alert)), repeated), "attachments": [attachment]}


def _summary(escaped: str, repeated: bool) -> str:
    mark = f" {REPEATED}" if repeated else ""
    return cut(escaped, TEXT_LIMIT - len(mark)) + mark


def _blocks(alert: Alert, repeated: bool) -> list[dict[str, Any]]:
    shown = facts(alert)
    rows = shown[FIELDS_LIMIT:] + details(alert)
    blocks = [*_title(headline(alert)), *_message(without_overrides(alert.message)), _origin(alert, repeated)]
    if shown:
        blocks.append(_fields(shown[:FIELDS_LIMIT]))
    if rows:
        blocks.append(_section(_mrkdwn(_details(rows))))
    return [*blocks, _footer(alert)]


def _title(text: str) -> list[dict[str, Any]]:
    """The header; where it had to be cut, the whole title stands below it once more."""
    escaped = escape(text)
    header = {"type": "header", "text": _plain(cut(escaped, HEADER_LIMIT))}
    if measured(escaped) <= HEADER_LIMIT:
        return [header]
    return [header, _section(_plain(cut(escaped, TITLE_LIMIT)))]


def _message(text: str) -> list[dict[str, Any]]:
    """Sections of plain text; of mrkdwn where there are links to click and nothing else that is markup."""
    text = text.strip()[: MESSAGE_LIMIT + 1]
    with_links = linked(text)
    escaped = cut(with_links or escape(text), MESSAGE_LIMIT)
    make = _plain if with_links is None else _mrkdwn
    return [_section(make(part)) for part in split(escaped, SECTION_LIMIT)]


def _origin(alert: Alert, repeated: bool) -> dict[str, Any]:
    """Priority, type and time; the time is shown in each reader's own time zone."""
    words = [f"*{alert.priority}*", str(alert.alert_type), _moment(alert)]
    return _context(*words, *([REPEATED] if repeated else []))


def _moment(alert: Alert) -> str:
    seconds = int(alert.created_at.timestamp())
    shown = stamp(alert.created_at)
    return f"<!date^{seconds}^{{date_short_pretty}} {{time_secs}}|{shown}>" if seconds > 0 else shown


def _fields(shown: list[tuple[str, str]]) -> dict[str, Any]:
    room = min(FIELD_LIMIT, FIELDS_ROOM // len(shown))
    return {"type": "section", "fields": [_field(name, value, room) for name, value in shown]}


def _field(name: str, value: str, room: int) -> dict[str, Any]:
    """The name in bold above the value in code; as plain text where either could not stand there as it is."""
    above = cut(escape(name), _NAME_LIMIT)
    code = coded(value, room - measured(above) - len("**\n"))
    if code is not None and above == name and tame(name):
        return _mrkdwn(f"*{name}*\n{code}")
    shown = cut(escape(value.strip()), room - measured(above) - 1) or "–"
    return _plain(f"{above}\n{shown}")


def _details(rows: list[tuple[str, str]]) -> str:
    """The data as one block of code, in which no sequence can end it."""
    text = "\n".join(f"{name}: {value}" for name, value in rows)
    text = re.sub("`(?=`)", f"`{_WORD_JOINER}", text)
    before, after = "*Details*\n```\n", "\n```"
    return f"{before}{cut(escape(text), DATA_LIMIT - len(before) - len(after))}{after}"


def _footer(alert: Alert) -> dict[str, Any]:
    code = coded(alert.alert_id, ALERT_ID_LIMIT - len("Alert "))
    if code is not None:
        return _context(f"Alert {code}")
    text = cut(escape(f"Alert {alert.alert_id}"), ALERT_ID_LIMIT)
    return {"type": "context", "elements": [_plain(text)]}


def _section(text: dict[str, Any]) -> dict[str, Any]:
    return {"type": "section", "text": text}


def _context(*elements: str) -> dict[str, Any]:
    return {"type": "context", "elements": [_mrkdwn(element) for element in elements]}


def _plain(escaped: str) -> dict[str, Any]:
    """Without ``emoji``, ``:100:`` stays what it is instead of becoming a picture."""
    return {"type": "plain_text", "text": escaped, "emoji": False}


def _mrkdwn(escaped: str) -> dict[str, Any]:
    """``verbatim`` keeps Slack from making links and mentions of words that only look like them."""
    return {"type": "mrkdwn", "text": escaped, "verbatim": True}
