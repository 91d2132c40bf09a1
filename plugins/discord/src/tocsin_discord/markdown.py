"""Discord's Markdown: writing text so that it reads as it is, and reading it back for the simulator."""

from __future__ import annotations

import re

from tocsin.rendering import clip, measure

__all__ = ["UNIT", "code_block", "cut", "escape", "escape_line", "measured", "shown", "take", "unfenced"]

UNIT = "characters"
"""Code points: what Discord's developers say of its limits (github.com/discord/discord-api-docs/issues/1315), and what
``maxLength`` means in its description (github.com/discord/discord-api-spec)."""

_MARKER = "…"
_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?#@!$&'()+,;=%]+")
_INLINE = re.compile(r"[\\*_~`|\[\]<]")
_LINE_START = re.compile(r"^([ \t]*)([>#-]|[0-9]+(?=\.\s))", re.MULTILINE)
"""Quotes, headings, lists and small print; of a numbered list the dot is escaped, as no backslash escapes a digit."""
_LONE_BACKSLASH = re.compile(r"(?<!\\)((?:\\\\)*)\\\Z")
_WORD_JOINER = "\u2060"
_FENCE = "```"


def escape(text: str) -> str:
    """The text with a backslash before everything that would be markup, a mention, an emoji or a time.

    URLs stay as they are, because a backslash in one would break it; they can be clicked.
    """
    parts: list[str] = []
    position = 0
    for match in _URL.finditer(text):
        parts += [_INLINE.sub(r"\\\g<0>", text[position : match.start()]), match[0]]
        position = match.end()
    parts.append(_INLINE.sub(r"\\\g<0>", text[position:]))
    return _LINE_START.sub(_escaped_start, "".join(parts))


def escape_line(text: str) -> str:
    """The same for a headline, where a URL is no link: Discord would show a preview of its page."""
    return _LINE_START.sub(_escaped_start, _INLINE.sub(r"\\\g<0>", text)).replace("://", "\\://")


def _escaped_start(match: re.Match[str]) -> str:
    blanks, mark = match.groups()
    return f"{blanks}{mark}\\" if mark.isdigit() else f"{blanks}\\{mark}"


def measured(text: str) -> int:
    """The length as it counts here."""
    return measure(text, UNIT)


def cut(escaped: str, limit: int) -> str:
    """Escaped text within the limit, never cut between a backslash and what it escapes."""
    if measured(escaped) <= limit:
        return escaped
    kept = clip(escaped, limit, UNIT, _MARKER).removesuffix(_MARKER)
    return _LONE_BACKSLASH.sub(r"\1", kept).rstrip() + _MARKER


def take(text: str, limit: int) -> tuple[str, str]:
    """As much of a text without markup as fits, up to a line's end where that is in the second half, and the rest."""
    if measured(text) <= limit:
        return text, ""
    head = clip(text, limit, UNIT, marker="")
    line = head.rfind("\n")
    if line > limit // 2 and text[len(head)] != "\n":
        head = head[:line]
    # A cluster of marks that fills a whole part leaves nothing that could be shown.
    return (head, text[len(head) :].lstrip()) if head else (_MARKER, "")


def code_block(text: str) -> str:
    """The text as a block of code, which needs and knows no escapes; :func:`unfenced` text cannot end it."""
    return f"{_FENCE}\n{text}\n{_FENCE}"


def unfenced(text: str) -> str:
    """The text with an invisible joiner in every run of backticks."""
    return re.sub("`(?=`)", f"`{_WORD_JOINER}", text)


def shown(text: str) -> str:
    """What a person sees of text that :func:`escape` or :func:`code_block` wrote."""
    if text.startswith(f"{_FENCE}\n"):
        return text.removeprefix(f"{_FENCE}\n").removesuffix(f"\n{_FENCE}").replace(_WORD_JOINER, "")
    return re.sub(r"\\([^0-9A-Za-z\s])", r"\1", text)
