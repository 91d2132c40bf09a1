"""Slack's text: escaping, cutting and splitting it (docs.slack.dev/messaging/formatting-message-text)."""

from __future__ import annotations

import re

from tocsin.rendering import clip, measure

__all__ = ["UNIT", "coded", "cut", "escape", "inert", "linked", "measured", "split", "tame"]

UNIT = "utf16"
"""Slack says characters and not which; UTF-16 units are never fewer than code points, so this is safe either way."""

_MARKER = "…"
_LONGEST_URL = 1000
_UNFINISHED = re.compile(r"(?:&[a-z]{0,3}|<[^<>]*)\Z")
_URL = re.compile(r"https?://[^\s<>|`*]*[A-Za-z0-9/=&#_-]")
_MARK = r"[*~`\uff0a\uff5e\uff40\uff3f]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
"""What mrkdwn makes bold, struck, code or italic of; the wide forms do so too."""
_EMOJI = r":(?!\d\d?:)(?=[^\s:]+:)"
"""The colon before the name of an emoji; 09:30:00 has none."""
_FORMATS = re.compile(rf"{_MARK}|{_EMOJI}|^\s*[>\uff1e]", re.MULTILINE)
_ACTIVE = re.compile(rf"(?:{_MARK}|{_EMOJI}|\uff1e)+")
_QUOTATION = re.compile(r"^(?=[^\S\n]*&gt;)", re.MULTILINE)
_SOFT_HYPHEN = "\u00ad"
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
    # A low line that stood within a word would be markup before the marker.
    return _UNFINISHED.sub("", kept).rstrip().removesuffix("_") + _MARKER


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


def inert(escaped: str) -> str:
    """Escaped text in which mrkdwn finds nothing to format, for where it cannot be switched off.

    Characters that are markup stand as the fallback of a date that cannot be read, which Slack shows as it is; a soft
    hyphen keeps a line from being a quotation, because no entity can stand in a fallback. Invisible spaces around the
    characters would do the opposite: they make Slack format inside a word
    (github.com/yhatt/jsx-slack/blob/main/docs/about-escape-and-exact-mode.md).
    """
    return _QUOTATION.sub(_SOFT_HYPHEN, _ACTIVE.sub(r"<!date^00000000^{_}|\g<0>>", escaped))


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
