"""The documentation's page about performance, and its plots."""

import pathlib

from .figures import number
from .scale.plot import svg

__all__ = ["write"]

_DOCS = pathlib.Path(__file__).parents[2] / "docs"
_PAGE = _DOCS / "explanation" / "performance.md"
_PLOTS = _DOCS / "_static" / "performance"

_HEAD = """# How fast it is, and how it grows

This page is written by `nox -s bench -- --write-docs`. Seconds depend on the machine, so every figure stands beside
that of a peer which took its turns in the same run, on the same receivers; what can be compared is the ratio.

Measured on {date} with Python {python} on {machine}: medians of {rounds} rounds, ± half of what lies between the lowest
and the highest. The receivers run in processes of their own. By itself the HTTP one takes {serial} requests a second
one after the other, and {batched} where a hundred come at once. It counts what arrives: a figure whose alerts were not
all there is no figure. `rate_limit = 0` everywhere.

*tuned requests* is the loop that an expert would write: a kept session, a prepared request, the environment's proxies
read once; one such loop knows no retries, no deadlines, no report. Apprise and notifiers are used as their
documentation shows. Apprise keeps Slack's, Discord's, Telegram's and Twilio's addresses in its code; for the six
channel types its attributes were set to loopback, and its own rate limits to none.

## Beside its peers

| figure | tocsin | against | theirs | ratio | to reach | |
|---|---|---|---|---|---|---|
"""
_TAIL = """
`nox -s bench -- --profile` tells where the time goes; `--only NAME` measures one row, `--json FILE` keeps every round.
In the default tests `tests/benchmarks/test_guard.py` counts the calls of a delivery instead of its seconds, so that a
change which makes it dearer is seen on any machine.
"""
_GROWTH = """
## How cost grows

| what grows | first limit | what comes next |
|---|---|---|
| alerts a second | one interpreter: its lock lets one thread compute at a time | several processes on one store |
| latency of the receivers | workers ÷ latency | more `workers` for that channel; they are cheap while they wait |
| alerts that must not be lost | commits a second of one disk; producers share them | PostgreSQL |
| machines | one process's reach | workers on several machines, with PostgreSQL as the ledger |
"""


_SHORT = """
## What was not reached, and where its time goes

Microseconds of CPU for each alert, the dearest functions first; `own` is a function's own time. The profiler makes
calls dearer than they are, so that only their proportions count.
"""
_PROFILED = 14
"""Functions shown of a profile."""


def write(figures, curves, about, profiles):
    """Write the page from a run; a run without figures or without curves leaves that part of the page out."""
    ceilings = list(about["ceilings"].values())
    kept = {name: about[name] for name in ("date", "python", "machine", "rounds")}
    text = _HEAD.format(serial=number(ceilings[0]), batched=number(ceilings[-1]), **kept)
    text += "".join(_rows(figures)) + _TAIL + "".join(_short(figures, profiles))
    if curves:
        text += _GROWTH + "".join(map(_section, curves))
        _PLOTS.mkdir(parents=True, exist_ok=True)
    for curve in curves:
        (_PLOTS / f"{curve.name}.svg").write_text(svg(curve), encoding="utf-8")
    _PAGE.write_text(text, encoding="utf-8")


def _rows(figures):
    for figure in figures:
        first = (figure.name, f"{_value(figure.sample)} {figure.unit}")
        for comparison in figure.comparisons:
            ratio, held = figure.ratio(comparison), figure.holds(comparison)
            theirs = comparison.absent or f"{_value(comparison.sample)} {figure.unit}"
            cells = (
                *first,
                comparison.peer,
                theirs,
                "" if ratio is None else f"{number(ratio)} ×",
                str(comparison.bound or ""),
                {True: "reached", False: "**not reached**", None: ""}[held],
            )
            yield "| " + " | ".join(cells) + " |\n"
            first = ("", "")


def _short(figures, profiles):
    """What says why, for each figure that stays behind."""
    behind = [one for one in figures if any(one.holds(comparison) is False for comparison in one.comparisons)]
    if behind:
        yield _SHORT
    for figure in behind:
        yield f"\n### {figure.name}\n"
        if figure.note:
            yield f"\n{figure.note[0].upper()}{figure.note[1:]}.\n"
        # Rows that share a measurement share its profile.
        if lines := profiles.get(figure.row, profiles.get(figure.row.split("-")[0])):
            yield "\n".join(["\n```text", *lines[: _PROFILED + 1], "```\n"])


def _value(sample):
    return f"{number(sample.median)} ±{sample.spread * 100:.0f} %"


def _section(curve):
    """The plot with its reading. Lines of prose are as long as they come: nobody edits them."""
    *measured, means = curve.reading()
    points = "".join(f"* {sentence}\n" for sentence in measured)
    return f"\n### {curve.title}\n\n![{curve.title}](../_static/performance/{curve.name}.svg)\n\n{points}\n{means}\n"
