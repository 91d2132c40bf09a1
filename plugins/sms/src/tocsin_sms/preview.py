"""What a person sees when an alert arrives: a phone's list of messages, as a static page shows it."""

from __future__ import annotations

from html import escape

from tocsin import Alert
from tocsin_sms.format import body

__all__ = ["preview"]

_STYLE = """\
.tocsin-sms{max-width:380px;box-sizing:border-box;padding:0 0 14px;border:1px solid #d5d5da;border-radius:22px;\
background:#fff;color:#111;\
font:16px/1.35 -apple-system,BlinkMacSystemFont,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;\
overflow:hidden}
.tocsin-sms header{padding:12px 16px 9px;border-bottom:1px solid #e3e3e8;background:#f7f7f9;text-align:center;\
font-size:13px;font-weight:600}
.tocsin-sms time{display:block;margin:12px 0 6px;text-align:center;font-size:12px;color:#6b6b70}
.tocsin-sms p{margin:0 44px 0 14px;padding:9px 14px;border-radius:18px 18px 18px 5px;background:#e9e9eb;\
white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}
.tocsin-sms footer{margin:6px 14px 0 20px;font-size:12px;color:#6b6b70}"""
_SENDER = "+1 (415) 555-0100"


def preview(alert: Alert) -> str:
    """An HTML fragment with the text as the channel sends it by default: one segment, and what was cut is cut."""
    fitted = body(alert)
    when = f"{alert.created_at:%Y-%m-%d %H:%M}"
    return (
        f'<div class="tocsin-sms"><style>{_STYLE}</style><header>{_SENDER}</header>'
        f'<time datetime="{escape(alert.created_at.isoformat())}">{when}</time>'
        f'<p dir="auto">{escape(fitted.text)}</p>'
        f"<footer>{fitted.segments} segment, {fitted.encoding}, {len(fitted.text)} characters</footer></div>"
    )
