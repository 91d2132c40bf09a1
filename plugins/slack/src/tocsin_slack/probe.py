"""Health without sending: does the token work, and may the bot post to each channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tocsin import ErrorKind, Health, InvalidRecipient, Recipient
from tocsin_slack.answer import Reply

__all__ = ["probe"]

Call = Callable[[str, Mapping[str, str]], Reply]

_NO_LOOKUP = ("U", "W", "#")
"""People have no conversation of their own id, and conversations.info knows no names."""


def probe(call: Call, channels: Sequence[Recipient], webhooks: int) -> Health:
    """What ``auth.test`` (no scope needed) and ``conversations.info`` find out.

    Args:
        call: asks a method of the Web API with form fields.
        channels: to be looked up.
        webhooks: how many there are besides; they cannot be checked.

    Raises:
        DeliveryError: the token was refused, or Slack cannot be asked.
    """
    scopes = _scopes(call("auth.test", {}).check())
    if scopes and "chat:write" not in scopes:
        reason = "the token works, but the app may not post: the scope chat:write is missing"
        return Health.failing(reason, error_kind=str(ErrorKind.AUTH))
    problems: dict[str, str] = {}
    unchecked = 0
    for recipient in channels:
        found = _look_up(call, recipient, public="chat:write.public" in scopes)
        if found is None:
            unchecked += 1
        elif found:
            problems[recipient.label] = found
    return _verdict(problems, len(channels), unchecked, webhooks)


def _scopes(reply: Reply) -> frozenset[str]:
    """What the token may do, from the header that every answer has; empty where it is missing."""
    return frozenset(word.strip() for word in reply.response.headers.get("x-oauth-scopes", "").split(",") if word)


def _look_up(call: Call, recipient: Recipient, *, public: bool) -> str | None:
    """What is wrong with a channel; empty where nothing is, None where it cannot be told."""
    address = recipient.address.reveal()
    if address.startswith(_NO_LOOKUP):
        return None
    reply = call("conversations.info", {"channel": address})
    if reply.word == "missing_scope" and not reply.ok:
        return None
    if not reply.ok:
        error = reply.error()
        if not isinstance(error, InvalidRecipient):
            raise error
        return error.message
    channel = reply.body.get("channel")
    facts = channel if isinstance(channel, dict) else {}
    if facts.get("is_archived") is True:
        return "the channel is archived"
    may_post = facts.get("is_member") is not False or (public and facts.get("is_private") is False)
    return "" if may_post else "the bot is not in the channel; invite it with /invite @app"


def _verdict(problems: Mapping[str, str], channels: int, unchecked: int, webhooks: int) -> Health:
    counts = {"channels": channels, "unchecked": unchecked + webhooks}
    if problems:
        reasons = "; ".join(f"{label}: {reason}" for label, reason in problems.items())
        reason = f"{len(problems)} of {channels} channels cannot be posted to: {reasons}"
        return Health.failing(reason, error_kind=str(ErrorKind.INVALID_RECIPIENT), **counts)
    words = "the token works" + ("" if unchecked else " and the bot may post to every channel")
    if unchecked:
        words += f"; {unchecked} of {channels} channels cannot be looked up (names, people, or no scope channels:read)"
    if webhooks:
        words += f"; {webhooks} webhooks cannot be checked without sending"
    return Health.ok(words, **counts)
