"""What delivery promises, from what holds it: the tests, the table of transitions, the channels' capabilities."""

from __future__ import annotations

import tomllib
from typing import Any

import attrs

from tocsin.report import DeliveryState
from tocsin.store import TRANSITIONS
from tocsin_docs.manual import ROOT, manuals

__all__ = ["SECTIONS", "Promise", "all_promises", "promises", "repeats", "states", "transitions"]

_FILE = ROOT / "docs" / "explanation" / "promises.toml"
SECTIONS = {"both": "With either", "memory": "In memory", "durable": "With a durable store"}
"""Where a promise holds, as the page calls it."""


@attrs.frozen
class Promise:
    """One promise.

    Attributes:
        says: in one sentence.
        where: a key of `SECTIONS`.
        tests: `path::function`, below the folder `tests`.
    """

    says: str
    where: str
    tests: list[str]


def all_promises() -> list[Promise]:
    """In the order of the file."""
    return [Promise(**entry) for entry in tomllib.loads(_FILE.read_text(encoding="utf-8"))["promise"]]


def promises() -> str:
    """A list for each place: the promise, and below it each test that holds it, on a line of its own."""
    found = all_promises()
    lines = []
    for where, title in SECTIONS.items():
        items = [_item(one) for one in found if one.where == where]
        if items:
            lines += [f"### {title}", "", "::::{container} tocsin-facts", *items, "::::", ""]
    return "\n".join(lines)


def _item(promise: Promise) -> str:
    return "\\\n   ".join([f"1. {promise.says}", *(f"`{test}`" for test in promise.tests)])


def repeats() -> str:
    """A table of the channels: what a repeat after an unknown outcome looks like, and what comes later."""
    rows = [f"| {{ref}}`{one.type} <channel-{one.type}>` | {_row(one.cls.capabilities)} |" for one in manuals()]
    heads = "channel | a repeat after an unknown outcome | `delivered` | the next alert of one `dedup_key`"
    return "\n".join([f"| {heads} | refused as it is |", "|---|---|---|---|---|", *rows])


def _row(capabilities: Any) -> str:
    repeat = "same key: the receiver can tell" if capabilities.idempotent else "a second message, marked"
    later = "told by its receipts" if capabilities.receipts else "never told: `accepted` is the end"
    ways = [word for word, can in (("edits", capabilities.update), ("threads", capabilities.thread)) if can]
    simpler = "once more in plain text" if capabilities.plain else "failed"
    return f"{repeat} | {later} | {' or '.join(ways) or 'a new message'} | {simpler}"


def states() -> str:
    """A table of the states: whether it is an end, and what leads on from it."""
    rows = []
    for state in DeliveryState:
        onward = dict.fromkeys(
            f"`{one.after}`" for one in TRANSITIONS if one.before is state and one.after is not state
        )
        rows.append(f"| `{state}` | {_end(state)} | {', '.join(onward)} |")
    return "\n".join(["| state | end | then |", "|---|---|---|", *rows])


def _end(state: DeliveryState) -> str:
    if not state.is_final:
        return "no"
    return "yes, success" if state.is_success else "yes"


def transitions() -> str:
    """A table of all changes of state."""
    rows = [f"| {f'`{one.before}`' if one.before else 'new'} | {one.event} | `{one.after}` |" for one in TRANSITIONS]
    return "\n".join(["| from | what happens | to |", "|---|---|---|", *rows])
