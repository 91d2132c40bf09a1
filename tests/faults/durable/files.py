"""A store's file, looked at from outside."""

import contextlib
import pathlib
import shutil
import sqlite3
import tempfile

__all__ = ["half_stored", "in_flight", "integrity", "query", "takeovers"]


def query(path, statement, *values):
    """Rows, read without changing the file: what a kill left of it is for the program under test to mend."""
    try:
        return _read(f"file:{path}?mode=ro", statement, values)
    except sqlite3.OperationalError as error:
        if "readonly" not in str(error):
            raise
    # A journal that must be rolled back first, from before the file had its log.
    with tempfile.TemporaryDirectory() as folder:
        for file in path.parent.glob(f"{path.name}*"):
            shutil.copy(file, folder)
        return _read(f"file:{pathlib.Path(folder, path.name)}?mode=rw", statement, values)


def _read(address, statement, values):
    with contextlib.closing(sqlite3.connect(address, uri=True, timeout=30.0)) as connection:
        return connection.execute(statement, values).fetchall()


def integrity(path):
    """``ok``, or what SQLite finds."""
    return query(path, "PRAGMA integrity_check")[0][0]


def in_flight(path):
    """Ids of the deliveries that somebody has claimed."""
    return {number for (number,) in query(path, "SELECT id FROM tocsin_deliveries WHERE state = 'in_flight'")}


def half_stored(path, channels):
    """How many alerts lack a delivery or their content, or have too many; how many rows belong to no alert."""
    short = query(
        path,
        "SELECT count(*) FROM tocsin_alerts a WHERE"
        " (SELECT count(*) FROM tocsin_deliveries d WHERE d.alert_id = a.id) <> ?"
        " OR NOT EXISTS (SELECT 1 FROM tocsin_contents c WHERE c.alert_id = a.id)",
        channels,
    )[0][0]
    orphans = query(
        path,
        "SELECT (SELECT count(*) FROM tocsin_deliveries WHERE alert_id NOT IN (SELECT id FROM tocsin_alerts))"
        " + (SELECT count(*) FROM tocsin_contents WHERE alert_id NOT IN (SELECT id FROM tocsin_alerts))",
    )[0][0]
    return short + orphans


def takeovers(path):
    """(delivery, when it began, as ISO 8601) of each attempt that ended with its worker."""
    return query(
        path,
        "SELECT delivery_id, started_at FROM tocsin_attempts"
        " WHERE body LIKE '%ended without a word%' ORDER BY started_at",
    )
