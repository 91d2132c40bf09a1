"""What a person sees in Telegram when an alert arrives, as a piece of HTML for the documentation."""

from __future__ import annotations

from datetime import UTC

from tocsin import Alert
from tocsin_telegram.format import SILENT, message

__all__ = ["preview"]

_STYLE = """\
.tocsin-telegram{box-sizing:border-box;max-width:680px;padding:16px;border-radius:12px;background:#d5e5c6;
color:#000;font:15px/1.35 -apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;color-scheme:light}
.tocsin-telegram .row{display:flex;align-items:flex-end;gap:8px}
.tocsin-telegram .face{flex:none;width:34px;height:34px;border-radius:50%;background:#50a2e9;color:#fff;
font-size:13px;font-weight:600;line-height:34px;text-align:center}
.tocsin-telegram .bubble{min-width:0;max-width:560px;padding:6px 10px 8px;border-radius:12px 12px 12px 4px;
background:#fff;box-shadow:0 1px 1px rgba(0,0,0,.15)}
.tocsin-telegram .name{color:#3886c5;font-weight:600;font-size:14px}
.tocsin-telegram .text{white-space:pre-wrap;overflow-wrap:anywhere}
.tocsin-telegram pre{margin:8px 0;padding:6px 8px;border-left:3px solid #3886c5;border-radius:4px;background:#edf4fb;
white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.4 ui-monospace,Menlo,Consolas,monospace}
.tocsin-telegram code{color:#3886c5;font:13px ui-monospace,Menlo,Consolas,monospace}
.tocsin-telegram .time{float:right;margin:6px 0 0 12px;color:#8a949c;font-size:12px}
.tocsin-telegram .time::after{content:"";display:block;clear:both}"""


def preview(alert: Alert) -> str:
    """The message as a chat shows it: one ``div`` with its own style, without script and remote resources.

    The text is the very one that is sent: of Telegram's HTML mode it has only ``b``, ``pre`` and ``code``, which mean
    the same in a browser, and all else in it is escaped.
    """
    sound = '<span title="arrives without a sound">🔕</span> ' if alert.priority in SILENT else ""
    time = f"{alert.created_at.astimezone(UTC):%H:%M}"
    # Telegram draws a block by itself; the blank lines around it stand for the space that it has there.
    text = message(alert)["text"].replace("\n\n<pre>", "\n<pre>").replace("</pre>\n\n", "</pre>")
    return (
        f'<div class="tocsin-telegram"><style>{_STYLE}</style>'
        '<div class="row"><div class="face" aria-hidden="true">AB</div><div class="bubble">'
        f'<div class="name">Alerts Bot</div><div class="text">{text}</div>'
        f'<div class="time">{sound}{time}</div></div></div></div>'
    )
