"""What it costs that accepted alerts survive: SQLite beside memory, and beside a bare commit per alert."""

import contextlib
import itertools
import json
import sqlite3
import time

from benchmarks.bench import Entry
from benchmarks.figures import Bound, Comparison, Figure, Sample
from benchmarks.marks import fields

from .serial import webhooks
from .stream import six_urls

__all__ = ["against_memory", "enqueue", "kept"]

_names = itertools.count()


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
    yield Figure("durable", name, "deliveries/s", bench.rate(results["durable"], 6), (comparison,))


def enqueue(bench):
    """Eight producers; beside them one that commits a row for each alert, as the simplest outbox does."""
    urls, count = six_urls(bench), bench.size(800)
    ours, bare = [], []
    with bench.player("tocsin", config=kept(bench, webhooks(urls, workers=1))) as player:
        for turn in range(bench.rounds + 1):
            size = count if turn else 40
            result = player("enqueue", first=bench.numbers(size), count=size, workers=8)
            ours.append(size / result["seconds"])
            bare.append(_bare(bench, size))
        bench.profile("enqueue", player, "enqueue", count=count, workers=8)
    comparison = Comparison("bare sqlite3, a commit per alert", Sample(bare[1:]), Bound.at_least(2))
    name = "enqueue durable, 8 producers, each alert with 6 deliveries"
    yield Figure("enqueue", name, "alerts/s", Sample(ours[1:]), (comparison,))


def _bare(bench, count):
    with contextlib.closing(sqlite3.connect(bench.folder / f"bare{next(_names)}.db", isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("CREATE TABLE alerts (id INTEGER PRIMARY KEY, content TEXT)")
        contents = [json.dumps(fields(number)) for number in range(count)]
        begun = time.perf_counter()
        for content in contents:
            database.execute("INSERT INTO alerts (content) VALUES (?)", (content,))
        return count / (time.perf_counter() - begun)
