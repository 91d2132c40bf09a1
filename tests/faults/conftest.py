"""What the rows of the fault table share: figures, sizes, memory, and a service with channels of any kind.

``nox -s faults`` runs them; ``--long`` makes them ten times as large, ``--figures FILE`` keeps the figures as JSON.
"""

import contextlib
import gc
import json
import operator
import pathlib
import re

import pytest

from tocsin import Alert, NotificationConfig, NotificationService
from tocsin.testing import FakeClock

from .hostile.http import HttpReceiver
from .hostile.smtp import MailServer

_BOUND = re.compile(r"\s*(<=|>=|==|<|>)?\s*(-?[0-9.]+)\s*")
_COMPARE = {"<=": operator.le, ">=": operator.ge, "==": operator.eq, "<": operator.lt, ">": operator.gt}
_FIGURE = "figure"


def pytest_addoption(parser):
    group = parser.getgroup("faults")
    group.addoption("--long", action="store_true", help="sizes ten times as large")
    group.addoption("--soak", type=float, default=0.0, metavar="MINUTES", help="run the soak for so long")
    group.addoption("--figures", metavar="FILE", help="write the figures to this file, as JSON")


@pytest.fixture
def scale(request):
    """10 with ``--long``, else 1: what sizes are multiplied by."""
    return 10 if request.config.getoption("--long") else 1


@pytest.fixture
def figure(request):
    """Keep a figure of the row: ``figure("requests", 13, "", "<= 60")``; beyond its bound the test fails.

    A bound is a number (at most), or a comparison with one; none for what is only told.
    """

    def keep(name, value, unit="", bound=None):
        text = "" if bound is None else str(bound)
        holds = True
        if text:
            compare, limit = _BOUND.fullmatch(text).groups()
            text = f"{compare or '<='} {limit}"
            holds = _COMPARE[compare or "<="](value, float(limit))
        row = {"test": request.node.name, "name": name, "value": value, "unit": unit, "bound": text, "holds": holds}
        request.node.user_properties.append((_FIGURE, row))
        assert holds, f"{name}: {value} {unit} is not {text}"

    return keep


class _Figures:
    """Collects the figures where the reports arrive: under xdist that is not where the tests run."""

    def __init__(self):
        self.rows = []

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            self.rows += [row for name, row in report.user_properties if name == _FIGURE]

    def pytest_terminal_summary(self, terminalreporter, config):
        if self.rows:
            terminalreporter.section("figures")
        last = None
        for row in self.rows:
            if row["test"] != last:
                last = row["test"]
                terminalreporter.write_line(last)
            value = f"{row['value']:.4g}" if isinstance(row["value"], float) else str(row["value"])
            mark = " " if row["holds"] else "!"
            line = f" {mark} {row['name']:<58} {value:>10} {row['unit']:<6} {row['bound']}"
            terminalreporter.write_line(line.rstrip())
        if path := config.getoption("--figures"):
            pathlib.Path(path).write_text(json.dumps(self.rows, indent=1, default=str) + "\n", encoding="utf-8")


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Figures(), "figures")


@pytest.fixture
def peak_memory():
    """``with peak_memory() as peak: …``; afterwards ``peak()`` tells by how many MiB the process grew."""
    status, reset = pathlib.Path("/proc/self/status"), pathlib.Path("/proc/self/clear_refs")
    if not reset.exists():
        pytest.skip("the system does not tell a process's peak")

    def read(name):
        return int(re.search(rf"^{name}:\s+(\d+) kB", status.read_text(), re.MULTILINE)[1]) / 1024

    @contextlib.contextmanager
    def measure():
        gc.collect()
        reset.write_text("5")
        before = read("VmRSS")
        found = []
        yield lambda: found[0] if found else read("VmHWM") - before
        found.append(max(0.0, read("VmHWM") - before))

    return measure


@pytest.fixture
def receiver():
    """Start receivers of HTTP: ``receiver(behaviour)``, ``receiver(behaviour, tls=context)``."""
    with contextlib.ExitStack() as stack:

        def start(*args, **kwargs):
            server = HttpReceiver(*args, **kwargs)
            stack.callback(server.close)
            return server

        yield start


@pytest.fixture
def mail_server():
    """Start mail servers: ``mail_server(RCPT=b"550 5.1.1 No")``."""
    with contextlib.ExitStack() as stack:

        def start(*args, **kwargs):
            server = MailServer(*args, **kwargs)
            stack.callback(server.close)
            return server

        yield start


@pytest.fixture
def make_service():
    """A service with channels from settings or, under ``added``, of this process; delivery settings as keywords."""
    with contextlib.ExitStack() as stack:

        def make(channels=None, *, added=None, clock=None, store=None, rng=None, routes=(), **delivery):
            mapping = {"channels": channels or {}, "delivery": delivery, "routes": list(routes)}
            extra = {} if rng is None else {"rng": rng}
            config = NotificationConfig.from_mapping(mapping)
            service = NotificationService(config, clock=clock, store=store, strict=True, **extra)
            stack.callback(service.close, 0.5, drain=False)
            for name, channel in (added or {}).items():
                service.add_channel(name, channel)
            return service

        yield make


@pytest.fixture
def clock():
    """Time that the test owns."""
    return FakeClock()


@pytest.fixture
def an_alert():
    """Make an alert."""
    return lambda **fields: Alert(**{"title": "Disk full", "message": "/var is at 98 %"} | fields)
