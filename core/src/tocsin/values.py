"""Checks that turn what a caller passed into plain, frozen, representable values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from tocsin.errors import AlertError, did_you_mean

__all__ = [
    "FrozenDict",
    "FrozenList",
    "check_keys",
    "check_text",
    "check_token",
    "clean_text",
    "freeze_data",
    "freeze_labels",
    "member",
    "parse_json",
    "thaw",
]

E = TypeVar("E", bound=StrEnum)

_MAX_TOKEN = 256
_MAX_DEPTH = 32
_MAX_BYTES = 1 << 20
_MAX_INT_BITS = 4096
_FEW, _SHORT = 64, 1_000
"""Names, and characters of each text: 64 times two such texts, at most six bytes a character, are 3/4 of the bytes."""
_encode = json.JSONEncoder(ensure_ascii=False).encode
_DROPPED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def clean_text(text: str) -> str:
    r"""The text with newlines as ``\n``, no other control character but tab, and no lone surrogate."""
    if text.isascii() and text.isprintable():
        return str(text)
    return _SURROGATE.sub("\ufffd", _DROPPED.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def check_text(name: str, value: object, limit: int) -> str:
    """The clean text, of at most ``limit`` characters."""
    if not isinstance(value, str):
        raise AlertError(f"{name} must be a string, got {type(value).__name__}")
    text = clean_text(value)
    if len(text) > limit:
        raise AlertError(f"{name} has {len(text):,} characters, at most {limit:,} are allowed; shorten it")
    return text


def check_token(name: str, value: object) -> str:
    """A name: one line of 1 to 256 characters."""
    if type(value) is str and 0 < len(value) <= _MAX_TOKEN and value.isalnum() and value.isascii():
        return value  # most are: ids above all
    text = " ".join(check_text(name, value, _MAX_TOKEN).split())
    if not text:
        raise AlertError(f"{name} is empty; leave it out or give it a value")
    return text


def member(enum: type[E], name: str, value: object) -> E:
    """A member of the enumeration, from itself or its name in any case."""
    if isinstance(value, enum):
        return value
    if isinstance(value, str):
        try:
            return enum[value.strip().upper()]  # names and values differ in their case at most
        except KeyError:
            pass
    shown = repr(value[:40]) if isinstance(value, str) else type(value).__name__
    hint = did_you_mean(value.upper(), list(enum)) if isinstance(value, str) else ""
    raise AlertError(f"{name} must be one of {', '.join(enum)}, got {shown}{hint}")


def freeze_labels(value: object) -> Mapping[str, str]:
    """Names to names, frozen."""
    if not isinstance(value, (dict, Mapping)):
        raise AlertError(f"labels must be a mapping of names to strings, got {type(value).__name__}")
    if not value:
        return _EMPTY
    return FrozenDict(
        {check_token("a label's name", k): check_text("a label's value", v, 1_000) for k, v in value.items()}
    )


def freeze_data(value: object) -> Mapping[str, Any]:
    """JSON values of at most 1 MiB and depth 32, copied and frozen."""
    if not isinstance(value, (dict, Mapping)):
        raise AlertError(f"data must be a mapping of names to JSON values, got {type(value).__name__}")
    if not value:
        return _EMPTY
    frozen: Mapping[str, Any] = _freeze(value, "data", _MAX_DEPTH)
    if not _is_surely_small(frozen) and (size := len(_encode(frozen).encode())) > _MAX_BYTES:
        raise AlertError(
            f"data is {size:,} bytes of JSON, at most {_MAX_BYTES:,} are allowed; send a reference instead"
        )
    return frozen


def _is_surely_small(values: Mapping[str, Any]) -> bool:
    """A few names with a few numbers or short texts, which need not be encoded to know that they keep to the limit."""
    for name, item in values.items():
        if len(name) > _SHORT or (type(item) is str and len(item) > _SHORT) or isinstance(item, (dict, list)):
            return False
    return len(values) <= _FEW


def _freeze(value: object, path: str, depth: int) -> Any:
    kind = type(value)
    if kind is str:
        return clean_text(value)  # type: ignore[arg-type] # a str, as its type says
    if kind is dict or kind is list:
        return _freeze_nested(value, path, depth - 1)  # type: ignore[arg-type] # likewise
    match value:
        case None | bool():
            return value
        case str():
            return clean_text(value)
        case int() if value.bit_length() <= _MAX_INT_BITS:
            return int(value)
        case float() if math.isfinite(value):
            return float(value)
        case Mapping() | list() | tuple():
            return _freeze_nested(value, path, depth - 1)
    raise AlertError(f"{path} cannot be written as JSON: {_unfit(value)}; convert it to a string or a finite number")


def _freeze_nested(value: Mapping[Any, Any] | Sequence[Any], path: str, depth: int) -> Any:
    if depth < 0:
        raise AlertError(f"data is nested deeper than {_MAX_DEPTH} levels; flatten it")
    if not isinstance(value, (dict, Mapping)):
        return FrozenList(_freeze(item, f"{path}[{index}]", depth) for index, item in enumerate(value))
    for key in value:
        if not isinstance(key, str):
            raise AlertError(f"{path} has a key of type {type(key).__name__}; JSON keys are strings")
    return FrozenDict({clean_text(key): _freeze(item, f"{path}.{key[:40]}", depth) for key, item in value.items()})


def thaw(value: Any) -> Any:
    """Plain dicts and lists, which may be changed, from frozen ones."""
    if isinstance(value, dict):
        return {key: thaw(item) for key, item in value.items()}
    return [thaw(item) for item in value] if isinstance(value, list) else value


def _unfit(value: object) -> str:
    return f"the float {value}" if isinstance(value, float) else f"a value of type {type(value).__name__}"


def check_keys(what: str, values: Mapping[str, Any], known: Iterable[str], required: Iterable[str]) -> None:
    """Raise an :class:`AlertError` for keys that are unknown or missing."""
    known = list(known)
    for key in values:
        if key not in known:
            raise AlertError(f"{what} has no field {str(key)[:40]!r}{did_you_mean(str(key), known)}")
    if missing := [key for key in required if key not in values]:
        raise AlertError(f"{what} needs {' and '.join(missing)}")


def parse_json(text: str) -> Any:
    """The value of a JSON text; NaN, infinities and broken text are an :class:`AlertError` without content."""

    def refuse(constant: str) -> NoReturn:
        raise AlertError(f"{constant} is not JSON; send null or a finite number")

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise AlertError(f"not valid JSON: {error.msg} at line {error.lineno} column {error.colno}") from None
    except (RecursionError, ValueError) as error:
        if isinstance(error, AlertError):
            raise
        raise AlertError("not usable JSON: nested too deeply, or a number too long") from None


def _frozen(self: object, *args: object, **kwargs: object) -> NoReturn:
    raise TypeError("an alert is frozen; use attrs.evolve(alert, …) to make another")


class FrozenDict(dict[str, Any]):
    """A dict that refuses to be changed; equal to and encoded like any dict."""

    __slots__ = ()
    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _frozen

    def __hash__(self) -> int:  # type: ignore[override] # a frozen mapping is a value
        return hash(json.dumps(self, sort_keys=True))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


class FrozenList(list[Any]):
    """A list that refuses to be changed; equal to and encoded like any list."""

    __slots__ = ()
    __setitem__ = __delitem__ = __iadd__ = __imul__ = append = clear = extend = insert = _frozen
    pop = remove = reverse = sort = _frozen

    def __hash__(self) -> int:  # type: ignore[override] # a frozen list is a value
        return hash(json.dumps(self, sort_keys=True))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (list(self),)


_EMPTY: Mapping[str, Any] = FrozenDict()
