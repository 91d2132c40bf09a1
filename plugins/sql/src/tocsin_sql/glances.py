"""Questions of one statement: each sees one moment without a transaction, on a connection that is at hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

__all__ = ["Glances"]

T = TypeVar("T")

_IDLE = 8
"""Connections that are kept open; a question that finds none free opens one."""


class Glances:
    """Asks; a pool's checkout, BEGIN and ROLLBACK would take several times as long as the answer. Thread-safe.

    Args:
        connect: a connection that cannot write; no transaction is begun on it.
    """

    def __init__(self, connect: Callable[[], sa.Connection]) -> None:
        self._connect = connect
        self._idle: list[sa.Connection] = []

    def ask(self, question: Callable[[sa.Connection], T]) -> T:
        """The answer to a question that runs a single statement."""
        idle = self._idle
        try:
            connection = idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            answer = question(connection)
        except BaseException:
            connection.close()
            raise
        if idle is self._idle and len(idle) < _IDLE:
            idle.append(connection)
        else:
            connection.close()
        return answer

    def dispose(self) -> None:
        """Let go of the connections; those in use are closed by their users."""
        idle, self._idle = self._idle, []
        while idle:
            idle.pop().close()
