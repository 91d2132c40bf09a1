"""What a mail asks of the server beyond plain SMTP, by what the server offered in its answer to EHLO."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from tocsin import ChannelConfigError, DeliveryError, InvalidRecipient, PayloadError, Scope

__all__ = ["Mail", "most_mails", "recipient_parameters", "sender_parameters"]

Extensions = Mapping[str, str]
"""Lower-case keyword of an extension to its parameters."""


@attrs.frozen
class Mail:
    """What goes over the wire for one recipient.

    Attributes:
        sender, to: addresses of the envelope.
        content: the message, with CRLF line ends and without dot-stuffing.
        utf8: it has an address beyond ASCII.
        envelope_id: what a bounce names the mail by, at most 100 characters of printable ASCII without ``+`` and ``=``
            (RFC 3461, section 4.4); empty for none.
    """

    sender: str
    to: str
    content: bytes = attrs.field(repr=False)
    utf8: bool = False
    envelope_id: str = ""


def sender_parameters(offered: Extensions, mail: Mail) -> str:
    """What stands behind the address of MAIL: the size, the envelope's id, and that UTF-8 is used.

    Raises:
        PayloadError: the mail is larger than the server announced to take.
        InvalidRecipient, ChannelConfigError: an address is beyond ASCII, and the server takes none.
    """
    size = len(mail.content)
    parameters = ""
    if "size" in offered:
        _check_size(offered["size"].strip(), size)
        parameters += f" SIZE={size}"
    if mail.utf8:
        if "smtputf8" not in offered:
            raise _needs_utf8(mail)
        parameters += " BODY=8BITMIME SMTPUTF8"  # RFC 6531, section 3.1: who offers one offers both
    if "dsn" in offered and mail.envelope_id:
        # The header is enough to know which alert bounced; its text need not travel back.
        parameters += f" RET=HDRS ENVID={mail.envelope_id}"
    return parameters


def recipient_parameters(offered: Extensions) -> str:
    """What stands behind the address of RCPT: a bounce for a delay too, which nobody would notice otherwise."""
    return " NOTIFY=FAILURE,DELAY" if "dsn" in offered else ""


def most_mails(offered: Extensions) -> float:
    """How many mails the server takes on one connection (LIMITS MAILMAX, RFC 9422); infinity where it does not say."""
    for limit in offered.get("limits", "").upper().split():
        name, _, number = limit.partition("=")
        if name == "MAILMAX" and number.isdecimal() and int(number):
            return int(number)
    return float("inf")


def _check_size(limit: str, size: int) -> None:
    """RFC 1870: the size counts the bytes without dot-stuffing, and a limit of 0 or none is no fixed one."""
    if limit.isdecimal() and 0 < int(limit) < size:
        raise PayloadError(f"the mail has {size:,} bytes, the server takes at most {int(limit):,}")


def _needs_utf8(mail: Mail) -> DeliveryError:
    if mail.to.isascii():
        return ChannelConfigError("the server takes no sender beyond ASCII; change from_email", scope=Scope.CHANNEL)
    return InvalidRecipient("the server takes no address beyond ASCII (it offers no SMTPUTF8)")
