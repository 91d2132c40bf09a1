"""A damaged file is moved aside, and what can be read of it stands in a new one; a deleted one is put back."""

from __future__ import annotations

import logging
import os
import pathlib
import time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from tocsin import StoreError
from tocsin.log import event
from tocsin_sql import migrations
from tocsin_sql.files import is_newer, missing_frames
from tocsin_sql.inspection import is_damaged
from tocsin_sql.salvage import Salvaged, last_seen, write
from tocsin_sql.schema import meta
from tocsin_sql.wreck import Wreck

__all__ = ["looked_at", "looked_over", "restore"]


def looked_over(path: pathlib.Path) -> list[str]:
    """See that the file is whole, and make it so where it is not; what was lost, in words.

    Raises:
        StoreError: it is no database of ours, or a newer one.
    """
    if not path.exists() or not path.stat().st_size:
        return []
    missing = missing_frames(path)
    losses = _said(path, missing) if missing else []
    if not is_damaged(path):
        return losses
    if is_newer(path):
        raise StoreError(f"{path} is damaged, and of a newer version; update tocsin-sql. Nothing was changed")
    return losses + _replaced(path)


def looked_at(path: pathlib.Path) -> list[str]:
    """What is missing of the file, in words, before it is only read: opening it puts away what tells.

    Raises:
        StoreError: it is not there.
    """
    if not path.exists() or not path.stat().st_size:
        words = f"there is no store at {path}; the first alert that is kept makes it"
        raise StoreError(f"{words}. Name another with TOCSIN_STORE_URL or [store] url")
    missing = missing_frames(path)
    return _said(path, missing) if missing else []


def _said(path: pathlib.Path, missing: int) -> list[str]:
    words = f"the write-ahead log of {path} was cut: {missing} pages that had been committed are gone"
    event(logging.ERROR, "store_loss", file=path.name, pages=missing)
    return [words]


def _replaced(path: pathlib.Path) -> list[str]:
    """Put a new file with everything readable in the place of a damaged one, which is kept beside it."""
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    fresh = path.with_name(f"{path.name}.salvaged")
    _remove(fresh)
    salvaged = _salvaged(path, fresh)
    os.link(path, aside)
    log = pathlib.Path(f"{path}-wal")
    if log.exists() and log.stat().st_size:
        os.link(log, f"{aside}-wal")
    for end in ("-wal", "-shm"):  # of the old file: the new one must not take them for its own
        pathlib.Path(f"{path}{end}").unlink(missing_ok=True)
    os.replace(fresh, path)
    event(logging.ERROR, "store_damaged", file=path.name, moved_to=aside.name, **salvaged.counts)
    came = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in sorted(salvaged.counts.items()))
    return [f"{path} was damaged and is now {aside.name}; taken over: {came}", *salvaged.losses]


def _salvaged(path: pathlib.Path, fresh: pathlib.Path) -> Salvaged:
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    engine = sa.create_engine(f"sqlite:///{fresh}", poolclass=NullPool, hide_parameters=True)
    with engine.begin() as connection:
        migrations.upgrade(connection)
        try:
            with Wreck(path) as wreck:
                salvaged = write(connection, wreck)
                if about := [{"name": name, "value": value} for name, value in last_seen(wreck).items()]:
                    connection.execute(sa.insert(meta), about)
        except StoreError:  # not a page of it makes sense
            salvaged = Salvaged({"alerts": 0}, [])
    return salvaged


def restore(driver: Any, path: pathlib.Path) -> None:
    """Write a deleted database anew, from a connection that still has it.

    While this holds the lock nobody commits to the deleted file, and afterwards everybody sees that it is another.
    """
    fresh = path.with_name(f"{path.name}.restored")
    _remove(fresh)
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    driver.execute("BEGIN IMMEDIATE")
    try:
        image = driver.serialize()  # a backup would wait for the lock that this very connection holds
        with fresh.open("wb") as file:
            file.write(image)
            file.flush()
            os.fsync(file.fileno())
        for end in ("-wal", "-shm"):
            pathlib.Path(f"{path}{end}").unlink(missing_ok=True)
        os.rename(fresh, path)
    finally:
        driver.execute("ROLLBACK")


def _remove(path: pathlib.Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        pathlib.Path(f"{path}{end}").unlink(missing_ok=True)
