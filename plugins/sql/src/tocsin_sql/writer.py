"""One thread writes: whatever waits for it goes into one transaction, so that one commit to disk serves many."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import attrs
import sqlalchemy as sa

from tocsin import QueueFull, StoreError
from tocsin.log import event
from tocsin_sql.failures import is_conflict, is_disconnect, is_everybodys, store_error
from tocsin_sql.teller import Teller

__all__ = ["Job", "Target", "Writer"]

T = TypeVar("T")
Job = Callable[[sa.Connection], T]

_BATCH = 256
_GATHER = 0.002
_ANSWER = 30.0
"""Seconds after which a caller is told that the database does not answer."""
_PATIENCE = 10.0
"""Seconds for which a server that went away is waited for."""
_SHORTEST, _LONGEST = 0.05, 5.0
"""Seconds between two tries of what could not be written."""


class Target(Protocol):
    """Where a writer writes."""

    place: str

    def connect(self) -> sa.Connection:
        """A connection that is the writer's own."""

    def prepare(self, connection: sa.Connection, *, durable: bool) -> None:
        """Before a transaction: whether its commit must have reached the disk."""

    def began(self, connection: sa.Connection, *, durable: bool) -> None:
        """In each transaction, before anything else."""

    def lost(self, connection: sa.Connection) -> None:
        """Called where the file that the connection writes is no longer the one at its place."""


class Misplaced(Exception):
    """The file that the connection writes is no longer the one at its place."""


def _closed() -> threading.Lock:
    gate = threading.Lock()
    gate.acquire()
    return gate


@attrs.define(eq=False)
class _Task:
    """One job and who waits for it.

    Attributes:
        done: set where it must be written at last, and is told afterwards.
        until: see _PATIENCE.
        gate: closed until there is an outcome; a bare lock is the quickest wait.
    """

    job: Job[Any]
    durable: bool
    done: Callable[[Any], None] | None = None
    until: float = 0.0
    outcome: Any = None
    gate: threading.Lock = attrs.field(factory=_closed)

    def end(self, outcome: Any) -> None:
        """Tell its caller."""
        self.outcome = outcome
        self.gate.release()


class Writer:
    """Writes jobs in the order in which they came; starts its thread with the first.

    Args:
        target: where.
        at_end: called in each transaction before its commit.
        on_trouble: called after a transaction that was rolled back.
    """

    def __init__(self, target: Target, at_end: Job[None], *on_trouble: Callable[[], None]) -> None:
        self._target = target
        self._at_end = at_end
        self._on_trouble = on_trouble
        self._teller = Teller()
        self._changed = threading.Condition()
        self._tasks: list[_Task] = []
        self._late: list[_Task] = []
        self._again_at = 0.0
        self._pause = _SHORTEST
        self._company = 1
        self._wanted = 1
        self._took = _GATHER
        self._closing = False
        self._thread: threading.Thread | None = None
        self.connection: sa.Connection | None = None

    def call(self, job: Job[T], *, durable: bool = True) -> T:
        """Write a job, and return its result once that is certain.

        Raises:
            StoreError: it was not written; or, where the database does not answer, it is not known whether it was.
        """
        task = _Task(job, durable, until=time.monotonic() + _PATIENCE)
        self._put(task)
        if not task.gate.acquire(timeout=_ANSWER):
            raise StoreError(f"{self._target.place} has not answered for {_ANSWER:g} s")
        if isinstance(task.outcome, Exception):
            raise task.outcome
        result: T = task.outcome
        return result

    def post(self, job: Job[T], done: Callable[[T], None], *, durable: bool = True) -> None:
        """Write a job, however often that must be tried; ``done`` is told its result in a thread made for it."""
        self._put(_Task(job, durable, done))

    def close(self, seconds: float) -> bool:
        """Write what waits, and end; False where something could not be written in time."""
        end = time.monotonic() + seconds
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(seconds)
        self._teller.close(max(0.0, end - time.monotonic()))
        return not self._tasks and not self._late

    def _put(self, task: _Task) -> None:
        with self._changed:
            if self._closing:
                raise StoreError("the store is closed")
            self._tasks.append(task)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tocsin-store", daemon=True)
                self._thread.start()
            if len(self._tasks) >= self._wanted:
                self._changed.notify()

    def _run(self) -> None:
        while batch := self._take():
            self._write(batch)
        if self.connection is not None:
            self.connection.close()

    def _take(self) -> list[_Task]:
        """What is to be written next; nothing where everything was, and no more comes."""
        with self._changed:
            while True:
                if self._late and time.monotonic() >= self._again_at:
                    self._tasks[:0] = self._late
                    self._late = []
                if self._tasks:
                    self._gather()
                    batch, self._tasks = self._tasks[:_BATCH], self._tasks[_BATCH:]
                    self._company = len(batch)
                    return batch
                if self._closing:
                    return []
                self._changed.wait(max(0.0, self._again_at - time.monotonic()) if self._late else None)

    def _gather(self) -> None:
        """Wait a moment for those who wrote together last time: one commit then serves them together again.

        No longer than a commit takes, for that is what it saves.
        """
        end = time.monotonic() + min(_GATHER, self._took)
        self._wanted = self._company
        while len(self._tasks) < self._company and not self._closing and (left := end - time.monotonic()) > 0:
            self._changed.wait(left)
        self._wanted = 1

    def _write(self, batch: list[_Task]) -> None:
        try:
            outcomes = self._transact(batch)
        except Exception as error:
            self._rolled_back(batch, error)
        else:
            self._pause = _SHORTEST
            self._settle(batch, outcomes)

    def _rolled_back(self, batch: list[_Task], error: Exception) -> None:
        for forget in self._on_trouble:
            forget()
        self._let_go(error)
        if len(batch) > 1 and not (isinstance(error, Misplaced) or is_everybodys(error)):
            for task in batch:
                self._write([task])  # so that one that fails does not fail the others
            return
        for task in batch:
            self._failed(task, error)

    def _settle(self, batch: list[_Task], outcomes: list[Any]) -> None:
        news = []
        for task, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Exception):
                self._failed(task, outcome)
            elif task.done is not None:
                news.append((task.done, outcome))
            else:
                task.end(outcome)
        self._teller.tell(news)

    def _transact(self, batch: list[_Task]) -> list[Any]:
        if self.connection is None:
            self.connection = self._target.connect()
        connection, durable = self.connection, any(task.durable for task in batch)
        self._target.prepare(connection, durable=durable)
        with connection.begin():
            self._target.began(connection, durable=durable)
            outcomes = [_perform(connection, task) for task in batch]
            self._at_end(connection)
            ended = time.monotonic()
        self._took = time.monotonic() - ended
        return outcomes

    def _let_go(self, error: Exception) -> None:
        """Have the next transaction begin on a fresh connection, where this one is of no more use."""
        connection = self.connection
        if connection is None:
            return
        if isinstance(error, Misplaced):
            self.connection = None
            try:
                self._target.lost(connection)
            except Exception as trouble:  # the next transaction finds what there is then
                event(logging.ERROR, "store_not_restored", error=type(trouble).__name__)
        elif is_disconnect(error) or connection.invalidated or connection.closed:
            self.connection = None
            connection.invalidate()
            connection.close()

    def _failed(self, task: _Task, error: Exception) -> None:
        """Keep the task for another try, or tell its caller."""
        passing = is_conflict(error) or is_disconnect(error) or isinstance(error, Misplaced)
        known = isinstance(error, sa.exc.SQLAlchemyError | StoreError | Misplaced)
        if (known and task.done is not None) or (passing and time.monotonic() < task.until):
            if not self._late:
                self._again_at = time.monotonic() + self._pause
                self._pause = min(_LONGEST, 2 * self._pause)
            if self._closing and not passing:
                return
            self._late.append(task)
            return
        if task.done is not None:
            event(logging.ERROR, "store_job_failed", error=type(error).__name__)
            return
        if isinstance(error, sa.exc.SQLAlchemyError | Misplaced):
            error = store_error(error, self._target.place)
        task.end(error)


def _perform(connection: sa.Connection, task: _Task) -> Any:
    """The job's result, or that there was no room, which is found before anything is written."""
    try:
        return task.job(connection)
    except QueueFull as full:
        return full
