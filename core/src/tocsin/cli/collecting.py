"""The garbage collector in a process that is over soon: its start makes many objects, and hardly any garbage."""

from __future__ import annotations

import atexit
import gc

__all__ = ["begin", "begun"]

_USUAL = gc.get_threshold()
_WHILE_STARTING = 100_000
"""New objects from one collection to the next; loading the code of a command makes fewer that last."""


def begin() -> None:
    """Collect rarely until :func:`begun`, and not once more at the interpreter's exit.

    For the process that is the program's own: it changes what holds for all of it.
    """
    gc.set_threshold(_WHILE_STARTING, *_USUAL[1:])
    atexit.register(gc.freeze)


def begun() -> None:
    """Collect as usual, without what is there by now: code and configuration, which stay.

    Does nothing in a process that did not :func:`begin`.
    """
    if gc.get_threshold()[0] == _WHILE_STARTING:
        gc.freeze()
        gc.set_threshold(*_USUAL)
