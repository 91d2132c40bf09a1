"""Converters and validators for settings; they take what a file, the environment or Python code gives.

Each raises a ValueError that says what is expected, and never quotes the value: it may be a secret in the wrong place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs

from tocsin.errors import did_you_mean
from tocsin.secret import Secret
from tocsin.values import clean_text

__all__ = [
    "in_range",
    "one_of",
    "to_boolean",
    "to_integer",
    "to_number",
    "to_secret",
    "to_secret_urls",
    "to_secrets",
    "to_strings",
    "to_table",
    "to_text",
    "to_url",
]

_TRUE = {"true", "1", "yes", "on"}
_FALSE = {"false", "0", "no", "off"}


def in_range(lowest: float, highest: float) -> Callable[[object, attrs.Attribute[Any], Any], None]:
    """A validator for numbers, both ends included."""

    def check(_: object, field: attrs.Attribute[Any], value: float) -> None:
        if not lowest <= value <= highest:
            raise ValueError(f"must be between {lowest:g} and {highest:g}")

    return check


def one_of(*choices: str) -> Callable[[object, attrs.Attribute[Any], Any], None]:
    """A validator for a closed set of words."""

    def check(_: object, field: attrs.Attribute[Any], value: str) -> None:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}{did_you_mean(str(value), choices)}")

    return check


def to_text(value: str) -> str:
    """One line, not blank, without control characters."""
    if not isinstance(value, str):
        raise ValueError(f"must be a string, got {type(value).__name__}")
    text = value.strip()
    if not text:
        raise ValueError("is empty; give it a value or leave it out")
    if clean_text(text) != text or "\n" in text:
        raise ValueError("must not hold control characters or line ends")
    return text


def to_integer(value: int | str) -> int:
    """A whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return int(to_text(value)) if isinstance(value, str) and len(value) < 20 else _refuse_number()
    except ValueError:
        raise ValueError("must be a whole number, like 3") from None


def to_number(value: float | str) -> float:
    """A finite number, 0 or more."""
    try:
        number = (
            float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else _refuse_number()
        )
    except (ValueError, OverflowError):
        raise ValueError("must be a number, like 2.5") from None
    if not 0 <= number < float("inf"):
        raise ValueError("must be a finite number, 0 or more")
    return number


def _refuse_number() -> Any:
    raise ValueError


def to_boolean(value: bool | str) -> bool:
    """True/false, 1/0, yes/no, on/off."""
    word = value.strip().lower() if isinstance(value, str) else value
    if isinstance(word, bool):
        return word
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("must be true or false (1/0, yes/no and on/off also do)")


def to_strings(value: str | Iterable[str]) -> tuple[str, ...]:
    """A list, or one string with commas between the items; blank items are dropped, repeated ones kept once."""
    if isinstance(value, str):
        value = [part for part in value.split(",") if part.strip()]
    if not isinstance(value, Iterable) or isinstance(value, bytes | Mapping):
        raise ValueError(f"must be a list of strings, got {type(value).__name__}")
    items = [str(item) if isinstance(item, int) and not isinstance(item, bool) else item for item in value]
    return tuple(dict.fromkeys(to_text(item) for item in items))


def to_secret(value: str | Secret) -> Secret:
    """A string that masks itself."""
    return value if isinstance(value, Secret) else Secret(to_text(value))


def to_secrets(value: str | Iterable[str | Secret]) -> tuple[Secret, ...]:
    """A list of strings that mask themselves."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return tuple(map(Secret, to_strings(value)))
    return tuple(map(Secret, to_strings([item.reveal() if isinstance(item, Secret) else item for item in value])))


def to_url(value: str) -> str:
    """An http or https URL with a host."""
    text = to_text(value)
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(character.isspace() for character in text):
        raise ValueError("must be a URL that starts with https:// or http:// and names a host")
    return text


def to_secret_urls(value: str | Iterable[str | Secret]) -> tuple[Secret, ...]:
    """A list of URLs whose path is a secret."""
    secrets = to_secrets(value)
    for position, secret in enumerate(secrets, start=1):
        try:
            to_url(secret.reveal())
        except ValueError as error:
            raise ValueError(f"item {position} {error}") from None
    return secrets


def to_table(value: Mapping[str, str]) -> Mapping[str, str]:
    """Names to strings; in the environment as ``name=value, name=value``."""
    if isinstance(value, str):
        pairs = [part.partition("=") for part in to_strings(value)]
        if any(not sign for _, sign, _ in pairs):
            raise ValueError("must be a table, in the environment like name=value, name=value")
        value = {name.strip(): text.strip() for name, _, text in pairs}
    if not isinstance(value, Mapping) or not all(isinstance(item, str) for pair in value.items() for item in pair):
        raise ValueError("must be a table of names and strings")
    return dict(value)
