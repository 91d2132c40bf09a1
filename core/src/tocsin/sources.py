"""Where configuration comes from: a file with its lines, the environment, keywords."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs

from tocsin.errors import ConfigError
from tocsin.settings import Problem, Setting, Sourced

__all__ = ["Environment", "File", "Keywords"]

_VARIABLE = re.compile(r"\$(\$)?\{([A-Za-z_][A-Za-z0-9_]*)\}")
_IGNORED = re.compile(r"[\s\"']")
_HEADER = re.compile(r"\[\[(.*)\]\]|\[(.*)\]")
_KEY = re.compile(r"\s*[\"']?([^=.]*?)[\"']?\s*[=.]")


@attrs.frozen
class File:
    """A configuration file, or a mapping in its shape.

    Attributes:
        name: shown in places.
        data: its tables.
        text: for line numbers; empty for a mapping.
    """

    name: str
    data: Mapping[str, Any] = attrs.field(repr=False)
    text: str = attrs.field(default="", repr=False)
    prefix: str = ""

    @classmethod
    def read(cls, path: Path) -> File:
        """A TOML file; from ``pyproject.toml`` the table ``[tool.tocsin]``.

        Raises:
            ConfigError: it cannot be read, or is no TOML.
        """
        try:
            text = path.read_text(encoding="utf-8")
            data = tomllib.loads(text)
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror or type(error).__name__}") from None
        except UnicodeDecodeError:
            raise ConfigError(f"{path} is not UTF-8 text") from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{path} is not valid TOML: {_syntax(error)}") from None
        except (ValueError, RecursionError):  # a number of 4,301 digits, a thousand brackets
            raise ConfigError(f"{path} cannot be read as TOML: nested too deeply, or a number too long") from None
        if path.name == "pyproject.toml":
            tool = data.get("tool", {})
            table = tool.get("tocsin", {}) if isinstance(tool, dict) else {}
            if not isinstance(table, dict):
                raise ConfigError(f"{path}: tool.tocsin must be a table; write [tool.tocsin.delivery]")
            return cls(str(path), table, text, "tool.tocsin.")
        return cls(str(path), data, text)

    def place(self, path: str) -> str:
        """``tocsin.toml:14`` for a dotted path of keys, as near as it can be found; for a mapping the path itself."""
        if not self.text:
            return f"{self.name} {path}".strip()
        line = self._lines.find((self.prefix + path).split("."))
        return f"{self.name}:{line}" if line else self.name

    @cached_property
    def _lines(self) -> _Lines:
        return _Lines(self.text)


def _syntax(error: tomllib.TOMLDecodeError) -> str:
    message = str(error)
    position = re.search(r"\(at (line \d+, column \d+|end of document)\)", message)
    words = re.sub(r"[\"'].*[\"']", "…", message.split(" (at ")[0])
    return f"{words} ({position.group(1)})" if position else words


class _Lines:
    """Where tables and keys stand in a TOML text, looked through once; it need not be understood for that."""

    def __init__(self, text: str) -> None:
        self._tables: dict[str, list[int]] = defaultdict(list)
        self._keys: dict[tuple[int, str], int] = {}
        table = 0
        for number, line in enumerate(text.splitlines(), 1):
            if line.lstrip().startswith("["):
                table = number
                if header := _HEADER.fullmatch(_IGNORED.sub("", line.partition("#")[0])):
                    self._tables[header[1] or header[2]].append(number)
            elif key := _KEY.match(line):
                self._keys.setdefault((table, key[1]), number)

    def find(self, keys: list[str]) -> int:
        """The line of a key, else its table's, else 0; a number in the path counts the tables of a list."""
        for depth in range(len(keys), 0, -1):
            names = [key for key in keys[:depth] if not key.isdigit()]
            index = next((int(key) for key in keys[:depth] if key.isdigit()), 0)
            headers = self._tables.get(".".join(names), [])
            if index < len(headers):
                table = headers[index]
                return self._keys.get((table, keys[depth]), table) if depth < len(keys) else table
        return self._keys.get((0, keys[0]), 0)


@attrs.frozen
class Environment:
    """Environment variables, read when the configuration is made."""

    values: Mapping[str, str] = attrs.field(repr=False)

    def value(self, setting: Setting) -> tuple[Sourced | None, list[Problem]]:
        """The setting's value, from its name or for a secret from the file that ``NAME_FILE`` names; blank is unset."""
        direct = self.values.get(setting.env, "")
        path = self.values.get(f"{setting.env}_FILE", "") if setting.secret else ""
        if not path:
            return (Sourced(direct, setting.env) if direct.strip() else None), []
        name = f"{setting.env}_FILE"
        if direct.strip():
            return None, [Problem(name, f"{setting.env} is set too; keep one of them")]
        try:
            return Sourced(Path(path).read_text(encoding="utf-8").strip(), name), []
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            return None, [Problem(name, f"the file it names cannot be read: {reason}")]

    def interpolate(self, value: Any, place: str) -> tuple[Any, list[Problem]]:
        """The value with ``${NAME}`` replaced in its strings; ``$${`` stands for ``${``."""
        problems: list[Problem] = []

        def replace(match: re.Match[str]) -> str:
            if match.group(1):
                return match.group(0)[1:]
            if match.group(2) not in self.values:
                problems.append(Problem(place, f"the variable {match.group(2)} is not set"))
            return self.values.get(match.group(2), "")

        def walk(item: Any) -> Any:
            if isinstance(item, str):
                return _VARIABLE.sub(replace, item)
            if isinstance(item, list):
                return [walk(part) for part in item]
            if isinstance(item, Mapping):
                return {key: walk(part) for key, part in item.items()}
            return item

        return walk(value), problems


@attrs.define(eq=False)
class Keywords:
    """Keyword arguments: the environment's names in lower case, with Python values."""

    values: Mapping[str, Any] = attrs.field(repr=False)
    used: set[str] = attrs.field(factory=set)

    def value(self, setting: Setting) -> Sourced | None:
        """The setting's value under any of its keywords."""
        for name in (setting.env.lower(), *setting.keywords):
            if name in self.values:
                self.used.add(name)
                if self.values[name] is not None:
                    return Sourced(self.values[name], f"{name}=")
        return None

    def unused(self) -> list[str]:
        """Names that no setting asked for."""
        return [name for name in self.values if name not in self.used]
