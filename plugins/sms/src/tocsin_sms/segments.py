"""How many segments a text needs, and the most of it that fits into so many: pure functions.

A phone gets 140 bytes at a time. In GSM-7 (3GPP TS 23.038) these are 160 septets, and 153 where a header joins several
segments; one character outside that alphabet turns the whole text into UCS-2, with 70 and 67 units of 16 bits. Neither
a character of two septets nor a surrogate pair is split between segments
(https://www.twilio.com/docs/glossary/what-sms-character-limit).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from enum import StrEnum

import attrs

from tocsin.rendering import graphemes

__all__ = [
    "BODY_LIMIT",
    "MAX_SEGMENTS",
    "Encoding",
    "Fitted",
    "encoding_of",
    "fit",
    "measured",
    "resembling",
    "segments_of",
]

BODY_LIMIT = 1600
"""Characters in one message, over all segments (https://www.twilio.com/docs/messaging/api/message-resource)."""
MAX_SEGMENTS = 10
"""Ten segments hold 1,530 septets, the most that stays below :data:`BODY_LIMIT`."""


class Encoding(StrEnum):
    """How a text travels."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


_ALONE = {Encoding.GSM7: 160, Encoding.UCS2: 70}
_JOINED = {Encoding.GSM7: 153, Encoding.UCS2: 67}
_MARKER = {Encoding.GSM7: "...", Encoding.UCS2: "…"}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ONE_SEPTET = frozenset(
    f"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡{_LETTERS.upper()}ÄÖÑÜ§¿{_LETTERS}äöñüà"
)
_TWO_SEPTETS = frozenset("\f^{}\\[~]|€")
_GSM7 = _ONE_SEPTET | _TWO_SEPTETS
_LOOK_ALIKES = str.maketrans(
    dict.fromkeys(
        "\u2018\u2019\u201a\u201b\u2032\u00b4\u02b9\u02bb\u02bc\u02bd\u02c8\u02ca\u02cb\u275b\u275c\uff07`", "'"
    )
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\u02ba\u02ee\u275d\u275e\u301d\u301e\uff02", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2022\u2043\ufe63\uff0d\u00ad", "-")
    | dict.fromkeys("\t\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\u3000", " ")
    | dict.fromkeys("\u200b\u2060\ufeff")
    | {"…": "...", "\u00b7": ".", "\u2192": "->", "\u00f7": "/"}
)
"""Among them those of https://www.twilio.com/docs/messaging/services/smart-encoding-char-list that alerts hold."""


@attrs.frozen
class Fitted:
    """A text that fits.

    Attributes:
        text: as it is sent.
        encoding: how it travels.
        segments: what is paid for.
    """

    text: str
    encoding: Encoding
    segments: int


@attrs.frozen
class _Tally:
    """How much room the characters so far take."""

    encoding: Encoding
    total: int = 0
    joined: int = 1
    used: int = 0

    def add(self, text: str) -> _Tally:
        total, joined, used = self.total, self.joined, self.used
        for character in text:
            cost = _cost(character, self.encoding)
            total += cost
            if used + cost > _JOINED[self.encoding]:
                joined, used = joined + 1, 0
            used += cost
        return _Tally(self.encoding, total, joined, used)

    @property
    def segments(self) -> int:
        return 1 if self.total <= _ALONE[self.encoding] else self.joined


def encoding_of(text: str) -> Encoding:
    """GSM-7 where every character is in its alphabet, else UCS-2."""
    return Encoding.GSM7 if _is_gsm7(text) else Encoding.UCS2


def segments_of(text: str) -> int:
    """The number of segments that the text needs."""
    return _Tally(encoding_of(text)).add(text).segments


def measured(text: str) -> Fitted:
    """The text as it is, with its encoding and segments."""
    return Fitted(text, encoding_of(text), segments_of(text))


def resembling(text: str) -> str:
    """The text with look-alikes for quotes, dashes, spaces and dots, and without what nobody sees."""
    return text.translate(_LOOK_ALIKES)


def fit(text: str, segments: int) -> Fitted:
    """As much of the text as fits into so many segments.

    Tried in GSM-7 with look-alikes, up to the first character that has none, and in UCS-2; what keeps more of the text
    wins, and GSM-7 where both keep the same.

    Args:
        text: any text, not empty.
        segments: 1 to :data:`MAX_SEGMENTS`.
    """
    plain = resembling(text)[: BODY_LIMIT + 1]
    if _is_gsm7(plain):
        return _fit_gsm7(plain, segments)
    kept, cut = _cut(graphemes(plain), Encoding.GSM7, segments)
    if cut:
        wide, wide_cut = _cut(graphemes(text[: BODY_LIMIT + 1]), Encoding.UCS2, segments)
        if not wide_cut or len(resembling(wide)) > len(kept):
            return _fitted(wide, Encoding.UCS2, wide_cut)
    return _fitted(kept, Encoding.GSM7, cut)


def _fit_gsm7(text: str, segments: int) -> Fitted:
    """As much of a GSM-7 text as fits: each of its characters is a letter, and UCS-2 would hold less of it."""
    if (whole := _gsm7_segments(text)) <= segments:
        return Fitted(text, Encoding.GSM7, whole)

    def needed(length: int) -> int:
        return _gsm7_segments(text[:length] + _MARKER[Encoding.GSM7])

    most = range(min(len(text), _ALONE[Encoding.GSM7] * segments) + 1)
    return _fitted(text[: bisect_right(most, segments, key=needed) - 1], Encoding.GSM7, cut=True)


def _gsm7_segments(text: str) -> int:
    pairs = sum(map(text.count, _TWO_SEPTETS))
    if len(text) + pairs <= _ALONE[Encoding.GSM7]:
        return 1
    if pairs:  # none of them is split between two segments
        return _Tally(Encoding.GSM7).add(text).segments
    return math.ceil(len(text) / _JOINED[Encoding.GSM7])


def _fitted(kept: str, encoding: Encoding, cut: bool) -> Fitted:
    text = kept.rstrip() + _MARKER[encoding] if cut else kept
    return Fitted(text, encoding, _Tally(encoding).add(text).segments)


def _cut(clusters: Iterable[str], encoding: Encoding, segments: int) -> tuple[str, bool]:
    """The longest run of letters that fits, with room for the marker where it is not the whole text."""
    tally, safe = _Tally(encoding), 0
    kept: list[str] = []
    for cluster in clusters:
        tally = tally.add(cluster)
        if tally.segments > segments or (encoding is Encoding.GSM7 and not _is_gsm7(cluster)):
            return "".join(kept[:safe]), True
        kept.append(cluster)
        if tally.add(_MARKER[encoding]).segments <= segments:
            safe = len(kept)
    return "".join(kept), False


def _is_gsm7(text: str) -> bool:
    return _GSM7.issuperset(text)


def _cost(character: str, encoding: Encoding) -> int:
    """Septets, or units of 16 bits."""
    if encoding is Encoding.GSM7:
        return 2 if character in _TWO_SEPTETS else 1
    return 2 if character > "\uffff" else 1
