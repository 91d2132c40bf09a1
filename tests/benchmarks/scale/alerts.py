"""A thousand to a million alerts in the store."""

import os

from benchmarks.rows.durable import kept

from .curve import Curve

__all__ = ["curve"]

_SIZES = (1_000, 10_000, 100_000)
_LONG = 1_000_000
_MEANS = (
    "What has ended is history: indexes lead past it, so accepting and delivering cost what they did. The file "
    "grows by the alert; `retention` and `history` bound it. Where one machine's disk or one writer is the limit, "
    "put the same store on PostgreSQL and let several processes work on it."
)


def curve(bench):
    sizes = _SIZES[:2] if bench.quick else (*_SIZES, _LONG) if bench.long else _SIZES
    series = {"accept": [], "accept, deliver and report": [], "look for what is due": []}
    config = kept(bench, {"channels": {"out": {"type": "null"}}, "delivery": {"workers": 4}})
    path = config["store"]["url"].removeprefix("sqlite:///")
    with bench.player("tocsin", config=config) as player:
        there = 0
        for size in sizes:
            while there < size:
                step = min(5_000, size - there)
                player("burst", first=bench.numbers(step), count=step, workers=4)
                there += step
            count = bench.size(300, 100)
            accepted = player("enqueue", first=bench.numbers(count), count=count, workers=8)
            player("settle")
            done = player("burst", first=bench.numbers(count), count=count, workers=4)
            there += 2 * count
            series["accept"].append(accepted["seconds"] / count * 1e3)
            series["accept, deliver and report"].append(done["seconds"] / count * 1e3)
            series["look for what is due"].append(player("look_for_due") * 1e3)
        bench.say(f"the file has {os.path.getsize(path) / there:,.0f} bytes for each alert")
    yield Curve("alerts", "Alerts in the store (SQLite)", "alerts", "ms", sizes, series, _MEANS)
