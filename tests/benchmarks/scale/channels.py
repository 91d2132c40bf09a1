"""1 to 1,000 channels configured."""

import statistics
import time

from benchmarks.rows.serial import webhooks
from tocsin import NotificationConfig
from tocsin.resolution import tables

from .curve import Curve

__all__ = ["curve"]

_SIZES = (1, 10, 100, 1000)
_MEANS = (
    "A service is built once, so what it takes there is the time of a start. What an alert to one channel costs does "
    "not depend on the others; threads start with the first delivery of a channel and end when it is idle. A thousand "
    "channels of four workers can be four thousand threads at a moment: set `workers = 1` there."
)


def curve(bench):
    series = {
        "read their file": [],
        "build the service": [],
        "one alert to one channel": [],
        "one alert to every channel": [],
    }
    sizes = _SIZES[:-1] if bench.quick else _SIZES
    for size in sizes:
        urls = [f"{bench.http.facts['http']}/c{index}" for index in range(size)]
        series["read their file"].append(_reading(bench.folder / "channels.toml", urls) * 1e3)
        with bench.player("tocsin", config=webhooks(urls, workers=1)) as player:
            series["build the service"].append(player("build_time") * 1e3)
            count = bench.size(200)
            player("serial", first=bench.numbers(20), count=20, to=["hook0"])
            times = player("serial", first=bench.numbers(count), count=count, to=["hook0"])["times"]
            series["one alert to one channel"].append(statistics.median(times) * 1e3)
            player("serial", first=bench.numbers(1), count=1)
            count = max(3, bench.size(200) // size)
            times = player("serial", first=bench.numbers(count), count=count)["times"]
            series["one alert to every channel"].append(statistics.median(times) * 1e3)
    yield Curve("channels", "Channels configured", "channels", "ms", sizes, series, _MEANS)


def _reading(path, urls):
    """Seconds of CPU from a file to one table of values for each channel, each with its place."""
    listed = (f'[channels.hook{number}]\ntype = "webhook"\nurls = ["{url}"]\n' for number, url in enumerate(urls))
    path.write_text("\n".join(listed), encoding="utf-8")
    begun = time.process_time()
    tables(NotificationConfig.from_file(path, {}), ["webhook"])
    return time.process_time() - begun
