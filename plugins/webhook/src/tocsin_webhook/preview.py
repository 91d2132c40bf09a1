"""A request as an endpoint sees it, for the documentation."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator

from tocsin import Alert, Secret
from tocsin_webhook.format import body_of, headers_of

__all__ = ["preview"]

_PATH, _HOST = "/hooks/alerts", "alerts.example.com"
_KEY = "5d0f7a3e9b1c4826a7e4c2d19f8b6035"
_SECRET = Secret("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
"""The example of the manual."""
_TOKEN = re.compile(
    r'(?P<name>"(?:[^"\\]|\\.)*")(?=:)|(?P<text>"(?:[^"\\]|\\.)*")'
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>true|false|null)"
)
_STYLE = """\
.tocsin-webhook { max-width: 680px; border: 1px solid #d0d7de; border-radius: 6px; overflow: hidden; background: #fff;
  color: #1f2328; font: 12px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }
.tocsin-webhook p, .tocsin-webhook dl, .tocsin-webhook pre { margin: 0; padding: 10px 14px; background: none }
.tocsin-webhook p { background: #f6f8fa; border-bottom: 1px solid #d0d7de }
.tocsin-webhook p b { background: #1a7f37; color: #fff; border-radius: 3px; padding: 1px 6px; margin-right: 8px }
.tocsin-webhook dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 14px }
.tocsin-webhook dl { border-bottom: 1px solid #d0d7de }
.tocsin-webhook dt { color: #59636e }
.tocsin-webhook dd { margin: 0; overflow-wrap: anywhere }
.tocsin-webhook pre { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; border: 0 }
.tocsin-webhook .name { color: #0550ae }
.tocsin-webhook .text { color: #0a3069; unicode-bidi: isolate }
.tocsin-webhook .number, .tocsin-webhook .word { color: #953800 }"""


def preview(alert: Alert) -> str:
    """The signed request that carries this alert, as an HTML fragment: request line, headers, and the body indented.

    Key, host and secret are examples; time and signature are those of an attempt at the alert's own time.
    """
    content = body_of(alert)
    signed = headers_of(_KEY, alert.created_at, content, [_SECRET])
    headers = {"Host": _HOST, "Content-Length": str(len(content)), **signed}
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in headers.items())
    body = "".join(_coloured(json.dumps(json.loads(content), ensure_ascii=False, indent=2)))
    return (
        f'<div class="tocsin-webhook"><style>{_STYLE}</style>'
        f"<p><b>POST</b>{_PATH} HTTP/1.1</p><dl>{rows}</dl><pre>{body}</pre></div>"
    )


def _coloured(text: str) -> Iterator[str]:
    """Each name, string, number and word of a JSON text in a span of its own; nothing of it is markup."""
    end = 0
    for token in _TOKEN.finditer(text):
        yield html.escape(text[end : token.start()])
        yield f'<span class="{token.lastgroup}">{html.escape(token.group())}</span>'
        end = token.end()
    yield html.escape(text[end:])
