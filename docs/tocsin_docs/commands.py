"""The command line's reference, from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["all_commands", "commands"]


def all_commands() -> Iterator[tuple[str, Any, Any]]:
    """Full name, command and context of every command that a person can call, groups included."""
    from tocsin.cli import main

    yield from _walk(main, "tocsin", None)


def _walk(command: Any, name: str, parent: Any) -> Iterator[tuple[str, Any, Any]]:
    context = command.make_context(name, [], parent=parent, resilient_parsing=True)
    yield context.command_path, command, context
    for child in getattr(command, "list_commands", lambda _: [])(context):
        found = command.get_command(context, child)
        if found is not None and not found.hidden:
            yield from _walk(found, child, context)


def commands() -> str:
    """A heading and the help text for each command."""
    return "\n".join(_section(name, context) for name, _, context in all_commands())


def _section(name: str, context: Any) -> str:
    help_text = context.get_help()
    return "\n".join([f"({name.replace(' ', '-')})=", f"## `{name}`", "", "```text", help_text, "```", ""])
