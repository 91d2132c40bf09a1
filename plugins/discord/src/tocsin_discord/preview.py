"""What a person sees of an alert in Discord, as static HTML in the colours of its light theme."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import escape
from typing import Any

from tocsin import Alert
from tocsin_discord.format import message
from tocsin_discord.markdown import shown

__all__ = ["preview"]

_NAME = "Alerts"
_LINK = re.compile(r"https?://[^\s<]+[^\s<.,:;\"'\])]")
_STYLE = """
.tocsin-discord { box-sizing: border-box; max-width: 680px; padding: 12px 16px; background: #fff; color: #2e3338;
  font: 16px/1.375 "gg sans", "Noto Sans", "Helvetica Neue", Helvetica, Arial, sans-serif; display: flex; gap: 16px; }
.tocsin-discord * { box-sizing: border-box; }
.tocsin-discord .avatar { flex: none; width: 40px; height: 40px; border-radius: 50%; background: #5865f2; color: #fff;
  font-size: 20px; line-height: 40px; text-align: center; }
.tocsin-discord .said { flex: 1; min-width: 0; overflow-wrap: anywhere; }
.tocsin-discord .author { font-weight: 600; color: #060607; }
.tocsin-discord .app { margin: 0 6px; padding: 1px 5px; border-radius: 4px; background: #5865f2; color: #fff;
  font-size: 10px; font-weight: 600; vertical-align: 2px; }
.tocsin-discord .time, .tocsin-discord .foot { color: #5c5e66; font-size: 12px; }
.tocsin-discord .content, .tocsin-discord .description, .tocsin-discord .value { white-space: pre-wrap; }
.tocsin-discord .embed { max-width: 520px; margin-top: 8px; padding: 8px 16px 16px 12px; border: 1px solid #e1e3e7;
  border-left: 4px solid; border-radius: 4px; background: #f2f3f5; font-size: 14px; line-height: 1.3; }
.tocsin-discord .title { margin-top: 8px; font-size: 16px; font-weight: 600; color: #060607; }
.tocsin-discord .description { margin-top: 8px; }
.tocsin-discord .link { color: #006ce7; }
.tocsin-discord .fields { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 8px; margin-top: 8px; }
.tocsin-discord .field { grid-column: 1 / -1; min-width: 0; }
.tocsin-discord .inline { grid-column: auto; }
.tocsin-discord .name { font-weight: 600; color: #060607; }
.tocsin-discord pre { margin: 4px 0 0; padding: 8px; border: 1px solid #e1e3e7; border-radius: 4px; background: #fff;
  font: 13px/1.3 "gg mono", "DejaVu Sans Mono", Consolas, monospace; white-space: pre-wrap; }
.tocsin-discord .foot { margin-top: 8px; }
"""


def preview(alert: Alert) -> str:
    """The message of an alert, as a person sees it: one ``div``, without script and remote resources.

    Drawn from the payload of :func:`tocsin_discord.format.message`, so what is cut there is cut here. Times are in UTC;
    Discord shows each reader's own.
    """
    body = message(alert)
    head = f'<span class="author">{_NAME}</span><span class="app">APP</span><span class="time">{_time(alert)}</span>'
    content = f'<div class="content">{escape(shown(body["content"]))}</div>'
    embeds = "".join(map(_embed, body["embeds"]))
    said = f'<div class="said"><div>{head}</div>{content}{embeds}</div>'
    return f'<div class="tocsin-discord"><style>{_STYLE}</style><div class="avatar">{_NAME[0]}</div>{said}</div>'


def _embed(embed: dict[str, Any]) -> str:
    parts = [f'<div class="title">{escape(shown(embed["title"]))}</div>']
    if "description" in embed:
        parts.append(f'<div class="description">{_linked(shown(embed["description"]))}</div>')
    if "fields" in embed:
        parts.append(f'<div class="fields">{"".join(map(_field, embed["fields"]))}</div>')
    when = f"{datetime.fromisoformat(embed['timestamp']):%d/%m/%Y %H:%M}"
    parts.append(f'<div class="foot">{escape(embed["footer"]["text"])} • {when}</div>')
    return f'<div class="embed" style="border-left-color:#{embed["color"]:06x}">{"".join(parts)}</div>'


def _field(field: dict[str, Any]) -> str:
    text = escape(shown(field["value"]))
    value = f"<pre>{text}</pre>" if field["value"].startswith("```\n") else f'<div class="value">{text}</div>'
    kind = "field inline" if field["inline"] else "field"
    return f'<div class="{kind}"><div class="name">{escape(shown(field["name"]))}</div>{value}</div>'


def _linked(text: str) -> str:
    """Text in which addresses have the colour of links; none can be followed."""
    parts, position = [], 0
    for match in _LINK.finditer(text):
        parts += [escape(text[position : match.start()]), f'<span class="link">{escape(match[0])}</span>']
        position = match.end()
    return "".join([*parts, escape(text[position:])])


def _time(alert: Alert) -> str:
    return f"{alert.created_at.astimezone(UTC):%d/%m/%Y %H:%M}"
