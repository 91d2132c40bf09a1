"""What a person sees when an alert arrives, as a piece of HTML for a page of the documentation."""

from __future__ import annotations

import html
import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from tocsin import Alert
from tocsin_email.addresses import to_mailbox
from tocsin_email.format import Letter, mail_for

__all__ = ["preview"]

_SENDER = to_mailbox("Tocsin <alerts@example.com>")
_RECIPIENT = to_mailbox("Operations <ops@example.com>")
_BODY = re.compile(r'<body style="([^"]*)">(.*)</body>', re.DOTALL)
_FRAME = """<div class="tocsin-email">
<style>
.tocsin-email {{ box-sizing: border-box; max-width: 680px; overflow: hidden; background: #ffffff; \
border: 1px solid #d0d7de; border-radius: 8px; color: #1f2328; \
font: 14px/1.5 -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif }}
.tocsin-email .strip {{ padding: 12px 16px; border-bottom: 1px solid #d0d7de }}
.tocsin-email .subject {{ font-size: 18px; line-height: 1.35; font-weight: 600; overflow-wrap: anywhere }}
.tocsin-email .line {{ color: #59636e; font-size: 13px; overflow-wrap: anywhere }}
.tocsin-email .line b {{ color: #1f2328; font-weight: 600 }}
.tocsin-email .urgent {{ color: #b30000; font-weight: 600 }}
.tocsin-email table {{ margin-top: 0; margin-bottom: 0; color: inherit }}
</style>
<div class="strip">
<div class="subject" dir="auto">{subject}</div>
<div class="line">From: <b>{sender}</b></div>
<div class="line">To: <b>{to}</b></div>
<div class="line">{date}{urgent}</div>
</div>
<div style="{style}">{page}</div>
</div>
"""
_URGENT = ' &middot; <span class="urgent">High importance</span>'


def preview(alert: Alert) -> str:
    """One ``<div class="tocsin-email">`` with lines of the header and the HTML half, as mail programs show a mail.

    It is made from the bytes of the mail itself: what is cut there is cut here. There is no script in it, nothing loads
    from elsewhere, and every value is escaped.
    """
    letter = Letter(sender=_SENDER, to=_RECIPIENT, key=alert.alert_id, now=alert.created_at)
    mail = message_from_bytes(mail_for(alert, letter), policy=default)
    style, page = _page_of(mail)
    return _FRAME.format(
        subject=_escaped(mail["Subject"]),
        sender=_escaped(mail["From"]),
        to=_escaped(mail["To"]),
        date=_escaped(f"{letter.now:%A, %d %B %Y, %H:%M %Z}"),
        urgent=_URGENT if mail["Importance"] == "high" else "",
        style=style,
        page=page,
    )


def _escaped(value: object) -> str:
    return html.escape(str(value))


def _page_of(mail: EmailMessage) -> tuple[str, str]:
    """Style and content of the page's body; the alert's own text is escaped there and cannot end it."""
    part = mail.get_body(("html",))
    found = _BODY.search(part.get_content()) if part is not None else None
    if found is None:
        raise ValueError("the mail has no HTML half")
    return found[1], found[2].replace("\r\n", "\n").strip()
