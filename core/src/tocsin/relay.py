"""The plugin manager of one channel, which learns once for each class where its hooks are."""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Any

import pluggy

from tocsin.hookspecs import HOOKS

__all__ = ["Relay"]


class Relay(pluggy.PluginManager):
    """A plugin manager for one channel: the instance and its policies.

    pluggy looks at every attribute of every object that joins. A thousand channels are of few classes, so the marks are
    looked for on the class, once, and among what the object has of its own; what may bear one is judged by pluggy.
    """

    def __init__(self) -> None:
        super().__init__("tocsin")

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        """As pluggy, for the names that the plugin's class marks, or that it has of its own."""
        kind: Any = type(plugin)
        may_be = name in _marked(kind) or name in getattr(plugin, "__dict__", ())
        return super().parse_hookimpl_opts(plugin, name) if may_be else None

    def parse_hookspec_opts(self, module_or_class: Any, name: str) -> Any:
        """As pluggy, for the names of the hooks."""
        return super().parse_hookspec_opts(module_or_class, name) if name in HOOKS else None


@lru_cache(maxsize=256)
def _marked(cls: type) -> frozenset[str]:
    """The names whose function bears the mark."""
    found = ((name, inspect.getattr_static(cls, name, None)) for name in dir(cls))
    return frozenset(name for name, static in found if hasattr(getattr(static, "__func__", static), "tocsin_impl"))
