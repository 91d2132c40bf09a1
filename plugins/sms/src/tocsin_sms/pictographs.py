"""Emoji and other pictographs of an alert, and the text without them: pure functions.

One of them turns a text of GSM-7 characters into UCS-2, and takes more than half of a segment's room with it
(https://www.twilio.com/docs/glossary/what-is-ucs-2-character-encoding).
"""

from __future__ import annotations

import unicodedata
from itertools import groupby

from tocsin.rendering import graphemes

__all__ = ["without_pictographs"]

_PRESENTATION = "\ufe0f"
_INFORMATION = "\u2139"
"""The only emoji that is a letter to Unicode."""
_CLOSE = ("\n", ",", ".", ";", ":", "!", "?", ")")
_JOINTS = dict.fromkeys((0x200D, 0x20E3, *range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080)))
"""What stands only around pictographs: joiner, keycap, variation selectors, skin tones and the letters of flags."""


def without_pictographs(text: str) -> str:
    """The text without pictographs, and without the spaces that would be left over.

    A pictograph is a symbol (Unicode's category So) beyond Latin-1, with all that is joined to it. Signs that stand for
    letters (``™``, ``№``) stay, and so do arrows and geometric shapes: ``▼ 5 %`` says which way. With U+FE0F
    behind them they are emoji, too, and go. Of a keycap the digit stays.
    """
    if text.isascii():
        return text
    kept = ""
    for drawn, clusters in groupby(graphemes(text), _is_pictograph):
        if drawn:
            continue
        words = "".join(clusters)
        if len(words) == len(text):
            kept = words
        elif words.startswith(_CLOSE):
            kept = kept.rstrip(" ") + words
        else:
            kept += words.lstrip(" ") if kept[-1:] in ("", " ", "\n") else words
    return (kept if len(kept) == len(text) else kept.rstrip(" ")).translate(_JOINTS)


def _is_pictograph(cluster: str) -> bool:
    sign = cluster[0]
    if sign <= "\xff":
        return False
    if ord(sign) in _JOINTS or (_PRESENTATION in cluster and (sign == _INFORMATION or not sign.isalnum())):
        return True
    shape = "\u2190" <= sign <= "\u21ff" or "\u25a0" <= sign <= "\u25ff"
    return unicodedata.category(sign) == "So" and not shape and not unicodedata.decomposition(sign)
