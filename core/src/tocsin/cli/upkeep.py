"""``tocsin store``: looking after the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from tocsin.cli.exits import Exit
from tocsin.cli.session import Session, common_options, pass_session

if TYPE_CHECKING:
    from tocsin.cli.terminal import Terminal
    from tocsin.store import Upkeep

__all__ = ["store"]


@click.group()
def store() -> None:
    """Look after the store."""


@store.command("stats", short_help="Show how much is in the store, and how it stands.")
@common_options()
@pass_session
def stats(session: Session) -> int:
    """Show how much is in the store, and how it stands."""
    from tocsin.cli.opened import opened_store, upkeep_of

    with opened_store(session, to_read=True) as opened:
        figures = upkeep_of(opened).stats()
    _show(figures, session)
    return Exit.DELIVERED


@store.command("prune", short_help="Remove what is older than the configured times.")
@common_options()
@pass_session
def prune(session: Session) -> int:
    """Remove what is older than the configured times.

    Content after the retention time, records after the history time. Workers do the same now and then.
    """
    from tocsin.cli.opened import note, opened_store, upkeep_of

    with opened_store(session) as opened:
        upkeep = upkeep_of(opened)
        note(opened, "prune", "store")
        figures = upkeep.prune()
    _show(figures, session)
    return Exit.DELIVERED


@store.command("check", short_help="Look for problems of the store; nothing is changed.")
@common_options()
@pass_session
def check(session: Session) -> int:
    """Look for problems of the store: damage, a version that does not fit; and warn of known hazards.

    Nothing is changed, but for a note of damage, by which the next start reads the whole file. Exits with 74 where
    there is a problem; a hazard alone is none.
    """
    with _unopened(session) as upkeep:
        problems, hazards = upkeep.check(), upkeep.hazards()
    if session.as_json:
        session.terminal.json({"ok": not problems, "problems": problems, "hazards": hazards})
    else:
        _tell_health(problems, hazards, session.terminal)
    return Exit.STORE if problems else Exit.DELIVERED


def _tell(style: str, words: Iterable[str], terminal: Terminal) -> None:
    from tocsin.cli.terminal import clean

    for one in words:
        terminal.data(f"{terminal.mark(style)} {clean(one)}")


def _tell_health(problems: list[str], hazards: list[str], terminal: Terminal) -> None:
    _tell("bad", problems, terminal)
    _tell("warn", hazards, terminal)
    if not problems:
        terminal.good(f"{terminal.mark('good')} the store is good")


@store.command("salvage", short_help="Bring over what can be read in a damaged database.")
@click.argument("source", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@common_options()
@pass_session
def salvage(session: Session, source: str) -> int:
    """Bring over what can be read in a damaged database FILE and is not in the store, and name what is lost.

    FILE is not changed. What was waiting in it is delivered by the next worker.
    """
    from tocsin.cli.opened import note, opened_store, upkeep_of

    with opened_store(session) as opened:
        upkeep = upkeep_of(opened)
        note(opened, "salvage", source)
        figures = upkeep.salvage(source)
    losses = [] if session.as_json else figures.pop("losses", [])
    _show(figures, session)
    _tell("warn", losses, session.terminal)
    return Exit.DELIVERED


@store.command("upgrade", short_help="Bring the store's tables to this version.")
@common_options()
@pass_session
def upgrade(session: Session) -> int:
    """Bring the store's tables to this version.

    SQLite does so by itself when it is opened; PostgreSQL waits for this command.
    """
    with _unopened(session) as upkeep:
        done = upkeep.upgrade()
    if session.as_json:
        session.terminal.json({"done": done})
    else:
        session.terminal.good(f"{session.terminal.mark('good')} {done}")
    return Exit.DELIVERED


def _unopened(session: Session) -> Any:
    """The configured store, without opening it: it may be damaged, or of another version."""
    import contextlib

    from tocsin.cli.opened import upkeep_of
    from tocsin.storage import required_store

    @contextlib.contextmanager
    def unopened() -> Iterator[Upkeep]:
        session.terminal.listen()
        found = required_store(session.config(lenient=True))
        try:
            yield upkeep_of(found)
        finally:
            found.close()

    return unopened()


def _show(figures: Mapping[str, Any], session: Session) -> None:
    """Names and values, nested ones indented."""
    if session.as_json:
        session.terminal.json(figures)
        return
    for line in _lines(figures, ""):
        session.terminal.data(line)


def _lines(figures: Mapping[str, Any], indent: str) -> Iterator[str]:
    from tocsin.cli.terminal import clean

    width = max((len(str(name)) for name in figures), default=0)
    for name, value in figures.items():
        words = clean(str(name).replace("_", " ")).ljust(width)
        if isinstance(value, Mapping):
            yield f"{indent}{words.rstrip()}"
            yield from _lines(value, f"{indent}  ")
        else:
            yield f"{indent}{words}  {clean(_value(value))}".rstrip()


def _value(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}" if isinstance(value, float) else str(value)
