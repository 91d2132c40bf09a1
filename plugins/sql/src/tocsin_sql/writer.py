"""One thread writes: whatever waits for it goes into one transaction, so that one commit to disk serves many."""

from __future__ import annotations

import contextlib
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import sqlalchemy as sa

from tocsin import QueueFull, StoreError
from tocsin.log import event
from tocsin_sql.failures import is_conflict, is_disconnect, is_everybodys, is_refusal, store_error
from tocsin_sql.forking import Turn
from tocsin_sql.target import Misplaced, Target
from tocsin_sql.tasks import Job, Joint, Late, Task, apart, joined
from tocsin_sql.teller import Teller

__all__ = ["Writer"]

T = TypeVar("T")
Item = TypeVar("Item")

_BATCH = 256
_GATHER = 0.002
_ANSWER = 30.0
"""Seconds after which a caller is told that the database does not answer."""
_PATIENCE = 10.0
"""Seconds for which a server that went away is waited for."""


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
        self._tasks: list[Task] = []
        self._late = Late()
        self._left = 0
        self._at: Task | None = None
        self._is_joint = False
        self._is_urgent = False  # somebody waits for what is to be written
        self._company = 1
        self._wanted = 1
        self._took = _GATHER
        self._closing = False
        self._thread: threading.Thread | None = None
        self._turn = Turn(target, self._disconnect, self._reconnect)
        self.connection: sa.Connection | None = None

    def call(self, job: Job[T], *, durable: bool = True, seconds: float = _ANSWER) -> T:
        """Write a job, and return its result once that is certain; it may take so many ``seconds``.

        Raises:
            StoreError: it was not written; or, where the database does not answer, it is not known whether it was.
        """
        task = Task(lambda connection, _: [job(connection)], None, durable, until=time.monotonic() + _PATIENCE)
        self._put(task)
        if not task.gate.acquire(timeout=seconds):
            raise StoreError(f"{self._target.place} has not answered for {seconds:g} s")
        if isinstance(task.outcome, Exception):
            raise task.outcome
        result: T = task.outcome
        return result

    def post(self, job: Job[T], done: Callable[[T], None], *, durable: bool = True) -> None:
        """Write a job, however often that must be tried; ``done`` is told its result in a thread made for it.

        Args:
            job: the job.
            done: told its result.
            durable: its commit must have reached the disk.
        """
        self._put(Task(lambda connection, _: [job(connection)], None, durable, done))

    def join(self, job: Joint[Item, T], item: Item, done: Callable[[T], None], instead: Callable[[Item], Item]) -> None:
        """Write an item as :meth:`post` does a job, with others of the same job that come in the meantime.

        Args:
            job: writes some items; a durable commit follows.
            item: one of them.
            done: told its result.
            instead: makes what takes its place where the database does not take what it writes.
        """
        self._put(Task(job, item, durable=True, done=done, instead=instead))

    def close(self, seconds: float) -> bool:
        """Write what waits, and end; False where something could not be written in time."""
        end = time.monotonic() + seconds
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(seconds)
        self._teller.close(max(0.0, end - time.monotonic()))
        if left := len(self._tasks) + self._left:
            event(logging.ERROR, "store_left", count=left)
        return not left

    def _put(self, task: Task) -> None:
        with self._changed:
            if self._closing:
                raise StoreError("the store is closed")
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="tocsin-store", daemon=True)
                thread.start()  # where the system has no room for it, nothing was accepted
                self._thread = thread
            self._tasks.append(task)
            is_first_caller = task.done is None and not self._is_urgent
            self._is_urgent = self._is_urgent or is_first_caller
            if is_first_caller or len(self._tasks) >= self._wanted:
                self._changed.notify()

    def _run(self) -> None:
        while batch := self._take():
            with self._turn:
                self._write(batch)
        with self._turn:
            self._disconnect()

    def _disconnect(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    def _reconnect(self) -> None:
        """Who has a file open can put it back when it is deleted."""
        if self._thread is None:
            return
        with contextlib.suppress(StoreError):  # closed meanwhile
            self.post(lambda _: None, lambda _: None, durable=False)

    def _take(self) -> list[Task]:
        """What is to be written next; nothing where everything was, and no more comes."""
        with self._changed:
            while True:
                self._tasks[:0] = self._late.take(everything=self._closing)  # at the end, once more at once
                if self._tasks:
                    self._gather()
                    batch, self._tasks = self._tasks[:_BATCH], self._tasks[_BATCH:]
                    batch = list(itertools.chain.from_iterable(joined(batch)))
                    self._company = max(len(batch), 3 * self._company // 4)
                    self._is_urgent = False
                    return batch
                if self._closing:
                    return []
                self._changed.wait(self._late.wait)

    def _gather(self) -> None:
        """Wait a moment for as many as wrote together lately: one commit then serves them together again.

        A caller waits no longer than a commit takes, for that is what it saves; what nobody waits for has more time.
        """
        begun = time.monotonic()
        self._wanted = self._company
        while len(self._tasks) < self._company and not self._closing:
            end = begun + (min(_GATHER, self._took) if self._is_urgent else _GATHER)
            if (left := end - time.monotonic()) <= 0:
                break
            self._changed.wait(left)
        self._wanted = 1

    def _write(self, batch: list[Task]) -> None:
        """Write these together; without those at fault for a failure, which are written one by one afterwards."""
        at_fault: list[Task] = []
        grouped = joined
        while batch:
            try:
                outcomes = self._transact(batch, grouped)
            except Exception as error:
                task = self._undone(error)
                if task is None and self._is_joint and not _is_everybodys(error):
                    grouped = apart  # so that the one at fault is found
                    continue
                if task is not None and self._lessened(task, error):
                    continue
                if task is None or len(batch) == 1 or _is_everybodys(error):
                    self._failed_together(batch, error)
                    break
                at_fault.append(task)
                batch = [one for one in batch if one is not task]
            else:
                self._settle(batch, outcomes)
                break
        for task in at_fault:
            self._write([task])

    def _undone(self, error: Exception) -> Task | None:
        """A transaction was rolled back: the task that was being performed then, where it was a single one."""
        self._target.suffered(error)
        for forget in self._on_trouble:
            forget()
        self._let_go(error)
        return self._at

    @staticmethod
    def _lessened(task: Task, error: Exception) -> bool:
        """Whether less will be written: what was sent must be on record, whatever its receiver said of it."""
        if task.instead is None or not is_refusal(error):
            return False
        event(logging.ERROR, "store_refused", error=type(error).__name__)
        task.item, task.instead = task.instead(task.item), None
        return True

    def _failed_together(self, batch: list[Task], error: Exception) -> None:
        if len(batch) > 1 and not _is_everybodys(error):
            for task in batch:
                self._write([task])  # so that one that fails does not fail the others
            return
        for task in batch:
            self._failed(task, error)

    def _settle(self, batch: list[Task], outcomes: list[Any]) -> None:
        news = []
        for task, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Exception):
                self._failed(task, outcome)
            elif task.done is not None:
                news.append((task.done, outcome))
            else:
                task.end(outcome)
        self._teller.tell(news)

    def _transact(self, batch: list[Task], grouped: Callable[[list[Task]], Iterable[list[Task]]]) -> list[Any]:
        self._at, self._is_joint = None, False
        if self.connection is None:
            self.connection = self._target.connect()
        connection, durable = self.connection, any(task.durable for task in batch)
        self._target.prepare(connection, durable=durable)
        with connection.begin():
            self._target.began(connection, durable=durable)
            outcomes = [outcome for tasks in grouped(batch) for outcome in self._perform(connection, tasks)]
            self._at, self._is_joint = None, False
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

    def _perform(self, connection: sa.Connection, tasks: list[Task]) -> list[Any]:
        """The job's results, or that there was no room, which is found before anything is written."""
        self._is_joint = len(tasks) > 1
        self._at = None if self._is_joint else tasks[0]
        try:
            return tasks[0].job(connection, [task.item for task in tasks])
        except QueueFull as full:
            return [full] * len(tasks)

    def _failed(self, task: Task, error: Exception) -> None:
        """Keep the task for another try, or tell its caller."""
        passing = is_conflict(error) or is_disconnect(error) or isinstance(error, Misplaced)
        if task.done is not None and not (passing or is_everybodys(error)):
            event(logging.ERROR, "store_job_failed", error=type(error).__name__)
        again = task.done is not None or (passing and time.monotonic() < task.until)
        if again and not self._closing:
            self._late.put(task)
        elif task.done is not None:
            self._left += 1
        else:
            known = isinstance(error, sa.exc.SQLAlchemyError | Misplaced)
            task.end(store_error(error, self._target.place) if known else error)


def _is_everybodys(error: Exception) -> bool:
    return isinstance(error, Misplaced) or is_everybodys(error)
