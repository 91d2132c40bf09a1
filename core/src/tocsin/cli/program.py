"""The program: its table of commands, and how every way of ending becomes an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import click

from tocsin.cli import collecting
from tocsin.cli.exits import Exit
from tocsin.cli.session import Session, common_options

__all__ = ["LazyGroup", "main"]

_ABOUT = """Deliver alerts through the channels that are installed, and report what became of each.

Configuration: defaults, then tocsin.toml (or [tool.tocsin] in pyproject.toml), then the environment.

\b
Exit codes: 0 all delivered, 1 nothing delivered, 2 usage, 3 no channel matched,
4 partly delivered, 5 deadline passed, 74 store, 75 kept for later, 78 configuration.
"""
_COMMANDS = {
    "send": ("tocsin.cli.send:send", "Send one alert, or a stream of them."),
    "worker": ("tocsin.cli.worker:worker", "Deliver what is in the store, until told to stop."),
    "deliveries": ("tocsin.cli.deliveries:deliveries", "Look at deliveries in the store; replay or cancel them."),
    "store": ("tocsin.cli.upkeep:store", "Look after the store."),
    "test": ("tocsin.cli.probing:test", "Really send a test message through one channel."),
    "check": ("tocsin.cli.check:check", "Say everything that is wrong with the configuration."),
    "channels": ("tocsin.cli.channels:channels", "Look at channels and at what each type can be told."),
    "plugins": ("tocsin.cli.channels:plugins", "List what is installed, and the state of each."),
    "health": ("tocsin.cli.probing:health", "Show the state of each channel; --probe asks the providers."),
    "route": ("tocsin.cli.route:route", "Look at where alerts go."),
    "config": ("tocsin.cli.settings:config", "Look at the configuration in force."),
    "demo": ("tocsin.cli.demo:demo", "Watch alerts travel through every installed channel, on this machine."),
    "completion": ("tocsin.cli.completion:completion", "Print the completion script of a shell."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called; listing them imports nothing.

    Args:
        table: ``module:name`` and the one-line help, by command name.
    """

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = dict(table)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the table's order: the daily ones first."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        if cmd_name not in self.table:
            return None
        module, _, name = self.table[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command where there is none of that name."""
        if args[0] not in self.table and not args[0].startswith("-") and not ctx.resilient_parsing:
            from tocsin.errors import did_you_mean

            ctx.fail(f"there is no command {args[0]!r}{did_you_mean(args[0], self.table)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table's own lines: reading them from the commands would import all of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in self.table.items()])


class Program(LazyGroup):
    """The outermost command."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and in standalone mode leave the process with the exit code."""
        call: dict[str, Any] = {"args": args, "prog_name": prog_name or "tocsin", "complete_var": complete_var}
        if not standalone_mode:
            return super().main(standalone_mode=False, **call, **extra)
        if args is None:  # those of the process: it is the program's own
            collecting.begin()
        try:
            code = super().main(standalone_mode=False, **call, **extra)
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except click.Abort:
            code = Exit.INTERRUPTED
        sys.exit(_flushed(code if isinstance(code, int) else Exit.DELIVERED))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what it raises becomes words and an exit code."""
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.ClickException, click.Abort, KeyboardInterrupt):
            raise
        except BrokenPipeError:
            return _closed()
        except Exception as error:
            from tocsin.cli.failure import tell

            return tell(error, ctx.ensure_object(Session))


def _flushed(code: int) -> int:
    """The code, once everything written has left; a reader that went away is no failure to talk about."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return _closed()
    return code


def _closed() -> int:
    """Nobody reads any more: let the interpreter's own flush at its exit go nowhere."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.PIPE


def _version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"tocsin {version('tocsin')}")
        ctx.exit()


@click.command(
    "tocsin", cls=Program, table=_COMMANDS, help=_ABOUT, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
@common_options(everywhere=True)
def main() -> None:
    """Run before every command: there is nothing to do."""
