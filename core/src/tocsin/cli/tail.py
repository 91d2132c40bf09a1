"""``tocsin deliveries tail``: what changes in the store, a line for each change."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tocsin.cli.collecting import begun
from tocsin.cli.rows import clock_time, style_of, to_dict, when, why
from tocsin.cli.terminal import Terminal, clean
from tocsin.report import DeliveryState

if TYPE_CHECKING:
    from tocsin.store import Delivery, Store

__all__ = ["Tail"]

_LOOK = 0.5
_WINDOW = 500
"""The newest deliveries that are looked at, and as many of those that are open."""
_OPEN = (DeliveryState.PENDING, DeliveryState.IN_FLIGHT, DeliveryState.RETRYING)

Unit = tuple[str, str, str]


class Tail:
    """Compares what the store has with what it had.

    Args:
        store: open.
        terminal: where to.
        states: only changes into these; all where none is named.
        channel: only of this channel.
    """

    def __init__(self, store: Store, terminal: Terminal, states: Sequence[DeliveryState], channel: str | None) -> None:
        self._store = store
        self._terminal = terminal
        self._states = states
        self._channel = channel
        self._seen: dict[Unit, tuple[DeliveryState, int, int]] = {}
        self._open: set[Unit] = set()

    def follow(self, first: int) -> None:
        """Tell the newest, then every change until interrupted."""
        begun()
        newest = self._changes()
        for delivery in newest[-first:]:
            self._tell(delivery)
        self._terminal.say(f"{self._terminal.mark('dim')} following; Ctrl-C ends it")
        while True:
            time.sleep(_LOOK)
            for delivery in self._changes():
                self._tell(delivery)

    def _changes(self) -> list[Delivery]:
        """What is new or changed, oldest alert first."""
        found = {_unit(one): one for one in self._look()}
        changed = []
        for unit, one in reversed(found.items()):
            mark = (one.state, len(one.attempts), one.token)
            if self._seen.get(unit) != mark and (not self._states or one.state in self._states):
                changed.append(one)
        self._seen = {unit: (one.state, len(one.attempts), one.token) for unit, one in found.items()}
        self._open = {unit for unit, one in found.items() if not one.state.is_final}
        return changed

    def _look(self) -> Iterator[Delivery]:
        """The newest, all that are open, and what became of those that were."""
        known = set()
        for states in ((), _OPEN):
            for one in self._store.select(states=states, channel=self._channel, limit=_WINDOW):
                known.add(_unit(one))
                yield one
        for alert_id in {alert_id for alert_id, *_ in self._open - known}:
            record = self._store.record(alert_id)
            for one in record.deliveries if record else ():
                if _unit(one) in self._open:
                    yield one

    def _tell(self, delivery: Delivery) -> None:
        terminal, now = self._terminal, self._store.now()
        if terminal.as_json:
            terminal.json({"at": datetime.now().astimezone().isoformat(), **to_dict(delivery, now)}, lines=True)
            return
        last = delivery.attempts[-1].started_at if delivery.attempts else None
        state = terminal.style(f"{delivery.state:<10}", style_of(delivery))
        words = [clock_time(last)[11:19] if last else " " * 8, delivery.alert_id, state]
        target = "" if delivery.recipient == delivery.channel else f" → {clean(delivery.recipient)}"
        words.append(f"{clean(delivery.channel)}{target}")
        next_time = when(delivery, now)
        reasons = [clean(why(delivery)), f"next {next_time}" if delivery.attempts and next_time else ""]
        terminal.data("  ".join([*words, " · ".join(filter(None, reasons))]).rstrip())


def _unit(delivery: Delivery) -> Unit:
    return delivery.alert_id, *delivery.unit
