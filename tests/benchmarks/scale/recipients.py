"""1 to 10,000 recipients of one alert."""

import statistics

from benchmarks.rows.serial import webhooks

from .curve import Curve

__all__ = ["curve"]

_SIZES = (1, 10, 100, 1000, 10_000)
_MEANS = (
    "Each recipient is a delivery of its own, so an alert costs what its deliveries cost. With receivers that "
    "answer at once the interpreter is the limit, and more workers do not help; with slow ones it is workers ÷ "
    "latency. Beyond some hundred thousand deliveries an hour let several processes work on one store (PostgreSQL)."
)


def curve(bench):
    series = {"instant receivers, 4 workers": [], "receivers of 20 ms, 32 workers": []}
    sizes = _SIZES[:-1] if bench.quick else _SIZES
    for name, latency, workers in (
        ("instant receivers, 4 workers", 0.0, 4),
        ("receivers of 20 ms, 32 workers", 0.02, 32),
    ):
        for size in sizes:
            urls = [f"{bench.http.facts['http']}/r{index}" for index in range(size)]
            bench.http.reset(latency=latency)
            with bench.player("tocsin", config=webhooks([urls], workers=workers, deadline=300)) as player:
                player("serial", first=bench.numbers(1), count=1)
                count = 2 if size >= 1000 else bench.size(20, 5)
                times = player("serial", first=bench.numbers(count), count=count)["times"]
            series[name].append(statistics.median(times) * 1e3)
    bench.http.reset()
    yield Curve("recipients", "Recipients of one alert", "recipients", "ms", sizes, series, _MEANS)
