"""The alert as a Discord message: one line of text for the notification, and one embed.

Limits: docs.discord.com/developers/resources/message#embed-object-embed-limits and
docs.discord.com/developers/resources/webhook#execute-webhook. Discord trims blanks before it counts, and takes an empty
string for a missing one.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from tocsin import Alert
from tocsin.rendering import REPEATED, clip, details, facts, headline, plain_text, without_overrides
from tocsin_discord.markdown import UNIT, code_block, cut, escape, escape_line, measured, take, unfenced

__all__ = [
    "CONTENT_LIMIT",
    "DATA_LIMIT",
    "DESCRIPTION_LIMIT",
    "EMBEDS_LIMIT",
    "FACTS_LIMIT",
    "FIELDS_LIMIT",
    "FIELD_NAME_LIMIT",
    "FIELD_VALUE_LIMIT",
    "FOOTER_LIMIT",
    "TITLE_LIMIT",
    "TOTAL_LIMIT",
    "message",
]

CONTENT_LIMIT = 2000
EMBEDS_LIMIT = 10
TITLE_LIMIT = 256
DESCRIPTION_LIMIT = 4096
FIELDS_LIMIT = 25
FIELD_NAME_LIMIT = 256
FIELD_VALUE_LIMIT = 1024
FOOTER_LIMIT = 2048
TOTAL_LIMIT = 6000
"""Of titles, descriptions, names and values of fields, and footers of all embeds of a message together."""

FACTS_LIMIT = 10
"""Our own: further labels stand with the data, so that the message keeps its room."""
DATA_LIMIT = 3000
"""Our own: of the data, if the message leaves it that much."""
_NAME_ROOM, _VALUE_ROOM, _FOOTER_ROOM = 60, 120, 320
_DETAILS = "Details"
_EMPTY = "(empty)"
_FENCES = measured(code_block(""))
_FRAMES = (2 * DATA_LIMIT // FIELD_VALUE_LIMIT + 1) * (len(_DETAILS) + _FENCES)
"""What the data's fields need besides the data; each is at least half full."""


def message(alert: Alert, *, plain: bool = False, repeated: bool = False) -> dict[str, Any]:
    """The body of *Execute Webhook* and *Edit Webhook Message*; nobody is pinged, whatever it contains.

    Args:
        alert: what happened.
        plain: text alone, without an embed.
        repeated: mark the message as a copy that may be the second one.
    """
    text = plain_text(alert) if plain else headline(alert)
    mark = f" {REPEATED}" if repeated else ""
    content = cut(escape_line(text[: CONTENT_LIMIT + 1]), CONTENT_LIMIT - len(mark)) + mark
    embeds = [] if plain else [_embed(alert)]
    return {"content": content, "embeds": embeds, "allowed_mentions": {"parse": []}}


def _embed(alert: Alert) -> dict[str, Any]:
    title = cut(escape_line(headline(alert)), TITLE_LIMIT)
    footer = cut(f"{alert.priority} · {alert.alert_type} · Alert {alert.alert_id}", _FOOTER_ROOM)
    fields = [_fact(*fact) for fact in facts(alert)[:FACTS_LIMIT]]
    used = measured(title) + measured(footer) + sum(measured(field["name"] + field["value"]) for field in fields)
    description, blocks = _shared(alert, TOTAL_LIMIT - used)
    return {
        "title": title,
        **({"description": description} if description else {}),
        "color": int(alert.priority.color.removeprefix("#"), 16),
        "timestamp": alert.created_at.astimezone(UTC).isoformat(),
        **({"fields": fields + blocks} if fields or blocks else {}),
        "footer": {"text": footer},
    }


def _fact(name: str, value: str) -> dict[str, Any]:
    shown = cut(escape_line(value.strip()), _VALUE_ROOM) or _EMPTY
    return {"name": cut(escape_line(name), _NAME_ROOM), "value": shown, "inline": True}


def _shared(alert: Alert, room: int) -> tuple[str, list[dict[str, Any]]]:
    """The message and the data within ``room``; the message gets what the data leaves, and at least half of it."""
    pairs = facts(alert)[FACTS_LIMIT:] + details(alert)
    rows = unfenced("\n".join(f"{name}: {value}" for name, value in pairs)).strip()
    wanted = min(room // 2, measured(rows) + _FRAMES) if rows else 0
    body = escape(without_overrides(alert.message).strip()[: DESCRIPTION_LIMIT + 1])
    description = cut(body, min(DESCRIPTION_LIMIT, room - wanted))
    return description, _blocks(clip(rows, min(DATA_LIMIT, room - measured(description) - _FRAMES), UNIT))


def _blocks(rows: str) -> list[dict[str, Any]]:
    """The data as fields that hold a block of code each."""
    fields = []
    while rows:
        head, rows = take(rows, FIELD_VALUE_LIMIT - _FENCES)
        fields.append({"name": _DETAILS, "value": code_block(head), "inline": False})
    return fields
