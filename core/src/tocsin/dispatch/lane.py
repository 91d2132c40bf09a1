"""A channel's own bounded set of workers: what is slow here slows nothing else."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable
from datetime import datetime

from tocsin.alert import Alert
from tocsin.clock import Clock
from tocsin.dispatch.attempts import Attempts, Performer, Result
from tocsin.dispatch.gate import Gate
from tocsin.dispatch.intake import Intake
from tocsin.dispatch.pace import Pace
from tocsin.dispatch.ready import Ready, release
from tocsin.dispatch.watch import Watch
from tocsin.store import Delivery, Store

__all__ = ["Lane"]

_IDLE = 10.0
"""Seconds after which a worker with nothing to wait for ends."""
_STALE = 1.0
"""Seconds after which what was claimed and has not begun goes back: the attempts got slow, and its lease runs out."""


class Lane:
    """Workers of one channel, started when there is work. Daemon threads: a hung plugin cannot hold the exit.

    A delivery that waits for its time holds no worker. A call that does not end by its deadline is written off: its
    delivery goes on with an unknown outcome, and another worker takes the place.

    No more workers are active than the pace of the attempts makes useful, and some deliveries are claimed ahead where
    they will begin at once.

    Args:
        channel: its name.
        workers: most threads that deliver at once.
        performer: makes the attempts.
        lease: seconds for which deliveries are claimed; longer than any attempt.
        gate: tells how many may be taken up.
        end_overdue: ends what expired without a turn; called while nothing is claimed.
        given_back: told that something went back which another lane may take.
    """

    def __init__(
        self,
        channel: str,
        workers: int,
        store: Store,
        clock: Clock,
        performer: Performer,
        lease: float,
        gate: Gate,
        end_overdue: Callable[[], None],
        given_back: Callable[[], None],
    ) -> None:
        self.channel = channel
        self._workers = workers
        self._store = store
        self._clock = clock
        self._performer = performer
        self.lease = lease
        self._gate = gate
        self._intake = Intake(channel, store, lease, end_overdue)
        self._given_back = given_back
        self._pace = Pace(workers)
        self._lock = threading.RLock()  # a condition is entered through Python code, its lock is not
        self._changed = threading.Condition(self._lock)
        self._attempts = Attempts(workers, clock, performer, self._settle, self._pace, self._lock, self._replace_worker)
        self._threads = 0
        self._idle = 0
        self._watch = Watch(self._changed, _IDLE)
        self._ready = Ready()
        self._ask_at = math.inf  # when the store has something, as far as is known
        self._claiming = False
        self._between = 0  # taken by a worker and not begun yet, or on the way back
        self._offered = 0
        self._watched: float | None = None
        self._stopping = False

    @property
    def is_busy(self) -> bool:
        """Whether a worker has a delivery in its hands that somebody still waits for.

        Never waits: a test's clock asks one lane while it holds another's lock. Who holds this one is at work.
        """
        if not self._lock.acquire(blocking=False):
            return True
        try:
            return bool(self._attempts.is_busy or self._offered or self._between or self._ready or self._claiming)
        finally:
            self._lock.release()

    @property
    def is_due(self) -> bool:
        """Whether the store is to be asked for more."""
        return self._ask_at < math.inf and self._ask_at <= self._store.now()

    def held(self) -> list[Delivery]:
        """Claimed deliveries whose lease is to be renewed: not begun yet, or inside their own deadline."""
        with self._lock:
            return [*self._ready, *self._attempts.deliveries]

    def wake(self) -> None:
        """There are new deliveries in the store."""
        with self._lock:
            if not self._stopping:
                self._ask_at = -math.inf
                self._call_another()

    def offer(self, delivery: Delivery) -> Delivery | None:
        """Claim a new delivery that a worker can begin at once or soon; None where it has to wait for its turn.

        What is claimed is to be accepted once it is stored, or withdrawn.
        """
        with self._lock:
            room = self._room + self._pace.ahead - len(self._ready) - self._offered
            if room <= 0 or self._stopping or self._claiming or self.is_due or not self._gate.ask(1)[0]:
                return None
            claimed = delivery.claimed(self._store.now() + self.lease)
            self._gate.passed((claimed,))
            self._offered += 1
            return claimed

    def accept(self, delivery: Delivery, alert: Alert) -> bool:
        """What was offered is stored, with the alert that it delivers; False where it went back, as none can begin."""
        with self._lock:
            self._offered -= 1
            self._ready.insert(delivery, alert, self._store.now())
            with contextlib.suppress(RuntimeError):  # no room for a thread
                self._call_another()
            left = self._stopping or not self._threads
        if left:
            self._give_back()
        return not left

    def withdraw(self, delivery: Delivery) -> None:
        """What was offered is not stored."""
        self._gate.ended(delivery)
        with self._lock:
            self._offered -= 1
            self._look_again()

    def _call_another(self) -> None:
        """Have one more worker look for what is due; before it goes to work it calls the next, where more is due."""
        if not self._claiming and not self._stopping and (self._room > 0 or not self._watch.is_kept):
            if self._idle:
                self._changed.notify()
            elif self._threads < self._workers:
                self._start_worker()

    @property
    def _room(self) -> int:
        """How many more workers than those that are active are of use."""
        return self._pace.useful - (self._threads - self._idle)

    def stop(self) -> None:
        """Let the workers end after what they are doing; what they have not begun goes back."""
        with self._lock:
            self._stopping = True
            self._changed.notify_all()
        self._give_back()

    def _give_back(self) -> None:
        """Release what was claimed and not begun; a store that cannot be told lets the leases run out."""
        with self._lock:
            left = self._ready.clear()
            self._between += len(left)
        for one in left:
            self._gate.ended(one)
        release(self._store, self.channel, left)
        with self._lock:
            self._between -= len(left)

    def _start_worker(self, first: Callable[[], None] | None = None) -> None:
        threading.Thread(target=self._work, args=(first,), name=f"tocsin-{self.channel}", daemon=True).start()
        self._threads += 1  # where the system has room for it

    def _replace_worker(self, first: Callable[[], None]) -> None:
        """A worker hangs: another takes its place, and begins with this."""
        self._threads -= 1
        self._start_worker(first)

    def _work(self, first: Callable[[], None] | None) -> None:
        if first is not None:
            first()
        while (taken := self._next()) is not None:
            if not self._attempt(*taken):
                return
        if self._stopping and self._ready:  # a claim that was under way has brought something since
            self._give_back()
            self._given_back()

    def _next(self) -> tuple[Delivery, Alert | None] | None:
        with self._lock:
            self._idle += 1
            try:
                while not self._stopping:
                    if (self._ready or self.is_due) and self._room <= 0 and (self._watch.went_on() or self._stopping):
                        continue
                    if self._ready.since < self._store.now() - _STALE:
                        self._renew()
                    elif self._ready:
                        self._between += 1
                        self._watch.began()
                        return self._ready.take()
                    elif self.is_due and not self._claiming:
                        self._claim()
                    elif not self._wait():
                        break
            finally:
                self._idle -= 1
                self._hand_on()
            self._threads -= 1
            return None

    def _hand_on(self) -> None:
        """Have another worker see to what is left when one goes to work, or ends."""
        if self._ready or self.is_due:
            with contextlib.suppress(RuntimeError):  # no room for a thread: whoever is back first takes it
                self._call_another()
        elif self._ask_at < math.inf and self._watched is None:
            self._changed.notify()  # it was the one to wait for that time

    def _renew(self) -> None:
        """Have what is ready claimed anew, with the lock released meanwhile."""
        self._lock.release()
        try:
            self._give_back()
        finally:
            self._lock.acquire()
            self._ask_at = -math.inf

    def _claim(self) -> None:
        """Ask the store for as many as begin at once or soon, with the lock released meanwhile."""
        limit, wait = self._gate.ask(min(self._idle, self._pace.useful) + self._pace.ahead)
        self._claiming, self._ask_at = True, math.inf
        self._lock.release()
        try:
            claim = self._intake.claim(limit, wait)
        finally:
            self._lock.acquire()
            self._claiming = False
        if claim.next_due is not None:
            self._ask_at = min(self._ask_at, claim.next_due)
        self._gate.passed(claim.deliveries)
        self._ready.extend(claim.deliveries, self._store.now())
        self._changed.notify(max(0, min(len(claim.deliveries), self._room) - 1))  # this worker takes the first

    def _wait(self) -> bool:
        """Wait for a due time or news; False where there was nothing to wait for.

        One worker watches the next due time, the others wait for news. An earlier one gets a watcher of its own.
        """
        due = self._ask_at
        if due == math.inf or self._claiming or (self._watched is not None and self._watched <= due):
            # A notification that comes as the wait ends is lost; what it was about is seen here.
            return self._changed.wait(_IDLE) or self._ask_at != math.inf or bool(self._ready)
        self._watched = due
        try:
            self._clock.wait(self._changed, due - self._store.now())
        finally:
            if self._watched == due:
                self._watched = None
        return True

    def _attempt(self, delivery: Delivery, alert: Alert | None) -> bool:
        """Make one attempt; False where it had been written off, and with it this thread."""
        if delivery.lease <= self._store.now():  # this process was stopped for so long that another may have it
            self._gate.ended(delivery)
            with self._lock:
                self._between -= 1
            return True
        with self._lock:
            job = self._attempts.begin(delivery)
            self._between -= 1
        return self._attempts.make(job, alert)

    def _settle(self, delivery: Delivery, result: Result, started_at: datetime, seconds: float) -> None:
        self._gate.ended(delivery)
        try:
            self._performer.settle(delivery, result, started_at, seconds)
        finally:
            with self._lock:
                self._look_again()

    def _look_again(self) -> None:
        """A turn is free again, which may have opened the gate."""
        if self._gate.is_holding_back:
            self._ask_at = -math.inf
            self._changed.notify()
