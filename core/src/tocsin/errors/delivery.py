"""What a channel raises: why one attempt failed, and what follows from it."""

from __future__ import annotations

from typing import ClassVar, Self

from tocsin.errors.kinds import ErrorKind, Outcome, Scope
from tocsin.errors.usage import TocsinError

__all__ = [
    "AlertLost",
    "AuthError",
    "ChannelConfigError",
    "CircuitOpen",
    "ClientError",
    "ConnectionFailed",
    "DeliveryError",
    "DeliveryTimeout",
    "Expired",
    "InvalidRecipient",
    "PayloadError",
    "PluginError",
    "RateLimited",
    "ServerError",
    "TlsError",
    "not_attempted",
]


class DeliveryError(TocsinError):
    """One attempt failed. Channels raise the subclass that says why.

    Args:
        message: what the provider or the network said, in words; no URL, token, address or content of the alert.
        retry_after: seconds the provider asked to wait; never shortened, capped at one hour by the dispatcher.
        status_code: the HTTP or SMTP status, where there was one.
        scope: what the failure (or the wait) concerns; each class has its default.
        outcome: what happens next; each class has its default.
        hint: what a person can do about it.
        provider_code: the provider's own error code.
        lasting: whether only a person can mend it, so that the recipient is paused; each class has its default.
    """

    code = "TCN-200"
    kind: ClassVar[ErrorKind] = ErrorKind.CLIENT
    default_outcome: ClassVar[Outcome] = Outcome.REFUSED
    default_scope: ClassVar[Scope] = Scope.MESSAGE
    default_hint: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        status_code: int | None = None,
        scope: Scope | None = None,
        outcome: Outcome | None = None,
        hint: str | None = None,
        provider_code: str | int | None = None,
        lasting: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.status_code = status_code
        self.scope = scope or self.default_scope
        self.outcome = outcome or self.default_outcome
        self.hint = self.default_hint if hint is None else hint
        self.provider_code = provider_code
        self.lasting = self._lasts() if lasting is None else lasting
        """Whether only a person can mend it: the recipient is paused until then, instead of probed."""
        self.attempted = True
        """False where a policy refused before anything was sent: no attempt is recorded."""
        self.counts = True
        """False where the attempt uses up none of ``max_retries`` (a failed half-open probe)."""

    def _lasts(self) -> bool:
        return False

    def reworded(self, message: str, hint: str, provider_code: str | int | None) -> Self:
        """The same failure in other words, without traceback, cause and context: safe to keep and to show."""
        twin = type(self).__new__(type(self), message)
        twin.__dict__.update(self.__dict__)
        twin.__notes__ = []
        twin.args = (message,)
        twin.message, twin.hint, twin.provider_code = message, hint, provider_code
        return twin


class AuthError(DeliveryError):
    """The credentials were refused. Not retried; the circuit of its scope opens at once.

    Scope CHANNEL concerns all recipients of this recipient's kind, which share the credential. Scope RECIPIENT says
    that the credential is part of the address: the recipient is paused, unless ``lasting=False`` leaves it to a probe.
    """

    code = "TCN-201"
    kind = ErrorKind.AUTH
    default_outcome = Outcome.CREDENTIALS
    default_scope = Scope.CHANNEL
    default_hint = "Check the token, password or URL in the channel's settings; it may have been revoked."

    def _lasts(self) -> bool:
        return self.scope is Scope.RECIPIENT


class RateLimited(DeliveryError):
    """Too many requests. Retried, never before ``retry_after``."""

    code = "TCN-202"
    kind = ErrorKind.RATE_LIMITED
    default_outcome = Outcome.RETRY
    default_scope = Scope.RECIPIENT
    default_hint = "It is sent again when the wait is over; send less, or spread it over more recipients."


class InvalidRecipient(DeliveryError):
    """This destination takes nothing any more (unknown, opted out, blocked, deleted). The recipient is paused."""

    code = "TCN-203"
    kind = ErrorKind.INVALID_RECIPIENT
    default_outcome = Outcome.GONE
    default_scope = Scope.RECIPIENT
    default_hint = "Remove or correct the recipient, then enable the channel again."

    def _lasts(self) -> bool:
        return True


class PayloadError(DeliveryError):
    """The provider refused this message. Sent once more in a simpler form where the channel has one."""

    code = "TCN-204"
    kind = ErrorKind.PAYLOAD
    default_hint = "Look at what the alert contains; the provider's limits stand in the channel's page of the manual."


class ClientError(DeliveryError):
    """The request was refused for another reason; sending it again would not help."""

    code = "TCN-205"
    kind = ErrorKind.CLIENT
    default_hint = "Check the address and the settings of the channel."


class ServerError(DeliveryError):
    """The provider failed. Retried."""

    code = "TCN-206"
    kind = ErrorKind.SERVER
    default_outcome = Outcome.RETRY
    default_scope = Scope.CHANNEL
    default_hint = "The receiver's side failed; look at its status, and send again later."


class DeliveryTimeout(DeliveryError):
    """No usable answer before the deadline. Unknown, since the request may have arrived, unless it says otherwise."""

    code = "TCN-207"
    kind = ErrorKind.TIMEOUT
    default_outcome = Outcome.UNKNOWN
    default_scope = Scope.CHANNEL
    default_hint = "Look at the receiver before you send again; raise timeout where it is slow."


class ConnectionFailed(DeliveryError):
    """The connection failed. Retry while nothing was sent; the outcome is unknown once the request went."""

    code = "TCN-208"
    kind = ErrorKind.CONNECTION
    default_outcome = Outcome.RETRY
    default_scope = Scope.CHANNEL
    default_hint = "Check the address, and whether this machine can reach it."


class TlsError(DeliveryError):
    """The server could not prove who it is. Nothing was sent, and nothing is sent in clear text instead."""

    code = "TCN-209"
    kind = ErrorKind.TLS
    default_scope = Scope.CHANNEL
    default_hint = "Check the host name and the certificate; name a private authority's file in the channel's ca_file."


class ChannelConfigError(DeliveryError):
    """A setting makes this delivery impossible."""

    code = "TCN-210"
    kind = ErrorKind.CONFIG


class PluginError(DeliveryError):
    """The channel's code failed. Recorded and not retried; other channels are not touched."""

    code = "TCN-211"
    kind = ErrorKind.PLUGIN
    default_outcome = Outcome.PLUGIN_ERROR
    default_hint = "This is a fault in the channel's own code; its authors need the place that is named."


class CircuitOpen(DeliveryError):
    """The circuit is open after repeated failures; the delivery waits until a probe may go out."""

    code = "TCN-212"
    kind = ErrorKind.CIRCUIT_OPEN
    default_outcome = Outcome.RETRY
    default_scope = Scope.CHANNEL
    default_hint = "It is tried again by itself; tocsin health tells when."


class Expired(DeliveryError):
    """The alert's deadline passed, or the next attempt would have come after it."""

    code = "TCN-213"
    kind = ErrorKind.EXPIRED
    default_hint = "Send it again, or raise deadline."


class AlertLost(DeliveryError):
    """The store no longer has the alert as it was written, so nothing was sent. Raised by the dispatcher."""

    code = "TCN-214"
    kind = ErrorKind.STORE
    default_hint = "Run tocsin store check, and send the alert again from where it came from."


def not_attempted(error: DeliveryError) -> DeliveryError:
    """The same error, marked as raised before anything was sent."""
    error.attempted = False
    return error
