"""What Twilio reports of a message later: a status callback, as a function without a server."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl

from tocsin import ReceiptUpdate, Secret, TocsinError
from tocsin_sms.errors import undelivered
from tocsin_sms.signature import body_hash, is_signed
from tocsin_sms.status import ARRIVED, LOST, PROGRESS

__all__ = ["CallbackError", "Form", "InvalidSignature", "parse_callback"]

Form = Mapping[str, str] | Iterable[tuple[str, str]] | str | bytes
Fields = Mapping[str, list[str]]


class CallbackError(TocsinError, ValueError):
    """The request is no status callback of a message; answer it with 400. No text of the request is repeated."""


class InvalidSignature(CallbackError):
    """The request was not signed with this auth token for this URL; answer it with 403 and believe nothing in it."""


def parse_callback(url: str, form: Form, signature: str | None, *, auth_token: str | Secret) -> ReceiptUpdate:
    """What a status callback says of a message, once its signature is checked.

    From https://www.twilio.com/docs/messaging/guides/track-outbound-message-status. Callbacks arrive out of order and
    repeated; ``progress`` rises with the message's way, so that the furthest one wins.

    Args:
        url: the public URL that Twilio called, with its query: behind a proxy, ``status_callback`` and what was added.
        form: the fields as a mapping or as pairs, or the very body of the request. A body in JSON can be checked only
            as it came.
        signature: the header ``X-Twilio-Signature``; None where there was none.
        auth_token: the account's primary auth token, also where messages are sent with an API key.

    Returns:
        The update for ``service.record_receipt``. A status that this version does not know changes nothing.

    Raises:
        InvalidSignature: signed by someone else, for another URL, or changed on its way.
        CallbackError: signed, and yet no status callback.
    """
    token = auth_token.reveal() if isinstance(auth_token, Secret) else auth_token
    if not token:
        raise InvalidSignature("auth_token is empty, and anyone can sign with that; set it to the account's token")
    fields = _checked(url, form, signature or "", token)
    sid = _first(fields, "MessageSid", "SmsSid")
    status = _first(fields, "MessageStatus", "SmsStatus").lower()
    if not sid or not status:
        raise CallbackError("the callback names no message or no status; is the URL used for something else, too?")
    return _update(sid, status, _first(fields, "ErrorCode"))


def _update(sid: str, status: str, error_code: str) -> ReceiptUpdate:
    known = PROGRESS.get(status)
    details = {} if known is None else {"status": status}
    if status not in LOST:
        state = "delivered" if status in ARRIVED else "accepted"
        return ReceiptUpdate(provider_id=sid, state=state, progress=known or 0, details=details)
    code = int(error_code) if error_code.isascii() and error_code.isdecimal() and len(error_code) < 7 else None
    failure = undelivered(status, code)
    return ReceiptUpdate(
        provider_id=sid,
        state="failed",
        progress=PROGRESS[status],
        error_kind=failure.kind,
        error=failure.message,
        hint=failure.hint,
        provider_code=failure.provider_code,
        details=details,
    )


def _checked(url: str, form: Form, signature: str, token: str) -> Fields:
    """The fields of a request that has the right signature."""
    expected = body_hash(url)
    if expected is not None and isinstance(form, str | bytes):
        body = form.encode("utf-8", "surrogatepass") if isinstance(form, str) else form
        actual = hashlib.sha256(body).hexdigest()
        intact = hmac.compare_digest(actual.encode(), expected.lower().encode("utf-8", "surrogatepass"))
        _demand(is_signed(url, {}, signature, token) and intact)
        return _from_json(body)
    fields = _from_form(form)
    _demand(is_signed(url, fields, signature, token))
    return fields


def _demand(signed: bool) -> None:
    if not signed:
        raise InvalidSignature(
            "the callback's signature is not that of this auth token and URL; behind a proxy, pass the public URL"
        )


def _from_form(form: Form) -> Fields:
    if isinstance(form, bytes):
        form = form.decode("utf-8", "replace")
    pairs = parse_qsl(form, keep_blank_values=True) if isinstance(form, str) else _pairs(form)
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def _pairs(form: Mapping[str, str] | Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    try:
        pairs = [(name, value) for name, value in (form.items() if isinstance(form, Mapping) else form)]
    except (TypeError, ValueError):
        pairs = [(None, None)]
    if not all(isinstance(text, str) for pair in pairs for text in pair):
        raise CallbackError("the form must be names with one text each, pairs of texts, or the body of the request")
    return pairs


def _from_json(body: bytes) -> Fields:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise CallbackError("the callback's body is no JSON object")
    return {name: [str(item)] for name, item in value.items() if isinstance(item, str | int)}


def _first(fields: Fields, *names: str) -> str:
    """The value of the first of these fields that is there; Twilio still sends the names of its older API, too."""
    return next((fields[name][0] for name in names if fields.get(name)), "")
