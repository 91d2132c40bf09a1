"""When to try again: pure arithmetic, with time and randomness as arguments."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

import attrs

from tocsin.errors import Outcome

__all__ = ["MAX_RETRY_AFTER", "Backoff", "Random", "RetryBudget", "RetryPolicy", "parse_retry_after"]

MAX_RETRY_AFTER = 3600.0
"""Seconds; a longer wait that a provider asks for is taken as this long."""
_MAX_BACKOFF = 300.0
_SECONDS = re.compile(r"[0-9]{1,18}(\.[0-9]{1,9})?")


class Random(Protocol):
    """What the core needs of randomness."""

    def uniform(self, a: float, b: float) -> float:
        """A number between both."""


def parse_retry_after(value: object, now: datetime | None = None) -> float | None:
    """Seconds to wait, from a Retry-After header or a provider's own field.

    Args:
        value: delta-seconds as text or number (floats too), or an HTTP date (RFC 9110, section 10.2.3).
        now: for dates; the wall clock by default.

    Returns:
        0.0 to 3600.0, or None where the value is missing or makes no sense.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return min(max(float(min(value, MAX_RETRY_AFTER)), 0.0), MAX_RETRY_AFTER) if value == value else None
    text = value.strip() if isinstance(value, str) else ""
    if _SECONDS.fullmatch(text):
        return min(float(text), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - (now or datetime.now(UTC))).total_seconds(), 0.0), MAX_RETRY_AFTER)


@attrs.frozen
class Backoff:
    """How long to wait before the n-th retry.

    Attributes:
        base: seconds.
        constant: always ``base``; otherwise exponential with full jitter: anything from 0 to ``base * 2 ** (n - 1)``,
            at most 300 s. Full jitter spreads the clients of a recovering server best (AWS Architecture Blog, 2015).
    """

    base: float = 5.0
    constant: bool = False

    def delay(self, retry: int, rng: Random) -> float:
        """Seconds before retry number ``retry``, counted from 1."""
        if self.constant:
            return self.base
        return rng.uniform(0.0, min(_MAX_BACKOFF, self.base * 2.0 ** min(retry - 1, 60)))


@attrs.frozen
class RetryPolicy:
    """Whether and when a delivery is tried again.

    Attributes:
        max_retries: retries after the first try; None for as long as the delivery lives.
        backoff: the wait between them.
        retry_unknown: whether an attempt that may have arrived is repeated.
    """

    max_retries: int | None = 3
    backoff: Backoff = attrs.field(factory=Backoff)
    retry_unknown: bool = True

    def wait(self, outcome: Outcome, tries: int, retry_after: float | None, rng: Random) -> float | None:
        """Seconds until the next try, or None where there is none.

        Args:
            outcome: of the last attempt.
            tries: attempts that count, the last one included.
            retry_after: what the provider asked for; the wait is never shorter.
            rng: randomness.
        """
        again = outcome is Outcome.RETRY or (outcome is Outcome.UNKNOWN and self.retry_unknown)
        if not again or (self.max_retries is not None and tries > self.max_retries):
            return None
        delay = self.backoff.delay(max(tries, 1), rng)
        return delay if retry_after is None else max(delay, retry_after)


class RetryBudget:
    """Keeps an outage from being amplified by retries; not thread-safe, its owner holds a lock.

    Starts with 50 tokens and holds no more; each first try adds a tenth, each second one. A retry takes one; where none
    is left it is deferred by at most 30 s, never refused.
    """

    _CAPACITY = 50.0
    _DEBT = 30.0

    def __init__(self, now: float) -> None:
        self._tokens = self._CAPACITY
        self._updated = now

    def first_try(self) -> None:
        """Count a first try."""
        self._tokens = min(self._CAPACITY, self._tokens + 0.1)

    def take(self, now: float) -> float:
        """Take one token.

        Returns:
            Seconds of extra wait before the retry: 0.0 while tokens last.
        """
        self._tokens = min(self._CAPACITY, self._tokens + max(0.0, now - self._updated))
        self._updated = max(now, self._updated)
        self._tokens = max(self._tokens - 1.0, -self._DEBT)
        return max(0.0, -self._tokens)


SYSTEM_RANDOM: Random = random.SystemRandom()
