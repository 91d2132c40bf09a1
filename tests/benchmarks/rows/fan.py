"""One alert to many: six webhooks, and a hundred recipients."""

import contextlib

from benchmarks.bench import Entry, percentile
from benchmarks.figures import Bound, Comparison, Figure, Sample

from .serial import webhooks

__all__ = ["hundred", "six", "six_slow"]

_SLOW = 0.1


def six(bench):
    """Sinks that answer at once, against Apprise."""
    results = _to_six(bench, bench.size(200), "six")
    for percent, limit in ((50, 0.35), (99, 0.40)):
        peer = Comparison("apprise", absent="not installed", bound=Bound.at_most(limit))
        if "apprise" in results:
            peer = Comparison("apprise", percentile(results["apprise"], percent), Bound.at_most(limit))
        loop = Comparison("tuned requests, one by one", percentile(results["tuned"], percent))
        name = f"one alert to six webhooks, instant sinks: p{percent}"
        yield Figure(f"six-p{percent}", name, "ms", percentile(results["tocsin"], percent), (peer, loop))


def six_slow(bench):
    """Sinks that take 100 ms, against those 100 ms."""
    bench.http.reset(latency=_SLOW)
    try:
        results = _to_six(bench, bench.size(40, 15), None)
    finally:
        bench.http.reset()
    for percent, limit in ((50, 1.05), (99, 1.10)):
        own = Comparison("the sink's own 100 ms", Sample([_SLOW * 1e3] * bench.rounds), Bound.at_most(limit))
        peers = [Comparison("apprise", percentile(results["apprise"], percent))] if "apprise" in results else []
        name = f"the same, sinks at 100 ms: p{percent}"
        yield Figure(f"six-slow-p{percent}", name, "ms", percentile(results["tocsin"], percent), (own, *peers))


def hundred(bench):
    """One alert to a hundred recipients that take 100 ms each."""
    base = bench.http.facts["http"]
    urls = [f"{base}/r{index}" for index in range(100)]
    bench.http.reset(latency=_SLOW)
    try:
        with contextlib.ExitStack() as stack:
            config = webhooks([urls], workers=100)
            entries = _serial(
                copies=100,
                tocsin=stack.enter_context(bench.player("tocsin", config=config)),
                apprise=stack.enter_context(bench.player("apprise", urls=[_json(url) for url in urls])),
            )
            results = bench.contest(entries, bench.size(10, 5))
            bench.profile("hundred", stack.enter_context(bench.player("tocsin", config=config)), "serial", count=5)
    finally:
        bench.http.reset()
    peer = Comparison("apprise", absent="not installed", bound=Bound.at_most(0.15))
    if "apprise" in results:
        peer = Comparison("apprise", percentile(results["apprise"], 50), Bound.at_most(0.15))
    name = "one alert to 100 recipients of 100 ms, 100 workers"
    yield Figure("hundred", name, "ms", percentile(results["tocsin"], 50), (peer,))


def _to_six(bench, count, profiled):
    base = bench.http.facts["http"]
    urls = [f"{base}/h{index}" for index in range(6)]
    with contextlib.ExitStack() as stack:
        players = {
            "tocsin": stack.enter_context(bench.player("tocsin", config=webhooks(urls))),
            "apprise": stack.enter_context(bench.player("apprise", urls=[_json(url) for url in urls])),
        }
        if profiled:
            players["tuned"] = stack.enter_context(bench.player("loops", urls=urls, way="tuned"))
        results = bench.contest(_serial(copies=6, **players), count)
        if profiled:
            bench.profile(
                profiled, stack.enter_context(bench.player("tocsin", config=webhooks(urls))), "serial", count=count
            )
    return results


def _json(url):
    return url.replace("http://", "json://")


def _serial(copies, **players):
    return {
        name: Entry(lambda first, count, one=one: one("serial", first=first, count=count), copies)
        for name, one in players.items()
        if one is not None
    }
