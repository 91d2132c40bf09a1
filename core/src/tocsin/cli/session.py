"""What the options that every command has come to: where the configuration is, and how to talk."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tocsin.cli import collecting
from tocsin.cli.terminal import Terminal

if TYPE_CHECKING:
    from tocsin.config import NotificationConfig
    from tocsin.service import NotificationService
    from tocsin.store import Store

__all__ = ["Session", "common_options", "pass_session"]

F = TypeVar("F", bound=Callable[..., Any])


class Session:
    """One run of the program.

    Attributes:
        config_path: the file that ``--config`` named.
        terminal: where words go.
    """

    def __init__(self) -> None:
        self.config_path: str | None = None
        self.terminal = Terminal()

    @property
    def as_json(self) -> bool:
        """Whether data is to be JSON."""
        return self.terminal.as_json

    def config(self, path: str | None = None, *, lenient: bool = False) -> NotificationConfig:
        """The configuration as every command reads it.

        Raises:
            ConfigError: it cannot be read; unless lenient also where it has problems outside the channels.
        """
        from tocsin.config import NotificationConfig

        return NotificationConfig.load(path or self.config_path, lenient=lenient)

    @contextlib.contextmanager
    def service(
        self, config: NotificationConfig | None = None, store: Store | None = None
    ) -> Iterator[NotificationService]:
        """A service for the time of the block; on an interrupt it is dropped without waiting for what is on its way."""
        from tocsin.service import NotificationService

        self.terminal.listen()
        service = NotificationService(config or self.config(), store=store)
        collecting.begun()
        try:
            yield service
        except BaseException:
            service.close(0.0)
            raise
        service.close(0.0)


pass_session = click.make_pass_decorator(Session, ensure=True)
"""Gives a command the session as its first argument."""


def _set_config(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.ensure_object(Session).config_path = value


def _set_json(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Session).terminal.as_json = True


def _set_verbose(ctx: click.Context, _: click.Parameter, value: int) -> None:
    ctx.ensure_object(Session).terminal.verbosity += value


def _set_quiet(ctx: click.Context, _: click.Parameter, value: int) -> None:
    ctx.ensure_object(Session).terminal.verbosity -= value


def _set_color(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Session).terminal.color = False


def common_options(*, everywhere: bool = False, json: bool = True) -> Callable[[F], F]:
    """The options that may stand before or after a command's name.

    Args:
        everywhere: show all of them in the help; commands show only what people look for there.
        json: whether the command prints data.
    """
    hidden = not everywhere
    options = [
        click.option(
            "--config", metavar="FILE", expose_value=False, callback=_set_config, help="Read this file."
        ),
        click.option("--json", is_flag=True, expose_value=False, callback=_set_json, help="Print data as JSON."),
        click.option(
            "-v", "--verbose", count=True, expose_value=False, callback=_set_verbose, hidden=hidden,
            help="Say more; -vv also what only developers read.",
        ),
        click.option(
            "-q", "--quiet", count=True, expose_value=False, callback=_set_quiet, hidden=hidden,
            help="Say only what failed.",
        ),
        click.option(
            "--no-color", is_flag=True, expose_value=False, callback=_set_color, hidden=hidden,
            help="No colours; NO_COLOR does the same.",
        ),
    ]  # fmt: skip

    def add(function: F) -> F:
        for option in reversed(options if json else [options[0], *options[2:]]):
            function = option(function)
        return function

    return add
