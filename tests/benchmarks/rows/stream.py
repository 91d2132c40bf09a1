"""Many alerts to six webhooks: how many deliveries a second, at the number of workers that is best for each."""

import contextlib

from benchmarks.bench import Entry
from benchmarks.figures import Bound, Comparison, Figure, Sample

from .serial import webhooks

__all__ = ["instant", "slow"]

_WORKERS = (1, 4, 16)
_THREADS = {"apprise": (1, 4), "tuned requests": (1, 8, 32)}
_CHANNELS = 6


def six_urls(bench):
    return [f"{bench.http.facts['http']}/h{index}" for index in range(_CHANNELS)]


def instant(bench):
    urls, count = six_urls(bench), bench.size(2000)
    fewer = max(20, count // 10)  # a slower peer needs no longer to be measured
    with contextlib.ExitStack() as stack:
        entries = {}
        for workers in _WORKERS:
            player = stack.enter_context(bench.player("tocsin", config=webhooks(urls, workers=workers)))
            entries["tocsin", workers] = _burst(player, workers)
        for workers in _THREADS["apprise"]:
            player = stack.enter_context(
                bench.player("apprise", urls=[url.replace("http://", "json://") for url in urls])
            )
            entries["apprise", workers] = _burst(player, workers, fewer)
        for workers in _THREADS["tuned requests"]:
            player = stack.enter_context(bench.player("loops", urls=urls, way="tuned"))
            entries["tuned requests", workers] = _burst(player, workers, max(50, count // 4))
        results = bench.contest(entries, count)
        player = stack.enter_context(bench.player("tocsin", config=webhooks(urls)))
        bench.profile("stream", player, "burst", count=count, workers=4)
    ours, comparisons = _best(bench, results, "tocsin"), []
    for peer, limit in (("apprise", 4), ("tuned requests", 0.8)):
        found = _best(bench, results, peer)
        comparisons.append(
            Comparison(peer, absent="not installed", bound=Bound.at_least(limit))
            if found is None
            else Comparison(f"{peer}, {found[1]} at a time", found[0], Bound.at_least(limit))
        )
    name = f"{count:,} alerts × 6, instant sinks, {ours[1]} workers"
    others = {key[1]: f"{bench.rate(listed, 6).median:,.0f}" for key, listed in results.items() if key[0] == "tocsin"}
    yield Figure("stream", name, "deliveries/s", ours[0], tuple(comparisons), f"by workers: {others}")


def slow(bench):
    """At 20 and 100 ms: what the workers could do, up to what the CPU can."""
    urls = six_urls(bench)
    with contextlib.ExitStack() as stack:
        for latency, workers, count in ((0.02, 4, 400), (0.02, 16, 600), (0.1, 4, 80), (0.1, 64, 600)):
            player = stack.enter_context(bench.player("tocsin", config=webhooks(urls, workers=workers)))
            results = {"slow": [], "limit": []}
            for _ in range(bench.rounds):
                for kind, delay in (("limit", 0.0), ("slow", latency)):
                    bench.http.reset(latency=delay)
                    size = bench.size(count, 40)
                    found = bench.contest({kind: _burst(player, workers)}, size, rounds=1)
                    results[kind] += found[kind]
            bench.http.reset()
            limit, rate = bench.rate(results["limit"], 6), bench.rate(results["slow"], 6)
            could = _CHANNELS * workers / latency
            ideal = Sample([min(could, value) for value in limit.values])
            what = "workers ÷ latency" if could <= limit.median else "the CPU's limit"
            name = f"the same at {latency * 1e3:.0f} ms, {workers} workers a channel"
            comparison = Comparison(what, ideal, Bound.at_least(0.90))
            yield Figure(f"stream-{latency * 1e3:.0f}ms-{workers}", name, "deliveries/s", rate, (comparison,))


def _burst(player, workers, count=None):
    if player is None:
        return None
    return Entry(
        lambda first, size: player("burst", first=first, count=size, workers=workers), copies=_CHANNELS, count=count
    )


def _best(bench, results, name):
    rates = [(bench.rate(listed, _CHANNELS), key[1]) for key, listed in results.items() if key[0] == name]
    return max(rates, key=lambda found: found[0].median, default=None)
