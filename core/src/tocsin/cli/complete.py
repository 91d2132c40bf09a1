"""What the shell completes: names from the configuration and from what is installed; no channel is imported."""

from __future__ import annotations

import contextlib

import click

from tocsin.cli.session import Session

__all__ = ["complete_channels", "complete_types"]


def complete_channels(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Configured instances, and installed types."""
    from tocsin.discovery import installed
    from tocsin.errors import TocsinError
    from tocsin.resolution import tables

    plugins = installed()
    names = set(plugins)
    with contextlib.suppress(TocsinError):  # an unreadable file leaves the installed types
        names |= set(tables(ctx.ensure_object(Session).config(lenient=True), plugins))
    return sorted(name for name in names if name.startswith(incomplete))


def complete_types(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Installed types."""
    from tocsin.discovery import installed

    return [name for name in installed() if name.startswith(incomplete)]
