"""Taking secrets out of a whole request, which keeps its lines and its length."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

import attrs

from tocsin.secret import MASK, Secret, mask_url

if TYPE_CHECKING:
    from tocsin.channel import Channel

__all__ = ["Masker", "secrets_in"]

_SHORTEST = 4
"""A shorter value is not searched for: it would blank out ordinary words and hide nothing."""
_HIDDEN_HEADERS = re.compile(r"authorization|cookie|token|secret|password|credential|api-?key|signature", re.IGNORECASE)


def secrets_in(value: object) -> Iterator[str]:
    """Every secret inside a setting's value, in clear text."""
    if isinstance(value, Secret):
        yield value.reveal()
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secrets_in(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from secrets_in(item)


class Masker:
    """Knows one channel's secrets and recipients.

    Secrets become ``***``, URLs that are secrets their scheme and host, and recipients' addresses their labels.
    """

    def __init__(self, channel: Channel) -> None:
        values = _settings(channel.instance)
        shown = {text: mask_url(text) if "://" in text else MASK for value in values for text in secrets_in(value)}
        shown |= {recipient.address.reveal(): recipient.label for recipient in channel.recipients}
        self._shown = {form: mask for text, mask in shown.items() for form in _forms(text)}
        longest_first = sorted((form for form in self._shown if len(form) >= _SHORTEST), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self._configured = {
            str(item) for value in values if isinstance(value, Mapping) for item in value.values() if item
        }

    def text(self, text: str) -> str:
        """The text without anything secret."""
        return self._pattern.sub(lambda match: self._shown[match.group()], text) if self._pattern else text

    def url(self, url: str | Secret) -> str:
        """The address; a secret one by scheme and host only."""
        if isinstance(url, Secret):
            return mask_url(url.reveal())
        try:
            user = urlsplit(url).netloc.rpartition("@")[0]
        except ValueError:
            return MASK
        return self.text(url.replace(f"{user}@", f"{MASK}@", 1) if user else url)

    def header(self, name: str, value: str) -> str:
        """A header's value; credentials and what the configuration added are not shown."""
        if _HIDDEN_HEADERS.search(name) or value in self._configured:
            return MASK
        return self.text(value)


def _settings(instance: object) -> list[Any]:
    if not attrs.has(type(instance)):
        return []
    fields: tuple[Any, ...] = attrs.fields(cast(Any, type(instance)))
    return [getattr(instance, field.name, None) for field in fields]


def _forms(text: str) -> set[str]:
    """The text as it may stand in a request: plain, in a URL, in JSON, in base64."""
    raw = text.encode("utf-8", "replace")
    encoded = {base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
    return {text, quote(raw), quote(raw, safe=""), json.dumps(text)[1:-1], *encoded}
