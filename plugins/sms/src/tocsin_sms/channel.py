"""The channel: settings, and what Twilio is asked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs

from tocsin import (
    Alert,
    Capabilities,
    DeliveryError,
    Health,
    RateLimited,
    Receipt,
    Recipient,
    Scope,
    Secret,
    SendContext,
    hookimpl,
)
from tocsin.forking import new_lock
from tocsin.settings import MissingSetting, in_range, setting, to_boolean, to_integer, to_secret, to_url
from tocsin_sms.converters import (
    to_account_sid,
    to_callback_url,
    to_key_sid,
    to_numbers,
    to_sender,
    to_service_sid,
)
from tocsin_sms.earlier import Earlier
from tocsin_sms.errors import undelivered
from tocsin_sms.format import body
from tocsin_sms.segments import BODY_LIMIT, MAX_SEGMENTS, Fitted, measured
from tocsin_sms.status import ARRIVED, LOST, PROGRESS

if TYPE_CHECKING:
    from tocsin_sms.gateway import Gateway

__all__ = ["SmsChannel"]

_ACCOUNT_STATES = {"suspended", "closed"}
_LONGEST_LIFE = 36_000
"""Seconds that Twilio keeps a message at most: https://www.twilio.com/docs/messaging/api/message-resource."""
_SHORTEST_LIFE = 3_600
"""Seconds it is kept at least where the alert's end alone decides, which may only be that of this process's memory."""


@attrs.define(eq=False, kw_only=True)
class SmsChannel:
    """Sends alerts as text messages through Twilio.

    Attributes:
        account_sid: of the account, ``AC…``.
        auth_token: of the account; shared by all numbers, so that a refused token stops the channel.
        api_key_sid: ``SK…``, takes the place of the auth token together with ``api_key_secret``.
        to: the recipients' numbers in E.164 form.
        from_number: a number, a short code or a sender name of the account.
        messaging_service_sid: ``MG…``; picks the sender itself. One of the two is needed.
        max_segments: the most that one alert may cost for each recipient, 1 to 10.
        emoji: whether emoji of the alert stay where the text would have more room without them.
        validity_period: seconds after which Twilio gives up a message it could not send, 1 to 36,000; by default what
            is left of the alert's own time, but no less than an hour.
        smart_encoded: whether Twilio replaces look-alikes, too; None leaves it to the messaging service.
        status_callback: where Twilio reports what became of a message, for :func:`tocsin_sms.parse_callback`.
        look_up: whether a message is looked for at Twilio before it is sent again after an unknown outcome.
        api_url: base address that every request goes to.
        recipients: one for each number.
    """

    capabilities = Capabilities(
        http=True,
        plain=True,
        receipts=True,
        rate_limit=1.0,  # one segment per second from a long code: https://www.twilio.com/docs/api/errors/21611
        rate_scope=Scope.CHANNEL,
        max_length=BODY_LIMIT,
    )
    api_version = 1

    account_sid: str = attrs.field(
        converter=to_account_sid,
        metadata=setting("TWILIO_ACCOUNT_SID", "SID of the account, AC…, from Twilio's console"),
    )
    auth_token: Secret | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_secret),
        metadata=setting("TWILIO_AUTH_TOKEN", "Auth token of the account, from Twilio's console"),
    )
    api_key_sid: str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_key_sid),
        metadata=setting("TWILIO_API_KEY_SID", "SID of an API key, SK…, in place of the auth token"),
    )
    api_key_secret: Secret | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_secret),
        metadata=setting("TWILIO_API_KEY_SECRET", "Secret of the API key"),
    )
    to: tuple[str, ...] = attrs.field(
        converter=to_numbers,
        repr=False,
        metadata=setting("SMS_TO", "Recipients' numbers in E.164 form, like +14155550123"),
    )
    from_number: str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_sender),
        metadata=setting("TWILIO_FROM_NUMBER", "Sender: a number of the account, a short code or a sender name"),
    )
    messaging_service_sid: str | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_service_sid),
        metadata=setting("TWILIO_MESSAGING_SERVICE_SID", "Messaging service, MG…, that picks the sender"),
    )
    max_segments: int = attrs.field(
        default=1,
        converter=to_integer,
        validator=in_range(1, MAX_SEGMENTS),
        metadata=setting("SMS_MAX_SEGMENTS", "Segments, each of which is paid for, that one alert may have: 1 to 10"),
    )
    emoji: bool = attrs.field(
        default=False,
        converter=to_boolean,
        metadata=setting("SMS_EMOJI", "Keep the alert's emoji, each of which more than halves the room of a segment"),
    )
    validity_period: int | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_integer),
        validator=attrs.validators.optional(in_range(1, _LONGEST_LIFE)),
        metadata=setting("SMS_VALIDITY_PERIOD", "Seconds after which an unsent message is given up: 1 to 36000"),
    )
    smart_encoded: bool | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_boolean),
        metadata=setting("SMS_SMART_ENCODED", "Whether Twilio replaces look-alikes of GSM-7 characters, too"),
    )
    status_callback: Secret | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_callback_url),
        metadata=setting("TWILIO_STATUS_CALLBACK", "Public URL that Twilio reports to what became of a message"),
    )
    look_up: bool = attrs.field(
        default=True,
        converter=to_boolean,
        metadata=setting("SMS_LOOK_UP", "Look at Twilio for a message that may have been sent before sending it again"),
    )
    api_url: str = attrs.field(
        default="https://api.twilio.com",
        converter=to_url,
        metadata=setting("TWILIO_API_URL", "Base address of Twilio's API"),
    )
    recipients: tuple[Recipient, ...] = attrs.field(init=False, repr=False)
    _gateway: Gateway | None = attrs.field(init=False, repr=False, default=None)
    _lock: Any = attrs.field(init=False, repr=False, factory=new_lock)
    _earlier: Earlier = attrs.field(init=False, repr=False, factory=Earlier)

    def __attrs_post_init__(self) -> None:
        if not self.to:
            raise MissingSetting("to names no number; list at least one")
        if self.from_number is None and self.messaging_service_sid is None:
            raise MissingSetting("from_number is not set; it or messaging_service_sid names the sender")
        if (self.api_key_sid is None) is not (self.api_key_secret is None):
            missing = "api_key_secret" if self.api_key_secret is None else "api_key_sid"
            raise MissingSetting(f"{missing} is not set; an API key is api_key_sid and api_key_secret together")
        if self.auth_token is None and self.api_key_sid is None:
            raise MissingSetting("auth_token is not set; it, or api_key_sid and api_key_secret, are the credentials")
        self.recipients = tuple(map(Recipient.of, self.to))

    @hookimpl
    def send(self, alert: Alert, recipient: Recipient, context: SendContext) -> Receipt:
        """Hand one message to Twilio, which queues it: success is acceptance, not delivery."""
        if context.repeated and self.look_up:
            found = self._look_up(alert, recipient, context)
            if found is not None:
                return found
        form = {"plain": context.plain, "repeated": context.repeated}
        fitted = body(alert, segments=self.max_segments, emoji=self.emoji, **form)
        fields = self._fields(recipient, fitted, context)
        created = self._twilio().create(context.http, **fields)
        if created.status in LOST:
            raise undelivered(created.status, created.error_code, 201)
        self._earlier.keep(created.sid)
        return _receipt(created, fitted)

    def _fields(self, recipient: Recipient, fitted: Fitted, context: SendContext) -> dict[str, object]:
        """The message, as https://www.twilio.com/docs/messaging/api/message-resource names its parts."""
        fields: dict[str, object] = {
            "to": recipient.address.reveal(),
            "body": fitted.text,
            "from_": self.from_number,
            "messaging_service_sid": self.messaging_service_sid,
            "status_callback": self.status_callback.reveal() if self.status_callback else None,
            "validity_period": self.validity_period or _life(context.patience),
            "smart_encoded": self.smart_encoded,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def _look_up(self, alert: Alert, recipient: Recipient, context: SendContext) -> Receipt | None:
        """The receipt of the message that an earlier attempt left there; None where it is to be sent (again)."""
        try:
            messages = self._twilio().recent(context.http, recipient.address.reveal())
        except RateLimited:
            raise
        except DeliveryError:
            # Rather twice than never: a key may send without being allowed to look.
            if context.deadline.remaining() <= 0:
                raise
            return None
        found = self._earlier.find(alert, messages, self.max_segments, self.emoji)
        return None if found is None else _receipt(found, measured(found.body))

    @hookimpl
    def health(self, context: SendContext) -> Health:
        """Ask for the account's state, or with an API key for a message; nothing is sent."""
        if self.api_key_sid is not None:
            # Only a main key may ask for the account: https://www.twilio.com/docs/iam/api-keys/keys-in-console.
            self._twilio().recent(context.http, limit=1)
            return Health.ok("the API key works; it cannot tell the account's state")
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

                user, password = self._credentials()
                self._gateway = Gateway(self.account_sid, user, password, self.api_url)
            return self._gateway

    def _credentials(self) -> tuple[str, Secret]:
        """User and password: the API key where there is one."""
        if self.api_key_sid is not None and self.api_key_secret is not None:
            return self.api_key_sid, self.api_key_secret
        return self.account_sid, self.auth_token or Secret("")


def _life(seconds: float) -> int | None:
    """The validity period of an alert that has so many seconds left; None where that is not known."""
    return min(_LONGEST_LIFE, max(_SHORTEST_LIFE, math.ceil(seconds))) if math.isfinite(seconds) else None


def _receipt(created: Any, fitted: Fitted) -> Receipt:
    """SID and segments: Twilio's count where it has one already, a messaging service counts later."""
    counted = str(created.num_segments or "")
    segments = int(counted) if counted.isascii() and counted.isdecimal() and len(counted) < 4 else 0
    details: dict[str, object] = {"segments": segments or fitted.segments, "encoding": str(fitted.encoding)}
    progress = PROGRESS.get(created.status, 0)
    if progress:
        details["status"] = created.status
    state = "delivered" if created.status in ARRIVED else "accepted"
    return Receipt(state=state, provider_id=created.sid, details=details, progress=progress)
