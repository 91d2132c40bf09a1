"""The command line's reference, from the commands themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

__all__ = ["all_commands", "commands"]


def all_commands() -> Iterator[tuple[str, Any, Any]]:
    """Full name, command and context of every command that a person can call, groups included."""
    import click
    from tocsin.cli import main

    os.environ["COLUMNS"] = "100"
    yield from _walk(click.Context(main, info_name="tocsin"))


def _walk(context: Any) -> Iterator[tuple[str, Any, Any]]:
    yield context.command_path, context.command, context
    for name in getattr(context.command, "list_commands", lambda _: [])(context):
        command = context.command.get_command(context, name)
        if command is not None and not command.hidden:
            yield from _walk(type(context)(command, info_name=name, parent=context))


def commands() -> str:
    """A heading and the help text for each command."""
    return "\n".join(_section(name, context) for name, _, context in all_commands())


def _section(name: str, context: Any) -> str:
    help_text = context.get_help()
    return "\n".join([f"({name.replace(' ', '-')})=", f"## `{name}`", "", "```text", help_text, "```", ""])
