"""The rate limits that Discord tells with each answer (docs.discord.com/developers/topics/rate-limits#header-format).

None is hard coded, as that page asks: Discord changes them.
"""

from __future__ import annotations

import math

from tocsin.http import HttpResponse

__all__ = ["LONGEST_WAIT", "seconds", "wait_of"]

LONGEST_WAIT = 3600.0
"""Our own bound, in seconds."""


def wait_of(response: HttpResponse) -> float:
    """Seconds until the bucket of this request has room again; 0.0 where it still has, or Discord says nothing of it.

    A request to an exhausted bucket would be refused, and counts towards the ban of this machine's address.
    """
    if response.headers.get("X-RateLimit-Remaining", "").strip() != "0":
        return 0.0
    return seconds(response.headers.get("X-RateLimit-Reset-After")) or 0.0


def seconds(value: object) -> float | None:
    """A number of seconds as JSON or a header holds it, 0 to an hour; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    except OverflowError:
        return LONGEST_WAIT
    return None if math.isnan(number) else min(max(number, 0.0), LONGEST_WAIT)
