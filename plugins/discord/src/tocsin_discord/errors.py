"""What Discord answers, and the failure that it stands for.

A refusal has an HTTP status and a number in ``code``
(docs.discord.com/developers/topics/opcodes-and-status-codes#json). Its ``message`` is never shown; the words here are
Discord's own meaning of the number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

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
)
from tocsin.http import HttpResponse, failure_for
from tocsin_discord.buckets import seconds, wait_of

__all__ = ["CODES", "EDIT_IMPOSSIBLE", "THREAD_GONE", "Code", "code_of", "failure"]

_DELETED = "Make a new webhook in the channel's settings and put its URL into webhook_urls."
_GONE = "The channel or thread is gone; make a new webhook, or correct ?thread_id= behind its URL."
_URL = "Copy the webhook's URL anew from the channel's settings; its token has changed."
_RIGHTS = "The channel's settings keep the webhook out; ask an administrator of the server."
_THREAD = "Unarchive or unlock the thread, or take another ?thread_id= behind the URL."
_FORUM = "Set thread_name, or put ?thread_id=<number of a post> behind the URL."
_TAGS = "Let the forum take posts without a tag, or put ?thread_id=<number of a post> behind the URL."
_NO_FORUM = "Take thread_name out of the settings; only a forum has posts."
_CROWDED = "Close some of the server's threads, or put ?thread_id=<number of a post> behind the URL."
_PLACE = "Make a webhook in a text channel."
_CONTENT = "Discord refused the message; a simpler form is tried once."
_FILTER = "The server's automatic moderation refused the text; let it pass the webhook."
_LATER = "Discord has switched this off for now; nothing to do."
_REPORT = "Discord refused how it was asked; report it."
_ADDRESS = "Something before Discord refuses this program or address; ask from another, or set DISCORD_API_URL."
_BANNED_WAIT = 60.0
"""Our own: seconds without any request where Cloudflare bans or blocks this machine's address and does not say for how
long. Each refusal counts towards the next ban
(docs.discord.com/developers/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans)."""

_LOST = frozenset({500, 502, 504, 520, 524})
"""Statuses after which nobody knows whether the message was saved: Discord failed at it, or the answer was lost before
it (RFC 9110, section 15.6; 520 and 524 are Cloudflare's,
developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors)."""


@attrs.frozen
class Code:
    """One row: what the number means and stands for, what to do, and seconds to wait where the answer tells none."""

    words: str
    failure: type[DeliveryError]
    hint: str = ""
    scope: Scope | None = None
    wait: float | None = None


CODES: dict[int, Code] = {
    # This webhook: never to be called again.
    10003: Code("unknown channel", InvalidRecipient, _GONE),
    10004: Code("unknown server", InvalidRecipient, _DELETED),
    10015: Code("unknown webhook", InvalidRecipient, _DELETED),
    10016: Code("unknown webhook service", InvalidRecipient, _DELETED),
    50001: Code("missing access", InvalidRecipient, _RIGHTS),
    50013: Code("missing permissions", InvalidRecipient, _RIGHTS),
    50008: Code("not a text channel", InvalidRecipient, _PLACE),
    50024: Code("not possible in this type of channel", InvalidRecipient, _PLACE),
    50083: Code("the thread is archived", InvalidRecipient, _THREAD),
    160005: Code("the thread is locked", InvalidRecipient, _THREAD),
    40058: Code("not possible in a forum", InvalidRecipient, _FORUM),
    40066: Code("no tag of this forum is free to use", InvalidRecipient, _TAGS),
    40067: Code("a tag is required in this forum", InvalidRecipient, _TAGS),
    220001: Code("a forum needs a thread", InvalidRecipient, _FORUM),
    220003: Code("threads are made in forums only", InvalidRecipient, _NO_FORUM),
    220004: Code("not possible in a forum", InvalidRecipient, _PLACE),
    40001: Code("unauthorized", AuthError, _URL, Scope.RECIPIENT),
    50014: Code("invalid token", AuthError, _URL, Scope.RECIPIENT),
    50027: Code("invalid webhook token", AuthError, _URL, Scope.RECIPIENT),
    # This message.
    20009: Code("explicit content", PayloadError, _FILTER),
    40005: Code("too large", PayloadError, _CONTENT),
    50006: Code("empty message", PayloadError, _CONTENT),
    50035: Code("invalid form body", PayloadError, _CONTENT),
    50109: Code("invalid JSON", PayloadError, _CONTENT),
    200000: Code("blocked by automatic moderation", PayloadError, _FILTER),
    200001: Code("title blocked by automatic moderation", PayloadError, _FILTER),
    240000: Code("blocked by the filter for harmful links", PayloadError, _FILTER),
    # Later.
    20016: Code("slow mode", RateLimited),
    20022: Code("limit for announcements", RateLimited),
    20028: Code("write limit of the channel", RateLimited),
    20029: Code("write limit of the server", RateLimited),
    40062: Code("limit of the service", RateLimited),
    40004: Code("sending is switched off for now", ServerError, _LATER),
    40006: Code("switched off for now", ServerError, _LATER),
    130000: Code("overloaded", ServerError),
    # Nothing that a retry or another form would change.
    40333: Code("blocked by Cloudflare", ClientError, _ADDRESS, Scope.CHANNEL, _BANNED_WAIT),
    50041: Code("invalid API version", ChannelConfigError, "Check the URLs, and DISCORD_API_URL where it is set."),
    50067: Code("invalid request origin", ClientError, _REPORT),
    50095: Code("not available at this location", ClientError, _ADDRESS),
    160006: Code("too many active threads", ClientError, _CROWDED),
    220002: Code("a thread's name and its number", ClientError, _REPORT),
    10008: Code("unknown message", ClientError, _REPORT),
    30046: Code("too many edits of an old message", ClientError, _REPORT),
    50005: Code("another author's message", ClientError, _REPORT),
    50021: Code("not possible for a system message", ClientError, _REPORT),
}

EDIT_IMPOSSIBLE = frozenset({10008, 20022, 30046, 50005, 50021, 50083, 160005})
"""The earlier message cannot be changed, or not now; a new one is sent."""
THREAD_GONE = frozenset({10003, 50083, 160005})
"""The post of the forum that an earlier alert has made takes nothing more; a new one is made."""

_WORD = re.compile(r"[A-Z][A-Z0-9_]{2,60}")
_STEP = re.compile(r"[a-z_]{1,30}|[0-9]{1,3}")


def code_of(response: HttpResponse) -> int | None:
    """The number in ``code``, where there is one."""
    code = response.json().get("code")
    return code if isinstance(code, int) and not isinstance(code, bool) and code > 0 else None


def failure(response: HttpResponse) -> DeliveryError:
    """The failure that an answer without success stands for; what follows waits until its bucket has room again."""
    code = code_of(response)
    row = CODES.get(code) if code is not None else None
    if response.status == 429 or (row is not None and row.failure is RateLimited):
        return _limited(response, row, code)
    if row is not None:
        places = "".join(f"; {place}" for place in _places(response.json().get("errors")))
        return row.failure(
            f"Discord says {row.words} (HTTP {response.status}, code {code}{places})",
            status_code=response.status,
            provider_code=code,
            retry_after=_pause(response) or row.wait,
            scope=row.scope,
            hint=row.hint or None,
        )
    return _bare(response, code)


def _pause(response: HttpResponse) -> float | None:
    return response.retry_after or wait_of(response) or None


def _limited(response: HttpResponse, row: Code | None, code: int | None) -> RateLimited:
    """The wait is the body's float, or the header; it concerns the webhook unless said."""
    body, headers = response.json(), response.headers
    waits = (seconds(body.get("retry_after")), response.retry_after, seconds(headers.get("X-RateLimit-Reset-After")))
    wait = next((one for one in waits if one is not None), None)
    everywhere = body.get("global") is True or "X-RateLimit-Global" in headers
    everywhere = everywhere or headers.get("X-RateLimit-Scope") == "global"
    words = row.words if row else "too many requests"
    if not body and "X-RateLimit-Scope" not in headers:
        # Without Discord's own words it is Cloudflare's limit (code 1015), which concerns this machine's address.
        words, everywhere, wait = f"{words} from this address", True, _BANNED_WAIT if wait is None else wait
    return RateLimited(
        f"Discord says {words} (HTTP {response.status})",
        status_code=response.status,
        provider_code=code,
        retry_after=wait,
        scope=Scope.CHANNEL if everywhere else Scope.RECIPIENT,
    )


def _places(errors: object, path: str = "", depth: int = 8) -> Iterator[str]:
    """Where the first refused value stands and Discord's word for why: ``embeds.0.title BASE_TYPE_MAX_LENGTH``."""
    if not isinstance(errors, Mapping) or depth == 0:
        return
    for name, inner in errors.items():
        if name == "_errors" and isinstance(inner, list) and inner and isinstance(inner[0], Mapping):
            word = str(inner[0].get("code", ""))
            yield f"{path} {word}".strip() if _WORD.fullmatch(word) else path
            return
        if _STEP.fullmatch(str(name)):
            found = list(_places(inner, f"{path}.{name}".lstrip("."), depth - 1))
            if found:
                yield found[0]
                return


def _bare(response: HttpResponse, code: int | None) -> DeliveryError:
    """A status without a number that is known; what refuses the URL concerns this recipient alone."""
    if response.status == 403 and not response.json():
        # Discord refuses in JSON; a page comes from Cloudflare or a proxy. It says nothing of the webhook, but all that
        # comes from this address would be refused, so nothing is asked until the next alert after the wait.
        return ClientError(
            "refused before Discord was asked (HTTP 403)",
            status_code=403,
            retry_after=_pause(response) or _BANNED_WAIT,
            scope=Scope.CHANNEL,
            hint=_ADDRESS,
        )
    reason = f"code {code}" if code is not None else ""
    changes: dict[str, Any] = {"provider_code": code, "retry_after": _pause(response)}
    if response.status == 401:
        changes |= {"scope": Scope.RECIPIENT, "hint": _URL}
    if response.status == 403:
        # Perhaps not for good: nothing is known of the number.
        changes |= {"scope": Scope.RECIPIENT, "hint": _RIGHTS, "lasting": False}
    if response.status == 404:
        changes |= {"hint": _DELETED}
    if response.status in _LOST:
        changes |= {"outcome": Outcome.UNKNOWN}
    return failure_for(response, reason, **changes)
