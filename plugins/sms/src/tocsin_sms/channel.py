"""The channel: settings, and what Twilio is asked."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs

from tocsin import Alert, Capabilities, Health, Receipt, Recipient, Scope, Secret, SendContext, hookimpl
from tocsin.settings import MissingSetting, in_range, setting, to_integer, to_secret, to_strings, to_text, to_url
from tocsin_sms.errors import undelivered
from tocsin_sms.format import body
from tocsin_sms.segments import BODY_LIMIT, MAX_SEGMENTS, Fitted

if TYPE_CHECKING:
    from tocsin_sms.gateway import Gateway

__all__ = ["SmsChannel"]

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
"""ITU-T E.164: a country code, which never begins with 0, and at most 15 digits in all."""
_SHORT_CODE = re.compile(r"[0-9]{3,8}")
_SENDER_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 +\-_&]{1,11}")
"""https://www.twilio.com/docs/glossary/what-alphanumeric-sender-id: at most 11 characters, one of them a letter."""
_STATES = {"accepted", "scheduled", "queued", "sending", "sent", "delivered", "read"}
_LOST = {"failed", "undelivered", "canceled"}
_ACCOUNT_STATES = {"suspended", "closed"}


def _to_account_sid(value: str) -> str:
    return _sid(value, "AC", "the account's SID")


def _to_service_sid(value: str) -> str:
    return _sid(value, "MG", "the messaging service's SID")


def _sid(value: str, prefix: str, words: str) -> str:
    sid = to_text(value)
    if not re.fullmatch(rf"{prefix}[^\s/?#]+", sid):
        raise ValueError(f"must be {words}, which begins with {prefix}")
    return sid


def _to_numbers(value: str | Iterable[str]) -> tuple[str, ...]:
    numbers = to_strings(value)
    for position, number in enumerate(numbers, start=1):
        if not _E164.fullmatch(number):
            raise ValueError(
                f"item {position} must be a number in E.164 form, like +14155550123: a plus, the country code, which "
                "never begins with 0, and the number, without spaces"
            )
    return numbers


def _to_sender(value: str) -> str:
    sender = to_text(value)
    if not any(pattern.fullmatch(sender) for pattern in (_E164, _SHORT_CODE, _SENDER_ID)):
        raise ValueError(
            "must be a number in E.164 form, like +14155550123, a short code, or a sender name of at most 11 letters, "
            "digits and spaces"
        )
    return sender


@attrs.define(eq=False, kw_only=True)
class SmsChannel:
    """Sends alerts as text messages through Twilio.

    Attributes:
        account_sid: of the account, ``AC…``.
        auth_token: of the account; shared by all numbers, so that a refused token stops the channel.
        to: the recipients' numbers in E.164 form.
        from_number: a number, a short code or a sender name of the account.
        messaging_service_sid: ``MG…``; picks the sender itself. One of the two is needed.
        max_segments: the most that one alert may cost for each recipient, 1 to 10.
        validity_period: seconds after which Twilio gives up a message it could not send, 1 to 36,000.
        api_url: base address that every request goes to.
        recipients: one for each number.
    """

    capabilities = Capabilities(
        http=True,
        plain=True,
        rate_limit=1.0,  # one segment per second from a long code: https://www.twilio.com/docs/api/errors/21611
        rate_scope=Scope.CHANNEL,
        max_length=BODY_LIMIT,
    )
    api_version = 1

    account_sid: str = attrs.field(
        converter=_to_account_sid,
        metadata=setting("TWILIO_ACCOUNT_SID", "SID of the account, AC…, from Twilio's console"),
    )
    auth_token: Secret = attrs.field(
        converter=to_secret, metadata=setting("TWILIO_AUTH_TOKEN", "Auth token of the account, from Twilio's console")
    )
    to: tuple[str, ...] = attrs.field(
        converter=_to_numbers,
        repr=False,
        metadata=setting("SMS_TO", "Recipients' numbers in E.164 form, like +14155550123"),
    )
    from_number: str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(_to_sender),
        metadata=setting("TWILIO_FROM_NUMBER", "Sender: a number of the account, a short code or a sender name"),
    )
    messaging_service_sid: str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(_to_service_sid),
        metadata=setting("TWILIO_MESSAGING_SERVICE_SID", "Messaging service, MG…, that picks the sender"),
    )
    max_segments: int = attrs.field(
        default=1,
        converter=to_integer,
        validator=in_range(1, MAX_SEGMENTS),
        metadata=setting("SMS_MAX_SEGMENTS", "Segments, each of which is paid for, that one alert may have: 1 to 10"),
    )
    validity_period: int | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_integer),
        validator=attrs.validators.optional(in_range(1, 36_000)),
        metadata=setting("SMS_VALIDITY_PERIOD", "Seconds after which an unsent message is given up: 1 to 36000"),
    )
    api_url: str = attrs.field(
        default="https://api.twilio.com",
        converter=to_url,
        metadata=setting("TWILIO_API_URL", "Base address of Twilio's API"),
    )
    recipients: tuple[Recipient, ...] = attrs.field(init=False, repr=False)
    _gateway: Gateway | None = attrs.field(init=False, repr=False, default=None)
    _lock: Any = attrs.field(init=False, repr=False, factory=threading.Lock)

    def __attrs_post_init__(self) -> None:
        if not self.to:
            raise MissingSetting("to names no number; list at least one")
        if self.from_number is None and self.messaging_service_sid is None:
            raise MissingSetting("from_number is not set; it or messaging_service_sid names the sender")
        self.recipients = tuple(map(Recipient.of, self.to))

    @hookimpl
    def send(self, alert: Alert, recipient: Recipient, context: SendContext) -> Receipt:
        """Hand one message to Twilio, which queues it: success is acceptance, not delivery."""
        fitted = body(alert, segments=self.max_segments, plain=context.plain, repeated=context.repeated)
        fields: dict[str, object] = {
            "to": recipient.address.reveal(),
            "body": fitted.text,
            "from_": self.from_number,
            "messaging_service_sid": self.messaging_service_sid,
            "validity_period": self.validity_period,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        created = self._twilio().create(context.http, **given)
        if created.status in _LOST:
            raise undelivered(created.status, created.error_code, 201)
        return _receipt(created, fitted)

    @hookimpl
    def health(self, context: SendContext) -> Health:
        """Ask for the account's state; nothing is sent."""
        account = self._twilio().fetch(context.http)
        if account.status == "active":
            return Health.ok("the credentials work and the account is active")
        state = account.status if account.status in _ACCOUNT_STATES else "not active"
        return Health.failing(
            f"the account is {state}",
            error_kind="auth",
            hint="Check the account's balance and state in Twilio's console.",
        )

    def _twilio(self) -> Gateway:
        """The gateway, made at the first call: loading twilio takes part of a second."""
        with self._lock:
            if self._gateway is None:
                from tocsin_sms.gateway import Gateway

                self._gateway = Gateway(self.account_sid, self.auth_token, self.api_url)
            return self._gateway


def _receipt(created: Any, fitted: Fitted) -> Receipt:
    """SID and segments: Twilio's count where it has one already, a messaging service counts later."""
    counted = str(created.num_segments or "")
    segments = int(counted) if counted.isascii() and counted.isdecimal() and len(counted) < 4 else 0
    details: dict[str, object] = {"segments": segments or fitted.segments, "encoding": str(fitted.encoding)}
    if created.status in _STATES:
        details["status"] = created.status
    return Receipt(provider_id=created.sid, details=details)
