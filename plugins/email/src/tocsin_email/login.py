"""Logging in at a mail server: AUTH (RFC 4954) with the mechanisms that are in use.

Not ``smtplib.SMTP.login``: that encodes passwords as ASCII, and tries CRAM-MD5 first and then one mechanism after the
other, where each try counts as a failed login.
"""

from __future__ import annotations

import smtplib
from base64 import b64encode
from collections.abc import Callable

from tocsin import AuthError, Secret, ServerError
from tocsin_email.errors import Stage, failure_for

__all__ = ["COMMAND_LIMIT", "MECHANISMS", "log_in"]

COMMAND_LIMIT = 512
"""Octets of a command with its CRLF (RFC 5321, section 4.5.3.1.4); a longer first answer has to wait for the server's
334 (RFC 4954, section 4). Access tokens are often longer.
"""


def log_in(session: smtplib.SMTP, username: str, password: Secret, mechanisms: tuple[str, ...]) -> None:
    """Log in with the first mechanism that the server offers; another is tried only where it says "not this one".

    Args:
        session: after EHLO.
        username: of the account.
        password: password or, for XOAUTH2, access token.
        mechanisms: names of :data:`MECHANISMS`, first choice first.

    Raises:
        DeliveryError: the server refused, or offers none of them.
        OSError: the connection broke.
    """
    offered = session.esmtp_features.get("auth", "").upper().split()
    code, text = 0, b""
    for mechanism in (name for name in mechanisms if name in offered):
        code, text = _exchange(session, mechanism, username, password)
        if code != 504:
            break
    if code == 235:
        return
    if code >= 400:
        raise failure_for(Stage.AUTH, code, text)
    if code:
        raise ServerError("the server lost its place while logging in", status_code=code)
    raise AuthError(
        f"the server offers no login with {' or '.join(mechanisms)}",
        hint="Leave username and password out if the server needs none; or it offers a login over TLS only.",
    )


def _exchange(session: smtplib.SMTP, mechanism: str, username: str, password: Secret) -> tuple[int, bytes]:
    first, *answers = MECHANISMS[mechanism](username, password.reveal())
    if len(f"AUTH {mechanism} {first}\r\n") > COMMAND_LIMIT:
        first, answers = "", [first, *answers]
    code, text = session.docmd("AUTH", f"{mechanism} {first}".rstrip())
    for answer in answers:
        if code != 334:
            break
        code, text = session.docmd(answer)
    return code, text


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _plain(username: str, password: str) -> tuple[str, ...]:
    """RFC 4616. Given twice: in the command, and once more to a server that does not read it there."""
    token = _base64(f"\0{username}\0{password}")
    return token, token


def _login(username: str, password: str) -> tuple[str, ...]:
    """Never standardised (draft-murchison-sasl-login); nothing in the command, because some servers refuse that."""
    return "", _base64(username), _base64(password)


def _xoauth2(username: str, token: str) -> tuple[str, ...]:
    """Google's and Microsoft's *XOAUTH2 mechanism*: an empty line answers the error's details."""
    return _base64(f"user={username}\1auth=Bearer {token}\1\1"), ""


MECHANISMS: dict[str, Callable[[str, str], tuple[str, ...]]] = {"PLAIN": _plain, "LOGIN": _login, "XOAUTH2": _xoauth2}
"""By name: what the client says, the initial response first."""
