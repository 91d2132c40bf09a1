"""Signatures after Standard Webhooks 1.0: pure functions.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable

from tocsin import Secret
from tocsin.settings import to_secrets

__all__ = ["LONGEST_KEY", "PREFIX", "SHORTEST_KEY", "sign", "to_signing_keys"]

PREFIX = "whsec_"
SHORTEST_KEY, LONGEST_KEY = 24, 64
"""Bytes: the section "Signature scheme" asks for 192 to 512 bits."""


def to_signing_keys(value: str | Iterable[str | Secret]) -> tuple[Secret, ...]:
    """One or several ``whsec_…``, in one string with spaces or commas between them.

    Raises:
        ValueError: one of them is no key.
    """
    secrets = to_secrets(re.sub(r"\s+", ",", value.strip()) if isinstance(value, str) else value)
    for position, secret in enumerate(secrets, start=1):
        try:
            _key(secret)
        except ValueError as error:
            raise ValueError(f"item {position} {error}") from None
    return secrets


def sign(secrets: Iterable[Secret], message_id: str, timestamp: int, content: bytes) -> str:
    """One ``v1`` signature for each secret, with spaces between: the receiver may know any one of them.

    Args:
        secrets: as :func:`to_signing_keys` gives them.
        message_id: as in the header; without a full stop, which separates it.
        timestamp: Unix time in seconds, of the attempt.
        content: the very bytes that are sent.
    """
    signed = f"{message_id}.{timestamp}.".encode() + content
    digests = (hmac.digest(_key(secret), signed, hashlib.sha256) for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def _key(secret: Secret) -> bytes:
    text = secret.reveal()
    encoded = text.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)  # some issuers leave the padding out
    except ValueError:
        key = b""
    if not text.startswith(PREFIX) or not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise ValueError(f"must be {PREFIX} and the base64 form of {SHORTEST_KEY} to {LONGEST_KEY} random bytes")
    return key
