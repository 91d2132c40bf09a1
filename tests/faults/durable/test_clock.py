"""Row "wall clock": whatever it says, nothing is repeated, lost or given up because of it."""

import datetime
import threading
import time

import pytest

from tocsin import Alert, NotificationConfig, NotificationService
from tocsin.clock import SystemClock
from tocsin_sql import SqlStore, timeline

from .files import query
from .receiver import OK

ALERTS, CHANNELS = 30, 2
DAY = 86_400.0


class Wall(SystemClock):
    """The machine's clocks, with a wall clock that can be set; ``drift``: seconds it loses in each second."""

    def __init__(self):
        self.ahead = 0.0
        self.drift = 0.0
        self.since = time.monotonic()
        self.boot = 0.0

    def now(self):
        drifted = self.drift * (time.monotonic() - self.since)
        return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=self.ahead - drifted)

    def monotonic(self):
        return time.monotonic() - self.boot


def serve(receiver, path, clock):
    channels = {f"c{n}": {"type": "webhook", "urls": [f"{receiver.url}/c{n}"]} for n in range(CHANNELS)}
    delivery = {"retry_delay": 0.3, "backoff": "constant", "timeout": 5.0, "workers": 2}
    config = NotificationConfig.from_mapping({"channels": channels, "delivery": delivery})
    return NotificationService(config, store=SqlStore(url=f"sqlite:///{path}"), clock=clock, strict=True)


def set_ahead(seconds):
    def jump(clock):
        clock.ahead += seconds

    return jump


def lose_an_hour_each_second(clock):
    clock.since, clock.drift = time.monotonic(), 3_600.0


JUMPS = {"-1 day": set_ahead(-DAY), "+1 day": set_ahead(DAY), "-1 h each second": lose_an_hour_each_second}


@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_of_the_wall_clock(jump, figure, make_receiver, path):
    receiver = make_receiver({OK: 0.8, "500": 0.2}, seed=3)
    clock = Wall()
    with serve(receiver, path, clock) as service:
        ids = [service.enqueue(Alert(title="before", message="x")).alert_id for _ in range(ALERTS // 2)]
        assert receiver.wait_for(10)
        JUMPS[jump](clock)
        ids += [service.enqueue(Alert(title="after", message="x")).alert_id for _ in range(ALERTS // 2)]
        drained(service)
    tell(figure, receiver, ids, path)


@pytest.mark.parametrize("wall", ["1970", "now"])
def test_another_boot(wall, figure, make_receiver, program, path, monkeypatch):
    receiver = make_receiver()
    receiver.hold()
    process = program("send", receiver, alerts=ALERTS, channels=CHANNELS, delivery={"timeout": 60.0})
    process.wait_line(f"accepted {ALERTS - 1} ")
    assert receiver.wait_for(CHANNELS)
    process.kill()  # the power went
    receiver.let_go()
    held = len(query(path, "SELECT 1 FROM tocsin_deliveries WHERE state = 'in_flight'"))
    ids = list(process.accepted.values())
    monkeypatch.setattr(timeline, "boot_id", lambda: "another")
    clock = Wall()
    clock.boot = time.monotonic() - 5.0  # up for five seconds
    if wall == "1970":
        clock.ahead = -time.time() + 60.0
    began = time.monotonic()
    with serve(receiver, path, clock) as service:
        service.work()
        drained(service)
    figure("in flight when the power went", held)
    figure("delivered after", time.monotonic() - began, "s", "<= 30")
    tell(figure, receiver, ids, path, held)


def drained(service, seconds=60.0):
    end, pause = time.monotonic() + seconds, threading.Event()
    while service.store.waiting():
        assert time.monotonic() < end, "it was not delivered"
        pause.wait(0.05)


def tell(figure, receiver, ids, path, held=0):
    states = dict(query(path, "SELECT state, count(*) FROM tocsin_deliveries GROUP BY state"))
    figure("deliveries", len(ids) * CHANNELS)
    figure("lost", len({(one, f"c{n}") for one in ids for n in range(CHANNELS)} - receiver.taken), "", "== 0")
    figure("repeated successes", receiver.repeated, "", f"<= {held}")
    figure("expired", states.get("expired", 0), "", "== 0")
    assert states == {"accepted": len(ids) * CHANNELS}
