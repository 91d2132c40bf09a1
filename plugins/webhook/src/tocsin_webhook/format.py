"""An alert as the body of a request, and the headers that go with it: pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from tocsin import Alert, Secret
from tocsin_webhook.signature import sign

__all__ = ["FORMATS", "ID", "SIGNATURE", "TIMESTAMP", "body_of", "headers_of", "ping_of"]

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
"""Names of Standard Webhooks 1.0, section "Webhook headers"."""
FORMATS = {
    "alert": "application/json; charset=utf-8",
    "cloudevents": "application/cloudevents+json; charset=utf-8",
}
"""Content types. The second one tells a receiver that the whole event stands in the body: CloudEvents 1.0, HTTP
Protocol Binding, section "Structured Content Mode"."""
_SOURCE = "tocsin"
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def body_of(alert: Alert, form: str = "alert") -> bytes:
    """The whole alert in UTF-8, nothing shortened.

    Args:
        alert: what happened.
        form: ``alert`` for the fields of ``Alert.to_dict`` as one flat JSON object, ``cloudevents`` for a CloudEvent
            in JSON whose ``data`` is that object.
    """
    if form == "alert":
        return _json(alert.to_dict())
    source = _SOURCE if alert.source is None else quote(alert.source, safe="/")
    return _json(_event(alert.alert_id, f"alert.{alert.status}", alert.created_at, source, alert.to_dict()))


def ping_of(key: str, now: datetime, form: str = "alert") -> bytes:
    """An event that is no alert: type, time and no data, as Standard Webhooks recommends payloads to be.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#payload-structure
    """
    if form == "alert":
        return _json({"type": "ping", "timestamp": _utc(now), "data": {}})
    return _json(_event(key, "ping", now, _SOURCE, {}))


def headers_of(
    key: str, now: datetime, content: bytes, secrets: Iterable[Secret], form: str = "alert"
) -> dict[str, str]:
    """Content type and ``webhook-id``; with a secret also the time of the attempt and the signature.

    Args:
        key: the same in every attempt of one alert at one endpoint.
        now: of the attempt.
        content: the very bytes that are sent.
        secrets: each signs.
        form: of the body, as :func:`body_of` takes it.
    """
    headers = {"Content-Type": FORMATS[form], ID: key}
    secrets = tuple(secrets)
    if not secrets:
        return headers
    timestamp = int(now.timestamp())
    return headers | {TIMESTAMP: str(timestamp), SIGNATURE: sign(secrets, key, timestamp, content)}


def _event(identity: str, kind: str, moment: datetime, source: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """A CloudEvent in JSON: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md."""
    return {
        "specversion": "1.0",
        "id": identity,
        "source": source,
        "type": f"tocsin.{kind}",
        "time": _utc(moment),
        "datacontenttype": "application/json",
        "data": data,
    }


def _utc(moment: datetime) -> str:
    """RFC 3339, which has no offsets with seconds as some time zones have."""
    return moment.astimezone(UTC).isoformat()


def _json(value: Mapping[str, Any]) -> bytes:
    return _encode(value).encode()
