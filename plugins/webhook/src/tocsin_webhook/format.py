"""An alert as the body of a request, and the headers that go with it: pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from tocsin import Alert, Secret
from tocsin_webhook.signature import sign

__all__ = ["ID", "SIGNATURE", "TIMESTAMP", "body_of", "headers_of"]

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
"""Names of Standard Webhooks 1.0, section "Webhook metadata"."""


def body_of(alert: Alert) -> bytes:
    """The whole alert as one flat JSON object in UTF-8: the fields of ``Alert.to_dict``."""
    return json.dumps(alert.to_dict(), ensure_ascii=False, separators=(",", ":")).encode()


def headers_of(key: str, now: datetime, content: bytes, secrets: Iterable[Secret]) -> dict[str, str]:
    """Content type and ``webhook-id``; with a secret also the time of the attempt and the signature.

    Args:
        key: the same in every attempt of one alert at one endpoint.
        now: of the attempt.
        content: the very bytes that are sent.
        secrets: each signs.
    """
    headers = {"Content-Type": "application/json; charset=utf-8", ID: key}
    secrets = tuple(secrets)
    if not secrets:
        return headers
    timestamp = int(now.timestamp())
    return headers | {TIMESTAMP: str(timestamp), SIGNATURE: sign(secrets, key, timestamp, content)}
