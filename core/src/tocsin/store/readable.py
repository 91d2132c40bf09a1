"""What a store can do for those who only look at it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from tocsin.clock import Clock

__all__ = ["Readable"]


@runtime_checkable
class Readable(Protocol):
    """Optional beside :class:`Store`: commands that only look open it so; without it they open it as ever."""

    def open_to_read(self, clock: Clock) -> None:
        """Called instead of ``Store.open`` where only questions follow; makes and changes nothing.

        Others may write meanwhile, and a lock of theirs is not waited for.

        Args:
            clock: the store's time comes from it.

        Raises:
            StoreError: there is no store at its place, or one of another version or with another key.
        """
