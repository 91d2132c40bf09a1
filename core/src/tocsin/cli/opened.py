"""The store that the configuration names, for the commands that need one, and who asks."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tocsin.errors import StoreError
from tocsin.secret import Secret
from tocsin.store.readable import Readable
from tocsin.store.upkeep import Upkeep

if TYPE_CHECKING:
    from tocsin.cli.session import Session
    from tocsin.store import Store

__all__ = ["actor", "note", "opened_store", "place_of", "upkeep_of"]


@contextlib.contextmanager
def opened_store(session: Session, *, to_read: bool = False) -> Iterator[Store]:
    """The configured store, open for the time of the block; no channel is loaded and nothing is delivered.

    Args:
        session: of this command.
        to_read: nothing is to be made or changed.

    Raises:
        ConfigError: none is configured, and how to configure one.
        StoreError: it cannot be opened.
    """
    from tocsin.clock import SystemClock
    from tocsin.storage import required_store

    session.terminal.listen()
    store = required_store(session.config(lenient=True))
    try:
        if to_read and isinstance(store, Readable):
            store.open_to_read(SystemClock())
        else:
            store.open(SystemClock(), lambda: None)
        yield store
    finally:
        store.close()


def place_of(store: Store) -> str:
    """Where the store is, without a password; empty where it does not say."""
    url = getattr(store, "url", None)
    if not isinstance(url, Secret):
        return str(getattr(store, "place", ""))
    scheme, _, rest = url.reveal().partition("://")
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"


def upkeep_of(store: Store) -> Upkeep:
    """The store as those who look after it need it.

    Raises:
        StoreError: it has nothing of that kind, or only a part of it, like a store written for an older version.
    """
    if isinstance(store, Upkeep):
        return store
    name, ours = type(store).__name__, [one for one in vars(Upkeep) if not one.startswith("_")]
    missing = [one for one in ours if not hasattr(store, one)]
    if missing == ours:
        raise StoreError(f"{name} has no upkeep: no statistics, checks or repairs")
    raise StoreError(f"{name} lacks {', '.join(missing)}; its upkeep needs it, see tocsin.store.Upkeep")


def note(store: Store, action: str, subject: str) -> None:
    """Keep on record what the person at the command line is about to do, where the store can."""
    if isinstance(store, Upkeep):
        store.audit(action, subject, actor())


def actor() -> str:
    """Who runs the program: ``user@host``; behind sudo the one who called it."""
    try:
        user = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError, ImportError):  # no such user in the system's database
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
