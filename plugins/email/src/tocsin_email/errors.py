"""What the answers of a mail server mean.

Replies: RFC 5321, section 4.2; enhanced codes: RFC 3463 and the IANA registry *SMTP Enhanced Status Codes*; AUTH:
RFC 4954, section 6; STARTTLS: RFC 3207. Codes of single providers: Google's *SMTP error reference*, Microsoft's
*Email non-delivery reports and SMTP errors in Exchange Online*, Amazon's *SMTP response codes returned by Amazon SES*.
"""

from __future__ import annotations

import re
from enum import StrEnum

import attrs

from tocsin import (
    AuthError,
    ChannelConfigError,
    ClientError,
    DeliveryError,
    InvalidRecipient,
    Outcome,
    PayloadError,
    RateLimited,
    Scope,
    ServerError,
    TlsError,
)

__all__ = ["DEFAULTS", "RULES", "Rule", "Stage", "failure_for"]


class Stage(StrEnum):
    """How far a conversation with a server has come; ``MESSAGE`` is what follows the final dot."""

    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    MESSAGE = "message"


@attrs.frozen
class Rule:
    """What one answer stands for.

    Attributes:
        error: the class to raise.
        words: what happened; the codes are put behind.
        hint: what to do about it, where the class's own hint is not the best.
        scope, outcome: where they differ from the class's own.
    """

    error: type[DeliveryError]
    words: str
    hint: str | None = None
    scope: Scope | None = None
    outcome: Outcome | None = None


_ONE, _ALL = Scope.RECIPIENT, Scope.CHANNEL
_LOGIN = "Set username and password; the server relays only for those who log in."
_TLS = 'Set tls = "starttls" or tls = "implicit".'
_PASSWORD = "Check username and password; many providers want an app password here, not the account's own."
_DISABLED = (
    'Have SMTP AUTH enabled for this mailbox by the administrator, or use auth = "xoauth2" with an access token.'
)
_FEWER = "Set workers lower (Exchange Online takes three connections at once), or rate_limit."
_STRANGER = "The recipient has to allow this sender."
_OAUTH = 'The provider takes no plain password any more: use auth = "xoauth2" with an access token, or another account.'
_SENDER = "Check from_email; the account may have to be allowed to send as this address."
_RELAY = "The server relays only after a login, or it blocks this sender; check username, password and from_email."
_DOMAIN = "Set up SPF and DKIM for the domain of from_email, or send through a server that signs."
_LARGE = Rule(PayloadError, "the mail is larger than the server takes")
_QUOTA = Rule(RateLimited, "the account's quota is used up", "Wait, or raise the quota.", _ALL, Outcome.REFUSED)
_UNKNOWN = Rule(InvalidRecipient, "the server does not know the recipient")
_FULL = Rule(ClientError, "the recipient's mailbox is full", "Have the mailbox cleared.", _ONE)
_NOT_AS = Rule(ChannelConfigError, "the account may not send as this sender", _SENDER, _ALL)
_SLOW_DOWN = "the server asks to send later"
_LIMIT = Rule(RateLimited, "the account sends more than it may", None, _ALL)
_UNPROVEN = Rule(ChannelConfigError, "the sender's domain does not prove the mail is its own", _DOMAIN, _ALL)
_SENDER_REFUSED = Rule(ChannelConfigError, "the server refused the sender", _SENDER, _ALL)
_BLOCKED = Rule(ChannelConfigError, "the provider blocks this sender", "Have the provider lift the block.", _ALL)
_CLOSED = Rule(ClientError, "the recipient takes mails from certain senders only", _STRANGER, _ONE)
_FLOODED = Rule(RateLimited, "the recipient gets too many mails", None, _ONE, Outcome.REFUSED)
_LOST = "the server lost its place in the conversation"

RULES: dict[str, Rule] = {
    # Any stage.
    "421": Rule(ServerError, "the server closes the connection"),
    "432": Rule(RateLimited, "the server takes fewer mails at once", _FEWER, _ALL),
    "454": _LIMIT,
    "523": Rule(AuthError, "the server takes a login over TLS only", _TLS),
    "525": Rule(AuthError, "the account is disabled", "Have the account enabled, or use another one."),
    "530": Rule(AuthError, "the server wants a login first", _LOGIN),
    "534": Rule(AuthError, "the server does not take this login", _PASSWORD),
    "535": Rule(AuthError, "the server refused username or password", _PASSWORD),
    "538": Rule(AuthError, "the server takes a login over TLS only", _TLS),
    "4.2": Rule(ServerError, "the recipient's mailbox takes nothing for now", None, _ONE),
    "4.2.1": Rule(RateLimited, "the recipient gets too many mails", None, _ONE),
    "4.5.3": Rule(RateLimited, "too many recipients", None, _ONE),
    "4.7": Rule(RateLimited, _SLOW_DOWN, None, _ALL),
    "5.1.7": _SENDER_REFUSED,
    "5.1.8": _SENDER_REFUSED,
    "5.1.90": _QUOTA,
    "5.2.121": _FLOODED,
    "5.2.122": _FLOODED,
    "5.2.2": _FULL,
    "5.2.3": _LARGE,
    "5.2.252": _NOT_AS,
    "5.3.4": _LARGE,
    "5.4.5": _QUOTA,
    # 5.7.20 to 5.7.27: DKIM, SPF and reverse DNS (RFC 7372, RFC 7505); the others are Google's and Microsoft's.
    **dict.fromkeys([f"5.7.{number}" for number in (*range(20, 28), 32, 40, 509, 515)], _UNPROVEN),
    "5.7.28": _QUOTA,
    "5.7.30": Rule(AuthError, "the provider takes no plain password", _OAUTH),
    "5.7.57": Rule(AuthError, "the server wants a login first", _LOGIN),
    "5.7.60": _NOT_AS,
    **dict.fromkeys([f"5.7.{number}" for number in (124, 133, 134, 135, 136)], _CLOSED),
    "5.7.139": Rule(AuthError, "the provider has switched this kind of login off", _DISABLED),
    **dict.fromkeys([f"5.7.{number}" for number in (501, 502, 503, 511, 708, 750)], _BLOCKED),
    "5.7.705": _QUOTA,
    # 4.7.0 is a failure of the server there, and no limit; 432 asks for another password.
    "auth 4.7": Rule(ServerError, "the server cannot check the login for now"),
    "auth 454": Rule(ServerError, "the server cannot check the login for now"),
    "auth 432": Rule(AuthError, "the server wants the password changed"),
    "auth 4.7.12": Rule(AuthError, "the server wants the password changed"),
    "starttls 4.7": Rule(TlsError, "the server cannot start TLS for now", outcome=Outcome.RETRY),
    "starttls 454": Rule(TlsError, "the server cannot start TLS for now", outcome=Outcome.RETRY),
    # The sender.
    "mail 552": _LARGE,
    "mail 503": Rule(ClientError, _LOST),
    "mail 555": Rule(ClientError, "the server does not take the parameters of the mail", None, _ALL),
    # The recipient. RFC 5321, section 4.5.3.1.10: 552 to RCPT means 452, unless the enhanced code knows better.
    "rcpt 4.7": Rule(RateLimited, _SLOW_DOWN, None, _ONE),
    "rcpt 552": Rule(ServerError, "the server has no room for this recipient", None, _ONE, Outcome.RETRY),
    "rcpt 501": _UNKNOWN,
    "rcpt 521": _UNKNOWN,
    "rcpt 550": _UNKNOWN,
    "rcpt 551": _UNKNOWN,
    "rcpt 553": _UNKNOWN,
    "rcpt 556": _UNKNOWN,
    "rcpt 5.1": _UNKNOWN,
    "rcpt 5.2.1": _UNKNOWN,
    "rcpt 5.4.1": _UNKNOWN,
    "rcpt 5.4.4": _UNKNOWN,
    "rcpt 5.7": Rule(ClientError, "the server does not let this sender reach the recipient", _RELAY, _ONE),
    "rcpt 554": Rule(ClientError, "the server does not let this sender reach the recipient", _RELAY, _ONE),
    # The message. Some servers know only now whom it is for.
    "data 503": Rule(ClientError, _LOST),
    "message 5.1": _UNKNOWN,
    "message 5.2.1": _UNKNOWN,
    # Google's code for a missing DKIM signature, which no server can judge before the message has come.
    "message 5.7.30": _UNPROVEN,
    "message 5.7": Rule(PayloadError, "the server refused what the message contains"),
    "message 552": _LARGE,
}
"""By enhanced code (``5.1.1``, or its class ``5.1``) or reply code, for one stage (``rcpt 550``) or for all.

:func:`failure_for` says in which order they are looked up.
"""

DEFAULTS: dict[tuple[Stage, int], Rule] = {
    (Stage.GREETING, 4): Rule(ServerError, "the server takes no connections for now"),
    (Stage.GREETING, 5): Rule(
        ClientError, "the server takes no mail from here", "The server may block this address.", _ALL
    ),
    (Stage.EHLO, 4): Rule(ServerError, "the server takes no mail for now"),
    (Stage.EHLO, 5): Rule(
        ClientError, "the server refused the greeting", "Set ehlo_name to this host's full name.", _ALL
    ),
    (Stage.STARTTLS, 4): Rule(TlsError, "the server cannot start TLS for now", outcome=Outcome.RETRY),
    (Stage.STARTTLS, 5): Rule(TlsError, "the server refused to start TLS"),
    (Stage.AUTH, 4): Rule(ServerError, "the server cannot check the login for now"),
    (Stage.AUTH, 5): Rule(AuthError, "the server refused the login", _PASSWORD),
    (Stage.MAIL, 4): Rule(ServerError, "the server does not take the sender for now"),
    (Stage.MAIL, 5): _SENDER_REFUSED,
    (Stage.RCPT, 4): Rule(ServerError, "the server does not take this recipient for now", None, _ONE),
    (Stage.RCPT, 5): Rule(ClientError, "the server refused the recipient", None, _ONE),
    (Stage.DATA, 4): Rule(ServerError, "the server takes no message for now"),
    (Stage.DATA, 5): Rule(PayloadError, "the server takes no message"),
    (Stage.MESSAGE, 4): Rule(ServerError, "the server does not take the message for now"),
    (Stage.MESSAGE, 5): Rule(PayloadError, "the server refused the message"),
}
"""By stage and first digit, where :data:`RULES` has nothing."""

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?!\S)", re.ASCII)


def failure_for(stage: Stage, code: int, text: bytes | str) -> DeliveryError:
    """The error that a reply stands for.

    Looked up from the most precise to the least: the enhanced code, its class, the reply code; each for the stage
    first, then for all. What the codes of AUTH (523 to 538) say is about the login, whatever stands beside them: the
    enhanced codes vary widely there.

    Args:
        stage: what the reply is to.
        code: 400 to 599.
        text: its text; only the enhanced code in front is looked at, because the rest can quote addresses.
    """
    match = _ENHANCED.match(text if isinstance(text, str) else text.decode("latin-1"))
    enhanced = match[1] if match and match[1][0] == str(code)[0] else ""
    rule = _rule(stage, code, enhanced)
    return rule.error(
        f"{rule.words} ({code}{f' {enhanced}' if enhanced else ''})",
        status_code=code,
        provider_code=enhanced or None,
        scope=rule.scope,
        outcome=rule.outcome,
        hint=rule.hint,
    )


def _rule(stage: Stage, code: int, enhanced: str) -> Rule:
    names = [enhanced, enhanced.rpartition(".")[0], str(code)] if enhanced else [str(code)]
    of_login = code in (523, 525, 530, 534, 535, 538)
    for name in names:
        rule = RULES.get(f"{stage} {name}") or RULES.get(name)
        if rule is not None and (rule.error is AuthError or not of_login):
            return rule
    return DEFAULTS[stage, code // 100]
