"""Jobs that wait for the writer, and those that are to be tried again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import attrs
import sqlalchemy as sa

__all__ = ["Job", "Joint", "Late", "Task", "apart", "joined"]

T = TypeVar("T")
Item = TypeVar("Item")
Job = Callable[[sa.Connection], T]
Joint = Callable[[sa.Connection, list[Item]], list[T]]
"""Writes several items at once, and gives an outcome for each."""

_SHORTEST, _LONGEST = 0.05, 5.0
"""Seconds between two tries of what could not be written."""


def _closed() -> threading.Lock:
    gate = threading.Lock()
    gate.acquire()
    return gate


@attrs.define(eq=False)
class Task:
    """One item of a job and who waits for it.

    Attributes:
        job: may be given the items of all in a transaction that have the same job.
        done: set where it must be written at last, and is told afterwards.
        instead: makes what takes the item's place where the database does not take it.
        until: when its caller is told that it failed, on the monotonic clock.
        pause: seconds before it is tried again: its own, for that others succeed says nothing of it.
        again_at: when that is.
        gate: closed until there is an outcome; a bare lock is the quickest wait.
    """

    job: Joint[Any, Any]
    item: Any
    durable: bool
    done: Callable[[Any], None] | None = None
    instead: Callable[[Any], Any] | None = None
    until: float = 0.0
    pause: float = _SHORTEST
    again_at: float = 0.0
    outcome: Any = None
    gate: threading.Lock = attrs.field(factory=_closed)

    def end(self, outcome: Any) -> None:
        """Tell its caller."""
        self.outcome = outcome
        self.gate.release()


def joined(tasks: Iterable[Task]) -> Iterable[list[Task]]:
    """The tasks that have one job together, in the order of the first of them."""
    found: dict[Joint[Any, Any], list[Task]] = {}
    for task in tasks:
        found.setdefault(task.job, []).append(task)
    return found.values()


def apart(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    """Each of the tasks by itself."""
    return ([task] for task in tasks)


class Late:
    """What could not be written, each to be tried again at growing intervals."""

    def __init__(self) -> None:
        self._tasks: list[Task] = []

    def put(self, task: Task) -> None:
        """Have a task tried again after its pause."""
        task.again_at = time.monotonic() + task.pause
        task.pause = min(_LONGEST, 2 * task.pause)
        self._tasks.append(task)

    def take(self, *, everything: bool) -> list[Task]:
        """What is to be tried again now, or all there is."""
        now = time.monotonic()
        due = [task for task in self._tasks if everything or task.again_at <= now]
        self._tasks = [task for task in self._tasks if not everything and task.again_at > now]
        return due

    @property
    def wait(self) -> float | None:
        """Seconds until the next is to be tried; None where there is none."""
        return min((max(0.0, task.again_at - time.monotonic()) for task in self._tasks), default=None)
