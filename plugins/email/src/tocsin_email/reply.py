"""Replies of a mail server as they come over the wire (RFC 5321, section 4.2)."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable

__all__ = ["LONGEST_LINE", "LONGEST_REPLY", "BadReply", "read_reply"]

LONGEST_LINE = 8192
"""Bytes of one line; RFC 5321, section 4.5.3.1.5 allows 512, and some servers answer with more."""
LONGEST_REPLY = 65_536
"""Bytes of a whole reply: our own bound, so that an endless one ends."""
_LINE = re.compile(rb"([2-5]\d\d)([ -][^\r\n]*)?\r?\n")


class BadReply(smtplib.SMTPException):
    """What came is no SMTP reply."""


def read_reply(readline: Callable[[int], bytes]) -> tuple[int, bytes]:
    """The code and text of a reply; the lines of its text are joined with LF.

    Args:
        readline: returns the next line, at most so many bytes of it.

    Raises:
        SMTPServerDisconnected: the connection ended before the reply did.
        BadReply: it is none, or longer than :data:`LONGEST_REPLY` bytes.
        OSError: reading failed.
    """
    lines: list[bytes] = []
    size = 0
    while True:
        line = readline(LONGEST_LINE)
        size += len(line)
        match = _LINE.fullmatch(line)
        if match is None or size > LONGEST_REPLY:
            if not line.endswith(b"\n") and len(line) < LONGEST_LINE:
                raise smtplib.SMTPServerDisconnected("the connection ended within a reply")
            raise BadReply("no SMTP reply")
        lines.append((match[2] or b"")[1:].strip())
        if not (match[2] or b"").startswith(b"-"):
            return int(match[1]), b"\n".join(lines)
