"""MIME in bytes: encoded words, transfer encodings, and the parts of a mail.

``email.message`` does the same for any mail and takes ten times as long, most of it for the general case of a header.
It also decodes encoded words in a value that is set (a title ``=?utf-8?q?a=0Ab?=`` becomes two lines), which older
Pythons then write out as they are.
"""

from __future__ import annotations

import re
from base64 import encodebytes
from binascii import b2a_base64, b2a_qp
from collections.abc import Iterator, Sequence, Sized
from string import ascii_letters, digits
from typing import TypeVar

__all__ = ["LINE", "SPARSE", "alternative", "encoded_words", "part"]

LINE = 76
"""Characters of a line with an encoded word or in a transfer encoding (RFC 2047, section 2; RFC 2045, section 6.7)."""
SPARSE = 64 * 1024
"""Characters up to which quoted-printable is used: mail readers and filters like it better, base64 is faster."""
_AROUND = len("=?utf-8?q??=")
# What may stand in an encoded word anywhere, also in the name of an address (RFC 2047, section 5, rule 3).
_HARMLESS = f"{ascii_letters}{digits}!*+-/"
_QUOTED = [chr(byte) if chr(byte) in _HARMLESS else f"={byte:02X}" for byte in range(256)]
_QUOTED[ord(" ")] = "_"
_SPACE_AT_THE_END = re.compile(rb"[ \t]\n")
_TOO_LONG = re.compile(rb"^(.{74,75})(=20|=09)$", re.MULTILINE)
_T = TypeVar("_T", bound=Sized)


def encoded_words(text: str, first: int = LINE, rest: int = LINE - 1) -> str:
    """The text in UTF-8 as encoded words (RFC 2047) on folded lines, in whichever of the two encodings is shorter.

    Args:
        text: not empty. Of a header only this is decoded by readers, and nothing in it can end the header.
        first: characters of the first word.
        rest: characters of each other word; at most 75.
    """
    letters = [letter.encode() for letter in text]
    quoted = ["".join([_QUOTED[byte] for byte in letter]) for letter in letters]
    if sum(map(len, quoted)) <= _base64_size(sum(map(len, letters))):
        lines = _filled(quoted, first - _AROUND, rest - _AROUND)
        words = [f"=?utf-8?q?{''.join(line)}?=" for line in lines]
    else:
        chunks = _filled(letters, (first - _AROUND) // 4 * 3, (rest - _AROUND) // 4 * 3)
        words = [f"=?utf-8?b?{b2a_base64(b''.join(chunk), newline=False).decode()}?=" for chunk in chunks]
    return "\r\n ".join(words)


def part(subtype: str, text: str) -> bytes:
    """A part ``text/…`` in UTF-8: header, empty line and content, all in ASCII lines of at most 76 characters.

    Args:
        subtype: ``plain`` or ``html``.
        text: with any line ends.
    """
    content = text.replace("\r\n", "\n").replace("\r", "\n")
    if not content.endswith("\n"):
        content += "\n"
    if len(content) <= SPARSE:
        encoding, encoded = b"quoted-printable", _quoted_printable(content.encode())
    else:
        encoding, encoded = b"base64", encodebytes(content.replace("\n", "\r\n").encode())
    head = b'Content-Type: text/%b; charset="utf-8"\nContent-Transfer-Encoding: %b\n\n'
    return (head % (subtype.encode(), encoding) + encoded).replace(b"\n", b"\r\n")


def alternative(boundary: str, parts: Sequence[bytes]) -> bytes:
    """One content in several forms, the best one last (RFC 2046, section 5.1.4).

    Args:
        boundary: at most 66 characters; with ``=_`` in it, it stands in no quoted-printable and no base64.
        parts: as :func:`part` makes them.
    """
    line = boundary.encode()
    head = b'Content-Type: multipart/alternative;\r\n boundary="%b"\r\n\r\n' % line
    return head + b"".join(b"--%b\r\n%b\r\n" % (line, one) for one in parts) + b"--%b--\r\n" % line


def _quoted_printable(content: bytes) -> bytes:
    encoded = b2a_qp(content)
    # A blank at the end of a line becomes three characters, which binascii does not count.
    return _TOO_LONG.sub(rb"\1=\n\2", encoded) if _SPACE_AT_THE_END.search(content) else encoded


def _base64_size(size: int) -> int:
    return (size + 2) // 3 * 4


def _filled(pieces: Sequence[_T], first: int, rest: int) -> Iterator[list[_T]]:
    """The pieces in lines, as many in each as there is room for."""
    line: list[_T] = []
    room = first
    for piece in pieces:
        if len(piece) > room:
            yield line
            line, room = [], rest
        line.append(piece)
        room -= len(piece)
    yield line
