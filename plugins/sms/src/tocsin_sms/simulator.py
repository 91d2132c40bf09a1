"""Twilio's Messages and Accounts resources on loopback, as strict as the documentation says."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tocsin.testing import Answer, Fault, FaultKind, HttpSimulator, Received, Request
from tocsin_sms.segments import BODY_LIMIT, segments_of
from tocsin_sms.signature import sign

__all__ = ["SmsSimulator"]

_ACCOUNT = "AC00000000000000000000000000000001"
_TOKEN = "simulated-auth-token"
_KEY = "SK00000000000000000000000000000001"
_KEY_SECRET = "simulated-api-secret"
_FROM = "+15005550006"
_TO = ("+15005550010", "+15005550011")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_BASE = "/2010-04-01/Accounts"
_REFUSALS: dict[FaultKind, tuple[int, int, str]] = {
    FaultKind.RATE_LIMITED: (429, 20429, "Too Many Requests"),
    FaultKind.SERVER_ERROR: (503, 20503, "Service is unavailable. Please try again"),
    FaultKind.UNAUTHORIZED: (401, 20003, "Authenticate"),
    FaultKind.REFUSED_RECIPIENT: (400, 21610, "Attempt to send to unsubscribed recipient"),
    FaultKind.REFUSED_PAYLOAD: (400, 21617, "The concatenated message body exceeds the 1600 character limit"),
}


class SmsSimulator(HttpSimulator):
    """One account with one number.

    Attributes:
        account_status: ``active``, ``suspended`` or ``closed``.
        key_may_look: whether the API key of :meth:`key_settings` may list messages, which a restricted one may not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.account_status = "active"
        self.key_may_look = True
        self._scripted: deque[Answer] = deque()
        self._messages: dict[str, dict[str, Any]] = {}

    def settings(self) -> dict[str, Any]:
        """Credentials that work, and two numbers."""
        return {
            "account_sid": _ACCOUNT,
            "auth_token": _TOKEN,
            "from_number": _FROM,
            "to": list(_TO),
            "api_url": self.url,
        }

    def key_settings(self) -> dict[str, Any]:
        """The same with an API key in place of the auth token."""
        settings = {name: value for name, value in self.settings().items() if name != "auth_token"}
        return settings | {"api_key_sid": _KEY, "api_key_secret": _KEY_SECRET}

    def callback(self, url: str, sid: str, status: str, error_code: int | None = None) -> tuple[dict[str, str], str]:
        """The form of a status callback, and its ``X-Twilio-Signature``: what Twilio would post to the URL.

        Args:
            url: as the settings have it in ``status_callback``.
            sid: of a message that was taken.
            status: what has become of it; look-ups say the same from now on.
            error_code: why it was lost.
        """
        message = self._messages[sid]
        message |= {"status": status, "error_code": error_code}
        form = {"AccountSid": _ACCOUNT, "ApiVersion": "2010-04-01", "From": message["from"] or "", "To": message["to"]}
        form |= {"MessageSid": sid, "SmsSid": sid, "MessageStatus": status, "SmsStatus": status}
        if error_code is not None:
            form |= {"ErrorCode": str(error_code)}
        return form, sign(url, {name: [value] for name, value in form.items()}, _TOKEN)

    def addresses(self) -> list[str]:
        """The two numbers."""
        return list(_TO)

    def script(self, status: int, code: int | None, message: str = "", /, **fields: object) -> None:
        """Answer the next message with this error, or with these fields of a message where the status is 2xx."""
        answer = _error(status, code, message) if status >= 300 else _answer(status, _message({}, "SM0") | fields)
        self._scripted.append(answer)

    def message(self, request: Request) -> Received | None:
        """The message of a POST to Messages.json that has the right credentials and form."""
        path = f"{_BASE}/{_ACCOUNT}/Messages.json"
        if (request.method, request.path) != ("POST", path) or self._refused_early(request) is not None:
            return None
        fields = _form(request)
        return Received(fields.get("To", ""), fields.get("Body", ""), raw=fields)

    def accept(self, request: Request, message: Received) -> Answer:
        """201 with the message resource, or what Twilio would refuse."""
        if self._scripted:
            return self._scripted.popleft()
        fields = _form(request)
        refusal = _refusal(fields)
        if refusal is not None:
            return refusal
        sid = f"SM{uuid.uuid4().hex}"
        created = _message(fields, sid)
        self._messages[sid] = created
        self.take(Received(message.address, message.text, provider_id=sid, raw=fields))
        return _answer(201, created)

    def refuse(self, fault: Fault, request: Request, message: Received) -> Answer:
        """The documented refusals; the lie is a message created as failed, under HTTP 201."""
        if fault.kind is FaultKind.LIE:
            failed = {"status": "failed", "error_code": 30007, "error_message": "Message filtered"}
            return _answer(201, _message(_form(request), f"SM{uuid.uuid4().hex}") | failed)
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        return _error(*_REFUSALS[fault.kind], headers=headers)

    def other(self, request: Request) -> Answer:
        """The account, its messages, and requests that are refused before anything else is looked at."""
        refusal = self._refused_early(request)
        if refusal is not None:
            return refusal
        if (request.method, request.path) == ("GET", f"{_BASE}/{_ACCOUNT}.json"):
            return _answer(200, {"sid": _ACCOUNT, "status": self.account_status, "type": "Full"})
        if (request.method, request.path) == ("GET", f"{_BASE}/{_ACCOUNT}/Messages.json"):
            return _answer(200, self._page(request.query))
        return _error(404, 20404, f"The requested resource {request.path} was not found")

    def _page(self, query: Mapping[str, str]) -> dict[str, Any]:
        """The first page of the messages, newest first."""
        size, to = int(query.get("PageSize", "50")), query.get("To")
        found = [message for message in reversed(self._messages.values()) if to in (None, message["to"])]
        return {"messages": found[:size], "page": 0, "page_size": size, "next_page_uri": None}

    def _refused_early(self, request: Request) -> Answer | None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        given = headers.get("authorization")
        may_look = self.key_may_look and request.path != f"{_BASE}/{_ACCOUNT}.json"
        if given != _basic(_ACCOUNT, _TOKEN) and (
            given != _basic(_KEY, _KEY_SECRET) or not (request.method == "POST" or may_look)
        ):
            return _error(401, 20003, "Authenticate")
        if request.method == "POST" and not headers.get("content-type", "").startswith(
            "application/x-www-form-urlencoded"
        ):
            return _error(415, 20415, "Unsupported media type")
        return None


def _basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def _refusal(fields: dict[str, str]) -> Answer | None:
    """What the documentation of the Message resource refuses, in its order of codes."""
    to, text, validity = fields.get("To", ""), fields.get("Body", ""), fields.get("ValidityPeriod", "1")
    sender, service = fields.get("From", ""), fields.get("MessagingServiceSid", "")
    callback = fields.get("StatusCallback", "")
    checks = (
        (not to, 21604, "'To' phone number is required to send a Message"),
        (not _NUMBER.fullmatch(to), 21211, f"The 'To' number {to} is not a valid phone number."),
        (not sender and not service, 21603, "'From' phone number is required to send a Message"),
        (bool(sender) and sender != _FROM, 21606, f"The From phone number {sender} is not a valid number"),
        (to == sender, 21266, "'To' and 'From' number cannot be the same"),
        (not text.strip(), 21602, "Message body is required"),
        (len(text) > BODY_LIMIT, 21617, "The concatenated message body exceeds the 1600 character limit"),
        (len(callback) > 4000 or "_" in (urlsplit(callback).hostname or ""), 21609, "The StatusCallback is not valid"),
        (not validity.isdecimal() or not 1 <= int(validity) <= 36_000, 21624, "Invalid validity period value"),
    )
    refused = next(((code, words) for wrong, code, words in checks if wrong), None)
    return None if refused is None else _error(400, *refused)


def _message(fields: dict[str, str], sid: str) -> dict[str, Any]:
    """A message resource; a messaging service counts its segments later."""
    service, text = fields.get("MessagingServiceSid"), fields.get("Body", "")
    now = format_datetime(datetime.now(UTC))
    return {
        "sid": sid,
        "account_sid": _ACCOUNT,
        "api_version": "2010-04-01",
        "body": text,
        "date_created": now,
        "date_sent": None,
        "date_updated": now,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": fields.get("From"),
        "messaging_service_sid": service,
        "num_media": "0",
        "num_segments": "0" if service else str(segments_of(text)),
        "price": None,
        "price_unit": "USD",
        "status": "accepted" if service else "queued",
        "to": fields.get("To"),
        "uri": f"{_BASE}/{_ACCOUNT}/Messages/{sid}.json",
    }


def _error(status: int, code: int | None, message: str, *, headers: dict[str, str] | None = None) -> Answer:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return _answer(status, {"code": code, "message": message, "more_info": more, "status": status}, headers)


def _answer(status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"} | (headers or {}))
