"""The HTML half of a mail: one page with inline CSS, tables for layout, nothing that loads from elsewhere and no link.

Everything that comes from the alert passes :func:`fitted`, which escapes it and keeps it within its room.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

from tocsin import Alert
from tocsin.rendering import details, facts, graphemes, headline, stamp, without_overrides

__all__ = ["HTML_LIMIT", "MESSAGE_ROOM", "ROWS_ROOM", "VALUE_ROOM", "fitted", "page_for"]

HTML_LIMIT = 102_400
"""Bytes; Gmail cuts off what is behind 102 kB and offers a link to the rest."""
MESSAGE_ROOM = 60_000
"""Bytes of the message, escaped."""
ROWS_ROOM = 30_000
"""Bytes of the rows of facts and data, with their markup."""
VALUE_ROOM = 4_000
"""Bytes of one value, escaped."""
_NAME_ROOM = 400
_TITLE_ROOM = 8_000
"""Bytes, escaped: whatever title an alert has, but only once. Beside a full message there is no room for a second."""
_CUT = "…"

_FONT = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_QUIET = "color:#59636e;font-size:12px"
_CELL = "padding:4px 0;border-top:1px solid #d8dee4;vertical-align:top;text-align:left"
# Black on the bar's colour passes WCAG AA (4.5:1) for all five priorities; white does for none.
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
</head>
<body style="margin:0;padding:16px;background:#f4f5f7;color:#1f2328;font:14px/1.5 {font}">
<table role="presentation" align="center" width="100%" cellpadding="0" cellspacing="0" \
style="max-width:640px;background:#ffffff;border:1px solid #d8dee4;border-top:6px solid {color}">
<tr><td style="padding:20px 24px 0">\
<span style="padding:2px 8px;background:{color};color:#000000;font-size:12px;font-weight:bold">{priority}</span>\
&nbsp; <span style="{quiet}">{kind} &middot; {time}</span></td></tr>
<tr><td style="padding:8px 24px 0">\
<h1 dir="auto" style="margin:0;font-size:20px;line-height:1.3;overflow-wrap:anywhere">{title}</h1></td></tr>
{message}{rows}<tr><td style="padding:16px 24px;{quiet}">Alert {id}</td></tr>
</table>
</body>
</html>
"""
_MESSAGE = """<tr><td style="padding:12px 24px 0">\
<div dir="auto" style="white-space:pre-wrap;overflow-wrap:anywhere">{}</div></td></tr>
"""
_ROWS = """<tr><td style="padding:16px 24px 0">\
<table width="100%" cellpadding="0" cellspacing="0" style="border-collapse:collapse;font-size:13px">
{}</table></td></tr>
"""


def page_for(alert: Alert, *, repeated: bool = False) -> str:
    """The whole page, at most :data:`HTML_LIMIT` bytes in UTF-8."""
    title = headline(alert, repeated=repeated)
    message = fitted(without_overrides(alert.message), MESSAGE_ROOM)
    rows = _rows([*facts(alert), *details(alert)])
    return _PAGE.format(
        name=fitted(title, _NAME_ROOM),
        title=fitted(title, _TITLE_ROOM),
        font=_FONT,
        quiet=_QUIET,
        color=alert.priority.color,
        priority=alert.priority,
        kind=alert.alert_type,
        time=stamp(alert.created_at),
        message=_MESSAGE.format(message) if message else "",
        rows=_ROWS.format(rows) if rows else "",
        id=fitted(without_overrides(alert.alert_id), _NAME_ROOM),
    )


def _rows(pairs: list[tuple[str, str]]) -> str:
    rows: list[str] = []
    room = ROWS_ROOM - len(_row(_CUT, "1000000 more"))
    for name, value in pairs:
        row = _row(fitted(name, _NAME_ROOM), fitted(value, VALUE_ROOM))
        room -= len(row.encode())
        if room < 0:
            rows.append(_row(_CUT, f"{len(pairs) - len(rows)} more"))
            break
        rows.append(row)
    return "".join(rows)


def _row(name: str, value: str) -> str:
    return (
        f'<tr><th scope="row" width="30%" style="{_CELL};padding-right:12px;color:#59636e;font-weight:normal">'
        f'{name}</th><td dir="auto" style="{_CELL};overflow-wrap:anywhere">{value}</td></tr>\n'
    )


def fitted(text: str, room: int) -> str:
    """The text as HTML, or as much of it as fits into ``room`` bytes with a mark behind, cut between graphemes."""
    whole = _escaped(text)
    if len(whole.encode()) <= room:
        return whole
    return "".join(_fitting(graphemes(text), room - len(_CUT.encode()))) + _CUT


def _fitting(clusters: Iterable[str], room: int) -> Iterable[str]:
    for cluster in clusters:
        piece = _escaped(cluster)
        room -= len(piece.encode())
        if room < 0:
            return
        yield piece


def _escaped(text: str) -> str:
    # <br> and not the line end alone: Outlook does not know white-space:pre-wrap.
    return html.escape(text, quote=True).replace("\n", "<br>")
