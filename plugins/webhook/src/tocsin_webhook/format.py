"""The request's body and headers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tocsin import Alert, Secret
from tocsin_webhook.signature import sign

__all__ = ["ID", "SIGNATURE", "TIMESTAMP", "body_of", "headers_of"]

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
"""Names of Standard Webhooks 1.0, section "Webhook headers"."""


def body_of(alert: Alert) -> bytes:
    """The flat alert as JSON, in UTF-8: the very bytes that are signed and sent."""
    return alert.to_json().encode()


def headers_of(key: str, now: datetime, body: bytes, secrets: Iterable[Secret]) -> dict[str, str]:
    """The headers of Standard Webhooks: id and timestamp always, the signature where there is a secret."""
    timestamp = int(now.timestamp())
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        ID: key,
        TIMESTAMP: str(timestamp),
    }
    signature = sign(secrets, key, timestamp, body)
    return headers | ({SIGNATURE: signature} if signature else {})
