"""A channel's settings are the fields of its class; everything else about them is derived from those fields.

Environment names, keys in files, keywords, ``channels describe``, the reference and the JSON Schema come from one
definition. Converters and validators sit on the fields, so that a channel built in Python is checked like a configured
one.
No message quotes a value: it may be a secret in the wrong place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

import attrs

from tocsin.converters import (
    in_range,
    one_of,
    to_boolean,
    to_integer,
    to_number,
    to_secret,
    to_secret_urls,
    to_secrets,
    to_strings,
    to_table,
    to_text,
    to_url,
)
from tocsin.errors import did_you_mean
from tocsin.secret import Scrubber

__all__ = [
    "MissingSetting",
    "Problem",
    "Setting",
    "Sourced",
    "UnusableValue",
    "build",
    "env_name",
    "in_range",
    "one_of",
    "setting",
    "settings_of",
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

T = TypeVar("T")

_METADATA = "tocsin"


@attrs.frozen
class Problem:
    """One thing that is wrong with the configuration.

    Attributes:
        place: where: a variable's name, ``tocsin.toml:14`` or a keyword.
        message: what, and what to do about it.
    """

    place: str
    message: str
    missing: bool = False
    """True where a required setting has no value: the channel is unconfigured rather than misconfigured."""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


@attrs.frozen
class Sourced:
    """A raw value and where it came from."""

    value: Any = attrs.field(repr=False)
    origin: str


@attrs.frozen
class Setting:
    """One setting of a channel type, as configuration, documentation and forms need it."""

    name: str
    env: str
    help: str
    kind: str
    secret: bool
    required: bool
    default: Any
    keywords: tuple[str, ...]
    field: attrs.Attribute[Any] = attrs.field(repr=False)

    def convert(self, value: object) -> Any:
        """The checked value; a ValueError says what is expected, never what was given."""
        converter: Any = self.field.converter or _CONVERTERS[self.kind, self.secret]
        converted = converter(value)
        if self.field.validator is not None:
            self.field.validator(None, self.field, converted)
        return converted

    def schema(self) -> dict[str, Any]:
        """A JSON Schema of the value as it stands in a file."""
        schema: dict[str, Any] = {"type": self.kind, "description": self.help}
        if self.kind == "array":
            schema["items"] = {"type": "string"}
        if self.kind == "object":
            schema["additionalProperties"] = {"type": "string"}
        if self.secret:
            schema["writeOnly"] = True
        elif not self.required and not isinstance(self.default, attrs.Factory) and self.default is not None:  # type: ignore[arg-type] # attrs.Factory is a class at run time
            schema["default"] = list(self.default) if isinstance(self.default, tuple) else self.default
        return schema


def setting(env: str | None = None, help: str = "", *, keywords: Iterable[str] = ()) -> dict[str, Any]:
    """Metadata for ``attrs.field(metadata=setting("SMTP_PORT", "Port of the mail server"))``.

    Args:
        env: the exact environment name; by default ``<TYPE>_<FIELD>``.
        help: one line for people.
        keywords: names that ``NotificationConfig(…)`` takes besides the lower-case environment name.
    """
    return {_METADATA: (env, help, tuple(keywords))}


@lru_cache(maxsize=256)  # a thousand channels may be of one class
def settings_of(cls: type, channel_type: str) -> tuple[Setting, ...]:
    """The settings that a channel class declares: all fields of its constructor, documented or not."""
    if not attrs.has(cls):
        return ()
    return tuple(_describe(field, channel_type) for field in attrs.fields(cls) if field.init)


def _describe(field: attrs.Attribute[Any], channel_type: str) -> Setting:
    env, help_, keywords = field.metadata.get(_METADATA, (None, "", ()))
    annotation = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", str(field.type))
    annotation = annotation if isinstance(field.type, str | type) and "[" not in str(field.type) else str(field.type)
    name = field.alias or field.name
    return Setting(
        name=name,
        env=env or env_name(channel_type, name),
        help=help_,
        kind=_kind(annotation),
        secret="Secret" in annotation,
        required=field.default is attrs.NOTHING,
        default=None if field.default is attrs.NOTHING else field.default,
        keywords=keywords,
        field=field,
    )


def env_name(channel_type: str, name: str) -> str:
    """``<TYPE>_<FIELD>``: the environment name of a setting that does not name its own."""
    return f"{channel_type}_{name}".upper().replace("-", "_").replace(".", "_")


def _kind(annotation: str) -> str:
    for kind, words in _KINDS:
        if any(word in annotation for word in words):
            return kind
    return "string"


_KINDS = (
    ("array", ("tuple", "list", "Sequence")),
    ("object", ("Mapping", "dict")),
    ("boolean", ("bool",)),
    ("integer", ("int",)),
    ("number", ("float",)),
)


def _by_env(item: Setting) -> str:
    return item.env


def build(
    cls: type[T],
    settings: Iterable[Setting],
    values: Mapping[str, Sourced],
    place: Callable[[Setting], str] = _by_env,
) -> tuple[T | None, list[Problem]]:
    """The instance, or every problem that stood in its way.

    Args:
        cls: the attrs class.
        settings: its settings, of :func:`settings_of`.
        values: raw values by setting name.
        place: names the place where a missing setting belongs.
    """
    known = {item.name: item for item in settings}
    problems, arguments = [], {}
    for name, sourced in values.items():
        if name not in known:
            problems.append(Problem(sourced.origin, f"unknown setting {str(name)!r}{did_you_mean(name, known)}"))
            continue
        try:
            arguments[name] = known[name].convert(sourced.value)
        except Exception as error:  # a converter is the plugin's code
            problems.append(Problem(sourced.origin, f"{name} {_words(error, [sourced], known[name].secret)}"))
    for item in known.values():
        if item.required and item.name not in values:
            problems.append(Problem(place(item), f"is not set; {item.help or f'it gives {item.name}'}", missing=True))
    if problems:
        return None, problems
    try:
        return cls(**arguments), []
    except Exception as error:  # and so is a class's constructor
        secrets = [sourced for name, sourced in values.items() if known[name].secret]
        words = _words(error, secrets, bool(secrets))
        return None, [Problem(_place(values), words, missing=isinstance(error, MissingSetting))]


def _words(error: Exception, values: Iterable[Sourced], secret: bool) -> str:
    """What an error says, where it was made to be read; without the values where they are secret."""
    if not isinstance(error, ValueError | TypeError):
        return f"cannot be used: {type(error).__name__}"
    if not secret:
        return str(error)
    scrub = Scrubber(text for sourced in values for text in _texts(sourced.value))
    if isinstance(error, UnusableValue):
        return _with_example(scrub(error.message), error.example)
    return scrub(str(error))


def _with_example(message: str, example: str) -> str:
    return f"{message}, like {example}"


def _texts(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def _place(values: Mapping[str, Sourced]) -> str:
    return next((sourced.origin for sourced in values.values()), "settings")


class UnusableValue(ValueError):
    """Raised by a converter to show a value that can be used, where this one cannot.

    Of any other error about a secret, what looks like a URL is taken out before it is shown; the example stays.

    Args:
        message: what is wrong, without the value.
        example: a constant, never made of the value.
    """

    def __init__(self, message: str, example: str) -> None:
        self.message, self.example = message, example
        super().__init__(_with_example(message, example))


class MissingSetting(ValueError):
    """Raised in ``__attrs_post_init__`` where the settings together leave out something that the channel needs."""


_CONVERTERS: dict[tuple[str, bool], Callable[[Any], Any]] = {
    ("string", False): to_text,
    ("string", True): to_secret,
    ("array", False): to_strings,
    ("array", True): to_secrets,
    ("object", False): to_table,
    ("object", True): to_table,
    ("boolean", False): to_boolean,
    ("integer", False): to_integer,
    ("number", False): to_number,
}
