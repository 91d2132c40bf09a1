"""What a store that lasts can do beyond delivering: for the people who look after it."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

__all__ = ["Upkeep"]


@runtime_checkable
class Upkeep(Protocol):
    """Optional beside :class:`Store`; the command line's ``tocsin store`` calls it."""

    def stats(self) -> dict[str, Any]:
        """How much there is, and how it stands: JSON values, names in snake case, ages in seconds, sizes in bytes."""

    def prune(self) -> dict[str, int]:
        """Remove what is older than the configured times; how many rows of each kind went."""

    def check(self) -> list[str]:
        """What is wrong: damage, tables of another version; each in words with what to do.

        Nothing is changed, but that damage may be noted for who opens the store next. Works on a store that was not
        opened. ``tocsin store check`` exits with 74 where there is any.
        """

    def hazards(self) -> list[str]:
        """What may go wrong here though nothing has: a known fault of a library, a setting; in words with what to do.

        Works on a store that was not opened. ``tocsin store check`` warns of them, and exits with 0.
        """

    def salvage(self, source: str) -> dict[str, Any]:
        """Bring over what can be read in a damaged database and is not here.

        How many rows of each kind came; under ``losses`` a list of what did not, each in words with what to do.

        Args:
            source: path of the damaged file, which is not changed.

        Raises:
            StoreError: it cannot be read at all.
        """

    def upgrade(self) -> str:
        """Bring the tables to this version, and say what was done. Works on a store that was not opened.

        Raises:
            StoreError: they are newer, or cannot be changed; nothing was.
        """

    def audit(self, action: str, subject: str, actor: str) -> None:
        """Keep on record what a person did.

        Args:
            action: like ``replay``.
            subject: to what.
            actor: who.
        """
