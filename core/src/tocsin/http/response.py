"""An HTTP answer, read to its bound, and the failure that its status stands for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from tocsin.errors import (
    AuthError,
    ClientError,
    DeliveryError,
    DeliveryTimeout,
    InvalidRecipient,
    Outcome,
    PayloadError,
    RateLimited,
    ServerError,
)
from tocsin.retry import parse_retry_after

__all__ = ["HttpResponse", "failure_for"]


@attrs.frozen
class HttpResponse:
    """What came back.

    Attributes:
        status: the status code.
        headers: names in any case.
        body: at most 65,536 bytes, undecoded.
        complete: False where the answer was cut off or longer than that; the status can be believed, the body cannot.
    """

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    complete: bool = True

    @property
    def is_success(self) -> bool:
        """2xx, and nothing else."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as UTF-8, with U+FFFD for what is not."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Mapping[str, Any]:
        """The body as a JSON object; an empty mapping where it is none."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def retry_after(self) -> float | None:
        """Seconds that the Retry-After header asks for, 0 to 3600."""
        return parse_retry_after(self.headers.get("Retry-After"))

    def check(self) -> HttpResponse:
        """Itself on 2xx.

        Raises:
            DeliveryError: the failure that the status stands for, see :func:`failure_for`.
        """
        if self.is_success:
            return self
        raise failure_for(self)


_REFUSED: dict[int, tuple[type[DeliveryError], str]] = {
    400: (PayloadError, "the receiver refused the request"),
    401: (AuthError, "the credentials were refused"),
    403: (AuthError, "access was refused"),
    404: (InvalidRecipient, "there is nothing at this address"),
    408: (ServerError, "the receiver gave up waiting for the request"),
    410: (InvalidRecipient, "the address is gone for good"),
    413: (PayloadError, "the message is too large for the receiver"),
    415: (PayloadError, "the receiver does not take this format"),
    422: (PayloadError, "the receiver refused the message"),
    425: (ServerError, "the receiver asks to come later"),
    429: (RateLimited, "too many requests"),
}


def failure_for(response: HttpResponse, reason: str = "", **changes: Any) -> DeliveryError:
    """The error that an HTTP status stands for where a provider says nothing more precise.

    Args:
        response: an answer that is no success.
        reason: the provider's own word for it, appended.
        changes: arguments of :class:`tocsin.errors.DeliveryError` that are to differ.
    """
    status = response.status
    kind, words = _REFUSED.get(status) or _class_of(status)
    arguments: dict[str, Any] = {"status_code": status, "retry_after": response.retry_after}
    if status in (501, 505):
        arguments["outcome"] = Outcome.REFUSED
    if 300 <= status < 400:
        arguments["hint"] = "Redirects are never followed; configure the final address."
    return kind(f"{words} (HTTP {status}{f', {reason}' if reason else ''})", **(arguments | changes))


def _class_of(status: int) -> tuple[type[DeliveryError], str]:
    if 500 <= status < 600:
        return ServerError, "the receiver failed"
    if 300 <= status < 400:
        return ClientError, "the receiver redirects"
    return ClientError, "the receiver refused the request"


def cut_off(words: str, status: int | None = None) -> DeliveryTimeout:
    """An answer that nobody can judge: the request went, and may have had its effect."""
    return DeliveryTimeout(words, status_code=status)
