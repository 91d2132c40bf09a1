"""Deliveries whose end was written here lately: an alert's report is made of them without reading them back."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from tocsin.store import Delivery

__all__ = ["Ended"]

_BOUND = 10_000


class Ended:
    """Recalls a delivery only where its row is still as it was written; used by the writer's thread alone.

    Args:
        bound: most deliveries; the oldest are forgotten first.
    """

    def __init__(self, bound: int = _BOUND) -> None:
        self._bound = bound
        self._known: OrderedDict[int, tuple[tuple[object, ...], Delivery]] = OrderedDict()

    def note(self, number: int, delivery: Delivery, receipt: str | None) -> None:
        """This delivery's end was written.

        Args:
            number: of its row.
            delivery: as it stands.
            receipt: as it is written.
        """
        mark = (delivery.state, delivery.token, len(delivery.attempts), receipt)
        self._known[number] = mark, delivery
        if len(self._known) > self._bound:
            self._known.popitem(last=False)

    def recall(self, row: Any) -> Delivery | None:
        """The delivery of a row; None where it has to be read. It is forgotten with that: an alert ends once."""
        known = self._known.pop(row.id, None)
        if known is None or known[0] != (row.state, row.token, row.attempted, row.receipt):
            return None
        return known[1]

    def forget(self) -> None:
        """A transaction was rolled back: what was noted may not have been written."""
        self._known.clear()
