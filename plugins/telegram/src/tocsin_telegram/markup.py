"""What Telegram's server makes of a text, for the simulator: https://core.telegram.org/bots/api#html-style."""

from __future__ import annotations

import html
import re

__all__ = ["BadMarkup", "mentions", "stored_text", "visible_text"]

_TOKEN = re.compile(r"<(?P<end>/?)(?P<tag>[^<>\s]*)[^<>]*>|<|&(?P<name>#[0-9]+|#x[0-9a-fA-F]+|[a-z]+);")
_STYLES = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "span", "tg-spoiler"}
_TAGS = _STYLES | {"a", "blockquote", "code", "pre", "tg-emoji", "tg-time"}
_ENTITIES = {"lt", "gt", "amp", "quot"}
_CONTROLS = re.compile(r"[\x00-\x09\x0b\x0c\x0e-\x1f]")
_REMOVED = re.compile("[\r\u2028-\u202e\u030a\u0333\u033f]")
_MENTION = re.compile(r"(?<!\w)@([a-zA-Z0-9_]{2,32})(?!\w)")


class BadMarkup(ValueError):
    """The text is refused; the words are those of the server."""


def visible_text(text: str) -> str:
    """What a person sees.

    Raises:
        BadMarkup: a tag is unknown, not closed or closed in the wrong order.
    """
    shown: list[str] = []
    opened: list[str] = []
    position = 0
    for match in _TOKEN.finditer(text):
        shown.append(text[position : match.start()])
        position = match.end()
        if match["name"]:
            shown.append(_character(match))
        else:
            _apply(match, opened, len(text[: match.start()].encode()))
    if opened:
        raise BadMarkup(f'Can\'t find end tag corresponding to start tag "{opened[-1]}"')
    return "".join([*shown, text[position:]])


def stored_text(shown: str) -> str:
    """The text as it is kept: controls become spaces, and some characters are dropped (tdlib/td, misc.cpp)."""
    return _REMOVED.sub("", _CONTROLS.sub(" ", shown)).strip()


def mentions(stored: str) -> list[str]:
    """The names that a stored text notifies (match_mentions in tdlib/td, MessageEntity.cpp)."""
    return _MENTION.findall(stored)


def _character(match: re.Match[str]) -> str:
    """What an entity stands for; one that Telegram does not know shows as it is written."""
    known = match["name"].startswith("#") or match["name"] in _ENTITIES
    return html.unescape(match[0]) if known else match[0]


def _apply(match: re.Match[str], opened: list[str], offset: int) -> None:
    tag = match["tag"]
    if not match["end"]:
        if tag not in _TAGS:
            raise BadMarkup(f'Unsupported start tag "{tag or ""}" at byte offset {offset}')
        opened.append(tag)
    elif not opened:
        raise BadMarkup(f"Unexpected end tag at byte offset {offset}")
    elif opened.pop() != tag:
        raise BadMarkup(f"Unmatched end tag at byte offset {offset}")
