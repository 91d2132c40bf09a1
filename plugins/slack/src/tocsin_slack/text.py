"""Slack's text: escaping, cutting and splitting it (docs.slack.dev/messaging/formatting-message-text)."""

from __future__ import annotations

import re

from tocsin.rendering import clip, measure

__all__ = ["UNIT", "coded", "cut", "escape", "linked", "measured", "split", "tame"]

UNIT = "utf16"
"""Slack says characters and not which; UTF-16 units are never fewer than code points, so this is safe either way."""

_MARKER = "…"
_LONGEST_URL = 1000
_UNFINISHED = re.compile(r"(?:&[a-z]{0,3}|<[^<>]*)\Z")
_URL = re.compile(r"https?://[^\s<>|`*]*[A-Za-z0-9/=&#_-]")
_FORMATS = re.compile(r"[*~`]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^\s*>|:(?!\d\d?:)[^\s:]+:", re.MULTILINE)
"""What mrkdwn makes bold, struck, code, italic, a quotation or an emoji of; 09:30:00 is none."""
_TAME = re.compile(r"[A-Za-z0-9]+(?:[ ._/-][A-Za-z0-9]+)*")


def escape(text: str) -> str:
    """The three control characters as entities; without a ``<`` there is no mention, link or date."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def measured(text: str) -> int:
    """The length as it counts here."""
    return measure(text, UNIT)


def cut(escaped: str, limit: int) -> str:
    """Escaped text within the limit, never cut inside an entity or a link."""
    if measured(escaped) <= limit:
        return escaped
    kept = clip(escaped, limit, UNIT, _MARKER).removesuffix(_MARKER)
    return _UNFINISHED.sub("", kept).rstrip() + _MARKER


def split(escaped: str, limit: int) -> list[str]:
    """Escaped text in parts within the limit, at a line's or else a word's end in a part's second half."""
    parts: list[str] = []
    while measured(escaped) > limit:
        head = _UNFINISHED.sub("", clip(escaped, limit, UNIT, marker=""))
        if not head:  # one cluster of marks that fills a whole part
            return [*parts, _MARKER]
        if not escaped[len(head)].isspace():
            ends = (head.rfind("\n"), head.rfind(" "), len(head))
            head = head[: next(end for end in ends if end > len(head) // 2)]
        parts.append(head)
        escaped = escaped[len(head) :].lstrip()
    return [*parts, escaped] if escaped else parts


def linked(text: str) -> str | None:
    """The escaped text with its URLs as links; None without a URL, or with characters that mrkdwn would format.

    Those cannot be escaped in mrkdwn, so such a text is better sent as plain text.
    """
    urls = [escape(url) for url in _URL.findall(text)]
    between = _URL.split(text)
    if not urls or max(map(len, urls)) > _LONGEST_URL or _FORMATS.search(" ".join(between)):
        return None
    links = [f"<{url}>" for url in urls]
    return "".join(part for pair in zip(map(escape, between), [*links, ""], strict=True) for part in pair)


def coded(text: str, limit: int) -> str | None:
    """The text as inline code; None where it holds what code cannot hold."""
    if not text or "`" in text or "\n" in text or text != text.strip():
        return None
    return f"`{cut(escape(text), limit - 2)}`"


def tame(text: str) -> bool:
    """Whether mrkdwn finds nothing to format in it."""
    return _TAME.fullmatch(text) is not None
