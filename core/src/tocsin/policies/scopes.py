"""What a failure, a wait or a limit concerns: the channel, the recipients of one kind, or one of them."""

from __future__ import annotations

from tocsin.circuit import TRANSPORT
from tocsin.errors import DeliveryError, ErrorKind, Scope
from tocsin.recipient import Recipient

__all__ = ["CHANNEL", "key_of", "keys_of"]

CHANNEL = ""
"""The key of what concerns the whole channel; a kind of recipients has its word, a recipient its id."""


def key_of(error: DeliveryError, recipient: Recipient, together: Scope) -> str:
    """What a failure concerns: the channel, or the recipient alone where recipients are servers of their own.

    A credential of the channel, and a wait for all who use it, concerns the recipients of one kind: a bot's none that
    are webhooks.
    """
    alone = error.scope is not Scope.CHANNEL or (together is Scope.RECIPIENT and error.kind in TRANSPORT)
    if alone:
        return recipient.id
    return recipient.kind if error.kind in (ErrorKind.AUTH, ErrorKind.RATE_LIMITED) else CHANNEL


def keys_of(recipient: Recipient) -> tuple[str, ...]:
    """The keys of everything that holds back what goes to this recipient, the channel's first."""
    return (CHANNEL, recipient.kind, recipient.id) if recipient.kind else (CHANNEL, recipient.id)
