"""Signatures after Standard Webhooks 1.0, section "Signature scheme"."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

from tocsin import Secret
from tocsin.settings import to_secrets

__all__ = ["SHORTEST_KEY", "sign", "to_signing_keys", "verify"]

PREFIX = "whsec_"
SHORTEST_KEY = 24
LONGEST_KEY = 64
"""Bytes of random key that the specification asks for."""


def key_of(secret: Secret) -> bytes:
    """The key's bytes.

    Raises:
        ValueError: it is not ``whsec_`` and the base64 of 24 to 64 bytes.
    """
    try:
        key = base64.b64decode(secret.reveal().removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise ValueError(f"must be {PREFIX} and the base64 of {SHORTEST_KEY} to {LONGEST_KEY} random bytes")
    return key


def to_signing_keys(value: str | Iterable[str | Secret]) -> tuple[Secret, ...]:
    """One or several secrets; a string may hold several with commas or spaces between."""
    secrets = to_secrets(value.replace(" ", ",") if isinstance(value, str) else value)
    for secret in secrets:
        key_of(secret)
    return secrets


def sign(secrets: Iterable[Secret], message_id: str, timestamp: int, body: bytes) -> str:
    """The header's value: one signature for each secret, with spaces between."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = (hmac.new(key_of(secret), signed, hashlib.sha256).digest() for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def verify(secrets: Iterable[Secret], message_id: str, timestamp: int, body: bytes, header: str) -> bool:
    """Whether one of the header's signatures is one of ours."""
    given = header.split()
    wanted = sign(secrets, message_id, timestamp, body).split()
    return any(hmac.compare_digest(one.encode(), other.encode()) for one in given for other in wanted)
