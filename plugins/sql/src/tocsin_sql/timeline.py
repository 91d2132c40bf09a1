"""The store's clock: seconds that never run back, whatever becomes of the wall clock, the same for all who share it."""

from __future__ import annotations

import json
import pathlib
import time
from collections.abc import Callable

import attrs
import sqlalchemy as sa

from tocsin.clock import Clock
from tocsin_sql.schema import IN_FLIGHT, deliveries, meta

__all__ = ["Anchor", "Timeline", "anchored", "boot_id"]

_BOOT_ID = pathlib.Path("/proc/sys/kernel/random/boot_id")
_SAME_BOOT = 60.0
"""Seconds by which wall and monotonic clock may drift apart within a boot, where the system does not name its boots."""
_LAST_SEEN = 1.0
"""Seconds between two notes of the time."""


@attrs.frozen
class Anchor:
    """One moment on three clocks.

    Attributes:
        boot: name of the boot, empty where the system has none.
        mono: the system's monotonic clock, which all processes of a boot share.
        wall: seconds since 1970, as the wall clock had it.
        store: the store's clock.
    """

    boot: str
    mono: float
    wall: float
    store: float

    def holds(self, boot: str, mono: float, wall: float) -> bool:
        """Whether it is of the same boot as this moment."""
        if mono < self.mono or boot != self.boot:
            return False
        return bool(boot) or abs((wall - mono) - (self.wall - self.mono)) < _SAME_BOOT


def boot_id() -> str:
    """The name that the kernel gave this boot; empty where it gives none."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


class Timeline:
    """Reads the store's clock without a query. Thread-safe."""

    def __init__(self) -> None:
        self._mono: Callable[[], float] = time.monotonic
        self._offset = 0.0
        self._is_started = False
        self._floor = 0.0
        self._noted = 0.0

    def start(self, store: float, clock: Clock) -> None:
        """From now on it is this many seconds on the store's clock, and goes on with the system's monotonic one."""
        self._floor = self.now() if self._is_started else 0.0
        self._is_started = True
        self._mono = clock.monotonic
        self._offset = store - clock.monotonic()

    def now(self) -> float:
        """Seconds; it does not run back."""
        return max(self._floor, self._mono() + self._offset)

    def note(self, connection: sa.Connection) -> None:
        """Write down that it has come so far, at most once a second: what a next boot goes on from."""
        now = self.now()
        if now - self._noted >= _LAST_SEEN:
            self._noted = now
            connection.execute(_NOTE, {"value": repr(now)})


_NOTE = sa.update(meta).where(meta.c.name == "last_seen").values(value=sa.bindparam("value"))


def anchored(connection: sa.Connection, clock: Clock, *, anew: bool = True) -> float:
    """The time on the store's clock, from its anchor; a new boot sets a new one, and voids the leases of the old.

    Within a boot the monotonic clock counts. Over a boot only the wall clock knows how long it took, and if it is
    behind what was seen before, the store's clock goes on from there.

    Args:
        connection: in whose transaction.
        clock: of this process.
        anew: False where nothing may be written.
    """
    boot, mono, wall = boot_id(), clock.monotonic(), clock.now().timestamp()
    known = {row.name: row.value for row in connection.execute(sa.select(meta))}
    anchor = Anchor(**json.loads(known["anchor"])) if "anchor" in known else None
    if anchor is not None and anchor.holds(boot, mono, wall):
        return anchor.store + (mono - anchor.mono)
    fresh = Anchor(boot, mono, wall, max(wall, float(known.get("last_seen", "0"))))
    if not anew:
        return fresh.store
    connection.execute(sa.delete(meta).where(meta.c.name.in_(["anchor", "last_seen"])))
    values = {"anchor": json.dumps(attrs.asdict(fresh)), "last_seen": repr(fresh.store)}
    connection.execute(sa.insert(meta), [{"name": name, "value": value} for name, value in values.items()])
    connection.execute(sa.update(deliveries).where(IN_FLIGHT).values(lease=0.0))
    return fresh.store
