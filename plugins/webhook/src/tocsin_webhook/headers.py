"""Headers that a user adds: what may stand in them, checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tocsin import Secret
from tocsin.settings import to_table
from tocsin_webhook.format import ID, SIGNATURE, TIMESTAMP

__all__ = ["to_headers"]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A token of RFC 9110, section 5.6.2."""
_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")
"""RFC 9110, section 5.5, without the obsolete bytes beyond ASCII."""
_HOP_BY_HOP = {
    "connection",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
"""They concern one connection, not the message: RFC 9110, section 7.6.1."""
_OWN = {
    "accept-encoding",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    ID,
    SIGNATURE,
    TIMESTAMP,
}
"""They describe the request that this channel makes."""


def to_headers(value: Mapping[str, str | Secret]) -> Mapping[str, Secret]:
    """Names and values of headers; in the environment as ``name=value, name=value``.

    Raises:
        ValueError: a name or a value cannot stand in a request, or belongs to the channel or to the connection.
    """
    clear: Any = value
    if isinstance(value, Mapping):
        clear = {name: text.reveal() if isinstance(text, Secret) else text for name, text in value.items()}
    headers = {name.strip(): text.strip() for name, text in to_table(clear).items()}
    for position, (name, text) in enumerate(headers.items(), start=1):
        _check(position, name, text)
    if len({name.lower() for name in headers}) < len(headers):
        raise ValueError("must name each header once; upper and lower case are the same there")
    return {name: Secret(text) for name, text in headers.items()}


def _check(position: int, name: str, text: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"item {position} must have a header's name: letters, digits and hyphens")
    if name.lower() in _HOP_BY_HOP:
        raise ValueError(f"must not hold {name.lower()}, which belongs to the connection")
    if name.lower() in _OWN:
        raise ValueError(f"must not hold {name.lower()}, which this channel sets itself")
    if not _VALUE.fullmatch(text):
        raise ValueError(f"item {position} must have a value in one line of ASCII characters")
