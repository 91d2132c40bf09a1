"""Twilio's error codes, and the failure that each stands for.

From Twilio's error dictionary (https://www.twilio.com/docs/api/errors). The provider's own text is never passed on: it
quotes the number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from tocsin import (
    AuthError,
    ChannelConfigError,
    DeliveryError,
    Expired,
    InvalidRecipient,
    Outcome,
    PayloadError,
    RateLimited,
    Scope,
    ServerError,
)
from tocsin.http import HttpResponse, failure_for

__all__ = ["CODES", "Code", "failure", "undelivered"]

_CREDENTIALS = "Check account_sid and auth_token; the token may have been rotated in Twilio's console."
_ACCOUNT = "Check the account's balance and state in Twilio's console."
_NUMBER = "Correct or remove the number; it must be a mobile number that this sender can reach."
_SENDER = "Check from_number: a number or sender of this account that may send text messages to this country."
_SERVICE = "Check messaging_service_sid, and that the service has a sender for this country."
_SENDER_ID = "Use a sender that is registered for this country, or another one."
_CAMPAIGN = "Finish the sender's registration (A2P 10DLC or toll-free) in Twilio's console."
_CALLBACK = "Set status_callback to a URL that Twilio can reach, without an underscore in its host."
_SLOWER = "The carriers' limit for this sender is used up; send less, or from another sender."
_VALIDITY = "Set validity_period to 1 to 36000."
_TRIAL = "Verify the number in Twilio's console, or upgrade the account."
_BODY = "Twilio refused the text; a shorter form is tried once."
_LATER = "Twilio is busy; the message is tried again."


@attrs.frozen
class Code:
    """One row.

    Attributes:
        failure: the class of error.
        words: what it means, in our words.
        hint: what to do.
        changes: what differs from the class's own scope and outcome.
    """

    failure: type[DeliveryError]
    words: str
    hint: str
    changes: Mapping[str, Any] = attrs.field(factory=dict)


_CHANNEL = {"scope": Scope.CHANNEL}
_RECIPIENT = {"scope": Scope.RECIPIENT}
_UNKNOWN = {"outcome": Outcome.UNKNOWN}

CODES: Mapping[int, Code] = {
    10001: Code(AuthError, "the account is not active", _ACCOUNT),
    14107: Code(RateLimited, "too many messages from this sender to this number", _LATER),
    20003: Code(AuthError, "the credentials were refused", _CREDENTIALS),
    20004: Code(AuthError, "the method is not allowed for this account", _ACCOUNT),
    20005: Code(AuthError, "the account is not active", _ACCOUNT),
    20006: Code(AuthError, "access was denied", _CREDENTIALS),
    20008: Code(AuthError, "these are test credentials", "Use the account's live credentials."),
    20403: Code(AuthError, "the account may not do this", _ACCOUNT),
    20404: Code(AuthError, "there is no such account", _CREDENTIALS),
    20429: Code(RateLimited, "too many requests at once", _LATER, _CHANNEL),
    20500: Code(ServerError, "an internal error", _LATER, _UNKNOWN),
    20503: Code(ServerError, "the service is unavailable", _LATER, _UNKNOWN),
    21211: Code(InvalidRecipient, "the number is not valid", _NUMBER),
    21212: Code(ChannelConfigError, "the sender is not valid", _SENDER, _CHANNEL),
    21214: Code(InvalidRecipient, "the number cannot be reached", _NUMBER),
    21217: Code(InvalidRecipient, "the number does not appear to be valid", _NUMBER),
    21265: Code(InvalidRecipient, "the number is a short code", _NUMBER),
    21266: Code(InvalidRecipient, "sender and recipient are the same number", "Remove from_number from to."),
    21408: Code(
        InvalidRecipient,
        "messages to this region are switched off",
        "Switch the region on under Messaging, Settings, Geo permissions in Twilio's console.",
    ),
    21601: Code(ChannelConfigError, "the sender cannot send text messages", _SENDER, _CHANNEL),
    21602: Code(PayloadError, "the message is empty", _BODY),
    21603: Code(ChannelConfigError, "no sender was named", _SENDER, _CHANNEL),
    21604: Code(InvalidRecipient, "no number was named", _NUMBER),
    21606: Code(ChannelConfigError, "the sender is not one of this account's for this number", _SENDER, _CHANNEL),
    21607: Code(ChannelConfigError, "a trial account sends from its trial number only", _SENDER, _CHANNEL),
    21608: Code(
        InvalidRecipient,
        "a trial account reaches verified numbers only",
        _TRIAL,
    ),
    21609: Code(ChannelConfigError, "the status callback's URL is not valid", _CALLBACK, _CHANNEL),
    21610: Code(
        InvalidRecipient, "the recipient opted out with STOP", "Only the recipient can undo it, by texting START."
    ),
    21611: Code(RateLimited, "the sender's queue of ten hours is full", _LATER, _CHANNEL),
    21612: Code(InvalidRecipient, "the number cannot be reached from this sender", _NUMBER),
    21614: Code(InvalidRecipient, "the number is not a mobile number", _NUMBER),
    21616: Code(ChannelConfigError, "the sender is ambiguous", _SENDER, _CHANNEL),
    21617: Code(PayloadError, "the message is longer than 1,600 characters", _BODY),
    21619: Code(PayloadError, "the message has no body", _BODY),
    21624: Code(ChannelConfigError, "the validity period is not valid", _VALIDITY, _CHANNEL),
    21635: Code(InvalidRecipient, "the number is a landline", _NUMBER),
    21659: Code(ChannelConfigError, "the sender is not a Twilio number", _SENDER, _CHANNEL),
    21660: Code(ChannelConfigError, "the sender belongs to another account", _SENDER, _CHANNEL),
    21661: Code(ChannelConfigError, "the sender cannot send text messages", _SENDER, _CHANNEL),
    21701: Code(ChannelConfigError, "the messaging service does not exist", _SERVICE, _CHANNEL),
    21703: Code(ChannelConfigError, "the messaging service has no sender for this message", _SERVICE, _CHANNEL),
    21704: Code(ChannelConfigError, "the messaging service has no senders", _SERVICE, _CHANNEL),
    21705: Code(ChannelConfigError, "the messaging service is not valid", _SERVICE, _CHANNEL),
    21730: Code(ServerError, "the service is under maintenance", _LATER),
    30001: Code(RateLimited, "the queue is full", _LATER, _CHANNEL),
    30002: Code(AuthError, "the account is suspended", _ACCOUNT),
    30003: Code(ServerError, "the handset cannot be reached now", _LATER, _RECIPIENT),
    30004: Code(InvalidRecipient, "the message was blocked", _NUMBER),
    30005: Code(InvalidRecipient, "the handset is unknown", _NUMBER),
    30006: Code(InvalidRecipient, "the number is a landline or its carrier cannot be reached", _NUMBER),
    30007: Code(PayloadError, "the carrier filtered the message", "Word it differently, or register the sender."),
    30008: Code(ServerError, "the carrier gave no reason", _LATER, _RECIPIENT),
    30017: Code(ServerError, "the carrier's network is congested", _LATER, _RECIPIENT),
    30018: Code(ChannelConfigError, "the carrier wants the sender to be registered", _SENDER_ID, _CHANNEL),
    30019: Code(PayloadError, "the message is larger than the carrier takes", _BODY),
    30022: Code(RateLimited, "the campaign's rate at the carrier is used up", _SLOWER, _CHANNEL),
    30023: Code(RateLimited, "the brand's messages of this day are used up", _SLOWER, _CHANNEL),
    30024: Code(ChannelConfigError, "the carrier does not know the sender", _SENDER_ID, _CHANNEL),
    30027: Code(RateLimited, "the campaign's messages of this day are used up", _SLOWER, _CHANNEL),
    30032: Code(ChannelConfigError, "the toll-free sender is not verified", _CAMPAIGN, _CHANNEL),
    30033: Code(ChannelConfigError, "the A2P 10DLC campaign is suspended", _CAMPAIGN, _CHANNEL),
    30034: Code(ChannelConfigError, "the sender is not registered for A2P 10DLC", _CAMPAIGN, _CHANNEL),
    30035: Code(ChannelConfigError, "the sender's A2P 10DLC registration is not finished", _CAMPAIGN, _CHANNEL),
    30036: Code(Expired, "the message waited longer than its validity period", "Raise validity_period, or send less."),
    30037: Code(AuthError, "sending is switched off for this account", _ACCOUNT),
    30042: Code(ChannelConfigError, "the sender's name is blocked as too general", _SENDER_ID, _CHANNEL),
    30043: Code(ChannelConfigError, "the operator takes the sender for a foreign one", _SENDER_ID, _CHANNEL),
    30045: Code(ChannelConfigError, "the validity period is not valid", _VALIDITY, _CHANNEL),
    30410: Code(ServerError, "the carrier did not answer", _LATER, _RECIPIENT),
    30450: Code(RateLimited, "the number is blocked for some minutes against fraud", _LATER),
    30500: Code(ServerError, "an internal error", _LATER),
    63017: Code(RateLimited, "the account sends too many messages a second", _LATER, _CHANNEL),
    63038: Code(RateLimited, "the account's messages of 24 hours are used up", _SLOWER, _CHANNEL),
    90007: Code(ChannelConfigError, "the validity period is not valid", _VALIDITY, _CHANNEL),
    572002: Code(ChannelConfigError, "the trial number belongs to another recipient", _SENDER, _CHANNEL),
    572005: Code(InvalidRecipient, "a trial account's recipient has not been verified", _TRIAL),
}
"""By code. An answer with a code that is not here is judged by its HTTP status."""


def failure(response: HttpResponse) -> DeliveryError:
    """The failure that an answer outside 2xx stands for."""
    code = _code_in(response.json().get("code")) if response.complete else None
    known = CODES.get(code) if code is not None else None
    if code is None or known is None:
        return _by_status(response, code)
    return _made(known, code, f"HTTP {response.status}", status=response.status, retry_after=response.retry_after)


def undelivered(state: str, code: object, status: int | None = None) -> DeliveryError:
    """The failure of a message that Twilio took and gave up, at once (with that HTTP status) or later."""
    number = _code_in(code)
    known = CODES.get(number) if number is not None else None
    where = f", HTTP {status}" if status is not None else ""
    if number is not None and known is not None:
        return _made(known, number, f"message {state}{where}", status=status)
    name = f"Twilio {number}" if number is not None else "Twilio"
    return PayloadError(
        f"{name}: no reason that is known here (message {state}{where})", status_code=status, provider_code=number
    )


def _made(row: Code, code: int, where: str, *, status: int | None, retry_after: float | None = None) -> DeliveryError:
    return row.failure(
        f"Twilio {code}: {row.words} ({where})",
        status_code=status,
        provider_code=code,
        hint=row.hint,
        retry_after=retry_after,
        **row.changes,
    )


def _by_status(response: HttpResponse, code: int | None) -> DeliveryError:
    reason = f"Twilio {code}" if code is not None else ""
    if response.status == 404:
        words = f"Twilio knows no such account (HTTP 404{f', {reason}' if reason else ''})"
        return AuthError(
            words, status_code=404, provider_code=code, hint=f"{_CREDENTIALS} Where api_url is set, check it."
        )
    changes: dict[str, Any] = {"provider_code": code}
    if response.status == 429:
        changes |= _CHANNEL
    if response.status in (500, 502, 503, 504):
        # There is no idempotency key, and Twilio does not say that no message was created: a repeat is marked.
        changes |= _UNKNOWN
    return failure_for(response, reason, **changes)


def _code_in(value: object) -> int | None:
    """Twilio's codes have five or six digits; anything else is not shown."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 10_000 <= value <= 999_999 else None
