"""Block Kit as Slack's server checks and shows it, for the simulator: docs.slack.dev/reference/block-kit/blocks."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from tocsin_slack.format import BLOCK_TEXT_LIMIT, FIELD_LIMIT, FIELDS_LIMIT, HEADER_LIMIT, SECTION_LIMIT

__all__ = ["BadBlocks", "check", "visible"]

_MAX_BLOCKS = 50
_MAX_ELEMENTS = 10
_METADATA_KEYS = frozenset({"event_type", "event_payload"})
_ENTITIES = re.compile(r"&(?!(?:amp|lt|gt);)")
_CONTROL = re.compile(r"<([^<>]*)>")
_MARKUP = re.compile(r"^```$\n?|^\*|\*$", re.MULTILINE)
_QUOTATION = re.compile(r"^[^\S\n]*(?:&gt;|\uff1e)|^\u00ad(?=[^\S\n]*&gt;)", re.MULTILINE)
_SPAN = re.compile(r"(?<![A-Za-z0-9])([*_~`\uff0a\uff3f\uff5e\uff40])(?=\S)([^\n]*?\S)\1(?![A-Za-z0-9])")
_EMOJI = re.compile(r":(?!\d\d?:)[^\s:\x00]+:")
_HIDDEN = "\x00"
_CODE = re.compile(r"`([^`\n]+)`$", re.MULTILINE)
_KEYS = {"plain_text": {"type", "text", "emoji"}, "mrkdwn": {"type", "text", "verbatim"}}


class BadBlocks(ValueError):
    """The message is refused, with the provider's word for it."""


def check(message: dict[str, Any]) -> None:
    """Raise :class:`BadBlocks` for what Slack refuses in ``text`` and ``attachments``."""
    attachments = message.get("attachments", [])
    if not message.get("text") and not attachments:
        raise BadBlocks("no_text")
    if len(attachments) > 100:
        raise BadBlocks("too_many_attachments")
    if not _METADATA_KEYS.issuperset(message.get("metadata", {})):
        raise BadBlocks("invalid_metadata_format")
    for attachment in attachments:
        blocks = attachment.get("blocks", [])
        if not re.fullmatch(r"#[0-9A-Fa-f]{6}", attachment.get("color", "")) or not 0 < len(blocks) <= _MAX_BLOCKS:
            raise BadBlocks("invalid_attachments")
        for block in blocks:
            _check_block(block)
        if sum(len(text["text"]) for text in _texts(blocks)) > BLOCK_TEXT_LIMIT:
            raise BadBlocks("msg_blocks_too_long")


def _check_block(block: dict[str, Any]) -> None:
    match block:
        case {"type": "header", "text": {"type": "plain_text"} as text, **rest} if not rest:
            _check_text(text, HEADER_LIMIT)
        case {"type": "section", "text": text, **rest} if not rest:
            _check_text(text, SECTION_LIMIT)
        case {"type": "section", "fields": [_, *_] as fields, **rest} if not rest and len(fields) <= FIELDS_LIMIT:
            for field in fields:
                _check_text(field, FIELD_LIMIT)
        case {"type": "context", "elements": [_, *_] as elements, **rest} if not rest:
            if len(elements) > _MAX_ELEMENTS:
                raise BadBlocks("invalid_blocks")
            for element in elements:
                _check_text(element, SECTION_LIMIT)
        case _:
            raise BadBlocks("invalid_blocks")


def _check_text(text: dict[str, Any], limit: int) -> None:
    words = text.get("text", "")
    known = _KEYS.get(text.get("type", ""), set())
    if not set(text) <= known or not isinstance(words, str) or not 0 < len(words.strip()) <= len(words) <= limit:
        raise BadBlocks("invalid_blocks")


def _texts(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for block in blocks:
        yield from [block["text"]] if "text" in block else block.get("fields") or block.get("elements", [])


def visible(message: dict[str, Any]) -> str:
    """What a person reads: the text, and below it that of the blocks.

    A mention or anything else that Slack would act on is left as it is written, so that a test can find it.
    """
    text = message.get("text") or ""
    lines = [_shown(text if message.get("mrkdwn") is False else _formatted(text), plain=True)]
    for attachment in message.get("attachments") or []:
        for text in _texts(attachment.get("blocks", [])):
            lines.append(_shown(str(text.get("text", "")), plain=text.get("type") == "plain_text"))
    return "\n".join(lines)


def _formatted(text: str) -> str:
    """``text`` where mrkdwn was not switched off: markup in it is not shown, and an emoji's name is a picture."""
    kept = iter([_control(match) for match in _CONTROL.finditer(text)])
    text = _QUOTATION.sub("", _CONTROL.sub(_HIDDEN, text.replace(_HIDDEN, "")))
    text = _EMOJI.sub("\N{WHITE SQUARE}", _SPAN.sub(r"\2", text))
    return re.sub(_HIDDEN, lambda _: next(kept), text)


def _shown(text: str, *, plain: bool) -> str:
    if not plain:
        text = _CODE.sub(r"\1", _MARKUP.sub("", _CONTROL.sub(_control, text)))
    return html.unescape(_ENTITIES.sub("&amp;", text)).replace("\u2060", "")


def _control(match: re.Match[str]) -> str:
    inside = match[1]
    if inside.startswith("!date^"):
        return inside.partition("|")[2]
    return match[0] if inside.startswith(("!", "@", "#")) else inside
