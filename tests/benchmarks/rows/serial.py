"""One webhook, one alert at a time; and what one delivery costs in CPU."""

import contextlib

from benchmarks.bench import Entry
from benchmarks.figures import Bound, Comparison, Figure, Sample
from benchmarks.players.alertmanager import program

__all__ = ["http", "https", "webhooks"]

_LOOPS = {"requests.post": "naive", "tuned requests": "tuned", "urllib3": "urllib3"}


def webhooks(urls, **delivery):
    """A configuration with one webhook channel for each URL or list of URLs; no rate limit."""
    channels = {
        f"hook{index}": {"type": "webhook", "rate_limit": 0, "urls": url if isinstance(url, list) else [url]}
        for index, url in enumerate(urls)
    }
    return {"channels": channels, "delivery": delivery}


def http(bench):
    url = f"{bench.http.facts['http']}/hook"
    with contextlib.ExitStack() as stack:
        entries = _entries(bench, stack, url)
        if program() is not None:
            player = stack.enter_context(bench.player("alertmanager", urls=[url]))
            entries["alertmanager"] = Entry(lambda first, count: _until_arrived(bench, player, first, count))
        results = bench.contest(entries, bench.size(400))
        ours = stack.enter_context(bench.player("tocsin", config=webhooks([url])))
        bench.profile("http", ours, "serial", count=bench.size(400))
    yield _rate("http", "one webhook over HTTP, one at a time", bench, results, _HTTP, note=_AHEAD)
    yield _cpu("http", "CPU of one delivery over HTTP", bench, results, 0.35)


def https(bench):
    url = f"{bench.http.facts['https']}/hook"
    authorities = str(bench.authorities)
    with contextlib.ExitStack() as stack:
        results = bench.contest(_entries(bench, stack, url, authorities), bench.size(150))
        ours = stack.enter_context(bench.player("tocsin", config=_trusting(webhooks([url]), authorities)))
        bench.profile("https", ours, "serial", count=bench.size(200))
    bounds = {"apprise": Bound.at_least(40)}
    yield _rate("https", "the same over HTTPS", bench, results, bounds, {"alertmanager"})
    yield _cpu("https", "CPU of one delivery over HTTPS", bench, results, 0.04)


_HTTP = {"apprise": Bound.at_least(3.0), "tuned requests": Bound.at_least(0.8), "alertmanager": Bound.at_least(1.0)}
_AHEAD = (
    "Alertmanager takes the next alert before it has delivered the last, and computes on both cores while it does; "
    "of ours each has arrived, and its report is there, before the next is sent"
)
_PEERS = ("apprise", "tuned requests", "alertmanager", "requests.post", "urllib3", "notifiers")


def _trusting(config, authorities):
    if authorities:
        for channel in config["channels"].values():
            channel["ca_file"] = authorities
    return config


def _entries(bench, stack, url, authorities=None):
    def player(module, **setup):
        return stack.enter_context(bench.player(module, **setup))

    scheme, place = url.split("://")
    json = {"http": "json", "https": "jsons"}[scheme]
    players = {
        "tocsin": player("tocsin", config=_trusting(webhooks([url]), authorities)),
        "apprise": player("apprise", urls=[f"{json}://{place}"], authorities=authorities),
        "notifiers": player("notifiers", urls=[url], authorities=authorities),
    }
    for name, way in _LOOPS.items():
        players[name] = player("loops", urls=[url], way=way, authorities=authorities)
    return {
        name: Entry(lambda first, count, one=one: one("serial", first=first, count=count))
        for name, one in players.items()
        if one is not None
    }


def _until_arrived(bench, player, first, count):
    """Alertmanager answers before it notifies: the time ends when the sink has the last one."""
    before = bench.http.count()["distinct"]
    result = player("serial", first=first, count=count)
    for _ in range(3000):
        found = bench.http.count()
        if found["distinct"] - before >= count:
            break
    return result | {"seconds": found["last"] - result["begun"]}


def _rate(row, name, bench, results, bounds, without=(), note=""):
    comparisons = [
        Comparison(peer, bench.rate(results[peer]), bounds.get(peer))
        if peer in results
        else Comparison(peer, bound=bounds.get(peer), absent="not installed")
        for peer in _PEERS
        if peer not in without
    ]
    return Figure(row, name, "alerts/s", bench.rate(results["tocsin"]), tuple(comparisons), note)


def _cpu(row, name, bench, results, limit):
    comparisons = [Comparison("apprise", absent="not installed", bound=Bound.at_most(limit))]
    if "apprise" in results:
        comparisons = [Comparison("apprise", bench.cpu(results["apprise"]), Bound.at_most(limit))]
    comparisons.append(Comparison("tuned requests", bench.cpu(results["tuned requests"])))
    return Figure(f"{row}-cpu", name, "µs", Sample(bench.cpu(results["tocsin"]).values), tuple(comparisons))
