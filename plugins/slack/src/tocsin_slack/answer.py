"""Reading Slack's answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from tocsin import ChannelConfigError, ClientError, DeliveryError, DeliveryTimeout, Outcome, Scope
from tocsin.http import HttpResponse, failure_for
from tocsin_slack.errors import API_WORDS, LIMITED, WEBHOOK_LIMITED, WEBHOOK_WORDS, Word

__all__ = ["Reply", "check_webhook"]

_WORD = re.compile(r"(?=.{3,50}\Z)[a-z]+(_[a-z]+)*")
"""What a word of Slack's looks like; a new one is shown, anything else that stands in its place is not."""
_LOST = frozenset({500, 502, 504})
"""Statuses after which nobody knows whether the message was posted: Slack knows no idempotency key, and what stands
before it has lost its answer, or it failed at it (RFC 9110, sections 15.6.1, 15.6.3 and 15.6.5)."""
_NEW = "This answer is not among those that Slack documented; look it up in the method's page at docs.slack.dev."
_SCOPES = re.compile(r"[a-z.]+:[a-z.:]+(,[a-z.]+:[a-z.:]+)*")


@attrs.frozen
class Reply:
    """One answer of the Web API.

    Attributes:
        ok: Slack's own word for success; the HTTP status alone does not decide.
        word: the provider's word for a failure.
        body: the whole answer.
    """

    response: HttpResponse
    ok: bool
    word: str
    body: Mapping[str, Any]

    @classmethod
    def of(cls, response: HttpResponse) -> Reply:
        """The answer, read.

        Raises:
            DeliveryTimeout: a 2xx without a readable answer; whether the message was taken is not known.
        """
        body = response.json() if response.complete else {}
        if response.is_success and not isinstance(body.get("ok"), bool):
            raise DeliveryTimeout("Slack's answer could not be read", status_code=response.status)
        return cls(response, response.is_success and body.get("ok") is True, str(body.get("error", "")), body)

    def check(self) -> Reply:
        """Itself where Slack said ok.

        Raises:
            DeliveryError: the failure that the answer stands for.
        """
        if self.ok:
            return self
        raise self.error()

    def error(self) -> DeliveryError:
        """The failure that an answer without ``ok`` stands for."""
        word = API_WORDS.get(self.word)
        if self.response.status == 429:
            return _failure("Slack", self.word if word else "rate_limited", LIMITED, self.response)
        if word is not None:
            return _failure("Slack", self.word, word, self.response, self._scope_hint())
        return self._by_status()

    def _scope_hint(self) -> str | None:
        """What ``missing_scope`` asks for; scopes have fixed names."""
        needed = self.body.get("needed")
        if self.word != "missing_scope" or not isinstance(needed, str) or not _SCOPES.fullmatch(needed):
            return None
        return f"Add the scope {needed} to the app and install it again."

    def _by_status(self) -> DeliveryError:
        status = self.response.status
        if self.response.is_success:
            new = self.word if _WORD.fullmatch(self.word) else None
            says = f"says {new}" if new else "refused it for a reason of its own"
            return ClientError(f"Slack {says} (HTTP {status})", status_code=status, provider_code=new, hint=_NEW)
        if status in (404, 405, 410):
            hint = "Check api_url; it must end in /api, like https://slack.com/api."
            return ChannelConfigError(
                f"there is no Slack API at api_url (HTTP {status})", status_code=status, hint=hint
            )
        return failure_for(self.response, **_lost(status))


def check_webhook(response: HttpResponse) -> None:
    """Return where an incoming webhook took the message: HTTP 200 with the body ``ok``.

    Raises:
        DeliveryError: the failure that any other answer stands for.
    """
    text = response.text.strip() if response.complete and len(response.body) < 200 else ""
    if response.status == 200 and text == "ok":
        return
    # Some answers append a detail to the word: "invalid_blocks: …".
    name = text.partition(":")[0]
    word = WEBHOOK_WORDS.get(name)
    if response.status == 429:
        raise _failure("Slack's webhook", "rate_limited", WEBHOOK_LIMITED, response)
    if word is not None:
        raise _failure("Slack's webhook", name, word, response)
    if response.is_success:
        raise DeliveryTimeout("Slack's webhook did not answer ok", status_code=response.status)
    raise _bare(response, name if _WORD.fullmatch(name) else "")


def _bare(response: HttpResponse, name: str) -> DeliveryError:
    """A status without a known word; what refuses the URL concerns this recipient alone."""
    new: dict[str, Any] = {"reason": name, "provider_code": name or None} | _lost(response.status)
    if response.status in (401, 403):
        new |= {"scope": Scope.RECIPIENT, "hint": "Check the webhook's URL; it may have been revoked."}
    return failure_for(response, **new)


def _lost(status: int) -> dict[str, Any]:
    return {"outcome": Outcome.UNKNOWN} if status in _LOST else {}


def _failure(who: str, name: str, word: Word, response: HttpResponse, hint: str | None = None) -> DeliveryError:
    return word.failure(
        f"{who} says {name} (HTTP {response.status})",
        status_code=response.status,
        provider_code=name,
        retry_after=response.retry_after,
        scope=word.scope,
        outcome=word.outcome,
        hint=hint or word.hint or None,
    )
