"""What a person sees in Slack, as a fragment of HTML made from the payload itself."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

from tocsin import Alert
from tocsin_slack.format import message

__all__ = ["preview"]

_STYLE = """\
.tocsin-slack{box-sizing:border-box;max-width:680px;padding:8px 20px;display:flex;gap:8px;background:#fff;\
color:#1d1c1d;font:15px/1.46668 Lato,"Helvetica Neue",Helvetica,Arial,sans-serif;overflow-wrap:anywhere}
.tocsin-slack *{box-sizing:border-box}
.tocsin-slack .avatar{flex:none;width:36px;height:36px;border-radius:8px;background:#4a154b;color:#fff;\
font-weight:900;font-size:18px;line-height:36px;text-align:center}
.tocsin-slack .body{flex:1;min-width:0}
.tocsin-slack .who{font-weight:900}
.tocsin-slack .app{margin:0 4px;padding:1px 3px;border-radius:2px;background:#e8e8e8;color:#616061;font-size:10px;\
font-weight:700}
.tocsin-slack .when{color:#616061;font-size:12px}
.tocsin-slack .text{white-space:pre-wrap}
.tocsin-slack .attachment{display:flex;margin-top:4px;max-width:600px}
.tocsin-slack .bar{flex:none;width:4px;border-radius:8px}
.tocsin-slack .blocks{flex:1;min-width:0;padding:4px 0 4px 12px}
.tocsin-slack .blocks>div{margin:8px 0;white-space:pre-wrap}
.tocsin-slack .blocks>.header{font-weight:900;font-size:18px;line-height:1.33334}
.tocsin-slack .blocks>.context{display:flex;flex-wrap:wrap;gap:4px 8px;color:#616061;font-size:13px}
.tocsin-slack .blocks>.fields{display:grid;grid-template-columns:1fr 1fr;gap:8px 16px}
.tocsin-slack code{padding:2px 3px 1px;border:1px solid #ddd;border-radius:3px;background:#f8f8f8;color:#c01343;\
font:12px/1.5 Monaco,Menlo,Consolas,monospace;white-space:pre-wrap}
.tocsin-slack pre{margin:4px 0 0;padding:8px;border:1px solid #ddd;border-radius:4px;background:#f8f8f8;\
font:12px/1.50001 Monaco,Menlo,Consolas,monospace;white-space:pre-wrap}
.tocsin-slack a{color:#1264a3;text-decoration:none}
"""
_MARKUP = re.compile(
    r"```\n(?P<pre>.*?)\n```|`(?P<code>[^`\n]+)`|\*(?P<bold>[^*\n]+)\*"
    r"|<!date\^[^|>]*\|(?P<date>[^>]*)>|<(?P<link>https?://[^>|]+)>",
    re.DOTALL,
)
"""The mrkdwn that the format writes."""


def preview(alert: Alert) -> str:
    """A fragment of HTML that shows the alert as Slack does: one ``div``, no script, nothing from elsewhere.

    The time stands in UTC; Slack shows it in each reader's own zone.
    """
    body = message(alert)
    (attachment,) = body["attachments"]
    blocks = "".join(_BLOCKS[block["type"]](block) for block in attachment["blocks"])
    return (
        f'<div class="tocsin-slack"><style>{_STYLE}</style><div class="avatar">T</div><div class="body">'
        f'<span class="who">Tocsin</span><span class="app">APP</span>'
        f'<span class="when">{alert.created_at:%H:%M}</span>'
        f'<div class="text">{_plain(body["text"])}</div><div class="attachment">'
        f'<div class="bar" style="background:{_escaped(attachment["color"])}"></div>'
        f'<div class="blocks">{blocks}</div></div></div></div>'
    )


def _section(block: dict[str, Any]) -> str:
    if "fields" in block:
        return f'<div class="fields">{"".join(f"<div>{_text(field)}</div>" for field in block["fields"])}</div>'
    return f"<div>{_text(block['text'])}</div>"


def _header(block: dict[str, Any]) -> str:
    return f'<div class="header">{_text(block["text"])}</div>'


def _context(block: dict[str, Any]) -> str:
    return f'<div class="context">{"".join(f"<span>{_text(one)}</span>" for one in block["elements"])}</div>'


_BLOCKS: dict[str, Callable[[dict[str, Any]], str]] = {"header": _header, "section": _section, "context": _context}


def _text(text: dict[str, Any]) -> str:
    return _plain(text["text"]) if text["type"] == "plain_text" else _mrkdwn(text["text"])


def _mrkdwn(text: str) -> str:
    shown, end = [], 0
    for match in _MARKUP.finditer(text):
        shown += [_plain(text[end : match.start()]), _marked(match)]
        end = match.end()
    return "".join([*shown, _plain(text[end:])])


def _marked(match: re.Match[str]) -> str:
    inside = _plain(match[match.lastgroup or 0])
    match match.lastgroup:
        case "link":
            return f'<a href="{inside}">{inside}</a>'
        case "pre" | "code" as tag:
            return f"<{tag}>{inside}</{tag}>"
        case "bold":
            return f"<b>{inside}</b>"
    return inside


def _plain(text: str) -> str:
    """Slack's three entities read, and everything escaped anew for HTML."""
    return _escaped(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def _escaped(text: str) -> str:
    return html.escape(text)
