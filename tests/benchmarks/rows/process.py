"""Whole processes: what an import, a command and ten thousand alerts cost; and the parts of a delivery."""

import contextlib
import os
import pathlib
import subprocess
import sys
import time

from benchmarks.bench import Entry
from benchmarks.figures import Bound, Comparison, Figure, Sample

from .serial import webhooks

__all__ = ["help_page", "imports", "memory", "parts", "send"]


def _beside(interpreter, name):
    return os.fspath(pathlib.Path(interpreter).parent / name)


def _run(command, environ=None):
    """Seconds of a whole process; what Python compiled is kept, as it is where a program is installed."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begun = time.perf_counter()
    subprocess.run(
        command,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=kept | (environ or {}),
    )
    return time.perf_counter() - begun


def _times(bench, commands, each=5, environ=None):
    """Milliseconds by name: each round's value is the least of a few runs, taken in turns."""
    found = {name: [] for name in commands}
    for _ in range(bench.rounds + 1):
        best = dict.fromkeys(commands, float("inf"))
        for _ in range(2 if bench.quick else each):
            for name, command in commands.items():
                best[name] = min(best[name], _run(command, environ) * 1e3)
        for name, value in best.items():
            found[name].append(value)
    return {name: Sample(values[1:]) for name, values in found.items()}


def imports(bench):
    commands = {"nothing": [sys.executable, "-c", "pass"], "tocsin": [sys.executable, "-c", "import tocsin"]}
    commands["alert"] = [sys.executable, "-c", "from tocsin import Alert, NotificationConfig, NotificationService"]
    if bench.peers:
        commands["no peer"] = [os.fspath(bench.peers), "-c", "pass"]
        commands["apprise"] = [os.fspath(bench.peers), "-c", "import apprise"]
    found = _times(bench, commands)
    peer = Comparison("import apprise", absent="not installed", bound=Bound.at_most(0.4))
    if bench.peers:
        peer = Comparison("import apprise", _above(found["apprise"], found["no peer"]), Bound.at_most(0.4))
    bare = _above(found["tocsin"], found["nothing"])
    yield Figure("import", "import tocsin, above an empty interpreter", "ms", bare, (peer,))
    whole = _above(found["alert"], found["nothing"])
    peer = Comparison(peer.peer, peer.sample, absent=peer.absent)
    yield Figure("import-names", "the same with the names of the tutorial", "ms", whole, (peer,))
    _importtime(bench, "import", "from tocsin import Alert, NotificationConfig, NotificationService")


def _above(sample, floor):
    return Sample(max(0.01, one - other) for one, other in zip(sample.values, floor.values, strict=True))


def send(bench):
    url = f"{bench.http.facts['http']}/hook"
    path = bench.folder / "tocsin.toml"
    path.write_text(f'[channels.webhook]\nurls = ["{url}"]\nrate_limit = 0\n')
    commands = {"tocsin": [_beside(sys.executable, "tocsin"), "send", "Disk full", "/var is at 98 %"]}
    if bench.peers:
        commands["apprise"] = [_beside(bench.peers, "apprise"), "-b", "/var is at 98 %", url.replace("http", "json")]
    before = bench.http.count()["requests"]
    found = _times(bench, commands, 3, {"TOCSIN_CONFIG": os.fspath(path)})
    sent = (bench.rounds + 1) * (2 if bench.quick else 3) * len(commands)
    assert bench.http.count()["requests"] - before == sent, "not every process sent"
    _importtime(bench, "send", "from tocsin.cli import main; main(['send', 'a', 'b'])", os.fspath(path))
    name = "tocsin send to one webhook, whole process"
    yield _against("send", name, found, "apprise -b … json://", 0.6, _SEND)


def help_page(bench):
    commands = {"tocsin": [_beside(sys.executable, "tocsin"), "--help"]}
    if bench.peers:
        commands["apprise"] = [_beside(bench.peers, "apprise"), "--help"]
    found = _times(bench, commands)
    _importtime(bench, "help", "from tocsin.cli import main; main(['--help'])")
    yield _against("help", "tocsin --help", found, "apprise --help", 1.0)


def _against(row, name, found, peer, limit, note=""):
    comparison = Comparison(
        peer, found.get("apprise"), Bound.at_most(limit), "" if "apprise" in found else "not installed"
    )
    return Figure(row, name, "ms", found["tocsin"], (comparison,), note)


_SEND = "nearly all of it are imports, and a third of these requests, which the channel rests on as Apprise does"
_MEMORY = (
    "what each recipient got last is kept for 10,000 deliveries, so that a later alert can update it and a late "
    "receipt finds it; Apprise keeps nothing"
)


def _importtime(bench, row, code, config=""):
    """The imports that take longest by themselves."""
    if not bench.profiling:
        return
    command = [sys.executable, "-X", "importtime", "-c", code]
    told = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=os.environ | {"TOCSIN_CONFIG": config}
    ).stderr
    lines = [
        line.removeprefix("import time:").split("|") for line in told.splitlines() if line.startswith("import time:")
    ]
    rows = sorted(((int(own), int(all_), name) for own, all_, name in lines[1:]), reverse=True)
    total = sum(own for own, _, _ in rows)
    bench.profiles[row] = [f"own us  with what it imports; {total} us in all"] + [
        f"{own:8} {all_:8}  {name.strip()}" for own, all_, name in rows[:30]
    ]


def memory(bench):
    """Resident memory after many alerts to one webhook, nothing forgotten on purpose."""
    count = bench.size(10_000, 1000)
    url = f"{bench.http.facts['http']}/hook"
    with contextlib.ExitStack() as stack:
        players = {
            "tocsin": stack.enter_context(bench.player("tocsin", config=webhooks([url]))),
            "apprise": stack.enter_context(bench.player("apprise", urls=[url.replace("http", "json")])),
        }
        entries = {
            name: Entry(lambda first, size, one=one: one("serial", first=first, count=size) | {"rss": one("memory")})
            for name, one in players.items()
            if one is not None
        }
        results = bench.contest(entries, count, rounds=1)
    samples = {name: Sample([one["rss"] for one in listed]) for name, listed in results.items()}
    comparison = Comparison(
        "apprise", samples.get("apprise"), Bound.at_most(0.85), "" if "apprise" in samples else "not installed"
    )
    yield Figure("memory", f"resident memory after {count:,} alerts", "MiB", samples["tocsin"], (comparison,), _MEMORY)


def parts(bench):
    """What the log line, the relay and the report take of a delivery, while nobody listens."""
    url = f"{bench.http.facts['http']}/hook"
    with bench.player("tocsin", config=webhooks([url])) as player:
        found = {"whole": [], "log": [], "relay": [], "report": []}
        for turn in range(bench.rounds + 1):
            count = bench.size(500)
            whole = player("serial", first=bench.numbers(count), count=count)["cpu"] / count * 1e6
            measured = player("parts", number=bench.numbers(1))
            if turn:
                for name, value in (measured | {"whole": whole}).items():
                    found[name].append(value)
    sums = Sample(sum(each) for each in zip(found["log"], found["relay"], found["report"], strict=True))
    comparison = Comparison("the whole delivery's CPU", Sample(found["whole"]), Bound.at_most(0.15))
    each = ", ".join(f"{name} {Sample(found[name]).median:.1f} µs" for name in ("log", "relay", "report"))
    yield Figure("parts", "log line, relay and report, nobody listening", "µs", sums, (comparison,), each)
