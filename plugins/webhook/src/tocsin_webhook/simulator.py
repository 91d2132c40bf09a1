"""A receiver of webhooks on loopback, as strict as the specification."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from tocsin import Alert, Secret
from tocsin.testing import Answer, Fault, FaultKind, HttpSimulator, Received, Request
from tocsin_webhook.signature import verify

__all__ = ["WebhookSimulator"]

_SECRET = "whsec_dG9jc2luLXNpbXVsYXRvci1zaWduaW5nLWtleS0wMQ=="
_STATUS = {
    FaultKind.RATE_LIMITED: 429,
    FaultKind.SERVER_ERROR: 503,
    FaultKind.UNAUTHORIZED: 401,
    FaultKind.REFUSED_RECIPIENT: 410,
    FaultKind.REFUSED_PAYLOAD: 422,
    FaultKind.LIE: 200,
}


class WebhookSimulator(HttpSimulator):
    """Two addresses; a request without a valid id, timestamp, signature or alert is refused."""

    def settings(self) -> dict[str, Any]:
        """Both addresses, and the key that they know."""
        return {"urls": self.addresses(), "secret": [_SECRET]}

    def addresses(self) -> list[str]:
        """The two addresses."""
        return [f"{self.url}/hooks/first", f"{self.url}/hooks/second"]

    def message(self, request: Request) -> Received | None:
        """Every POST is one."""
        if request.method != "POST":
            return None
        headers = {name.lower(): value for name, value in request.headers.items()}
        raw = _json(request.body)
        text = "\n".join(_words(raw)) if raw is not None else ""
        return Received(f"{self.url}{request.path}", text, headers.get("webhook-id"), uuid.uuid4().hex, raw)

    def accept(self, request: Request, message: Received) -> Answer:
        """204, or 400 and 401 for what a strict receiver refuses."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        timestamp = headers.get("webhook-timestamp", "")
        if message.raw is None or not message.key or "." in message.key or not timestamp.isdecimal():
            return Answer(400)
        signature = headers.get("webhook-signature", "")
        if not verify([Secret(_SECRET)], message.key, int(timestamp), request.body, signature):
            return Answer(401)
        Alert.from_dict(message.raw)
        self.take(message)
        return Answer(204)

    def refuse(self, fault: Fault, request: Request, message: Received) -> Answer:
        """The status that stands for the fault; a receiver whose 2xx lies cannot be told from an honest one."""
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        return Answer(_STATUS[fault.kind], b'{"error":"refused"}', headers)


def _json(body: bytes) -> Mapping[str, Any] | None:
    try:
        value = json.loads(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _words(value: Any) -> list[str]:
    """Every text of the document, as a program would read it."""
    if isinstance(value, Mapping):
        return [word for key, item in value.items() for word in (str(key), *_words(item))]
    if isinstance(value, list):
        return [word for item in value for word in _words(item)]
    return [str(value)]
