"""What it costs that accepted alerts survive: SQLite beside memory, and beside a bare commit per alert."""

import contextlib
import itertools
import json
import sqlite3
import time

from benchmarks.bench import Entry
from benchmarks.figures import Bound, Comparison, Figure, Sample
from benchmarks.marks import fields
from benchmarks.players import Refused

from .serial import webhooks
from .stream import six_urls

__all__ = ["against_memory", "enqueue", "kept"]

_names = itertools.count()
_SLOW = 0.5
"""Seconds that a receiver takes while alerts are accepted."""


def kept(bench, config):
    """The configuration with a store in a new file."""
    return config | {
        "store": {"url": f"sqlite:///{bench.folder / f'store{next(_names)}.db'}", "max_waiting": 10_000_000}
    }


def against_memory(bench):
    urls, count = six_urls(bench), bench.size(500)
    with contextlib.ExitStack() as stack:
        config = webhooks(urls, workers=4)
        players = {
            "memory": stack.enter_context(bench.player("tocsin", config=config)),
            "durable": stack.enter_context(bench.player("tocsin", config=kept(bench, config))),
        }
        entries = {
            name: Entry(lambda first, size, one=one: one("burst", first=first, count=size, workers=4), copies=6)
            for name, one in players.items()
        }
        results = bench.contest(entries, count)
        player = stack.enter_context(bench.player("tocsin", config=kept(bench, config)))
        bench.profile("durable", player, "burst", count=count, workers=4)
    comparison = Comparison("itself, in memory", bench.rate(results["memory"], 6), Bound.at_least(0.8))
    name = f"{count:,} alerts × 6, SQLite, FULL, accepted before sent"
    note = (
        "some fifteen statements and a commit or two write an alert with its six deliveries, what became of them and "
        "the report, in the interpreter that also delivers; a whole delivery in memory costs no more than its share of "
        "these. Several processes on one store share the rest"
    )
    yield Figure("durable", name, "deliveries/s", bench.rate(results["durable"], 6), (comparison,), note)


def enqueue(bench):
    """Eight producers; beside them one that commits a row for each alert, as the simplest outbox does.

    The receivers take their time until all is accepted: what is measured is acceptance, and not what delivery leaves.
    """
    urls, count = six_urls(bench), bench.size(800)
    ours, bare, whole = [], [], []
    with bench.player("tocsin", config=kept(bench, webhooks(urls, workers=1))) as player:
        for turn in range(bench.rounds + 1):
            size = count if turn else 40
            ours.append(size / _accepted(bench, player, size))
            bare.append(_bare(bench, size))
            whole.append(_bare(bench, size, deliveries=6))
        bench.profile("enqueue", player, "enqueue", count=count, workers=8)
    comparisons = (
        Comparison("bare sqlite3, a row and a commit per alert", Sample(bare[1:]), Bound.at_least(2)),
        Comparison("the same with its six deliveries as rows", Sample(whole[1:])),
    )
    name = "enqueue durable, 8 producers, each alert with 6 deliveries"
    note = "a disk that syncs slowly favours whoever shares a commit, one that syncs at once whoever writes less"
    yield Figure("enqueue", name, "alerts/s", Sample(ours[1:]), comparisons, note)


def _accepted(bench, player, count):
    """Seconds until all was accepted; all of it must arrive, though the sink forgets its count in between."""
    bench.http.reset(latency=_SLOW)
    result = player("enqueue", first=bench.numbers(count), count=count, workers=8)
    arrived = bench.http.count()["distinct"]
    bench.http.reset()
    player("settle")
    arrived += bench.http.count()["distinct"]
    if not 6 * (count - 1) <= arrived <= 6 * count:  # one of each channel may come just then
        raise Refused(f"enqueued {count} × 6, and {arrived} arrived")
    return result["seconds"]


def _bare(bench, count, deliveries=0):
    """Alerts a second, each in a transaction of its own, with so many rows that belong to it."""
    with contextlib.closing(sqlite3.connect(bench.folder / f"bare{next(_names)}.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE alerts (id INTEGER PRIMARY KEY, content TEXT)")
        database.execute("CREATE TABLE deliveries (id INTEGER PRIMARY KEY, alert INTEGER, channel TEXT, state TEXT)")
        contents = [json.dumps(fields(number)) for number in range(count)]
        begun = time.perf_counter()
        for number, content in enumerate(contents):
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO alerts (content) VALUES (?)", (content,))
            rows = [(number, f"hook{index}", "pending") for index in range(deliveries)]
            database.executemany("INSERT INTO deliveries (alert, channel, state) VALUES (?, ?, ?)", rows)
            database.execute("COMMIT")
        return count / (time.perf_counter() - begun)
