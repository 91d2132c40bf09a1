"""Rows "one of six channels hung or dripping" and "100,000 alerts at once": neither the others nor the host suffer."""

import statistics
import threading
import time

import pytest

from tocsin import MemoryStore

from .hostile.http import OK, answering, drip_body, drip_status, hang

OTHERS = 5
WORK = 0.01
"""Seconds that a good channel's call takes."""
PACE = 0.02
"""Seconds between two alerts."""


class Good:
    """A channel that takes a while; it remembers how long after its alert each call ended."""

    def __init__(self, sent, done):
        self.sent, self.done, self.latencies = sent, done, []
        self._never = threading.Event()

    def __call__(self, alert):
        self._never.wait(WORK)
        self.latencies.append(time.perf_counter() - self.sent[alert.alert_id])
        self.done.release()


@pytest.fixture
def p95(make_service, an_alert):
    """The 95th percentile of the good channels' latencies, with one webhook beside them."""

    def measure(url, alerts):
        sent, done, pace = {}, threading.Semaphore(0), threading.Event()
        good = {f"good{number}": Good(sent, done) for number in range(OTHERS)}
        service = make_service({"webhook": {"urls": [url]}}, added=good, timeout=1.0, max_retries=0)
        for _ in range(alerts):
            alert = an_alert()
            sent[alert.alert_id] = time.perf_counter()
            service.enqueue(alert)
            pace.wait(PACE)
        for _ in range(alerts * OTHERS):
            assert done.acquire(timeout=30)
        latencies = sorted(one for channel in good.values() for one in channel.latencies)
        return latencies[int(0.95 * len(latencies))]

    return measure


@pytest.mark.parametrize("behaviour", [hang, drip_status, drip_body])
def test_one_of_six_channels_hung_or_dripping(behaviour, receiver, p95, scale, figure):
    """Pairs of measurements one after the other, and their median: the machine's own noise hits both of a pair."""
    alerts = 100 * scale
    healthy, sick = receiver(answering(OK)), receiver(behaviour)
    p95(healthy.url, 20)
    pairs = [(p95(healthy.url, alerts), p95(sick.url, alerts)) for _ in range(5)]
    growth = statistics.median(ill / well for well, ill in pairs) - 1

    figure("the others' p95, all well", statistics.median(well for well, _ in pairs) * 1000, "ms")
    figure("the others' p95, one channel is not", statistics.median(ill for _, ill in pairs) * 1000, "ms")
    figure("growth", 100 * growth, "%", 20)


def test_100000_alerts_at_once(make_service, an_alert, peak_memory, scale, figure):
    """With a store in memory; each alert goes to one channel, which is slow enough for all of them to wait."""
    alerts = 100_000
    gate, got, lock = threading.Event(), [0], threading.Lock()

    def slow(alert):
        gate.wait(120)
        with lock:
            got[0] += 1

    service = make_service(
        added={"x": slow}, store=MemoryStore(max_waiting=2 * alerts, max_alerts=100), timeout=120, deadline=600
    )
    with peak_memory() as peak:
        started = time.perf_counter()
        handles = [service.enqueue(an_alert()) for _ in range(alerts)]
        took = time.perf_counter() - started
        queued = peak()
        gate.set()
        last = handles[-1]
        del handles
        assert last.result(300).is_complete
        assert service.close(300)

    figure("enqueued", alerts / took, "/s", ">= 500")
    figure("delivered", got[0], "", f"== {alerts}")
    figure("memory with all of them waiting", round(queued), "MiB", 200)
    figure("memory at its fullest", round(peak()), "MiB", 200)
