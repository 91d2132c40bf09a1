"""What the plugins of this checkout say about what they bring, read from their folders."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from tocsin import Alert
from tocsin.discovery import CHANNELS, STORES
from tocsin.settings import Setting, settings_of
from tocsin.storage import STORE_PREFIX

__all__ = ["ROOT", "Manual", "built_in", "manuals"]

ROOT = Path(__file__).parents[2]


@attrs.frozen
class Manual:
    """What a plugin of this checkout says about one channel type, or one store, that it brings.

    Attributes:
        type: the channel type, or the name of the store.
        distribution, summary: name and one sentence, from its pyproject.toml.
        value: of the entry point: package and class.
        folder: of the distribution.
        previewed_by: value of the entry point in `tocsin.previews`, or nothing.
        group: of the entry point, which says what it is.
    """

    type: str
    distribution: str
    summary: str
    value: str
    folder: Path
    previewed_by: str = ""
    group: str = CHANNELS

    @property
    def cls(self) -> Any:
        """The class of the channel or store."""
        return _load(self.value)

    @property
    def preview(self) -> Callable[[Alert], str] | None:
        """What draws an alert as a person sees it, where the plugin has that."""
        preview: Callable[[Alert], str] | None = _load(self.previewed_by) if self.previewed_by else None
        return preview

    @property
    def _docstring(self) -> str:
        package = self.folder / "src" / self.value.partition(":")[0] / "__init__.py"
        return ast.get_docstring(ast.parse(package.read_text(encoding="utf-8"))) or ""

    @property
    def text(self) -> str:
        """The manual, without a heading of its own."""
        return re.sub(r"\A# .*\n+", "", self._docstring)

    @property
    def title(self) -> str:
        """What the manual calls itself, or its name."""
        found = re.match(r"# (.*)", self._docstring)
        return found.group(1) if found else self.type

    @property
    def settings(self) -> tuple[Setting, ...]:
        """Its own settings."""
        return settings_of(self.cls, STORE_PREFIX if self.group == STORES else self.type)


def _load(value: str) -> Any:
    module, _, name = value.partition(":")
    return getattr(importlib.import_module(module), name)


def manuals(group: str = CHANNELS) -> list[Manual]:
    """One for each channel type, or whatever the group is for, under `plugins/`, in alphabetical order."""
    found = [manual for path in sorted(ROOT.glob("plugins/*/pyproject.toml")) for manual in _manuals_of(path, group)]
    return sorted(found, key=lambda manual: manual.type)


def built_in() -> list[Manual]:
    """One for each channel type that the core brings."""
    return _manuals_of(ROOT / "core" / "pyproject.toml", CHANNELS)


def _manuals_of(path: Path, group: str) -> list[Manual]:
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    entry_points = project.get("entry-points", {})
    previews = entry_points.get("tocsin.previews", {})
    about = project["name"], project["description"]
    return [
        Manual(name, *about, value, path.parent, previews.get(name, ""), group)
        for name, value in entry_points.get(group, {}).items()
    ]
