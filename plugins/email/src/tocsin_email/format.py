"""An alert as a mail: header, plain text and HTML, in the bytes that go to the server."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from email.utils import format_datetime

import attrs

from tocsin import Alert, AlertPriority
from tocsin.rendering import REPEATED, clip, details, facts, headline, measure, stamp, without_overrides
from tocsin_email.addresses import Mailbox
from tocsin_email.markup import page_for
from tocsin_email.mime import LINE, alternative, encoded_words, part

__all__ = [
    "FULL",
    "MAX_PREFIX",
    "PLAIN",
    "SUBJECT_LIMIT",
    "Letter",
    "Limits",
    "mail_for",
    "message_id",
    "thread_id",
    "token_of",
]

SUBJECT_LIMIT = 255
"""UTF-16 units; Exchange keeps no more (Microsoft Learn, *Exchange Online limits*, message limits)."""
MAX_PREFIX = 60
"""Characters of a prefix: our own bound, so that the title stays in sight."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9_-]{1,64}@[A-Za-z0-9.:\[\]-]{1,255}>")
_URGENCY = {AlertPriority.CRITICAL: ("1 (Highest)", "high"), AlertPriority.HIGH: ("2 (High)", "high")}


@attrs.frozen
class Limits:
    """How much of an alert a plain text holds, in characters.

    Attributes:
        message: of the message.
        rows: of all facts and data together.
        value: of one value.
    """

    message: int
    rows: int
    value: int


FULL = Limits(message=262_144, rows=65_536, value=4_000)
"""A mail can carry any message whole; of the data it shows what a person would still read."""
PLAIN = Limits(message=2_000, rows=1_500, value=200)
"""Below the 64 kB that every server takes (RFC 5321, section 4.5.3.1.7), in any script and encoding."""


@attrs.frozen(kw_only=True)
class Letter:
    """What a mail needs besides the alert.

    Attributes:
        sender, to: who writes to whom.
        key: the idempotency key; makes the Message-ID.
        now: for the Date header.
        prefix: stands before the subject.
        plain: plain text only, shortened.
        repeated: an earlier copy may have arrived.
        previous: Message-ID of the last mail about the same thing.
    """

    sender: Mailbox
    to: Mailbox
    key: str
    now: datetime
    prefix: str = ""
    plain: bool = False
    repeated: bool = False
    previous: str | None = None

    @property
    def needs_utf8(self) -> bool:
        """Only a server with SMTPUTF8 can take it."""
        return self.sender.needs_utf8 or self.to.needs_utf8


def mail_for(alert: Alert, letter: Letter) -> bytes:
    """The mail: CRLF line ends, lines of at most 998 octets, ASCII unless an address is not."""
    head = "".join(f"{name}: {value}\r\n" for name, value in _header(alert, letter).items())
    return head.encode() + _body(alert, letter)


def message_id(key: str, domain: str) -> str:
    """``<key@domain>``: the same in each attempt, so that most mail programs show a second copy only once."""
    return f"<{token_of(key)}@{domain}>"


def token_of(key: str) -> str:
    """The key, or its SHA-256 where it has other characters than letters, digits, ``-`` and ``_``; at most 64."""
    return key if _TOKEN.fullmatch(key) else hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def thread_id(dedup_key: str, letter: Letter) -> str:
    """The id of a mail that never was, under which all mails about the same thing to the same recipient gather."""
    digest = hashlib.sha256(f"{dedup_key}\0{letter.to.address}".encode("utf-8", "replace")).hexdigest()
    return message_id(f"thread-{digest[:32]}", letter.sender.domain)


def _header(alert: Alert, letter: Letter) -> dict[str, str]:
    header = {
        "Date": format_datetime(letter.now),
        "From": letter.sender.header(),
        "To": letter.to.header(),
        "Message-ID": message_id(letter.key, letter.sender.domain),
        "Subject": _subject(alert, letter),
        "MIME-Version": "1.0",
        # RFC 3834, and what Exchange reads instead: no out-of-office answers.
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "X-Tocsin-Priority": str(alert.priority),
        "X-Tocsin-Type": str(alert.alert_type),
        "X-Tocsin-Status": str(alert.status),
    }
    if alert.priority in _URGENCY:
        header["X-Priority"], header["Importance"] = _URGENCY[alert.priority]
    return header | _thread(alert, letter)


def _thread(alert: Alert, letter: Letter) -> dict[str, str]:
    if alert.dedup_key is None:
        return {}
    known = [thread_id(alert.dedup_key, letter)]
    if letter.previous and _MESSAGE_ID.fullmatch(letter.previous):
        known.append(letter.previous)
    return {"References": "\r\n ".join(known), "In-Reply-To": known[-1]}


def _subject(alert: Alert, letter: Letter) -> str:
    prefix = f"{letter.prefix} " if letter.prefix else ""
    tail = f" {REPEATED}" if letter.repeated else ""
    text = prefix + clip(headline(alert), SUBJECT_LIMIT - measure(prefix + tail, "utf16"), "utf16") + tail
    return encoded_words(text, first=LINE - len("Subject: "))


def _body(alert: Alert, letter: Letter) -> bytes:
    text = part("plain", _text(alert, PLAIN if letter.plain else FULL, letter.repeated))
    if letter.plain:
        return text
    # "=_" stands in no quoted-printable and no base64, so the boundary cannot stand in a part.
    return alternative(f"=_{token_of(letter.key)}", [text, part("html", page_for(alert, repeated=letter.repeated))])


def _text(alert: Alert, limits: Limits, repeated: bool) -> str:
    lines = [headline(alert, repeated=repeated)]
    if alert.message:
        lines += ["", clip(without_overrides(alert.message), limits.message)]
    rows = _rows([*facts(alert), *details(alert)], limits)
    if rows:
        lines += ["", *rows]
    origin = f"{alert.priority} · {alert.alert_type} · {stamp(alert.created_at)}"
    lines += ["", origin, f"Alert {without_overrides(alert.alert_id)}"]
    return "\n".join(lines)


def _rows(pairs: list[tuple[str, str]], limits: Limits) -> list[str]:
    rows: list[str] = []
    room = limits.rows
    for name, value in pairs:
        row = f"{clip(name, limits.value)}: {clip(value, limits.value)}"
        room -= len(row)
        if room < 0:
            return [*rows, f"… {len(pairs) - len(rows)} more"]
        rows.append(row)
    return rows
