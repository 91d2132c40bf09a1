"""Values that must not be seen, and the words that remain when they are taken out."""

from __future__ import annotations

import base64
import hmac
import json
import math
import re
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

__all__ = ["MASK", "Scrubber", "Secret", "mask_address", "mask_url"]

MASK = "***"
_URL = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,15}://[^\s'\"<>)\]]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_SHORTEST = 3
"""A shorter secret is not searched for: it would blank out ordinary words and hide nothing."""
_FEW = 64
"""Forms of secrets whose pattern is made with the first text: most channels never have one to clean. That of many takes
seconds, which an attempt does not have."""
_LONGEST_MESSAGE = 400
_LONGEST_SCAN = 16_384
"""Characters of an exception's words that are looked at: searching 10 MiB outlasts an attempt."""


class Secret:
    """A string that only :meth:`reveal` shows; ``repr``, ``str``, formatting and pickling do not give it away."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise TypeError(f"a secret must be a string, got {type(value).__name__}")
        self._value = value

    def reveal(self) -> str:
        """The value itself, to be passed on to the provider and to nothing else."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode("utf-8", "replace"), other._value.encode("utf-8", "replace"))

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> str:
        raise TypeError("a Secret cannot be pickled: it would leave the process in clear text")


def mask_url(url: str) -> str:
    """Scheme and host of a URL; path, query and user are secrets in most webhook URLs."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "?", parts.port
    except ValueError:
        return MASK
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}/…"


def mask_address(address: str) -> str:
    """An address a person can tell from its neighbours and nobody can use: ``b…@example.com``, ``+1…89``, ``-1…42``."""
    local, at, domain = address.rpartition("@")
    if at and local:
        return f"{local[0]}…@{domain}"
    if len(address) <= 4:
        return "…"
    return f"{address[:2]}…{address[-2:]}"


class Scrubber:
    """Takes known secrets, URLs and control characters out of words that are about to be shown.

    Args:
        secrets: strings in clear text. Each is also found in its URL-quoted, base64 and JSON form.
    """

    __slots__ = ("_compiled", "_forms", "_longest", "_shortest")

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        self._forms = sorted(forms, key=len, reverse=True)
        self._longest = len(self._forms[0]) if forms else 0
        self._shortest = len(self._forms[-1]) if forms else math.inf
        self._compiled = self._pattern() if len(forms) > _FEW else None

    def secrets(self, text: str) -> str:
        """The text with ``***`` where a secret stood, and otherwise as it was."""
        if len(text) < self._shortest:
            return text
        if self._compiled is None:
            self._compiled = self._pattern()
        return self._compiled.sub(MASK, text)

    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self._forms)))

    def __call__(self, text: object) -> str:
        """The text in one line of at most 400 characters, with ``***`` where a secret stood."""
        words = str(text)
        if len(words) > _LONGEST_SCAN + self._longest:
            # A secret that the cut goes through is not found: what may be its beginning goes as well.
            words = self.secrets(words[: _LONGEST_SCAN + self._longest])[: -self._longest or None]
        words = _CONTROL.sub(" ", _URL.sub("<url>", self.secrets(words))).strip()
        words = words.encode("utf-8", "replace").decode()
        return words if len(words) <= _LONGEST_MESSAGE else words[: _LONGEST_MESSAGE - 1] + "…"


def _forms(secret: str) -> set[str]:
    raw = secret.encode("utf-8", "replace")
    encoded = {base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
    return {secret, quote(raw), quote(raw, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1], *encoded}
