"""What the settings take: numbers, senders, SIDs and the address for status callbacks; no message repeats a value."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from tocsin import Secret
from tocsin.settings import to_secret, to_strings, to_text, to_url

__all__ = [
    "CALLBACK_LIMIT",
    "to_account_sid",
    "to_callback_url",
    "to_key_sid",
    "to_numbers",
    "to_sender",
    "to_service_sid",
]

CALLBACK_LIMIT = 4000
"""Characters in a status callback's URL (https://www.twilio.com/docs/api/errors/21609)."""
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
"""ITU-T E.164: a country code, which never begins with 0, and at most 15 digits in all."""
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_SENDER_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 +\-_&]{1,11}")
"""https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id: at most 11 characters, one of them a letter."""


def to_account_sid(value: str) -> str:
    """``AC…``."""
    return _sid(value, "AC", "the account's SID")


def to_key_sid(value: str) -> str:
    """``SK…``."""
    return _sid(value, "SK", "the API key's SID")


def to_service_sid(value: str) -> str:
    """``MG…``."""
    return _sid(value, "MG", "the messaging service's SID")


def _sid(value: str, prefix: str, words: str) -> str:
    sid = to_text(value)
    if not re.fullmatch(rf"{prefix}[^\s/?#:]+", sid):
        raise ValueError(f"must be {words}, which begins with {prefix}")
    return sid


def to_numbers(value: str | Iterable[str]) -> tuple[str, ...]:
    """Numbers in E.164 form."""
    numbers = to_strings(value)
    for position, number in enumerate(numbers, start=1):
        if not _E164.fullmatch(number):
            raise ValueError(
                f"item {position} must be a number in E.164 form, like +14155550123: a plus, the country code, which "
                "never begins with 0, and the number, without spaces"
            )
    return numbers


def to_sender(value: str) -> str:
    """A number in E.164 form, a short code or a sender name."""
    sender = to_text(value)
    if not any(pattern.fullmatch(sender) for pattern in (_E164, _SHORT_CODE, _SENDER_ID)):
        raise ValueError(
            "must be a number in E.164 form, like +14155550123, a short code, or a sender name of at most 11 letters, "
            "digits and spaces"
        )
    return sender


def to_callback_url(value: str | Secret) -> Secret:
    """A URL that Twilio can reach: at most 4,000 characters, a public host, and no underscore in it.

    From https://www.twilio.com/docs/api/errors/21609. It masks itself, since it may hold a user and a password.
    """
    url = to_url(to_secret(value).reveal())
    if len(url) > CALLBACK_LIMIT:
        raise ValueError(f"must have at most {CALLBACK_LIMIT:,} characters")
    host = urlsplit(url).hostname or ""
    if "_" in host:
        raise ValueError("must not have an underscore in its host")
    if not _is_public(host):
        raise ValueError("must have a host that Twilio can reach from the internet")
    return Secret(url)


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_global
    except ValueError:
        return "." in host.strip(".") and not host.rstrip(".").endswith((".localhost", ".local", ".internal"))
