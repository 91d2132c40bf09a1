"""``tocsin completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from tocsin.cli.session import Session, common_options, pass_session

__all__ = ["completion"]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@common_options(json=False)
@pass_session
def completion(session: Session, shell: str) -> None:
    """Print the completion script of a shell.

    \b
      bash: eval "$(tocsin completion bash)"       in ~/.bashrc
      zsh:  eval "$(tocsin completion zsh)"        in ~/.zshrc
      fish: tocsin completion fish | source        in ~/.config/fish/config.fish
    """  # noqa: D301 -- click looks for the backspace itself
    shells = get_completion_class(shell)
    assert shells is not None  # the argument's choices are click's own shells
    root = click.get_current_context().find_root().command
    session.terminal.data(shells(root, {}, "tocsin", "_TOCSIN_COMPLETE").source())
