"""Mail addresses: checked when the channel is configured, in the form in which SMTP and mail headers take them."""

from __future__ import annotations

import ipaddress
import re

import attrs

from tocsin.settings import to_text
from tocsin_email.mime import encoded_words

__all__ = ["MAX_ADDRESS", "MAX_DOMAIN", "MAX_LOCAL_PART", "MAX_NAME", "Mailbox", "is_loopback", "to_host", "to_mailbox"]

MAX_LOCAL_PART = 64
"""Octets before the ``@`` (RFC 5321, section 4.5.3.1.1)."""
MAX_DOMAIN = 255
"""Octets behind the ``@`` (RFC 5321, section 4.5.3.1.2)."""
MAX_ADDRESS = 254
"""Octets of the whole address: a path has 256 with its ``<`` and ``>`` (RFC 5321, section 4.5.3.1.3)."""
MAX_NAME = 100
"""Characters of a display name: our own bound, far below a line's 998."""

_FORM = re.compile(r'(?:"?(?P<name>[^<>"]*?)"?\s*<(?P<inner>[^<>\s]+)>|(?P<bare>[^<>\s]+))')
# Atoms with dots between them (RFC 5321, section 4.1.2), and beyond ASCII what RFC 6531 adds.
_ATOM = r"[^\s\x00-\x1f\x7f-\x9f\"(),.:;<>@\[\\\]]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HOST = re.compile(r"[A-Za-z0-9_.-]{1,253}")
_DEVIATING = frozenset("\N{LATIN SMALL LETTER SHARP S}\N{GREEK SMALL LETTER FINAL SIGMA}\u200c\u200d")
_WRONG = "must be a mail address, like ops@example.com or Operations <ops@example.com>"


@attrs.frozen
class Mailbox:
    """One mail address and the name shown with it.

    Attributes:
        local: the part before the ``@``, in any script.
        domain: host name in lower-case A-labels (``xn--…``), or an address literal in brackets.
        name: display name; empty for none.
    """

    local: str
    domain: str
    name: str = ""

    @property
    def address(self) -> str:
        """``local@domain``, as it stands in SMTP commands."""
        return f"{self.local}@{self.domain}"

    @property
    def needs_utf8(self) -> bool:
        """Only a server with SMTPUTF8 (RFC 6531) can take it."""
        return not self.local.isascii()

    def header(self) -> str:
        """``Name <local@domain>`` for a header; never a bare address, which spam filters hold against a mail."""
        return f"{_phrase(self.name)} <{self.address}>" if self.name else f"<{self.address}>"


def _phrase(name: str) -> str:
    if name.isascii() and "=?" not in name:
        return '"' + name.replace("\\", "\\\\") + '"'
    return encoded_words(name, first=60, rest=59)


def to_mailbox(value: str) -> Mailbox:
    """The address in ``ops@example.com`` or ``Operations <ops@example.com>``.

    Raises:
        ValueError: it is none; the message does not quote it.
    """
    match = _FORM.fullmatch(to_text(value))
    local, at, domain = (match["inner"] or match["bare"]).rpartition("@") if match else ("", "", "")
    if not match or not at or not _LOCAL.fullmatch(local) or len(local.encode()) > MAX_LOCAL_PART:
        raise ValueError(_WRONG)
    name = " ".join((match["name"] or "").split())
    if len(name) > MAX_NAME:
        raise ValueError(f"has a name of more than {MAX_NAME} characters")
    mailbox = Mailbox(local, _domain(domain), name)
    if len(mailbox.address.encode()) > MAX_ADDRESS:
        raise ValueError(f"must have at most {MAX_ADDRESS} octets, with its domain as xn--…")
    return mailbox


def _domain(domain: str) -> str:
    if domain.startswith("[") and domain.endswith("]"):
        return _literal(domain)
    if _DEVIATING & set(domain):
        raise ValueError("has a domain with a letter that IDNA 2003 and 2008 write differently; give it as xn--…")
    if len(domain) > MAX_DOMAIN:
        raise ValueError(_WRONG)
    try:
        encoded = domain.encode("idna").decode().lower()
    except UnicodeError:
        raise ValueError(_WRONG) from None
    if len(encoded) > MAX_DOMAIN or not all(_LABEL.fullmatch(label) for label in encoded.split(".")):
        raise ValueError(_WRONG)
    return encoded


def _literal(domain: str) -> str:
    """``[192.0.2.1]`` or ``[IPv6:2001:db8::1]`` (RFC 5321, section 4.1.3)."""
    inner = domain[1:-1]
    try:
        address = ipaddress.ip_address(inner[5:] if inner[:5].lower() == "ipv6:" else inner)
    except ValueError:
        raise ValueError(_WRONG) from None
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"


def to_host(value: str) -> str:
    """A host name or address without a port; letters beyond ASCII as A-labels.

    Raises:
        ValueError: it is none.
    """
    host = to_text(value).removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        if not host.isascii():
            return _domain(host)
    if not _HOST.fullmatch(host):
        raise ValueError("must be a host name or an address, without a port")
    return host


def is_loopback(host: str) -> bool:
    """Whether what is sent to this host cannot leave the machine; decided by the name alone, without looking it up."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"
