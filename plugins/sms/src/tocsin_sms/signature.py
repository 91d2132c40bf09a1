"""Whether a webhook was signed with the account's auth token.

From https://www.twilio.com/docs/usage/webhooks/webhooks-security: base64 of the HMAC-SHA1, under the auth token, of the
URL followed by the name and value of each field of the form, sorted by name. A JSON body is not part of it; its SHA-256
is, as ``bodySHA256`` in the URL's query. Twilio is not consistent about the port, so that the URL is tried with and
without it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import parse_qs, urlsplit

__all__ = ["body_hash", "is_signed", "sign"]

_PORTS = {"https": "443", "http": "80"}
_AUTHORITY = re.compile(r"(?P<before>[^:/?#]+://(?:[^/?#@]*@)?(?:\[[^\]]*\]|[^:/?#]*))(?::[0-9]*)?(?P<after>[/?#].*|)")


def sign(url: str, fields: Mapping[str, Iterable[str]], auth_token: str) -> str:
    """The ``X-Twilio-Signature`` of a webhook.

    Args:
        url: the whole URL as Twilio was told it, with its query.
        fields: the values of each field of the form; none for a JSON body.
        auth_token: of the account.
    """
    text = url + "".join(name + value for name in sorted(fields) for value in sorted(set(fields[name])))
    digest = hmac.new(auth_token.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def is_signed(url: str, fields: Mapping[str, Iterable[str]], signature: str, auth_token: str) -> bool:
    """Whether one of the URL's forms has this signature; the comparison takes the same time wherever they differ."""
    given = signature.encode("utf-8", "surrogatepass")
    found = [hmac.compare_digest(sign(form, fields, auth_token).encode(), given) for form in set(_forms(url))]
    return any(found)


def body_hash(url: str) -> str | None:
    """The ``bodySHA256`` in the URL's query, which Twilio sends with a JSON body: SHA-256 in hexadecimal digits."""
    return parse_qs(urlsplit(url).query).get("bodySHA256", [None])[0]


def _forms(url: str) -> Iterator[str]:
    """The URL as it is, without its port, and with the standard port where it has none.

    A fragment, which holds settings of the connection, is told to Twilio and not to the server.
    """
    for whole in (url, url.partition("#")[0]):
        yield whole
        parts = _AUTHORITY.fullmatch(whole)
        if parts is not None:
            before, after = parts["before"], parts["after"]
            yield before + after
            if whole == before + after:
                yield f"{before}:{_PORTS.get(whole.partition(':')[0].lower(), '80')}{after}"
