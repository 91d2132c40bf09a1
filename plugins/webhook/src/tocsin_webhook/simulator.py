"""Two endpoints on loopback that check signatures as the libraries of Standard Webhooks do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

from tocsin import Alert
from tocsin.rendering import plain_text
from tocsin.testing import Answer, Fault, FaultKind, HttpSimulator, Received, Request
from tocsin_webhook.format import FORMATS

__all__ = ["WebhookSimulator"]

_PATHS = ("/hooks/ops-7Qm2xV9tLr", "/hooks/desk-4Zc8bN1wKe")
_SECRET = "whsec_c2ltdWxhdGVkLXNlY3JldC1vZi0zMi1ieXRlcyEhIQ=="
_TOKEN = "X-Endpoint-Token"
_HEADERS = {_TOKEN: "simulated-endpoint-token"}
_STATUSES = {
    FaultKind.RATE_LIMITED: 429,
    FaultKind.SERVER_ERROR: 503,
    FaultKind.UNAUTHORIZED: 401,
    FaultKind.REFUSED_RECIPIENT: 410,
    FaultKind.REFUSED_PAYLOAD: 422,
    FaultKind.LIE: 200,
}


class WebhookSimulator(HttpSimulator):
    """Two endpoints that keep alerts.

    Args:
        secret: what signatures are checked with. Of several any will do; without one signatures are not looked at.
        headers: what every request must carry.
        tolerance: seconds by which a timestamp may differ from this machine's clock; the reference libraries allow
            300. None takes any, because tests own the clock.
    """

    def __init__(
        self,
        *,
        secret: str | Iterable[str] = _SECRET,
        headers: Mapping[str, str] = _HEADERS,
        tolerance: float | None = None,
    ) -> None:
        super().__init__()
        self._secrets = (secret,) if isinstance(secret, str) else tuple(secret)
        self._wanted = dict(headers)
        self._tolerance = tolerance

    def settings(self) -> dict[str, Any]:
        """Both endpoints, the secret and the header that they want."""
        return {"urls": self.addresses(), "secret": list(self._secrets), "headers": dict(self._wanted)}

    def addresses(self) -> list[str]:
        """The two URLs."""
        return [f"{self.url}{path}" for path in _PATHS]

    def message(self, request: Request) -> Received | None:
        """The alert that a POST to one of the endpoints carries, with the right headers and signature."""
        headers = _lower(request)
        if request.method != "POST" or request.path not in _PATHS or not self._believes(headers, request.body):
            return None
        if _is_ping(request.body):
            return None
        alert = _alert(request.body, headers.get("content-type", ""))
        text = plain_text(alert) if alert is not None else ""
        raw = {"headers": headers, "body": request.body}
        return Received(f"{self.url}{request.path}", text, key=headers["webhook-id"], raw=raw)

    def accept(self, request: Request, message: Received) -> Answer:
        """202, or 422 for what is no alert."""
        if not message.text:
            return Answer(422, b'{"error": "not an alert"}')
        self.take(message)
        return Answer(202, b'{"status": "queued"}')

    def refuse(self, fault: Fault, request: Request, message: Received) -> Answer:
        """A bare status. A lie is a 2xx for what was dropped; no sender can tell."""
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        return Answer(_STATUSES[fault.kind], b'{"error": "as told"}', headers)

    def other(self, request: Request) -> Answer:
        """204 for a ping, 404 for another path, 405 for another method, 401 for what the endpoint does not believe."""
        if request.path not in _PATHS:
            return Answer(404)
        if request.method == "POST" and self._believes(_lower(request), request.body):
            return Answer(204)
        return Answer(401, b'{"error": "no matching signature"}') if request.method == "POST" else Answer(405)

    def _believes(self, headers: Mapping[str, str], content: bytes) -> bool:
        if "webhook-id" not in headers or "." in headers["webhook-id"]:
            return False
        if any(headers.get(name.lower()) != value for name, value in self._wanted.items()):
            return False
        return not self._secrets or any(self._verifies(secret, headers, content) for secret in self._secrets)

    def _verifies(self, secret: str, headers: Mapping[str, str], content: bytes) -> bool:
        """Whether one of the signatures is right, and recent where that matters."""
        timestamp = headers.get("webhook-timestamp", "")
        if not timestamp.isdecimal():
            return False
        if self._tolerance is not None and abs(time.time() - int(timestamp)) > self._tolerance:
            return False
        signed = f"{headers['webhook-id']}.{timestamp}.".encode() + content
        digest = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)
        expected = f"v1,{base64.b64encode(digest).decode()}"
        return any(hmac.compare_digest(expected, given) for given in headers.get("webhook-signature", "").split(" "))


def _lower(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _is_ping(content: bytes) -> bool:
    return _object(content).get("type") in ("ping", "tocsin.ping")


def _alert(content: bytes, content_type: str) -> Alert | None:
    """The alert in one of the formats; None where the content type names none, or another one than the body has."""
    value = _object(content)
    if content_type == FORMATS["cloudevents"]:
        value = value.get("data", {})
    elif content_type != FORMATS["alert"]:
        return None
    try:
        return Alert.from_dict(value)
    except ValueError:
        return None


def _object(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
