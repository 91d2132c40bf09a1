"""Rows "down for a minute" and "all down for an hour": few calls meanwhile, and no stampede when it is over."""

import collections
import random
import threading

import attrs
import pytest

from tocsin import AlertPriority, Capabilities, MemoryStore, Receipt, Recipient, ServerError, hookimpl


@attrs.define(eq=False)
class Receiver:
    """Fails until it is up, and remembers when it was called, for what, and whether it was up."""

    clock: object
    up_at: float
    rate: float
    capabilities: Capabilities = attrs.field(init=False)
    calls: list = attrs.field(factory=list, init=False)
    lock: object = attrs.field(factory=threading.Lock, init=False)

    recipients = (Recipient.of("a", label="a"),)

    def __attrs_post_init__(self):
        self.capabilities = Capabilities(rate_limit=self.rate)

    @hookimpl
    def send(self, alert):
        with self.lock:
            now = self.clock.monotonic()
            self.calls.append((now, alert.priority, alert.alert_id))
        if now < self.up_at:
            raise ServerError("down", status_code=503)
        return Receipt()


@pytest.fixture
def outage(make_service, clock, an_alert, figure):
    """Queue alerts while their channels are down, wait until all have arrived, and tell the figures of each channel."""

    def run(alerts, seconds, rate, channels=1):
        receivers = {f"c{number}": Receiver(clock, seconds, rate) for number in range(channels)}
        service = make_service(
            added=receivers,
            clock=clock,
            store=MemoryStore(max_waiting=2 * alerts * channels, max_alerts=2 * alerts),
            rng=random.Random(4),
            deadline=2 * seconds + 10 * alerts,
            max_retries=5,
        )
        order = list(AlertPriority)
        handles = [service.enqueue(an_alert(priority=order[number % len(order)])) for number in range(alerts)]
        reports = [handle.result(500) for handle in handles]

        assert all(report.is_complete for report in reports)
        return receivers.values()

    return run


def tell(figure, receiver, alerts, most):
    down = [call for call in receiver.calls if call[0] < receiver.up_at]
    up = [call for call in receiver.calls if call[0] >= receiver.up_at]
    counts = collections.Counter(int(at * 10) for at, _, _ in up)
    critical = [index for index, (_, priority, _) in enumerate(up) if priority == "CRITICAL"]
    back, took = up[0][0] - receiver.up_at, up[-1][0] - up[0][0]

    figure("requests while it was down", len(down), "", most)
    figure("amplification", len(receiver.calls) / alerts, "", 1.2)
    figure("found to be up after", back, "s", 76)
    figure("fullest 100 ms of the recovery", 100 * max(counts.values()) / len(up), "%", 15)
    figure("alerts that arrived twice", len(up) - len({alert_id for _, _, alert_id in up}), "", "== 0")
    figure("place of the last CRITICAL, as a share of them", (critical[-1] + 1) / len(critical), "", 1.05)
    if receiver.rate:
        ideal = alerts / receiver.rate
        seconds = collections.Counter(int(at - up[0][0]) for at, _, _ in up)
        figure("drained, times the ideal of its limit", took / ideal, "", 2)
        figure("most in a second, times its limit", max(seconds.values()) / receiver.rate, "", 1.05)
    else:
        figure("drained after", took, "s", 10)


@pytest.mark.parametrize("rate", [0.0, 50.0], ids=["no limit", "50 a second"])
def test_a_channel_is_down_for_a_minute_with_1000_queued(rate, outage, scale, figure):
    alerts = 1_000 * scale
    (receiver,) = outage(alerts, 60.0, rate)

    tell(figure, receiver, alerts, most=60)


@pytest.mark.parametrize("rate", [0.0, 100.0], ids=["no limit", "100 a second"])
def test_all_channels_are_down_for_an_hour_with_10000_queued(rate, outage, scale, figure):
    """A probe each 75 s at the most; half a minute more than the hour has the end fall between two of them."""
    alerts = 10_000
    for receiver in outage(alerts, 3630.0, rate, channels=2 * scale):
        tell(figure, receiver, alerts, most=60)
