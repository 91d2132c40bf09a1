"""Row "plugin": whatever a channel's code does, the host lives, the others lose nothing, and it is never a success."""

import asyncio
import threading
import time

import attrs
import pytest

from tocsin import Capabilities, PayloadError, Receipt, Recipient, hookimpl

TIMEOUT = 0.5
LATE = 1.0
GRACE = 0.25
"""Seconds after its deadline for which a call that cannot be interrupted is waited for."""
OTHERS = 3
ALERTS = 20
MEMORY = 64
"""MiB; a representation of 10 MiB is not kept, copied or logged for each of the alerts."""


@attrs.define(eq=False)
class Plugin:
    """One recipient, and a function for its conduct."""

    conduct: object = attrs.field(repr=False)
    capabilities: Capabilities = attrs.field(factory=Capabilities)
    recipients = (Recipient.of("a", label="a"),)

    @hookimpl
    def send(self, alert, recipient, context):
        return self.conduct(alert, recipient, context)


class Own(BaseException):
    pass


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


class Enormous(Exception):
    def __str__(self):
        return "x" * (10 << 20)

    __repr__ = __str__


class Odd:
    """A result whose every use raises."""

    def __repr__(self):
        raise RuntimeError("no words")

    __str__ = __bool__ = __eq__ = __hash__ = __len__ = __repr__


RAISED = [
    Exception("x"),
    BaseException("x"),
    SystemExit(3),
    KeyboardInterrupt(),
    GeneratorExit(),
    StopIteration(1),
    StopAsyncIteration(),
    AssertionError(),
    RecursionError(),
    MemoryError(),
    asyncio.CancelledError(),
    BaseExceptionGroup("several", [KeyboardInterrupt(), ValueError("x")]),
    Own("x"),
    Unprintable("x"),
    Enormous("x"),
    OSError(28, "No space left on device"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"),
    PayloadError(Unprintable()),
    PayloadError("x" * (10 << 20)),
]


def raising(error):
    def conduct(alert, recipient, context):
        raise error

    return conduct


def coroutine(alert, recipient, context):
    async def send():
        return Receipt()

    return send()


def generator(alert, recipient, context):
    yield Receipt()


def recursion(alert, recipient, context):
    return recursion(alert, recipient, context)


def mutation(alert, recipient, context):
    for name, value in {"title": "other", "priority": "LOW", "alert_id": "other"}.items():
        try:
            setattr(alert, name, value)
        except AttributeError:
            continue
    alert.data["added"] = "by the plugin"
    alert.labels["added"] = "by the plugin"
    return None


RETURNED = {
    "None": lambda *_: None,
    "True": lambda *_: True,
    "a word": lambda *_: "accepted",
    "a status": lambda *_: 200,
    "a mapping": lambda *_: {"state": "accepted"},
    "the class": lambda *_: Receipt,
    "an exception": lambda *_: PayloadError("x"),
    "a coroutine": coroutine,
    "a generator": generator,
    "something without a representation": lambda *_: Odd(),
    "a receipt with something strange in it": lambda *_: Receipt(provider_id="x", details={"x": Odd()}),
    "endless recursion": recursion,
    "a changed alert": mutation,
}


@pytest.fixture
def beside(make_service, an_alert, figure):
    """Deliver alerts through a plugin and through good channels beside it; the plugin's results, and the seconds."""

    def run(conduct, alerts=ALERTS, **delivery):
        got = {f"good{number}": [] for number in range(OTHERS)}
        added = {name: (lambda alert, mine=mine: mine.append(alert.to_dict())) for name, mine in got.items()}
        service = make_service(
            added={"bad": Plugin(conduct)} | added,
            **{"timeout": TIMEOUT, "max_retries": 0, "deadline": 30} | delivery,
        )
        sent = [an_alert(title=f"alert {number}", data={"n": number}) for number in range(alerts)]
        before = [alert.to_dict() for alert in sent]
        started = time.monotonic()
        handles = [service.enqueue(alert) for alert in sent]
        reports = [handle.result(60) for handle in handles]
        seconds = time.monotonic() - started
        for name, mine in got.items():
            assert sorted(one["alert_id"] for one in mine) == sorted(one["alert_id"] for one in before), name
            assert all(one in before for one in mine), "as they were"
        results = [one for report in reports for one in report.results["bad"].recipients]
        figure("alerts that the others lost", sum(alerts - len(mine) for mine in got.values()), "", "== 0")
        figure("told as a success", sum(one.state.is_success for one in results), "", "== 0")
        assert service.send_notification(an_alert(title="after")).results["good0"].success, "the host lives"
        return results, seconds

    return run


@pytest.mark.parametrize("error", RAISED, ids=[f"{number} {type(one).__name__}" for number, one in enumerate(RAISED)])
def test_raising(error, beside, peak_memory, figure):
    beside(raising(error), alerts=1)
    with peak_memory() as peak:
        results, _ = beside(raising(error))

    assert {str(one.state) for one in results} == {"failed"}
    assert all(len(one.error or "") <= 500 for one in results)
    figure("memory", round(peak(), 1), "MiB", MEMORY)


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
@pytest.mark.parametrize("name", RETURNED)
def test_returning(name, beside):
    results, _ = beside(RETURNED[name])

    assert {str(one.state) for one in results} == {"failed"}
    assert {str(one.error_kind) for one in results} == {"plugin"}


def test_a_representation_of_10_mib(make_service, an_alert, peak_memory, figure):
    """Of the channel object itself: nothing prints it."""

    class Big(Plugin):
        def __repr__(self):
            return "x" * (10 << 20)

    service = make_service(added={"big": Big(lambda *_: Receipt())})
    service.send_notification(an_alert())
    with peak_memory() as peak:
        for _ in range(20):
            assert service.send_notification(an_alert()).is_complete
        service.get_channel_health(probe=True)

    figure("memory", round(peak(), 1), "MiB", 8)


def test_hanging(beside, figure):
    """Calls that no deadline reaches are written off; the channel refuses further ones before threads pile up."""
    ended = threading.Event()
    before = threading.active_count()
    try:
        results, seconds = beside(lambda *_: ended.wait(60), alerts=60, workers=2)
        threads = threading.active_count() - before
    finally:
        ended.set()

    assert {str(one.state) for one in results} <= {"unknown", "failed", "expired"}
    figure("threads", threads, "", 30)
    figure("seconds for all", seconds, "s", 15)


def test_one_hung_call_is_told_in_time(beside, figure):
    ended = threading.Event()
    try:
        (one,), seconds = beside(lambda *_: ended.wait(60), alerts=1)
    finally:
        ended.set()

    assert str(one.state) == "unknown"
    figure("told after its deadline and the grace", max(0.0, seconds - TIMEOUT - GRACE), "s", LATE)


def test_spinning(beside, figure):
    """It takes the processor, which may slow the others, and is written off like one that hangs."""
    over = threading.Event()

    def spin(alert, recipient, context):
        while not over.is_set():
            pass

    try:
        results, seconds = beside(spin, alerts=2, workers=2)
    finally:
        over.set()

    assert {str(one.state) for one in results} <= {"unknown", "failed"}
    figure("seconds for all", seconds, "s", 15)
