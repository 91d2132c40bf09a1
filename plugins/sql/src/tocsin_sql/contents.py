"""Alerts as they are stored; the last ones stay at hand, so that six deliveries of one do not parse it six times."""

from __future__ import annotations

import threading
from collections import OrderedDict

import sqlalchemy as sa

from tocsin import Alert
from tocsin_sql.schema import contents
from tocsin_sql.sealing import Seal
from tocsin_sql.statements import Statement

__all__ = ["Contents"]

_BOUND = 4 << 20
_CONTENT = Statement(sa.select(contents).where(contents.c.alert_id == sa.bindparam("of")))


class Contents:
    """Reads alerts. Thread-safe.

    One at hand is given only while just that is stored: another process may have stored another under its id, or
    removed it, and damage is to be noticed.

    Args:
        seal: opens what is stored.
        bound: bytes of stored content for which alerts are kept at hand; the least lately used go first.
    """

    def __init__(self, seal: Seal, bound: int = _BOUND) -> None:
        self._seal = seal
        self._bound = bound
        self._size = 0
        self._known: OrderedDict[str, tuple[bytes, Alert]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, connection: sa.Connection, alert_id: str) -> Alert | None:
        """The alert; None where it is not known, or its content was removed.

        Raises:
            ContentLost: its content is damaged.
            ContentSealed: it cannot be opened with this key.
        """
        row = _CONTENT.first(connection, {"of": alert_id})
        if row is None:
            return None
        alert = self._at_hand(alert_id, row.content)
        if alert is None:
            alert = self._seal.alert(row)
            self.keep(alert, row.content)
        return alert

    def keep(self, alert: Alert, content: bytes) -> None:
        """Have an alert at hand that is stored like this."""
        with self._lock:
            self._drop(self._known.pop(alert.alert_id, None))
            self._known[alert.alert_id] = content, alert
            self._size += len(content)
            while self._size > self._bound:
                self._drop(self._known.popitem(last=False)[1])

    def _at_hand(self, alert_id: str, content: bytes) -> Alert | None:
        with self._lock:
            known = self._known.get(alert_id)
            if known is None or known[0] != content:
                return None
            self._known.move_to_end(alert_id)
            return known[1]

    def _drop(self, known: tuple[bytes, Alert] | None) -> None:
        if known is not None:
            self._size -= len(known[0])
