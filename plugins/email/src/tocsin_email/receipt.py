"""What a server's answer to a message says about where it can be found again."""

from __future__ import annotations

import re

__all__ = ["queue_id"]

_TOKEN = rb"([A-Za-z0-9._-]{4,100})(?![^\s\])>,;])"
_FORMS = [
    re.compile(form, re.IGNORECASE)
    for form in (
        rb"\bqueued as " + _TOKEN,  # Postfix, Haraka, many services
        rb"\bid=" + _TOKEN,  # Exim
        rb"\bInternalId=" + _TOKEN,  # Exchange
        rb"\bOK +\d+ " + _TOKEN + rb" - gsmtp",  # Gmail
        rb"\bqp " + _TOKEN,  # qmail
        rb"(?:^|\s)" + _TOKEN + rb" Message accepted",  # Sendmail
        rb"^(?:2\.\d\.\d )?Ok " + _TOKEN + rb"$",  # Amazon SES
    )
]


def queue_id(answer: bytes) -> str | None:
    """The id under which the server's log shows the message; None where the answer has none.

    Args:
        answer: the text behind ``250``. Only a short token of letters, digits, dots and dashes is taken from it.
    """
    for form in _FORMS:
        match = form.search(answer)
        if match is not None:
            return match[1].decode()
    return None
