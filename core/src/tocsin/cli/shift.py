"""A worker's time at work: begin, deliver until told to stop, finish."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tocsin.cli import collecting
from tocsin.cli.board import Board
from tocsin.cli.exits import Exit
from tocsin.cli.failure import told
from tocsin.cli.opened import place_of
from tocsin.cli.readiness import not_ready, tell_absence
from tocsin.cli.stopping import Stopping, leave
from tocsin.cli.tally import Outages, Tally, is_down
from tocsin.cli.terminal import clean
from tocsin.errors import ConfigError, StoreError
from tocsin.report import DeliveryState
from tocsin.service import NotificationService
from tocsin.storage import required_store

if TYPE_CHECKING:
    from tocsin.cli.session import Session
    from tocsin.report import DeliveryReport
    from tocsin.store import Delivery, Store

__all__ = ["Shift", "is_drained"]

_LOOK = 0.5
_LOOK_ONCE = 0.05
_MARGIN = 0.8
"""Seconds beyond the grace for writing down what was finished."""
_MANY = 1_000


class Shift:
    """One run of a worker.

    Args:
        session: of this command.
        grace: seconds to finish what has begun, once told to stop.
    """

    def __init__(self, session: Session, grace: float) -> None:
        self._terminal = session.terminal
        self._terminal.listen()
        config = session.config()
        self._grace = grace
        self._store: Store = required_store(config)
        self._service = NotificationService(config, store=self._store, observers=[self._tell])
        collecting.begun()
        self._board = Board(self._terminal, self._counts)
        self._tally = Tally()
        self._outages = Outages()
        self._waiting = 0
        self._trouble = ""
        self._unserved: set[str] = set()
        self._closing: threading.Thread | None = None
        self._finished = False

    def run(self, *, once: bool) -> int:
        """Work until a signal comes, with ``once`` at most until nothing is due; the exit code."""
        service = self._service
        try:
            with Stopping() as stopping, self._board, self._tally:
                with contextlib.suppress(BrokenPipeError):  # a worker whose words go nowhere ends in good order too
                    self._begin()
                    while True:
                        self._look(service, patient=not once)
                        if (once and is_drained(service)) or stopping.wait(_LOOK_ONCE if once else _LOOK):
                            return self._finish(stopping)
                return self._finish_unheard()
        except BaseException:
            service.close(0.0, drain=False)
            raise

    def _begin(self) -> None:
        service = self._service
        for entry in not_ready(service.registry):
            tell_absence(entry, self._terminal)
        names = [*service.channels]
        if not names:
            raise ConfigError("no channel is ready, so this worker could deliver nothing")
        place = place_of(self._store)
        self._terminal.say(f"Delivering through {', '.join(names)}{f' from {clean(place)}' if place else ''}.")
        self._board.event("started", channels=names, store=place)
        service.work()

    def _look(self, service: NotificationService, *, patient: bool) -> None:
        """Bring the board up to date; while the store cannot be asked, say so once and go on where ``patient``."""
        try:
            self._waiting = self._store.waiting()
            self._tell_unserved(set(self._store.due()) - set(service.channels))
        except StoreError as error:
            if not patient:
                raise
            self._tell_trouble(told(error))
        else:
            self._tell_trouble("")
        self._tell_outages()
        if self._board.is_unheard:
            raise BrokenPipeError
        self._board.tick("delivering" if not self._trouble else "waiting for the store")

    def _tell_trouble(self, words: str) -> None:
        if words and not self._trouble:
            self._board.event("store_trouble", error=words)
            self._terminal.fail(f"{self._terminal.mark('warn')} {words}; trying again")
        elif self._trouble and not words:
            self._board.event("store_back")
            self._terminal.say(f"{self._terminal.mark('good')} the store answers again")
        self._trouble = words

    def _tell_outages(self) -> None:
        for name, kind in self._outages.changes(self._service.channels):
            if kind is not None:
                self._board.event("channel_down", channel=name, error_kind=kind)
                words = f"is down ({kind}); its deliveries wait until it is back"
                self._terminal.fail(f"{self._terminal.mark('warn')} {clean(name)} {words}")
            else:
                self._board.event("channel_back", channel=name)
                self._terminal.say(f"{self._terminal.mark('good')} {clean(name)} is back")

    def _tell_unserved(self, names: Iterable[str]) -> None:
        """Say once which deliveries no channel of this worker can take."""
        for name in sorted(set(names) - self._unserved):
            self._unserved.add(name)
            self._board.event("unserved", channel=name)
            words = "has deliveries due, and no channel of that name is ready here: they wait for another worker"
            self._terminal.fail(f"{self._terminal.mark('warn')} {clean(name)} {words}")

    def _finish(self, stopping: Stopping) -> int:
        """Finish what has begun, and say how that went."""
        if stopping.signal is not None:
            self._terminal.say(f"Stopping: finishing what has begun, up to {self._grace:g} s; again to leave at once.")
        self._board.tick("finishing")
        code = Exit.DELIVERED if self._is_finished() else Exit.KEPT
        self._board.stop()
        if code is Exit.KEPT:
            words = "Not everything was finished in time; another worker takes it up once its lease is over."
            self._terminal.fail(f"{self._terminal.mark('warn')} {words}")
        self._board.event("stopped", **self._summary(), exit=int(code))
        self._terminal.say(f"{self._board.words()} · exit {int(code)}")
        if code is Exit.KEPT:
            leave(code)
        return code

    def _finish_unheard(self) -> int:
        """Finish what has begun, with nobody there to be told."""
        if not self._is_finished():
            leave(Exit.PIPE)
        raise BrokenPipeError

    def _is_finished(self) -> bool:
        """Close within the grace, in a thread, so that nothing that hangs can hold up the end."""
        if self._closing is None:
            self._closing = threading.Thread(target=self._close, name="tocsin-closing", daemon=True)
            self._closing.start()
        self._closing.join(self._grace + _MARGIN)
        return self._finished

    def _close(self) -> None:
        with contextlib.suppress(StoreError):
            self._waiting = self._store.waiting()
        self._finished = self._service.close(self._grace, drain=False)

    def _summary(self) -> dict[str, int]:
        good, bad, waiting = self._counts()
        return {"delivered": good, "failed": bad, "waiting": waiting}

    def _counts(self) -> tuple[int, int, int]:
        return self._tally.good, self._tally.bad, self._waiting

    def _tell(self, report: DeliveryReport) -> None:
        self._board.report(report)


def is_drained(service: NotificationService) -> bool:
    """Whether nothing is due and nothing is on its way here.

    What waits for a later time does not count, and what waits for a channel that is down does not either.
    """
    store = service.store
    if service.is_busy:
        return False
    store.release(())  # written behind the results of what was on its way
    if set(store.due()) & {name for name, channel in service.channels.items() if not is_down(channel)}:
        return False
    now = store.now()
    abandoned = any(one.lease <= now for one in _in_flight(store))  # the sweep is about to take them over
    return not abandoned and not service.is_busy


def _in_flight(store: Store) -> list[Delivery]:
    return store.select(states=[DeliveryState.IN_FLIGHT], limit=_MANY)
